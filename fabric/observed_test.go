package fabric

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type blind struct{}

func (blind) Saw(Event) {}

// flow is a color of a random mesh: from one PE to all of a tree's, or from all of them to one.
type flow struct {
	gather bool
	tree   [][2]Coord // place and the place next to it, nearer to the root; the root comes first, next to itself
	count  int        // wavelets of each sender
	pause  Cycle      // every so many cycles a receiver takes one
}

func drawFlow(t *rapid.T, w, h int) flow {
	at := Coord{rapid.IntRange(0, w-1).Draw(t, "x"), rapid.IntRange(0, h-1).Draw(t, "y")}
	f := flow{
		gather: rapid.Bool().Draw(t, "gather"), tree: [][2]Coord{{at, at}},
		count: rapid.IntRange(1, 20).Draw(t, "count"), pause: Cycle(rapid.IntRange(1, 6).Draw(t, "pause")),
	}
	for range rapid.IntRange(1, w*h).Draw(t, "grow") {
		from := f.tree[rapid.IntRange(0, len(f.tree)-1).Draw(t, "from")][0]
		to := from.Beyond(Port(rapid.IntRange(0, 3).Draw(t, "port")))
		in := func(e [2]Coord) bool { return e[0] == to }
		if to.X >= 0 && to.X < w && to.Y >= 0 && to.Y < h && !slices.ContainsFunc(f.tree, in) {
			f.tree = append(f.tree, [2]Coord{to, from})
		}
	}
	return f
}

// lay routes the flow, and has its senders and receivers at their ramps.
func (f flow) lay(t *rapid.T, r *rig, c Color) {
	for i, e := range f.tree {
		rx, tx := Ports(), Ports(Ramp)
		if i == 0 {
			rx = Ports(Ramp)
		}
		for p := North; p < Ramp; p++ {
			if e[0].Beyond(p) == e[1] {
				rx = Ports(p)
			}
			if slices.ContainsFunc(f.tree[1:], func(o [2]Coord) bool { return o[0] == e[0].Beyond(p) && o[1] == e[0] }) {
				tx |= Ports(p)
			}
		}
		if f.gather { // a tree the other way round, where every PE sends
			rx, tx = tx, rx
		}
		if err := r.m.SetRoute(e[0], c, Static(rx, tx)); err != nil {
			t.Fatal(err)
		}
	}
}

// ends drives a PE of the random mesh: all its senders and receivers.
type ends struct {
	send []*source
	take []*sink
	wait []Cycle
}

func (e *ends) step(m *Mesh, actor int32, t Cycle) {
	for _, s := range e.send {
		s.step(m, actor, t)
	}
	for i, s := range e.take {
		if next := (t + e.wait[i] - 1) / e.wait[i] * e.wait[i]; next > t {
			m.agenda.Wake(actor, next)
			continue
		}
		s.step(m, actor, t)
	}
}

// TestObservedIsTheSame: an observer has routers look at every head in every cycle; without one they
// leave out what cannot move. Each wavelet arrives in the same cycle.
func TestObservedIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 5).Draw(t, "width"), rapid.IntRange(1, 5).Draw(t, "height")
		cfg := Config{
			Width: w, Height: h,
			HopCycles: rapid.IntRange(1, 3).Draw(t, "hop"), RampCycles: rapid.IntRange(1, 3).Draw(t, "ramp"),
			BufferDepth: rapid.IntRange(1, 5).Draw(t, "depth"), QueueWords: rapid.IntRange(1, 5).Draw(t, "words"),
		}
		var flows []flow
		for range rapid.IntRange(1, 6).Draw(t, "flows") {
			flows = append(flows, drawFlow(t, w, h))
		}
		run := func(o Observer) (sinks []*sink, s Stats) {
			m, err := NewMesh(cfg)
			if err != nil {
				t.Fatal(err)
			}
			m.Observer = o
			r := &rig{m: m}
			for c, f := range flows {
				f.lay(t, r, Color(c))
			}
			if err := m.Seal(); err != nil {
				t.Fatal(err)
			}
			all := map[int32]*ends{}
			for i := range int32(m.Size()) {
				e := &ends{}
				for c, f := range flows {
					if q := m.RampIn(i, Color(c)); q != NoQueue {
						e.send = append(e.send, &source{queue: q, send: make([]Wavelet, f.count), delay: Cycle(1 + cfg.RampCycles)})
					}
					if q := m.RampOut(i, Color(c)); q != NoQueue {
						e.take, e.wait = append(e.take, &sink{queue: q}), append(e.wait, f.pause)
					}
				}
				sinks = append(sinks, e.take...)
				all[m.PEActor(i)] = e
				m.agenda.Wake(m.PEActor(i), 0)
			}
			for {
				now, due := m.agenda.Next()
				if now == Never {
					break
				}
				for _, actor := range due {
					if e := all[actor]; e != nil {
						e.step(m, actor, now)
					} else {
						m.StepRouter(actor, now)
					}
				}
			}
			if err := m.CheckConservation(); err != nil {
				t.Fatal(err)
			}
			return sinks, m.Stats()
		}
		fast, stats := run(nil)
		slow, want := run(blind{})
		if stats != want {
			t.Fatalf("%+v, observed %+v", stats, want)
		}
		if stats.InFlight > 0 {
			t.Fatalf("%d wavelets never arrive", stats.InFlight)
		}
		for i := range fast {
			if !slices.Equal(fast[i].at, slow[i].at) {
				t.Fatalf("receiver %d takes in cycles %v, observed %v", i, fast[i].at, slow[i].at)
			}
		}
	})
}
