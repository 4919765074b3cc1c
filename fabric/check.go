package fabric

import "fmt"

// Stats counts what the wires did.
type Stats struct {
	Hops     int64 // router to router
	InFlight int64 // wavelets in buffers now
}

// Stats returns the counters so far.
func (m *Mesh) Stats() Stats {
	s := Stats{InFlight: m.pushed - m.popped}
	for i := range m.queues {
		if k := &m.queues[i]; k.filler >= 0 && k.port != Ramp {
			s.Hops += int64(k.carried)
		}
	}
	return s
}

// LinkUse is how many wavelets left router i by port p.
func (m *Mesh) LinkUse(i int32, p Port) (n int64) {
	last := int32(-1)
	for q := m.routers[i].first; q < m.routers[i].first+QueueID(m.routers[i].count); q++ {
		if k := &m.queues[q]; k.channel != last {
			last = k.channel
			n += m.chans[last].carried(m)[p]
		}
	}
	return n
}

// CheckConservation holds the counters against the buffers: what was pushed was popped or is still there.
func (m *Mesh) CheckConservation() error {
	var resident int64
	for i := range m.queues {
		resident += int64(m.queues[i].n())
	}
	if m.pushed-m.popped != resident {
		return fmt.Errorf("fabric: %d wavelets pushed, %d popped, but %d in buffers", m.pushed, m.popped, resident)
	}
	return nil
}

// Stuck is a buffer that still holds wavelets.
type Stuck struct {
	At    Coord
	Port  Port // input port at the router; Ramp with PE true is the PE's input queue
	Color Color
	PE    bool // the PE, not the router, has to take it
	Count int
	Since Cycle // it is the head, and there, from here on
}

// Stuck lists buffers that hold wavelets, in router order: after the last event, what never moved.
func (m *Mesh) Stuck() []Stuck {
	var all []Stuck
	for i := range m.queues {
		k := &m.queues[i]
		if k.n() == 0 {
			continue
		}
		s := Stuck{Port: k.port, Color: m.colors[i], Count: int(k.n()), Since: m.slot(k, k.head).ready}
		s.Since += Cycle(max(0, int32(k.last+1-uint32(s.Since)))) // the one before it may have left later
		switch n := int32(len(m.routers)); {
		case k.owner < n:
			s.At = m.At(k.owner)
		case k.owner < 2*n:
			s.At, s.PE = m.At(k.owner-n), true
		default:
			s.At = m.At(k.feeder)
		}
		all = append(all, s)
	}
	return all
}
