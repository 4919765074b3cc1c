package fabric

import "math/bits"

// QueueID names one buffer of the mesh: a router's for one color and input port, a PE's input
// queue for one color, or an edge port's.
type QueueID int32

// NoQueue is the absent queue.
const NoQueue QueueID = -1

type entry struct {
	ready Cycle // first cycle in which it may be taken; of a slot that was taken from, the cycle of that
	w     packed
}

// packed is a wavelet in one word of the host: moving it is one load and one store.
type packed uint64

const (
	switchesAt = 32
	controlAt  = 48
	colorAt    = 56
	commands   = packed(1)<<colorAt - packed(1)<<switchesAt // switch commands and the control bit
)

func pack(w Wavelet) packed {
	p := packed(w.Data) | packed(w.Switches)<<switchesAt | packed(w.Color)<<colorAt
	if w.Control {
		p |= 1 << controlAt
	}
	return p
}

func (p packed) wavelet() Wavelet {
	return Wavelet{Data: uint32(p), Switches: uint16(p >> switchesAt), Color: Color(p >> colorAt), Control: p>>controlAt&1 != 0}
}

// queue is a bounded FIFO fed by exactly one actor over one link, so at most one push per cycle.
// Its counters run on; a slot is the low bits of one. It fills a cache line of the host, and has all
// that forwarding from it takes.
type queue struct {
	head, tail uint8  // wavelets taken and pushed so far
	seen       uint8  // of those taken, how many its feeder may see; its slots end at seen + size
	size       uint8  // wavelets it holds
	mask       uint8  // its slots less one, those a power of two
	closed     bool   // a router's: the color's switch position does not take from its port
	asked      asked  // who waits
	port       Port   // input port at its router, or Ramp for a PE's
	last       uint32 // low bits of the cycle in which one was taken last
	base       int32  // its first slot in the slab
	feeder     int32  // actor, -1 none
	owner      int32  // consuming actor
	channel    int32  // route state where it is taken from; -1 for PE and edge queues
	filler     int32  // route state where it is filled from; -1 if by a PE or an edge port
	way        way    // of its color now, if a router takes from it
	carried    uint32 // wavelets pushed so far: what its link has carried; 2^32 are days of a host
}

// asked says who is woken: by a wavelet taken the feeder, by an arrival the consumer.
type asked uint8

const (
	nobody asked = iota
	consumer
	feeder
)

func (k *queue) n() uint8 { return k.tail - k.head }

// full reports whether there is no room, as far as its feeder has seen.
func (k *queue) full() bool { return k.tail-k.seen >= k.size }

// slot is that of the wavelet with a count of i.
func (m *Mesh) slot(k *queue, i uint8) *entry { return &m.slab[k.base+int32(i&k.mask)] }

// Room reports whether the feeder of q may push in cycle t. If not, the feeder is woken when it may.
func (m *Mesh) Room(q QueueID, t Cycle) bool {
	if m.lanes != nil {
		return m.lanes.room(q, t)
	}
	k := &m.queues[q]
	if !k.full() {
		return true
	}
	from := m.roomFrom(k, t)
	if from > t && from != Never {
		m.agenda.Wake(k.feeder, from)
	}
	return from <= t
}

// roomFrom is when a queue that looks full to its feeder in cycle t has room for it: Never if
// nobody took anything yet. The feeder then hears of it.
func (m *Mesh) roomFrom(k *queue, t Cycle) Cycle {
	if k.seen != k.head && int32(uint32(t)-k.last) > 0 { // all of it is past, if not so long past that it takes a look at each
		k.seen = k.head
		if !k.full() {
			return t
		}
	}
	for k.seen != k.head {
		taken := m.slot(k, k.seen).ready
		if taken >= t {
			return taken + 1
		}
		k.seen++
		if !k.full() {
			return t
		}
	}
	k.asked = feeder
	return Never
}

// Push puts w into q, to be taken in cycle ready or later. The caller has asked Room in this cycle.
func (m *Mesh) Push(q QueueID, w Wavelet, ready Cycle) {
	if m.lanes != nil {
		m.lanes.push(q, pack(w), ready)
		return
	}
	k := &m.queues[q]
	if k.n() == k.size {
		panic("fabric: push into a full queue")
	}
	*m.slot(k, k.tail) = entry{ready, pack(w)}
	first := k.tail == k.head
	k.tail++
	k.carried++
	if k.tail-k.seen > k.size { // a PE ahead of time knows of a slot before it is seen free
		k.seen = k.tail - k.size
	}
	m.pushed++
	m.arrived(q, k, first, ready)
}

