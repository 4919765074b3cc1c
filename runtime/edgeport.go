package runtime

import (
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// source feeds one edge input, at most a wavelet per cycle and Rate on average; the first in cycle 0.
type source struct {
	mesh  *fabric.Mesh
	actor int32
	queue fabric.QueueID
	spec  *compiler.EdgeIn

	at     int // next of spec.List
	next   fabric.Wavelet
	empty  bool
	rate   float64
	credit float64
	since  fabric.Cycle
}

func newSource(m *fabric.Mesh, e *compiler.EdgeIn) (*source, error) {
	s := &source{mesh: m, actor: m.AddActor(), spec: e, rate: e.Rate, credit: 1}
	if s.rate == 0 {
		s.rate = 1
	}
	return s, m.EdgeIn(e.At, e.Port, e.Color, s.actor)
}

func (s *source) connect() {
	s.queue = s.mesh.EdgeQueue(s.spec.At, s.spec.Port, s.spec.Color, true)
	if s.fetch(); !s.empty {
		s.mesh.Agenda().Wake(s.actor, 0)
	}
}

func (s *source) fetch() {
	switch {
	case s.at < len(s.spec.List):
		s.next = s.spec.List[s.at]
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

func (s *source) step(t fabric.Cycle) {
	s.credit = min(s.credit+float64(t-s.since)*s.rate, 1+s.rate)
	s.since = t
	if s.empty {
		return
	}
	if s.credit >= 1 {
		if !s.mesh.Room(s.queue, t) {
			return // woken when there is
		}
		s.credit--
		s.mesh.Push(s.queue, s.next, t+fabric.Cycle(s.mesh.Config().HopCycles))
		if o := s.mesh.Observer; o != nil {
			o.Saw(fabric.Event{Kind: fabric.Entered, Cycle: t, At: s.spec.At, In: s.spec.Port, Wavelet: s.next, By: edgeName(s.spec.Name)})
		}
		if s.fetch(); s.empty {
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
	got   []Arrival
}

func newSink(m *fabric.Mesh, e *compiler.EdgeOut) (*sink, error) {
	s := &sink{mesh: m, actor: m.AddActor(), spec: e}
	return s, m.EdgeOut(e.At, e.Port, e.Color, s.actor)
}

func (s *sink) connect() {
	s.queue = s.mesh.EdgeQueue(s.spec.At, s.spec.Port, s.spec.Color, false)
	s.mesh.Agenda().Wake(s.actor, 0)
}

func (s *sink) done() bool { return true }

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
		w := s.mesh.Pop(s.queue, t)
		s.got = append(s.got, Arrival{t, w})
		if o := s.mesh.Observer; o != nil {
			o.Saw(fabric.Event{Kind: fabric.Taken, Cycle: t, At: s.spec.At, In: s.spec.Port, Wavelet: w, By: edgeName(s.spec.Name)})
		}
	}
}
