package pe

import (
	"math"
	"math/bits"

	"cs2sim.dev/fabric"
)

// Flows runs those PEs of a mesh in lanes in which instructions are under way, all that stream of a common form, 64
// PEs of a row at a time. Until one of its instructions ends, what such a PE does in a cycle hangs on
// what its queues hold and on whose turn it is: a bit each. Only the elements are done PE by PE. The
// other PEs are stepped.
type Flows struct {
	l       *fabric.Lanes
	threads int
	words   []flowWord
	lanes   []flowLane // per word, then thread
	flows   []flow     // per lane, then bit
	cores   []*PE      // per place, those that run here
	srams   [][]uint16 // theirs
	stays   []stay     // and since when they do
	ready   []uint64   // per thread
	picked  []uint64   // per thread
	data    [64]uint32 // per bit, what is sent
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
	flowKind
}

// flowKind is what instructions have in common that are done in one go.
type flowKind struct {
	from, to int // kinds of buffers; -1 none
	shape    shape
	op       Op
}

// flow is an instruction.
type flow struct {
	count     int32 // cycles to run down
	at, pitch int32 // of its operand in SRAM
	left      int32 // elements
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
	f := &Flows{l: l, words: make([]flowWord, l.Places()/64), cores: make([]*PE, l.Places()), srams: make([][]uint16, l.Places()), stays: make([]stay, l.Places())}
	for _, core := range cores {
		if core != nil {
			f.threads = max(f.threads, len(core.threads))
		}
	}
	f.lanes = make([]flowLane, len(f.words)*f.threads)
	f.flows = make([]flow, len(f.lanes)*64)
	f.ready, f.picked = make([]uint64, f.threads), make([]uint64, f.threads)
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
		if !a.streams {
			continue
		}
		if a.shape == anyShape || a.left[2] > 0 || a.from[0] != fabric.NoQueue && a.from[1] != fabric.NoQueue {
			return
		}
		kind := f.kindOf(a)
		if l.streams == 0 {
			l.flowKind = kind
		} else if l.flowKind != kind {
			return
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
	p.flowing = true
	f.cores[p.place], f.srams[p.place], f.stays[p.place] = p, p.sram, stay{entered: t + 1, since: p.since}
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
		}
		flow := flow{count: int32(a.countdown()), left: a.n - a.done}
		if a.streams {
			l.streams |= bit
			flow.at, flow.pitch, flow.scalar = a.base+a.done*a.pitch, a.pitch, a.sb
		}
		f.flows[(word*f.threads+i)*64+int(p.place&63)] = flow
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
			k.from = f.l.KindOf(q)
		}
	}
	if a.to != fabric.NoQueue {
		k.to = f.l.KindOf(a.to)
	}
	return k
}

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
				ready &= f.l.There(l.from, w)
			}
			if l.to >= 0 {
				ready &= f.l.Room(l.to, w)
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
			starved |= l.first & idle &^ f.l.There(l.from, w)
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
	for ; set != 0; set &= set - 1 {
		bit := bits.TrailingZeros64(set)
		fl := &f.flows[(w*f.threads+i)*64+bit]
		if fl.count--; fl.count > 0 {
			continue
		}
		l.counts &^= 1 << bit
		if l.streams>>bit&1 == 0 || fl.left == 0 {
			f.end(f.cores[w*64+bit], i, t)
		}
	}
}

// elements does one element each of thread i of a set of a word's PEs.
func (f *Flows) elements(w, i int, set uint64, t fabric.Cycle) {
	l := &f.lanes[w*f.threads+i]
	flows, srams := f.flows[(w*f.threads+i)*64:][:64], f.srams[w*64:][:64]
	data := &f.data
	if l.from >= 0 {
		data = f.l.Take(l.from, w, set, t)
	}
	var last uint64
	for rest := set; rest != 0; rest &= rest - 1 {
		bit := bits.TrailingZeros64(rest)
		fl, sram := &flows[bit], srams[bit]
		if fl.left--; fl.left == 0 {
			last |= 1 << bit
		}
		at := int(fl.at)
		fl.at += fl.pitch
		x := math.Float32frombits(data[bit])
		switch l.shape {
		case fromFabric:
			store32(sram, at, received(l.op, x, fl.scalar))
		case toFabric:
			data[bit] = math.Float32bits(load32(sram, at))
		case forward:
			data[bit] = math.Float32bits(x + load32(sram, at))
		}
	}
	if l.to >= 0 && set != last {
		f.l.Give(l.to, w, data, set&^last, t+f.latency)
	}
	for ; last != 0; last &= last - 1 {
		bit := bits.TrailingZeros64(last)
		f.last(f.cores[w*64+bit], i, math.Float32frombits(data[bit]), t)
	}
}

// last does what the last element of an instruction does.
func (f *Flows) last(p *PE, thread int, v float32, t fabric.Cycle) {
	a := &p.threads[thread].cur
	if a.shape != fromFabric {
		w := fabric.Wavelet{Data: math.Float32bits(v), Color: a.in.Dst.Color, Switches: a.in.Switches}
		p.mesh.Push(a.to, w, t+p.latency)
	}
	f.end(p, thread, t)
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
		a, fl := &p.threads[i].cur, &f.flows[(word*f.threads+i)*64+int(p.place&63)]
		ran := int64(a.countdown()) - int64(fl.count)
		idle -= ran
		a.spend(ran, &p.States)
		if a.streams {
			done := a.n - fl.left
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
		if p == nil {
			continue
		}
		if p.flowing {
			f.leave(p, t)
		}
		p.flows = nil
	}
}
