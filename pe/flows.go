package pe

import (
	"math/bits"

	"cs2sim.dev/fabric"
	"cs2sim.dev/fabric/sliced"
)

// Flows runs those PEs of a mesh in lanes in which instructions are under way, all that stream of a common form, 64
// PEs of a row at a time. Until one of its instructions ends, what such a PE does in a cycle hangs on
// what its queues hold and on whose turn it is: a bit each. Elements are only counted meanwhile. The PE owes them until
// the instruction ends, or something else has to do with its SRAM, or another PE needs what it has sent; then they
// are done together. That changes nothing, as no instruction under way here writes what another one reads or writes.
// The other PEs are stepped.
type Flows struct {
	l       *fabric.Lanes
	threads int
	words   []flowWord
	lanes   []flowLane // per word, then thread
	flows   []flow     // per place, then thread
	cores   []*PE      // per place, those that run here
	stays   []stay     // and since when they do
	ready   []uint64   // per thread
	picked  []uint64   // per thread
	latency fabric.Cycle
	Steps   int64 // elements, and cycles of countdowns
}

// flowWord is 64 PEs.
type flowWord struct {
	on  uint64 // run here
	ran uint64 // did something in the last cycle
}

// flowLane is a thread of 64 PEs. Those of its instructions that stream are of a kind.
type flowLane struct {
	on      uint64 // has an instruction
	streams uint64 // that streams
	counts  uint64 // and cycles of which run down now
	turn    uint64 // behind the thread served last
	first   uint64 // no thread before it has an instruction
	owes    uint64 // may have elements that were counted and not done
	flowKind
	left  sliced.Countdown // elements
	count sliced.Countdown // cycles to run down
}

// flowKind is what instructions have in common that are done in one go.
type flowKind struct {
	from, to int32 // kinds of buffers; -1 none
	shape    shape
	op       Op
}

// flow is an instruction.
type flow struct {
	todo      int32 // elements that were not done yet, those not counted yet among them
	at, pitch int32 // of its operand in SRAM
	scalar    float32
}

// stay is a PE's time here.
type stay struct {
	entered fabric.Cycle
	since   fabric.Cycle // end of the last cycle in which something ran, if that is not the last one
	starved int64        // cycles without input
}

// NewFlows is for the PEs of a mesh that is put in lanes; nil of cores are places without a program.
func NewFlows(l *fabric.Lanes, cores []*PE) *Flows {
	f := &Flows{l: l, words: make([]flowWord, l.Places()/64), cores: make([]*PE, l.Places()), stays: make([]stay, l.Places())}
	for _, core := range cores {
		if core != nil {
			f.threads = max(f.threads, len(core.threads))
		}
	}
	f.lanes = make([]flowLane, len(f.words)*f.threads)
	f.flows = make([]flow, len(f.lanes)*64)
	f.ready, f.picked = make([]uint64, f.threads), make([]uint64, f.threads)
	l.Produce = f.produce
	for _, core := range cores {
		if core != nil {
			core.flows = f
			f.latency = core.latency
			core.place = l.PlaceOf(core.index)
		}
	}
	return f
}

