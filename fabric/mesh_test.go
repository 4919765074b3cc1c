package fabric

import (
	"strings"
	"testing"
)

// rig is a mesh whose PEs and edge ports are driven by a test: sources push when there is
// room, sinks take what is there, each from a given cycle on.
type rig struct {
	t       testing.TB
	m       *Mesh
	sources map[int32]*source
	sinks   map[int32]*sink
}

type source struct {
	queue QueueID
	send  []Wavelet
	from  Cycle
	delay Cycle // push to arrival
	sent  []Cycle
}

type sink struct {
	queue QueueID
	from  Cycle
	got   []Wavelet
	at    []Cycle
}

func newRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	m, err := NewMesh(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, m: m, sources: map[int32]*source{}, sinks: map[int32]*sink{}}
}

func defaults(w, h int) Config {
	return Config{Width: w, Height: h, HopCycles: 1, RampCycles: 2, BufferDepth: 4, QueueWords: 4}
}

func (r *rig) route(x, y int, c Color, rx, tx PortSet) {
	r.t.Helper()
	if err := r.m.SetRoute(Coord{x, y}, c, Static(rx, tx)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) seal() {
	r.t.Helper()
	if err := r.m.Seal(); err != nil {
		r.t.Fatal(err)
	}
}

// peSource makes PE i write n wavelets of color c, one per cycle from cycle from on.
func (r *rig) peSource(i int32, c Color, n int, from Cycle) *source {
	s := &source{queue: r.m.RampIn(i, c), from: from, delay: Cycle(1 + r.m.cfg.RampCycles)}
	for k := range n {
		s.send = append(s.send, Wavelet{Data: uint32(k), Color: c})
	}
	r.sources[r.m.PEActor(i)] = s
	r.m.agenda.Wake(r.m.PEActor(i), from)
	return s
}

func (r *rig) peSink(i int32, c Color, from Cycle) *sink {
	s := &sink{queue: r.m.RampOut(i, c), from: from}
	r.sinks[r.m.PEActor(i)] = s
	r.m.agenda.Wake(r.m.PEActor(i), from)
	return s
}

func (r *rig) run() {
	r.t.Helper()
	n := int32(r.m.Size())
	for {
		t, due := r.m.agenda.Next()
		if t == Never {
			break
		}
		for _, actor := range due {
			if actor < n {
				r.m.StepRouter(actor, t)
				continue
			}
			if s := r.sources[actor]; s != nil {
				s.step(r.m, actor, t)
			}
			if s := r.sinks[actor]; s != nil {
				s.step(r.m, actor, t)
			}
		}
		if err := r.m.CheckConservation(); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (s *source) step(m *Mesh, actor int32, t Cycle) {
	if len(s.send) == 0 || t < s.from {
		return
	}
	if !m.Room(s.queue, t) {
		return
	}
	m.Push(s.queue, s.send[0], t+s.delay)
	s.send = s.send[1:]
	s.sent = append(s.sent, t)
	if len(s.send) > 0 {
		m.agenda.Wake(actor, t+1)
	}
}

func (s *sink) step(m *Mesh, actor int32, t Cycle) {
	if t < s.from {
		m.agenda.Wake(actor, s.from)
		return
	}
	_, ready, ok := m.Peek(s.queue)
	if !ok {
		return
	}
	if ready > t {
		m.agenda.Wake(actor, ready)
		return
	}
	s.got = append(s.got, m.Pop(s.queue, t))
	s.at = append(s.at, t)
	m.agenda.Wake(actor, t+1)
}

// line routes color c from PE (0,0) east to PE (n-1,0).
func (r *rig) line(n int, c Color) {
	r.route(0, 0, c, Ports(Ramp), Ports(East))
	for x := 1; x < n-1; x++ {
		r.route(x, 0, c, Ports(West), Ports(East))
	}
	r.route(n-1, 0, c, Ports(West), Ports(Ramp))
}

func TestHopAndRampLatency(t *testing.T) {
	for _, c := range []struct{ hop, ramp, pes int }{{1, 2, 2}, {1, 2, 9}, {2, 2, 5}, {3, 1, 4}, {1, 7, 3}} {
		cfg := defaults(c.pes, 1)
		cfg.HopCycles, cfg.RampCycles = c.hop, c.ramp
		r := newRig(t, cfg)
		r.line(c.pes, 3)
		r.seal()
		r.peSource(0, 3, 1, 10)
		s := r.peSink(int32(c.pes-1), 3, 0)
		r.run()
		want := Cycle(10 + 1 + c.ramp + (c.pes-1)*c.hop + c.ramp)
		if len(s.at) != 1 || s.at[0] != want {
			t.Errorf("%+v: arrived at %v, want %d", c, s.at, want)
		}
		if got := r.m.Stats().Hops; got != int64(c.pes-1) {
			t.Errorf("%+v: %d hops, want %d", c, got, c.pes-1)
		}
	}
}

// TestLinkRate: one wavelet per link and cycle, all colors together, in order.
func TestLinkRate(t *testing.T) {
	const n, count = 4, 50
	r := newRig(t, defaults(n, 1))
	r.line(n, 1)
	r.seal()
	src := r.peSource(0, 1, count, 0)
	s := r.peSink(n-1, 1, 0)
	r.run()
	for i := range s.at {
		if s.got[i].Data != uint32(i) {
			t.Fatalf("wavelet %d arrived as number %d", s.got[i].Data, i)
		}
		if s.at[i] != s.at[0]+Cycle(i) || src.sent[i] != Cycle(i) {
			t.Fatalf("wavelet %d sent at %d, arrived at %d: not one per cycle", i, src.sent[i], s.at[i])
		}
	}
}

// TestColorsShareALink: two colors over one link take turns, each at half rate.
func TestColorsShareALink(t *testing.T) {
	const count = 40
	r := newRig(t, defaults(3, 2))
	// Color 1 from PE (0,0), color 2 from PE (1,1) north; both cross (1,0) -> (2,0).
	r.route(0, 0, 1, Ports(Ramp), Ports(East))
	r.route(1, 0, 1, Ports(West), Ports(East))
	r.route(2, 0, 1, Ports(West), Ports(Ramp))
	r.route(1, 1, 2, Ports(Ramp), Ports(North))
	r.route(1, 0, 2, Ports(South), Ports(East))
	r.route(2, 0, 2, Ports(West), Ports(South))
	r.route(2, 1, 2, Ports(North), Ports(Ramp))
	r.seal()
	r.peSource(0, 1, count, 0)
	r.peSource(4, 2, count, 0)
	a, b := r.peSink(2, 1, 0), r.peSink(5, 2, 0)
	r.run()
	for _, s := range []*sink{a, b} {
		if len(s.at) != count {
			t.Fatalf("%d of %d arrived", len(s.at), count)
		}
		if span := s.at[count-1] - s.at[0]; span < 2*(count-1)-6 || span > 2*(count-1)+2 {
			t.Errorf("%d wavelets over a shared link took %d cycles, want about %d", count, span, 2*(count-1))
		}
	}
	if use := r.m.LinkUse(1, East); use != 2*count {
		t.Errorf("link carried %d, want %d", use, 2*count)
	}
}

// TestMulticast: one wavelet to many PEs, each at its own distance, the link used once.
func TestMulticast(t *testing.T) {
	r := newRig(t, defaults(1, 4))
	r.route(0, 0, 5, Ports(Ramp), Ports(South))
	for y := 1; y < 3; y++ {
		r.route(0, y, 5, Ports(North), Ports(South, Ramp))
	}
	r.route(0, 3, 5, Ports(North), Ports(Ramp))
	r.seal()
	r.peSource(0, 5, 3, 0)
	var sinks []*sink
	for y := 1; y < 4; y++ {
		sinks = append(sinks, r.peSink(int32(y), 5, 0))
	}
	r.run()
	for k, s := range sinks {
		for i, at := range s.at {
			if want := Cycle(i + 1 + 2 + (k + 1) + 2); at != want {
				t.Errorf("PE (0,%d) wavelet %d at %d, want %d", k+1, i, at, want)
			}
		}
	}
}

// TestBackPressure: with the receiver asleep exactly the buffers' capacity leaves the sender,
// nothing is lost, and the sender's next goes one cycle per stage after the first take.
func TestBackPressure(t *testing.T) {
	for _, depth := range []int{1, 2, 4, 7} {
		const count, wake = 80, 500
		cfg := defaults(3, 1)
		cfg.BufferDepth = depth
		r := newRig(t, cfg)
		r.line(3, 0)
		r.seal()
		src := r.peSource(0, 0, count, 0)
		s := r.peSink(2, 0, wake)
		r.run()
		capacity := (depth + cfg.RampCycles + 1) + 2*depth + (cfg.QueueWords + cfg.RampCycles)
		early := 0
		for _, at := range src.sent {
			if at < wake {
				early++
			}
		}
		if early != capacity {
			t.Errorf("depth %d: %d sent against a sleeping receiver, want %d", depth, early, capacity)
		}
		if len(s.got) != count {
			t.Fatalf("depth %d: %d of %d arrived", depth, len(s.got), count)
		}
		if want := Cycle(wake + 4); src.sent[capacity] != want {
			t.Errorf("depth %d: next sent at %d, want %d: a cycle per buffer on the way back", depth, src.sent[capacity], want)
		}
		for i, w := range s.got {
			if w.Data != uint32(i) {
				t.Fatalf("depth %d: order lost at %d", depth, i)
			}
		}
	}
}

// TestSingleBufferHalvesTheRate: a slot is taken for a hop and for the credit's cycle.
func TestSingleBufferHalvesTheRate(t *testing.T) {
	cfg := defaults(4, 1)
	cfg.BufferDepth = 1
	r := newRig(t, cfg)
	r.line(4, 0)
	r.seal()
	r.peSource(0, 0, 40, 0)
	s := r.peSink(3, 0, 0)
	r.run()
	if span := s.at[39] - s.at[0]; span != 2*39 {
		t.Errorf("40 wavelets took %d cycles after the first, want %d", span, 2*39)
	}
}

// TestSwitch: a control wavelet moves the position after it left; later wavelets take the new way.
func TestSwitch(t *testing.T) {
	r := newRig(t, defaults(2, 2))
	err := r.m.SetRoute(Coord{0, 0}, 0, Route{Positions: []Position{
		{Ports(Ramp), Ports(East)}, {Ports(Ramp), Ports(South)}}, Wrap: true})
	if err != nil {
		t.Fatal(err)
	}
	r.route(1, 0, 0, Ports(West), Ports(Ramp))
	r.route(0, 1, 0, Ports(North), Ports(Ramp))
	r.seal()
	src := r.peSource(0, 0, 6, 0)
	for _, i := range []int{1, 3} { // advance behind wavelet 1, and back behind 3
		src.send[i].Control, src.send[i].Switches = true, uint16(SwitchAdvance)
	}
	east, south := r.peSink(1, 0, 0), r.peSink(2, 0, 0)
	r.run()
	numbers := func(s *sink) (out []uint32) {
		for _, w := range s.got {
			out = append(out, w.Data)
		}
		return out
	}
	if got := numbers(east); len(got) != 4 || got[2] != 4 {
		t.Errorf("east got %v, want [0 1 4 5]", got)
	}
	if got := numbers(south); len(got) != 2 || got[0] != 2 {
		t.Errorf("south got %v, want [2 3]", got)
	}
}

// TestControlAlongTheWay: on routes that keep and filter, one command moves every switch between
// sender and receiver, and the receiver's PE does not see it.
func TestControlAlongTheWay(t *testing.T) {
	r := newRig(t, defaults(4, 1))
	route := func(x int, p ...Position) {
		if err := r.m.SetRoute(Coord{x, 0}, 0, Route{Positions: p, FilterControl: true, KeepCommand: true}); err != nil {
			t.Fatal(err)
		}
	}
	west := Position{Ports(East), Ports(West)}
	route(3, Position{Ports(Ramp), Ports(West)})
	route(2, west)
	route(1, Position{Ports(East), Ports(Ramp)}, west)
	route(0, Position{Ports(East), Ports(Ramp)})
	r.seal()
	src := r.peSource(3, 0, 5, 0)
	src.send[2].Control, src.send[2].Switches = true, uint16(SwitchAdvance)
	near, far := r.peSink(1, 0, 0), r.peSink(0, 0, 0)
	r.run()
	if len(near.got) != 2 || near.got[1].Data != 1 || len(far.got) != 2 || far.got[0].Data != 3 {
		t.Errorf("before the control wavelet %v, after it %v; want 0, 1 and 3, 4", near.got, far.got)
	}
}

func TestRouteErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(m *Mesh) error
		want string
	}{
		{"two routes", func(m *Mesh) error {
			_ = m.SetRoute(Coord{0, 0}, 1, Static(Ports(Ramp), Ports(East)))
			return m.SetRoute(Coord{0, 0}, 1, Static(Ports(Ramp), Ports(South)))
		}, "two routes for color 1 at (0,0)"},
		{"unrouted", func(m *Mesh) error {
			_ = m.SetRoute(Coord{0, 0}, 1, Static(Ports(Ramp), Ports(East)))
			return m.Seal()
		}, "unrouted color 1: (0,0) sends it east, but (1,0) does not receive it from west"},
		{"over the edge", func(m *Mesh) error {
			_ = m.SetRoute(Coord{0, 0}, 1, Static(Ports(Ramp), Ports(North)))
			return m.Seal()
		}, "over the edge"},
		{"outside", func(m *Mesh) error {
			return m.SetRoute(Coord{2, 0}, 1, Static(Ports(Ramp), Ports(North)))
		}, "outside the 2 x 2 mesh"},
		{"color", func(m *Mesh) error {
			return m.SetRoute(Coord{0, 0}, 24, Static(Ports(Ramp), Ports(North)))
		}, "must be below 24"},
		{"both ways", func(m *Mesh) error {
			return m.SetRoute(Coord{0, 0}, 1, Static(Ports(East), Ports(East)))
		}, "both receives and sends"},
		{"edge inside", func(m *Mesh) error { return m.EdgeIn(Coord{0, 0}, East, 1, 9) }, "not at the edge"},
		{"edge unreceived", func(m *Mesh) error {
			_ = m.EdgeIn(Coord{0, 0}, North, 1, m.AddActor())
			return m.Seal()
		}, "where no route receives it"},
	} {
		m, err := NewMesh(defaults(2, 2))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.make(m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	if _, err := NewMesh(Config{}); err == nil || !strings.Contains(err.Error(), "width is 0, must be 1 to") {
		t.Errorf("empty config: %v", err)
	}
}