// arrived tells who takes from q of a wavelet that is there from cycle ready on.
func (m *Mesh) arrived(q QueueID, k *queue, first bool, ready Cycle) {
	if first && !k.closed {
		m.early[q] = ready
	}
	if k.channel < 0 {
		if k.asked != consumer {
			return
		}
		k.asked = nobody
	}
	m.agenda.Wake(k.owner, ready)
}

// Peek returns the head of a PE or edge queue and the cycle from which it may be taken.
// With ok false the queue is empty and its owner is woken by the next arrival.
func (m *Mesh) Peek(q QueueID) (w Wavelet, ready Cycle, ok bool) { return m.PeekAt(q, 0) }

// Head is Peek without the wavelet.
func (m *Mesh) Head(q QueueID) (ready Cycle, ok bool) {
	if m.lanes != nil {
		return 0, m.lanes.there(q)
	}
	ready = m.early[q]
	if ready == Never {
		m.queues[q].asked = consumer
	}
	return ready, ready != Never
}

// Arrival is from when on the head of q may be taken, as far as its owner knows in cycle t, the
// routers being through with it. known says that this holds for cycle at too; at an empty queue
// nothing that is not on the ramp yet can have arrived before its latency.
func (m *Mesh) Arrival(q QueueID, t, at Cycle) (ready Cycle, known bool) {
	ready = m.early[q]
	return ready, ready != Never || at <= t+Cycle(m.cfg.RampCycles)
}

// HasRoom is Room in a later cycle at, as far as the feeder knows in cycle t, the routers being
// through with it. What the router takes in t + 1 is seen free in t + 2.
func (m *Mesh) HasRoom(q QueueID, t, at Cycle) (room, known bool) {
	k := &m.queues[q]
	room = k.n() < k.size
	return room, room || at <= t+1
}

// PeekAt is Peek for the i-th wavelet from the head.
func (m *Mesh) PeekAt(q QueueID, i int) (w Wavelet, ready Cycle, ok bool) {
	if m.lanes != nil {
		return m.lanes.peek(q, i)
	}
	k := &m.queues[q]
	if int(k.n()) <= i {
		k.asked = consumer
		return Wavelet{}, Never, false
	}
	e := m.slot(k, k.head+uint8(i))
	return e.w.wavelet(), e.ready, true
}

// Pop takes the head of q in cycle t; the slot is free for its feeder from t+1 on. A PE may pop
// before its time, when nothing that happens until t can change it.
func (m *Mesh) Pop(q QueueID, t Cycle) Wavelet { return m.pop(q, t).wavelet() }

// PopData is the payload that Pop returns.
func (m *Mesh) PopData(q QueueID, t Cycle) uint32 { return uint32(m.pop(q, t)) }

func (m *Mesh) pop(q QueueID, t Cycle) packed {
	if m.lanes != nil {
		return m.lanes.pop(q, t)
	}
	k := &m.queues[q]
	e := m.slot(k, k.head)
	w := e.w
	e.ready = t
	k.last = uint32(t)
	k.head++
	m.popped++
	next := m.slot(k, k.head).ready
	if k.head == k.tail {
		next = Never
	}
	m.early[q] = next
	if k.asked == feeder {
		m.freed(k, t)
	}
	return w
}

// freed tells the feeder of k, which waits for it, that a slot is free from cycle t+1 on.
func (m *Mesh) freed(k *queue, t Cycle) {
	k.asked = nobody
	if k.filler >= 0 {
		r, ch := &m.routers[k.feeder], &m.chans[k.filler]
		for set := ch.queues; set != 0; set &= set - 1 {
			q := r.first + QueueID(bits.TrailingZeros64(set))
			if from := &m.queues[q]; from.n() > 0 && !from.closed && m.early[q] == Never {
				m.early[q] = t + 1
			}
		}
	}
	m.agenda.Wake(k.feeder, t+1)
}