// admit takes in a PE that has been stepped in cycle t, if it may run here from t+1 on.
func (f *Flows) admit(p *PE, t fabric.Cycle) {
	if p.undecided() || p.busy == 0 || p.urgent || p.fault != nil {
		return
	}
	if p.running >= 0 && (p.busy == 1<<p.running || p.threads[p.running].cur.ends(1)) { // steps take it further
		return
	}
	word, bit := int(p.place>>6), uint64(1)<<(p.place&63)
	lanes := f.lanes[word*f.threads:][:f.threads]
	for set := p.busy; set != 0; set &= set - 1 {
		i := bits.TrailingZeros32(set)
		a, l := &p.threads[i].cur, &lanes[i]
		if !a.streams || l.owes&bit != 0 { // or is known from before
			continue
		}
		if a.shape == anyShape || a.left[2] > 0 || p.entangled(i) {
			return
		}
		if kind := f.kindOf(a); l.flowKind != kind {
			if l.streams != 0 {
				return
			}
			for l.owes != 0 {
				f.settle(f.cores[word*64+bits.TrailingZeros64(l.owes)], i)
			}
			l.flowKind = kind
		}
	}
	if p.running >= 0 {
		p.settle(t + 1)
		p.changed = 0
	} else if p.now == t {
		p.States[p.state]++
		p.now = t + 1
	}
	f.words[word].on |= bit
	p.flowing, p.owing = true, true
	f.cores[p.place], f.stays[p.place] = p, stay{entered: t + 1, since: p.since}
	f.words[word].ran &^= bit
	first := p.busy & -p.busy
	for i := range lanes {
		l, a := &lanes[i], &p.threads[min(i, len(p.threads)-1)].cur
		l.turn &^= bit
		if i > p.turn {
			l.turn |= bit
		}
		if p.busy>>i&1 == 0 {
			continue
		}
		l.on |= bit
		if first>>i&1 != 0 {
			l.first |= bit
		}
		if a.countdown() > 0 {
			l.counts |= bit
			l.count.Set(int(p.place&63), int32(a.countdown()))
		}
		if a.streams {
			l.streams |= bit
			if l.owes&bit != 0 {
				continue
			}
			l.owes |= bit
			l.left.Set(int(p.place&63), a.n-a.done)
			*f.flow(word, i, int(p.place&63)) = flow{a.n - a.done, a.base + a.done*a.pitch, a.pitch, a.sb}
		}
	}
}

// ends reports whether a ends if it runs for so many more cycles, no elements among them.
func (a *active) ends(cycles int) bool {
	return a.countdown() <= cycles && (!a.streams || a.done == a.n)
}

func (f *Flows) kindOf(a *active) flowKind {
	k := flowKind{-1, -1, a.shape, a.in.Op}
	for _, q := range a.from {
		if q != fabric.NoQueue {
			k.from = int32(f.l.KindOf(q))
		}
	}
	if a.to != fabric.NoQueue {
		k.to = int32(f.l.KindOf(a.to))
	}
	return k
}

// flow is a PE's instruction.
func (f *Flows) flow(w, i, bit int) *flow { return &f.flows[(w*64+bit)*f.threads+i] }

// Step gives cycle t to the PEs of a row that run here.
func (f *Flows) Step(row int, t fabric.Cycle) {
	words := f.l.RowWords()
	for w := row * words; w < (row+1)*words; w++ {
		if f.words[w].on != 0 {
			f.step(w, t)
		}
	}
}

func (f *Flows) step(w int, t fabric.Cycle) {
	lanes := f.lanes[w*f.threads:][:f.threads]
	idle := f.words[w].on
	for i := range lanes {
		l := &lanes[i]
		ready := l.streams &^ l.counts
		if ready != 0 {
			if l.from >= 0 {
				ready &= f.l.There(int(l.from), w)
			}
			if l.to >= 0 {
				ready &= f.l.Room(int(l.to), w)
			}
		}
		ready |= l.counts
		f.ready[i] = ready
		f.picked[i] = ready & l.turn & idle
		idle &^= f.picked[i]
	}
	for i := range lanes {
		more := f.ready[i] &^ lanes[i].turn & idle
		f.picked[i] |= more
		idle &^= more
	}
	done := f.words[w].on &^ idle
	for stopped := f.words[w].ran & idle; stopped != 0; stopped &= stopped - 1 {
		f.stays[w*64+bits.TrailingZeros64(stopped)].since = t
	}
	f.words[w].ran = done
	var behind, starved uint64
	for i := range lanes {
		l := &lanes[i]
		l.turn = l.turn&^done | behind
		behind |= f.picked[i]
		if l.first&idle != 0 && l.from >= 0 { // of one that counts no PE is idle
			starved |= l.first & idle &^ f.l.There(int(l.from), w)
		}
	}
	for ; starved != 0; starved &= starved - 1 {
		f.stays[w*64+bits.TrailingZeros64(starved)].starved++
	}
	for i, set := range f.picked {
		if set == 0 {
			continue
		}
		f.Steps += int64(bits.OnesCount64(set))
		counts := set & lanes[i].counts
		f.count(w, i, counts, t)
		if set != counts {
			f.elements(w, i, set&^counts, t)
		}
	}
}

