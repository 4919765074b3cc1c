package fabric

import (
	"math/bits"

	"cs2sim.dev/fabric/pages"
	"cs2sim.dev/fabric/sliced"
)

// Lanes runs the routers of a busy mesh, 64 of a row at a time. What routers have to know of their buffers in order
// to decide is a word of bits for each kind of buffer, one bit per router, and so are the counts of what they hold.
// Only the first wavelet of a run is looked at router by router, and what moves a switch. The rotation and all
// else are as in StepRouter.
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
	moved  [][]uint64      // per cycle, modulo historyCycles, then as lanes: since then the head could be taken
	places []place         // per queue
	shift  [NumPorts]int32 // in places: from one to that behind a port
	begun  []Cycle         // per row: the cycle it is in

	behind bool     // the row below the one being stepped has not begun this cycle
	able   []uint64 // per kind, of the word being stepped
	serve  []uint64 // per kind: is served
	first  []uint64 // per kind: is served before others

	// Produce has the PE of a place note so many more of what it put into its buffer of a kind.
	Produce func(kind int, at int32, n int)

	logs   []log
	runs   []run
	free   int32  // a run that is no buffer's, and so on by next; -1 none
	moving origin // of the wavelet that a router pops and pushes

	window, before Cycle // first cycle of this window, and of the last one
}

// MaxWindow is how many cycles there may be between two calls of Settle: two windows, and the cycle behind them, have to be
// in the history.
const MaxWindow = historyCycles/2 - 1

const (
	historyCycles = 256
	historyMask   = historyCycles - 1
)

// kind is a color's buffers behind one port of all routers, or of all PEs, by place.
type kind struct {
	color  Color
	port   Port
	delay  Cycle // from its being put there to a wavelet's arrival
	size   uint8 // wavelets
	exits  []exit
	others []int          // kinds of the same color behind other ports of routers
	queues []QueueID      // NoQueue if a router has none
	full   sliced.Counter // size of each

	// Per place.
	runs  []runs   // of the buffer
	logs  []int32  // of what its PE puts into it
	since []uint32 // low bits of the cycle from which on the head could be taken, if not in this window or the last one

	begins []uint64 // per word, then count from the head, which is not 0: begins a run
}

// exit is an output that some router has for an input.
type exit struct {
	port  Port
	to    int // kind
	ahead int // from a word's first lane to that of the kind at the word there, or here if it is east or west
}

// lane is 64 buffers of a kind. What is looked at together is a line of the host's cache.
type lane struct {
	has    uint64 // the head has arrived
	open   uint64 // the switch position takes from it
	marked uint64 // the head has a command, or is a control wavelet
	turn   uint64 // not before the one with which the rotation begins
	begins uint64 // the head, or the next one if there is none, begins a run
	held   uint64 // another begins a run
	room   uint64 // for one more, as its feeder sees it in this cycle
	next   uint64 // and in the next one

	all, here sliced.Counter // wavelets; those that have arrived

	out   [NumPorts]uint64
	asked uint64 // its PE is to be woken: by an arrival or, of what the PE feeds, by room
	now   uint64 // in this window was put in moved
	last  uint64 // and in the last one

	taken sliced.Total // so far

	joins [NumPorts]uint64 // what leaves there next follows in its log on what left last, unless it begins a run
	fed   uint64           // the same of what the PE puts there next
	_     [2]uint64
}

// place is a buffer's kind, and its number among them: bit n%64 of word n/64. Rows are padded to whole words.
type place struct{ kind, at int32 }

// Slice puts the mesh in lanes in cycle t, before anything is done in it; nil if some routers look at
// their inputs in another order than others, if a buffer is too large to be counted here, or if somebody wants to
// know of each wavelet.
func (m *Mesh) Slice(t Cycle) *Lanes {
	if m.Observer != nil || m.stalls != nil || len(m.agenda.wake) > 2*len(m.routers) {
		return nil
	}
	words := (m.cfg.Width + 63) / 64
	l := &Lanes{m: m, words: words, places: make([]place, len(m.queues)), begun: make([]Cycle, m.cfg.Height)}
	l.shift = [NumPorts]int32{North: -int32(words * 64), East: 1, South: int32(words * 64), West: -1}
	if !l.sort() {
		return nil
	}
	l.logs, l.free = []log{loaded: {}}, -1
	for i := range l.kinds {
		l.allocate(int32(i))
	}
	l.window, l.before = t, t
	l.lanes = pages.Make[lane]((m.cfg.Height + 2) * words * len(l.kinds))
	for range 1 << bits.Len(uint(max(m.cfg.HopCycles, m.cfg.RampCycles+1)+1)) {
		l.ring = append(l.ring, pages.Make[uint64](len(l.lanes)))
	}
	for range historyCycles {
		l.moved = append(l.moved, make([]uint64, len(l.lanes)))
	}
	l.able, l.serve, l.first = make([]uint64, l.inputs), make([]uint64, l.inputs), make([]uint64, l.inputs)
	m.lanes = l
	for q, p := range l.places {
		l.kinds[p.kind].queues[p.at] = QueueID(q)
	}
	for i := range l.kinds {
		l.loadAll(&l.kinds[i], t)
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
				k.exits = append(k.exits, exit{p, to - 1, to - 1 + int(l.shift[p]/64)*len(l.kinds)})
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
		if k.size > sliced.Max {
			return false
		}
	}
	return true
}

