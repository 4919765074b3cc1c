package fabric

import (
	"math/bits"

	"cs2sim.dev/fabric/pages"
)

// Lanes runs the routers of a busy mesh, 64 of a row at a time. What routers have to know of their buffers in order
// to decide is a word of bits for each kind of buffer, one bit per router. Only what moves a wavelet is
// done router by router, and what moves a switch. The rotation and all else are as in StepRouter.
//
// All rows are to be stepped in all cycles. A row may be stepped in a cycle that it has begun when the row above is
// through with this cycle, or has begun it, and not the next; and the row below with the one before, or has begun
// this one. Routers are not on the agenda meanwhile, and no PE may be ahead of time.
type Lanes struct {
	Moved int64 // wavelets forwarded

	m      *Mesh
	words  int             // of a row
	kinds  []kind          // of buffers: the routers' in the order in which all routers look at them, then the PEs'
	inputs int             // how many of them are the routers'
	lanes  []lane          // per word, then kind; with a row of words before and behind the mesh
	ring   [][]uint64      // per cycle, then as lanes: what arrives
	counts []counts        // as lanes, without the rows outside
	places []place         // per queue
	beyond [NumPorts]int32 // from a word to the one behind a port, in places
	begun  []Cycle         // per row: the cycle it is in

	behind bool       // the row below the one being stepped has not begun this cycle
	able   []uint64   // per kind, of the word being stepped
	serve  []uint64   // per kind: is served
	first  []uint64   // per kind: is served before others
	taken  [64]uint32 // by bit, what was taken from a word's buffers
	one    [64]uint32 // and what is pushed
}

// kind is a color's buffers behind one port of all routers, or of all PEs, by place.
type kind struct {
	color  Color
	port   Port
	delay  Cycle // from its being put there to a wavelet's arrival
	size   uint8 // wavelets
	slots  int   // a power of two
	exits  []exit
	queues []QueueID // NoQueue if a router has none
	full   counter   // size of each

	// Of buffers, per place: wavelets taken and put so far, and put until carry was called; the low bits of the
	// cycle from which on the head could be taken.
	heads, tails, carried []uint8
	since                 []uint32

	data   []uint32       // per word, then slot, then place
	extra  map[int]uint32 // by index of data: the other half of a marked wavelet
	marked []uint64       // per word, then slot: holds a switch command or a control wavelet
}

// exit is an output that some router has for an input.
type exit struct {
	port Port
	to   int // kind
}

// lane is 64 buffers of a kind.
type lane struct {
	has    uint64 // the head has arrived
	open   uint64 // the switch position takes from it
	marked uint64 // the head is a marked wavelet
	held   uint64 // some wavelet is one
	turn   uint64 // not before the one with which the rotation begins
	room   uint64 // for one more, as its feeder sees it in this cycle
	next   uint64 // and in the next one
	asked  uint64 // its PE is to be woken: by an arrival or, of what the PE feeds, by room
	out    [NumPorts]uint64
}

// place is a buffer's kind, and its number among them: bit n%64 of word n/64. Rows are padded to whole words.
type place struct{ kind, at int32 }

// Slice puts the mesh in lanes in cycle t, before anything is done in it; nil if some routers look at
// their inputs in another order than others, or if somebody wants to know of each wavelet.
func (m *Mesh) Slice(t Cycle) *Lanes {
	if m.Observer != nil || m.stalls != nil || len(m.agenda.wake) > 2*len(m.routers) {
		return nil
	}
	words := (m.cfg.Width + 63) / 64
	l := &Lanes{m: m, words: words, places: make([]place, len(m.queues)), begun: make([]Cycle, m.cfg.Height)}
	l.beyond = [NumPorts]int32{North: -int32(words * 64), South: int32(words * 64)}
	if !l.sort() {
		return nil
	}
	for i := range l.kinds {
		l.kinds[i].allocate(m.cfg.Height * words)
	}
	l.lanes = pages.Make[lane]((m.cfg.Height + 2) * words * len(l.kinds))
	l.counts = pages.Make[counts](len(l.lanes))
	for range 1 << bits.Len(uint(max(m.cfg.HopCycles, m.cfg.RampCycles+1)+1)) {
		l.ring = append(l.ring, pages.Make[uint64](len(l.lanes)))
	}
	l.able, l.serve, l.first = make([]uint64, l.inputs), make([]uint64, l.inputs), make([]uint64, l.inputs)
	m.lanes = l
	for q := range m.queues {
		l.load(QueueID(q), t)
	}
	m.agenda.Tabulate()
	for i := range m.routers {
		m.agenda.wake[i] = Never
	}
	return l
}