// count gives a cycle to the countdowns of thread i of a set of a word's PEs.
func (f *Flows) count(w, i int, set uint64, t fabric.Cycle) {
	l := &f.lanes[w*f.threads+i]
	ended := l.count.Down(set)
	l.counts &^= ended
	for ; ended != 0; ended &= ended - 1 {
		if bit := bits.TrailingZeros64(ended); l.streams>>bit&1 == 0 || l.left.Left(bit) == 0 {
			f.end(f.cores[w*64+bit], i, t)
		}
	}
}

// elements counts one element each of thread i of a set of a word's PEs.
func (f *Flows) elements(w, i int, set uint64, t fabric.Cycle) {
	l := &f.lanes[w*f.threads+i]
	if l.from >= 0 {
		for begun := set & f.l.Begins(int(l.from), w); begun != 0; begun &= begun - 1 {
			bit := bits.TrailingZeros64(begun)
			f.do(w, i, bit, f.counted(w, i, bit))
		}
		f.l.Take(int(l.from), w, set, t)
	}
	last := l.left.Down(set)
	if l.to >= 0 {
		for rest := last; rest != 0; rest &= rest - 1 {
			at := w*64 + bits.TrailingZeros64(rest)
			if s := f.cores[at].threads[i].cur.in.Switches; s != 0 {
				set &^= rest & -rest
				f.l.GiveCommand(int(l.to), int32(at), s, t+f.latency)
			}
		}
		f.l.Give(int(l.to), w, set, t+f.latency)
	}
	for ; last != 0; last &= last - 1 {
		f.end(f.cores[w*64+bits.TrailingZeros64(last)], i, t)
	}
}

// end has a PE be stepped that has something to decide after cycle t.
func (f *Flows) end(p *PE, thread int, t fabric.Cycle) {
	f.leave(p, t+1)
	p.turn = thread
	p.changed |= 1 << thread
}

// leave has a PE be stepped from cycle t on.
func (f *Flows) leave(p *PE, t fabric.Cycle) {
	word, bit := int(p.place>>6), uint64(1)<<(p.place&63)
	lanes, stay := f.lanes[word*f.threads:][:f.threads], &f.stays[p.place]
	idle := int64(t - stay.entered)
	turn := f.threads - 1
	wait := BlockedOut
	for i := range lanes {
		l := &lanes[i]
		if l.turn&bit != 0 {
			turn = min(turn, i-1)
		}
		if l.on&bit == 0 {
			continue
		}
		a := &p.threads[i].cur
		if n := a.countdown(); n > 0 {
			ran := int64(n) - int64(l.count.Left(int(p.place&63)))
			idle -= ran
			a.spend(ran, &p.States)
		}
		if a.streams {
			done := a.n - l.left.Left(int(p.place&63))
			p.States[a.state] += int64(done - a.done)
			idle -= int64(done - a.done)
			a.done = done
		}
		if l.first&bit != 0 && a.streams { // no other is ever waited for
			wait = a.in.Wait
		}
		l.on, l.streams, l.counts, l.first = l.on&^bit, l.streams&^bit, l.counts&^bit, l.first&^bit
	}
	p.States[wait] += stay.starved
	p.States[BlockedOut] += idle - stay.starved
	if f.words[word].ran&bit != 0 {
		stay.since = t
	}
	p.turn, p.now, p.since, p.state = turn, t, stay.since, Idle
	p.flowing = false
	f.words[word].on &^= bit
	p.mesh.Agenda().Wake(p.actor, t)
}

// Leave ends this: all PEs are stepped from cycle t on.
func (f *Flows) Leave(cores []*PE, t fabric.Cycle) {
	for _, p := range cores {
		if p != nil && p.flowing {
			f.leave(p, t)
		}
	}
	for _, p := range cores {
		if p != nil {
			p.pay()
		}
	}
	for _, p := range cores {
		if p != nil {
			p.flows = nil
		}
	}
}
