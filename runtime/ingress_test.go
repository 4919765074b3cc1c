package runtime

import (
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// edgeRun is how many wavelets the edge sent in each cycle.
func edgeRun(t *testing.T, p *compiler.Program) (perCycle []int64) {
	t.Helper()
	mask, err := model.NewMask(p.Node.Out, p.Node.In, p.Node.Mask)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newWaveletEngine(p, mask)
	if err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	n := int32(e.mesh.Size())
	for {
		now, due := e.mesh.Agenda().Next()
		if len(due) == 0 {
			break
		}
		for _, actor := range due {
			switch {
			case actor < n:
				e.mesh.StepRouter(actor, now)
			case actor < 2*n:
				e.cores[actor-n].Step(now)
			default:
				e.edge.step(now)
			}
		}
		for int64(len(perCycle)) <= int64(now) {
			perCycle = append(perCycle, 0)
		}
		perCycle[now] += e.edge.sent - last
		last = e.edge.sent
	}
	return perCycle
}

// TestEdgeRate: on a wafer that takes everything the edge sends at its rate: never a wavelet
// more by any cycle, and in the long run none less.
func TestEdgeRate(t *testing.T) {
	for _, rate := range []float64{0.25, 1, 2.5, 7} {
		m := machine(t, fields{{"width", 40}, {"height", 1}, {"io_bits_per_second", rate * 32 * 1.1e9}})
		p := compile(t, model.MatMul("m", 4, 400, 30, model.MaskSpec{Kind: model.MaskUnstructured}, 1, model.Mixed), m, compiler.Options{Groups: 1, RunAhead: 20})
		sent, total := int64(0), int64(0)
		counts := edgeRun(t, p)
		last := 0
		for now, n := range counts {
			if sent += n; float64(sent) > rate*float64(now+1)+1 {
				t.Fatalf("rate %v: %d wavelets by cycle %d, at most %.1f", rate, sent, now, rate*float64(now+1))
			}
			if n > 0 {
				last = now
			}
		}
		if total = 400*30 + 40*31; sent != total {
			t.Fatalf("rate %v: %d wavelets, want %d", rate, sent, total)
		}
		if got := float64(sent) / float64(last+1); got < 0.97*rate {
			t.Errorf("rate %v: %.3f per cycle on a starved wafer", rate, got)
		}
	}
}

// TestEdgeTiming: the first wavelet reaches the first PE a hop and a ramp after cycle 0, and
// with an edge of one wavelet per 100 cycles none a cycle early.
func TestEdgeTiming(t *testing.T) {
	for _, c := range []struct {
		rate  float64
		first int
	}{{34, 0}, {1, 0}, {0.01, 99}} {
		m := machine(t, fields{{"width", 1}, {"height", 1}, {"io_bits_per_second", c.rate * 32 * 1e9}, {"clock_hz", 1e9}})
		p := compile(t, model.MatMul("m", 4, 1, 1, model.MaskSpec{Kind: model.MaskUnstructured}, 1, model.Mixed), m, compiler.Options{})
		for now, n := range edgeRun(t, p) {
			if n > 0 {
				if now != c.first {
					t.Errorf("rate %v: first wavelet in cycle %d, want %d", c.rate, now, c.first)
				}
				break
			}
		}
	}
	// Column 0's weight is dispatched in cycle hop + ramp = 3; the PE waits before.
	m := machine(t, fields{{"width", 1}, {"height", 1}})
	p := compile(t, model.MatMul("m", 4, 1, 1, model.MaskSpec{Kind: model.MaskUnstructured}, 1, model.Mixed), m, compiler.Options{})
	if got := run(t, p, Wavelet).Column[0]; got[pe.WaitWeight] != 3 {
		t.Errorf("waited %d cycles for the first weight, want 3", got[pe.WaitWeight])
	}
}