func (l *Lanes) allocate(kind int32) {
	k, places := &l.kinds[kind], l.Places()
	k.full = sliced.All(k.size)
	k.queues = make([]QueueID, places)
	for i := range k.queues {
		k.queues[i] = NoQueue
	}
	k.runs, k.since = pages.Make[runs](places), make([]uint32, places)
	k.begins = make([]uint64, places/64*int(k.size))
	if l.feeds(place{kind: kind}) {
		k.logs = make([]int32, places)
	}
	for i := range l.kinds[:l.inputs] {
		if o := &l.kinds[i]; i != int(kind) && o.color == k.color {
			k.others = append(k.others, i)
		}
	}
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

// loadAll reads the queues of a kind, those first that are ahead on the way, so that what travels together is a run.
func (l *Lanes) loadAll(k *kind, t Cycle) {
	w, h := l.m.cfg.Width, l.m.cfg.Height
	for i := range w * h {
		x, y := i%w, i/w
		switch k.port {
		case West:
			x = w - 1 - x
		case North:
			x, y = i/h, h-1-i%h
		case South:
			x, y = i/h, i%h
		}
		if q := k.queues[l.PlaceOf(int32(y*w+x))]; q != NoQueue {
			l.load(q, t)
		}
	}
}

// load reads a queue.
func (l *Lanes) load(q QueueID, t Cycle) {
	p, a, bit := l.find(q)
	k, kind, from := &l.kinds[p.kind], int(p.kind), &l.m.queues[q]
	k.runs[p.at] = runs{run{origin: origin{log: -1}, next: -1}, -1}
	a.next |= bit
	for i := from.head; i != from.tail; i++ {
		e, g := l.m.slot(from, i), &l.logs[loaded]
		l.follow(kind, p.at, origin{loaded, g.end()}, uint32(e.w&commands>>switchesAt))
		l.put(kind, l.lane(p.kind, p.at), bit, e.ready)
		g.data = append(g.data, uint32(e.w))
		if e.ready <= t {
			l.ring[l.when(e.ready)][l.lane(p.kind, p.at)] &^= bit
			a.here.Up(bit)
			if a.has&bit == 0 {
				a.has |= bit
				k.since[p.at] = uint32(e.ready)
			}
		}
	}
	from.carried -= uint32(from.n())
	if k.logs != nil {
		k.logs[p.at] = int32(len(l.logs))
		l.logs = append(l.logs, log{kind: p.kind, at: p.at, first: uint32(from.n())})
	}
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

// Settle ends a window of MaxWindow cycles at most: all rows are to begin cycle t.
func (l *Lanes) Settle(t Cycle) {
	for word := range l.Places() / 64 {
		for kind := range l.kinds {
			lane := l.lane(int32(kind), int32(word*64))
			a := &l.lanes[lane]
			for old := a.last &^ a.now; old != 0; old &= old - 1 {
				bit := bits.TrailingZeros64(old)
				l.kinds[kind].since[word*64+bit] = uint32(l.since(lane, bit, l.window))
			}
			a.last, a.now = a.now, 0
		}
	}
	l.before, l.window = l.window, t
}

// since is the last cycle up to t in which it came to be that the head of a buffer could be taken.
func (l *Lanes) since(lane, bit int, t Cycle) Cycle {
	for l.moved[t&historyMask][lane]>>bit&1 == 0 {
		t--
	}
	return t
}

// Unslice puts all back into queues, and the routers on the agenda, to be stepped from cycle t on.
func (l *Lanes) Unslice(t Cycle) {
	l.Settle(t)
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
	n := uint8(a.all.Of(int(p.at)))
	to.carried += l.puts(int(p.kind), p.at)
	there := n - uint8(len(coming))
	for i := range n {
		ready := t
		switch {
		case i >= there:
			ready = coming[i-there]
		case i == 0 && a.last&bit != 0:
			ready = l.since(l.lane(p.kind, p.at), int(p.at&63), t)
		case i == 0:
			ready += Cycle(int32(k.since[p.at] - uint32(t)))
		}
		*m.slot(to, to.tail) = entry{ready, l.wavelet(int(p.kind), p.at, uint32(i))}
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
