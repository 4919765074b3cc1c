package fabric

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inLanes runs the mesh in lanes from the next cycle with work on until end, in windows and blocks of any size, in
// which rows run ahead of those below.
func (tr *traffic) inLanes(t *testing.T, end Cycle, rng *rand.Rand) {
	at, _ := tr.m.agenda.Next()
	l := tr.m.Slice(at)
	if l == nil {
		t.Fatal("routers do not agree on an order")
	}
	h, n := tr.m.cfg.Height, int32(tr.m.Size())
	for at <= end {
		window, rows := int(min(1+Cycle(rng.IntN(MaxWindow)), end+1-at)), 1+rng.IntN(h)
		for y := 0; y < h+window-1; y += rows {
			for dt := range window {
				from, to, now := max(y-dt, 0), min(y-dt+rows, h), at+Cycle(dt)
				for row := from; row < to; row++ {
					l.Begin(row, now)
				}
				for row := from; row < to; row++ {
					l.Step(row, now)
					first := n + int32(row*tr.m.cfg.Width)
					tr.m.agenda.Due(first, first+int32(tr.m.cfg.Width), now, func(actor int32) { tr.pe(actor-n, now) })
				}
			}
		}
		at += Cycle(window)
		l.Settle(at)
		if rng.IntN(4) == 0 {
			l.Trim()
		}
		tr.m.agenda.Through(at - 1)
	}
	l.Unslice(end + 1)
}

// TestLanes: in lanes a mesh does what it does router by router; going over to them and back changes nothing.
func TestLanes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, c := range []struct{ w, h, hop, ramp, depth, queue int }{
		{7, 6, 1, 2, 4, 4}, {64, 6, 1, 2, 4, 4}, {70, 4, 1, 1, 1, 1}, {130, 4, 3, 4, 2, 9}, {66, 8, 2, 1, 5, 3}, {3, 40, 1, 6, 3, 2},
	} {
		for _, pause := range []Cycle{1, 3} {
			t.Run(fmt.Sprintf("%+v, pause %d", c, pause), func(t *testing.T) {
				cfg := Config{Width: c.w, Height: c.h, HopCycles: c.hop, RampCycles: c.ramp, BufferDepth: c.depth, QueueWords: c.queue}
				want := newTrafficOn(t, cfg, pause, true)
				got := newTrafficOn(t, cfg, pause, true)
				for end := Cycle(rng.IntN(50)); end < 3000; {
					got.step(end, nil)
					end += 1 + Cycle(rng.IntN(900))
					got.inLanes(t, end, rng)
					end += Cycle(rng.IntN(100))
				}
				const last = 4200
				want.step(last, nil)
				got.step(last, nil)
				if got.sum != want.sum || got.taken != want.taken || got.m.Stats() != want.m.Stats() {
					t.Fatalf("%d taken, stats %+v; router by router %d, %+v", got.taken, got.m.Stats(), want.taken, want.m.Stats())
				}
				if diff := cmp.Diff(want.m.Links(), got.m.Links()); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(want.m.Stuck(), got.m.Stuck()); diff != "" {
					t.Error(diff)
				}
				if err := got.m.CheckConservation(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestSliceRefuses: routers that look at their inputs in another order than others would be served in that of those.
func TestSliceRefuses(t *testing.T) {
	m, err := NewMesh(defaults(2, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		x     int
		color Color
		rx    PortSet
	}{{0, 1, Ports(Ramp)}, {0, 2, Ports(Ramp)}, {1, 2, Ports(West)}, {1, 1, Ports(West)}} {
		tx := Ports(East)
		if c.x == 1 {
			tx = Ports(Ramp)
		}
		if err := m.SetRoute(Coord{c.x, 0}, c.color, Static(c.rx, tx)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Seal(); err != nil {
		t.Fatal(err)
	}
	if m.Slice(0) != nil {
		t.Error("put in lanes")
	}
}