// sort finds the kinds, in an order that is every router's.
func (l *Lanes) sort() bool {
	m := l.m
	const ports, pes = int(NumPorts), NumColors * int(NumPorts)
	var at [2 * pes]int // by color and port, the PEs' behind those of the routers; less one
	for i := range m.routers {
		last := -1
		for q := m.routers[i].first; q < m.routers[i].first+QueueID(m.routers[i].count); q++ {
			k := int(m.colors[q])*ports + int(m.queues[q].port)
			if k <= last {
				return false
			}
			at[k], last = 1, k
		}
	}
	for q := range m.queues {
		if m.queues[q].channel < 0 {
			at[pes+int(m.colors[q])*ports+int(Ramp)] = 1
		}
	}
	for k, used := range at {
		if used == 0 {
			continue
		}
		one := kind{color: Color(k % pes / ports), port: Port(k % ports)}
		one.delay = Cycle(m.delay[one.port])
		if k < pes {
			l.inputs++
			if one.port == Ramp {
				one.delay++ // the datapath's result cycle
			}
		}
		l.kinds = append(l.kinds, one)
		at[k] = len(l.kinds)
	}
	for i := range l.kinds[:l.inputs] {
		k := &l.kinds[i]
		for p := North; p < NumPorts; p++ {
			to := at[int(k.color)*ports+int(p.Opposite())]
			if p == Ramp {
				to = at[pes+int(k.color)*ports+int(Ramp)]
			}
			if to > 0 {
				k.exits = append(k.exits, exit{p, to - 1})
			}
		}
	}
	for q := range m.queues {
		k := &m.queues[q]
		i, kind := k.owner, int(m.colors[q])*ports+int(k.port)
		if k.channel < 0 {
			i, kind = i-int32(len(m.routers)), pes+kind
		}
		l.places[q] = place{int32(at[kind] - 1), l.PlaceOf(i)}
		l.kinds[at[kind]-1].size = k.size
	}
	return true
}

func (k *kind) allocate(words int) {
	k.slots = 1 << bits.Len8(k.size-1)
	k.queues = make([]QueueID, words*64)
	for i := range k.queues {
		k.queues[i] = NoQueue
	}
	k.full = all64(k.size)
	k.heads, k.tails, k.carried = make([]uint8, words*64), make([]uint8, words*64), make([]uint8, words*64)
	k.since = pages.Make[uint32](words * 64)
	k.data, k.extra = pages.Make[uint32](words*64*k.slots), map[int]uint32{}
	k.marked = make([]uint64, words*k.slots)
}

// PlaceOf is the number of a router's or PE's place.
func (l *Lanes) PlaceOf(i int32) int32 {
	w := int32(l.m.cfg.Width)
	return i/w*int32(l.words*64) + i%w
}

// Places is how many there are; some of them are no PE's.
func (l *Lanes) Places() int { return len(l.begun) * l.words * 64 }

// RowWords is the number of words of a row.
func (l *Lanes) RowWords() int { return l.words }

// KindOf is that of a queue.
func (l *Lanes) KindOf(q QueueID) int { return int(l.places[q].kind) }

// router is the number of the router of a place.
func (l *Lanes) router(at int32) int32 {
	row := int32(l.words * 64)
	return at/row*int32(l.m.cfg.Width) + at%row
}

// lane is the number of the lane of a buffer.
func (l *Lanes) lane(kind, at int32) int { return (l.words+int(at>>6))*len(l.kinds) + int(kind) }

