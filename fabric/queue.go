package fabric

// QueueID names one buffer of the mesh: a router's for one color and input port, a PE's input
// queue for one color, or an edge port's.
type QueueID int32

// NoQueue is the absent queue.
const NoQueue QueueID = -1

type entry struct {
	ready Cycle // first cycle in which it may be taken
	w     Wavelet
}

// queue is a bounded FIFO fed by exactly one actor over one link, so at most one push per cycle.
// Two fit into a cache line of the host.
type queue struct {
	ready   Cycle  // of the head, or from when on there is room for it; kept here to spare routers the slab
	last    uint32 // low bits of the cycle of the last pop
	feeder  int32  // actor, -1 none
	owner   int32  // consuming actor
	channel int32  // route state; -1 for PE and edge queues
	size    uint8
	head, n uint8
	freed   uint8 // slots behind the head that its feeder may not see free yet; their entries' ready is the cycle of the pop
	color   Color
	port    Port  // input port at its router, or Ramp for a PE's
	local   uint8 // bit in its router's set
	asked   uint8 // who waits: for room the feeder's local queue or wholeFeeder, for an arrival the consumer, or nobody
}

// Values of queue.asked beyond a router's local queues.
const (
	consumer    uint8 = 253
	wholeFeeder uint8 = 254 // a PE or an edge port
	nobody      uint8 = 255
)

// Room reports whether the feeder of q may push in cycle t. If not, the feeder is woken when it may.
func (m *Mesh) Room(q QueueID, t Cycle) bool {
	k := &m.queues[q]
	if k.n+k.freed < k.size {
		return true
	}
	from := m.roomFrom(q, t, wholeFeeder)
	if from > t && from != Never {
		m.agenda.Wake(k.feeder, from)
	}
	return from <= t
}

// roomFrom is when a queue that looks full to its feeder in cycle t has room for it: Never if
// nobody took anything yet. The feeder, or this local queue of its router, then hears of it.
func (m *Mesh) roomFrom(q QueueID, t Cycle, local uint8) Cycle {
	k := &m.queues[q]
	if k.freed > 0 && int32(uint32(t)-k.last) > 0 { // all pops are past, if not so long past that it takes a look at each
		k.freed = 0
		if k.n < k.size {
			return t
		}
	}
	for k.freed > 0 {
		popped := m.slab[m.base(q)+int32(k.behind(k.freed))].ready
		if popped >= t {
			return popped + 1
		}
		k.freed--
		if k.n+k.freed < k.size {
			return t
		}
	}
	k.asked = local
	if local < consumer {
		m.routers[k.feeder].blocked |= 1 << local
	}
	return Never
}

// base is the first of q's slots.
func (m *Mesh) base(q QueueID) int32 { return int32(q) * m.slots }

// behind is the slot i places behind the head.
func (k *queue) behind(i uint8) uint8 {
	if i > k.head {
		return k.head + k.size - i
	}
	return k.head - i
}

// Push puts w into q, to be taken in cycle ready or later. The caller has asked Room in this cycle.
func (m *Mesh) Push(q QueueID, w Wavelet, ready Cycle) {
	k := &m.queues[q]
	if k.n == k.size {
		panic("fabric: push into a full queue")
	}
	slot := k.head + k.n
	if slot >= k.size {
		slot -= k.size
	}
	m.slab[m.base(q)+int32(slot)] = entry{ready, w}
	if k.n == 0 {
		k.ready = ready
	}
	k.n++
	k.freed = min(k.freed, k.size-k.n) // the slot written over was seen free
	m.pushed++
	if k.channel >= 0 {
		r := &m.routers[k.owner]
		r.nonEmpty |= 1 << k.local
		m.agenda.Wake(k.owner, ready)
	} else if k.asked == consumer {
		k.asked = nobody
		m.agenda.Wake(k.owner, ready)
	}
}

// Peek returns the head of a PE or edge queue and the cycle from which it may be taken.
// With ok false the queue is empty and its owner is woken by the next arrival.
func (m *Mesh) Peek(q QueueID) (w Wavelet, ready Cycle, ok bool) {
	k := &m.queues[q]
	if k.n == 0 {
		k.asked = consumer
		return Wavelet{}, Never, false
	}
	return m.slab[m.base(q)+int32(k.head)].w, k.ready, true
}

// Head is Peek without the wavelet.
func (m *Mesh) Head(q QueueID) (ready Cycle, ok bool) {
	k := &m.queues[q]
	if k.n == 0 {
		k.asked = consumer
		return Never, false
	}
	return k.ready, true
}

// Arrival is from when on the head of q may be taken, as far as its owner knows in cycle t, the
// routers being through with it. known says that this holds for cycle at too; at an empty queue
// nothing that is not on the ramp yet can have arrived before its latency.
func (m *Mesh) Arrival(q QueueID, t, at Cycle) (ready Cycle, known bool) {
	k := &m.queues[q]
	if k.n == 0 {
		return Never, at <= t+Cycle(m.cfg.RampCycles)
	}
	return k.ready, true
}

// HasRoom is Room in a later cycle at, as far as the feeder knows in cycle t, the routers being
// through with it. What the router takes in t + 1 is seen free in t + 2.
func (m *Mesh) HasRoom(q QueueID, t, at Cycle) (room, known bool) {
	k := &m.queues[q]
	room = k.n < k.size
	return room, room || at <= t+1
}

// PeekAt is Peek for the i-th wavelet from the head.
func (m *Mesh) PeekAt(q QueueID, i int) (w Wavelet, ready Cycle, ok bool) {
	k := &m.queues[q]
	if int(k.n) <= i {
		k.asked = consumer
		return Wavelet{}, Never, false
	}
	slot := (int(k.head) + i) % int(k.size)
	e := &m.slab[m.base(q)+int32(slot)]
	return e.w, e.ready, true
}

// Pop takes the head of q in cycle t; the slot is free for its feeder from t+1 on. A PE may pop
// before its time, when nothing that happens until t can change it.
func (m *Mesh) Pop(q QueueID, t Cycle) Wavelet {
	k := &m.queues[q]
	e := &m.slab[m.base(q)+int32(k.head)]
	w := e.w
	e.ready = t
	k.last = uint32(t)
	k.freed++
	k.head++
	if k.head == k.size {
		k.head = 0
	}
	k.n--
	if k.n > 0 {
		k.ready = m.slab[m.base(q)+int32(k.head)].ready
	} else if k.channel >= 0 {
		m.routers[k.owner].nonEmpty &^= 1 << k.local
	}
	m.popped++
	if k.asked < consumer || k.asked == wholeFeeder {
		if k.asked < consumer {
			m.routers[k.feeder].blocked &^= 1 << k.asked
		}
		k.asked = nobody
		m.agenda.Wake(k.feeder, t+1)
	}
	return w
}
