package runtime

import (
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// takers is a row of PEs that each wait for a control wavelet from the north.
func takers(t testing.TB, width int, state pe.State) *compiler.Builder {
	b := compiler.NewBuilder("takers", machine(t, nil), width, 1)
	c := b.Color("in", "commands")
	r := b.Role("taker")
	r.Control("end", c, 3).Awaited(state).Halt()
	b.Place(r, compiler.Area{X1: width, Y1: 1})
	b.Route(c, compiler.Area{X1: width, Y1: 1}, fabric.Static(fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp)))
	return b
}

// TestEarliest: a wavelet held back to cycle 50 is there a hop and the ramp later; the PE waits
// for it or is idle, as its task says.
func TestEarliest(t *testing.T) {
	for _, state := range []pe.State{pe.WaitWeight, pe.Idle} {
		b := takers(t, 2, state)
		b.EdgeIn(compiler.EdgeIn{Name: "both", Also: []fabric.Coord{{X: 1}}, Port: fabric.North, List: []fabric.Wavelet{command(3)}, Earliest: []fabric.Cycle{50}})
		r := runLayoutOf(t, b)
		for x, s := range r.PEs {
			if s[state] != 53 || s[pe.Overhead] != 11 || r.EdgeIn != 1 {
				t.Errorf("PE %d: %v, want 53 cycles in %s, 11 in overhead; %d wavelets in, want 1", x, s, state.Name(), r.EdgeIn)
			}
		}
	}
}

func runLayoutOf(t testing.TB, b *compiler.Builder) *LayoutReport {
	l, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	r, err := RunLayout(t.Context(), l, machine(t, nil), LayoutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLinkRate: ports that share half a wavelet per cycle take turns, one every other cycle.
func TestLinkRate(t *testing.T) {
	b := takers(t, 3, pe.WaitWeight)
	for x := range 3 {
		b.EdgeIn(compiler.EdgeIn{Name: "one", At: fabric.Coord{X: x}, Port: fabric.North, List: []fabric.Wavelet{command(3)}})
	}
	l, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	l.InRate = 0.5
	r, err := RunLayout(t.Context(), l, machine(t, nil), LayoutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for x, s := range r.PEs {
		if want := int64(1 + 2*x + 3); s[pe.WaitWeight] != want {
			t.Errorf("PE %d waits %d cycles, want %d", x, s[pe.WaitWeight], want)
		}
	}
}

// TestTurns against the link itself: ports that always have a wavelet and room.
func TestTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.IntRange(1, 3).Draw(t, "groups")
		lens := rapid.SliceOfN(rapid.Int64Range(1, 9), 1, 6).Draw(t, "lens")
		rate := float64(rapid.IntRange(1, 30).Draw(t, "quarters")) / 4
		var all []*recorded
		l := &edgeLink{rate: rate, at: -1}
		for range groups {
			for _, n := range lens {
				p := &recorded{n: n}
				all, l.ports = append(all, p), append(l.ports, p)
			}
		}
		mesh, err := fabric.NewMesh(fabric.Config{Width: 1, Height: 1, HopCycles: 1, RampCycles: 1, BufferDepth: 1, QueueWords: 1})
		if err != nil {
			t.Fatal(err)
		}
		l.mesh, l.actor = mesh, mesh.AddActor()
		l.connect()
		for at, _ := mesh.Agenda().Next(); at != fabric.Never; at, _ = mesh.Agenda().Next() {
			l.step(at)
		}
		turns := newTurns(rate, 1, groups, lens)
		for i, p := range all {
			for k, at := range p.moved {
				want := turns.at(i/len(lens), i%len(lens), int64(k))
				if d := want - int64(at); d < -1 || d > 1 { // saved fractions of a cycle
					t.Errorf("port %d moves wavelet %d in cycle %d, by turns %d", i, k, at, want)
				}
			}
		}
	})
}

// recorded is a port with n wavelets.
type recorded struct {
	n     int64
	moved []fabric.Cycle
}

func (r *recorded) ready(fabric.Cycle) (bool, fabric.Cycle) { return !r.done(), fabric.Never }
func (r *recorded) move(t fabric.Cycle)                     { r.moved = append(r.moved, t) }
func (r *recorded) connect()                                {}
func (r *recorded) done() bool                              { return int64(len(r.moved)) == r.n }
