package runtime

import (
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// source feeds one edge input, at most a wavelet per cycle and Rate on average; the first in
// cycle 0. As a port of an edgeLink it goes at the link's rate.
type source struct {
	mesh   *fabric.Mesh
	actor  int32
	queues []fabric.QueueID // of all border routers that get a copy
	spec   *compiler.EdgeIn

	at     int // next of spec.List
	next   fabric.Wavelet
	after  fabric.Cycle // earliest cycle of next
	empty  bool
	rate   float64
	credit float64
	since  fabric.Cycle
	sent   int64
}

func newSource(m *fabric.Mesh, e *compiler.EdgeIn, actor int32) (*source, error) {
	s := &source{mesh: m, actor: actor, spec: e, rate: e.Rate, credit: 1}
	if s.rate == 0 {
		s.rate = 1
	}
	for _, at := range e.Borders() {
		if err := m.EdgeIn(at, e.Port, e.Color, s.actor); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *source) connect() {
	for _, at := range s.spec.Borders() {
		s.queues = append(s.queues, s.mesh.EdgeQueue(at, s.spec.Port, s.spec.Color, true))
	}
	if s.fetch(); !s.empty {
		s.mesh.Agenda().Wake(s.actor, 0)
	}
}

func (s *source) fetch() {
	switch {
	case s.at < len(s.spec.List):
		s.next = s.spec.List[s.at]
		if s.spec.Earliest != nil {
			s.after = s.spec.Earliest[s.at]
		}
		s.at++
	case s.spec.Next != nil:
		w, ok := s.spec.Next()
		s.next, s.empty = w, !ok
	default:
		s.empty = true
	}
	s.next.Color = s.spec.Color
}

func (s *source) done() bool { return s.empty }

func (s *source) ready(t fabric.Cycle) (ok bool, later fabric.Cycle) {
	if s.empty {
		return false, fabric.Never
	}
	if s.after > t {
		return false, s.after
	}
	for _, q := range s.queues {
		if !s.mesh.Room(q, t) {
			return false, fabric.Never // woken when there is
		}
	}
	return true, fabric.Never
}

func (s *source) move(t fabric.Cycle) {
	for i, q := range s.queues {
		s.mesh.Push(q, s.next, t+fabric.Cycle(s.mesh.Config().HopCycles))
		if o := s.mesh.Observer; o != nil {
			at := s.spec.Borders()[i]
			o.Saw(fabric.Event{Kind: fabric.Entered, Cycle: t, At: at, In: s.spec.Port, Wavelet: s.next, By: edgeName(s.spec.Name)})
		}
	}
	s.sent++
	s.fetch()
}

func (s *source) step(t fabric.Cycle) {
	s.credit = min(s.credit+float64(t-s.since)*s.rate, 1+s.rate)
	s.since = t
	if s.empty {
		return
	}
	if s.credit >= 1 {
		ok, later := s.ready(t)
		if !ok {
			if later != fabric.Never {
				s.mesh.Agenda().Wake(s.actor, later)
			}
			return
		}
		s.credit--
		if s.move(t); s.empty {
			return
		}
	}
	wait := fabric.Cycle(math.Ceil((1 - s.credit) / s.rate))
	s.mesh.Agenda().Wake(s.actor, t+max(1, wait))
}

// edgeName is an edge port to an observer.
type edgeName string

func (n edgeName) String() string { return "edge port " + string(n) }

// Arrival is a wavelet that left the wafer.
type Arrival struct {
	Cycle   fabric.Cycle
	Wavelet fabric.Wavelet
}

// sink collects what leaves by one edge output.
type sink struct {
	mesh  *fabric.Mesh
	actor int32
	queue fabric.QueueID
	spec  *compiler.EdgeOut
	keep  bool // the wavelets, not only their number
	got   []Arrival
	count int64
	last  fabric.Cycle // in which one left
}

// take notes a wavelet that has left in cycle t.
func (s *sink) take(t fabric.Cycle, w fabric.Wavelet) {
	s.count++
	s.last = t
	if o := s.mesh.Observer; o != nil {
		o.Saw(fabric.Event{Kind: fabric.Taken, Cycle: t, At: s.spec.At, In: s.spec.Port, Wavelet: w, By: edgeName(s.spec.Name)})
	}
	if s.keep {
		s.got = append(s.got, Arrival{t, w})
	}
}

func newSink(m *fabric.Mesh, e *compiler.EdgeOut, actor int32, keep bool) (*sink, error) {
	s := &sink{mesh: m, actor: actor, spec: e, keep: keep}
	return s, m.EdgeOut(e.At, e.Port, e.Color, s.actor)
}

func (s *sink) connect() {
	s.queue = s.mesh.EdgeQueue(s.spec.At, s.spec.Port, s.spec.Color, false)
	s.mesh.Agenda().Wake(s.actor, 0)
}

func (s *sink) done() bool {
	_, _, more := s.mesh.Peek(s.queue)
	return !more
}

func (s *sink) step(t fabric.Cycle) {
	for {
		_, ready, ok := s.mesh.Peek(s.queue)
		if !ok {
			return // woken by an arrival
		}
		if ready > t {
			s.mesh.Agenda().Wake(s.actor, ready)
			return
		}
		s.take(t, s.mesh.Pop(s.queue, t))
	}
}