// find returns a queue's place, its lane, and its bit there.
func (l *Lanes) find(q QueueID) (p place, a *lane, bit uint64) {
	p = l.places[q]
	return p, &l.lanes[l.lane(p.kind, p.at)], 1 << (p.at & 63)
}

func (l *Lanes) when(t Cycle) int { return int(t) & (len(l.ring) - 1) }

// load reads a queue.
func (l *Lanes) load(q QueueID, t Cycle) {
	p, a, bit := l.find(q)
	k, from := &l.kinds[p.kind], &l.m.queues[q]
	k.queues[p.at] = q
	a.next |= bit
	for i := from.head; i != from.tail; i++ {
		e := l.m.slot(from, i)
		l.push(q, e.w, e.ready)
		l.m.pushed--
		if e.ready <= t {
			l.ring[l.when(e.ready)][l.lane(p.kind, p.at)] &^= bit
			l.arrive(int(p.kind), p.at&^63, bit, e.ready)
		}
	}
	k.carry(p.at)
	if from.asked == consumer || from.asked == feeder && l.feeds(p) {
		a.asked |= bit
	}
	if from.channel >= 0 {
		if r := &l.m.routers[from.owner]; uint8(q-r.first) >= r.next {
			a.turn |= bit
		}
		l.way(q)
	}
}

// feeds reports whether a PE puts into a buffer.
func (l *Lanes) feeds(p place) bool { return int(p.kind) < l.inputs && l.kinds[p.kind].port == Ramp }

// way reads the switch position that counts for a router's queue.
func (l *Lanes) way(q QueueID) {
	_, a, bit := l.find(q)
	k := &l.m.queues[q]
	a.open &^= bit
	if !k.closed {
		a.open |= bit
	}
	for p := range a.out {
		a.out[p] &^= bit
		if k.way.tx.Has(Port(p)) {
			a.out[p] |= bit
		}
	}
}

// Settle is to be called at least every 255 cycles: buffers count in bytes.
func (l *Lanes) Settle() {
	for q, p := range l.places {
		l.m.queues[q].carried += uint32(l.kinds[p.kind].carry(p.at))
	}
}

// Unslice puts all back into queues, and the routers on the agenda, to be stepped from cycle t on.
func (l *Lanes) Unslice(t Cycle) {
	l.Settle()
	l.m.lanes = nil
	for i := range l.m.routers {
		l.m.routers[i].next = 0
	}
	for q := range l.m.queues {
		l.store(QueueID(q), t)
	}
	for i := range l.m.routers {
		if r := &l.m.routers[i]; r.next == r.count {
			r.next = 0
		}
	}
	l.m.agenda.List()
}

// store writes a queue.
func (l *Lanes) store(q QueueID, t Cycle) {
	p, a, bit := l.find(q)
	m, k, to := l.m, &l.kinds[p.kind], &l.m.queues[q]
	var coming []Cycle
	for c := t; c < t+k.delay; c++ {
		if l.ring[l.when(c)][l.lane(p.kind, p.at)]&bit != 0 {
			coming = append(coming, c)
		}
	}
	to.head, to.tail, to.seen, to.asked = 0, 0, 0, nobody
	n := k.tails[p.at] - k.heads[p.at]
	there := n - uint8(len(coming))
	for i := range n {
		ready := t
		switch {
		case i >= there:
			ready = coming[i-there]
		case i == 0:
			ready += Cycle(int32(k.since[p.at] - uint32(t)))
		}
		*m.slot(to, to.tail) = entry{ready, k.wavelet(p.at, k.heads[p.at]+i)}
		to.tail++
	}
	m.early[q] = Never
	if to.n() > 0 && !to.closed {
		m.early[q] = m.slot(to, to.head).ready
	}
	if to.channel >= 0 {
		if a.turn&bit == 0 {
			m.routers[to.owner].next++
		}
		if m.early[q] != Never {
			m.agenda.Wake(to.owner, max(t, m.early[q]))
		}
	}
	switch {
	case a.asked&bit == 0:
	case l.feeds(p):
		to.asked = feeder
	case len(coming) > 0:
		m.agenda.Wake(to.owner, coming[0])
	default:
		to.asked = consumer
	}
}
