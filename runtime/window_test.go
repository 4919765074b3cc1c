package runtime

import (
	"context"
	"math"
	"math/big"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// closedWindows holds that windows cut a phase: their times and their cells' states add up to it, no
// state is below zero in any row, and every cell sums to its window.
func closedWindows(t failer, what string, w []Window, rows int, cycles, skew int64, cells []pe.StateCycles) {
	t.Helper()
	sum := make([]pe.StateCycles, len(cells))
	for k := range w {
		cycles -= w[k].Cycles
		skew -= w[k].Skew
		if len(w[k].Cells) != len(cells) || w[k].Cycles <= 0 {
			t.Fatalf("%s: window %d of %d cycles has %d cells of %d", what, k, w[k].Cycles, len(w[k].Cells), len(cells))
		}
		for i, c := range w[k].Cells {
			sum[i].Add(c, 1)
			late := w[k].Skew * int64(rows-1)
			c[pe.WaitWeight] += min(late, 0)
			c[pe.Idle] -= max(late, 0)
			for s, n := range c {
				if n < 0 {
					t.Fatalf("%s: window %d, cell %d: %d cycles of %s", what, k, i, n, pe.State(s).Name())
				}
			}
			if c.Total() != w[k].Cycles-max(late, -late) {
				t.Fatalf("%s: window %d of %d cycles, cell %d sums to %d", what, k, w[k].Cycles, i, c.Total())
			}
		}
	}
	if len(w) == 0 {
		return
	}
	if cycles != 0 || skew != 0 {
		t.Fatalf("%s: windows leave %d cycles and a skew of %d", what, cycles, skew)
	}
	for i := range sum {
		if sum[i] != cells[i] {
			t.Fatalf("%s: windows of cell %d sum to %v, the phase to %v", what, i, sum[i], cells[i])
		}
	}
}

func (g *Grid) closed(t failer, what string, rows int, cycles int64) {
	t.Helper()
	closedWindows(t, what, g.Windows, rows, cycles, g.Skew, g.Cells)
}

func (r *Report) closed(t failer, what string) {
	t.Helper()
	if len(r.Windows) > 0 {
		closedWindows(t, what, r.Windows, r.Rows, int64(r.Cycles), r.RowSkew, r.Column[:len(r.Windows[0].Cells)])
	}
}

// accountAt is a cell's account at a share of the windows' time.
func accountAt(w []Window, cell int, share float64) (at [pe.NumStates]float64, all float64) {
	for k := range w {
		all += float64(w[k].Cycles)
	}
	left := share * all
	for k := range w {
		part := min(1, left/float64(w[k].Cycles))
		if part <= 0 {
			break
		}
		left -= float64(w[k].Cycles)
		for s, n := range w[k].Cells[cell] {
			at[s] += part * float64(n)
		}
	}
	return at, all
}

// apart is the most by which two accounts of the same cells differ at any of a hundred times, as a share
// of the whole time. What waits for the ring is one: the recurrences do not always know for which side of it.
func apart(a, b []Window) (most float64) {
	for cell := range a[0].Cells {
		for i := range 101 {
			x, all := accountAt(a, cell, float64(i)/100)
			y, _ := accountAt(b, cell, float64(i)/100)
			for _, of := range []*[pe.NumStates]float64{&x, &y} {
				of[pe.WaitPsum] += of[pe.BlockedOut]
				of[pe.BlockedOut] = 0
			}
			for s := range x {
				most = max(most, math.Abs(x[s]-y[s])/all)
			}
		}
	}
	return most
}

// TestWindowsOfBothEngines: what the recurrences say a column has done at any time is within half a percent of
// the run of what it has done in the simulation of every wavelet.
func TestWindowsOfBothEngines(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int
		tokens        int
		sparsity      float64
		ahead, groups int
		hop           float64
	}{
		{"dense", 12, 3, 72, 0, 8, 2, 1}, {"sparse", 12, 3, 72, 0.75, 8, 2, 1}, {"one column", 1, 2, 20, 0.5, 4, 1, 1},
		{"no run-ahead", 10, 2, 60, 0.5, 1, 1, 2}, {"in the task", 10, 2, 60, 0.9, 0, 1, 1},
	} {
		m := machine(t, fields{{"width", float64(c.width)}, {"height", float64(c.height)}, {"hop_cycles", c.hop}})
		g := model.MatMul("m", c.tokens, 160, 240, model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: c.sparsity, Seed: 5}, 1, model.Mixed)
		p := compile(t, g, m, compiler.Options{Groups: c.groups, RunAhead: c.ahead})
		w, s := run(t, p, Wavelet), run(t, p, Stream)
		w.closed(t, c.name+", wavelet")
		s.closed(t, c.name+", stream")
		if len(w.Windows) < 8 || len(s.Windows) < 8 {
			t.Fatalf("%s: %d and %d windows in %d cycles", c.name, len(w.Windows), len(s.Windows), w.Cycles)
		}
		off := apart(w.Windows, s.Windows)
		t.Logf("%s: %d cycles, %d and %d windows, at most %.2f %% apart", c.name, w.Cycles, len(w.Windows), len(s.Windows), 100*off)
		if off > 0.005 {
			t.Errorf("%s: accounts are up to %.2f %% of the run apart", c.name, 100*off)
		}
	}
}

// TestWindowsChangeNothing: a run that is looked at is the run that is not, cycle by cycle of every PE.
func TestWindowsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgram(t, rapid.IntRange(1, 20).Draw(t, "width"))
		if p == nil {
			return
		}
		mask, err := model.NewMask(p.Node.Out, p.Node.In, p.Node.Mask)
		if err != nil {
			t.Fatal(err)
		}
		end := func(look bool) (*waveletEngine, int64) {
			e, err := newWaveletEngine(p, mask)
			if err != nil {
				t.Fatal(err)
			}
			if !look {
				e.samples = nil
			} else {
				e.samples.every = 32 // often
				for i := range e.samples.next {
					e.samples.next[i] = 32
				}
			}
			end, err := e.run(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			e.report(end).closed(t, "wavelet")
			return e, int64(end)
		}
		a, endA := end(false)
		b, endB := end(true)
		if endA != endB {
			t.Fatalf("%d cycles, %d when looked at", endA, endB)
		}
		for i := range a.cores {
			if a.cores[i].States != b.cores[i].States {
				t.Fatalf("PE %d: %v, %v when looked at", i, a.cores[i].States, b.cores[i].States)
			}
		}
	})
}

// TestMulDiv: as with numbers of any size.
func TestMulDiv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.Int64Range(1, 1<<rapid.IntRange(1, 45).Draw(t, "bits")).Draw(t, "c")
		a, b := rapid.Int64Range(-1<<rapid.IntRange(1, 45).Draw(t, "size"), 1<<45).Draw(t, "a"), rapid.Int64Range(0, c).Draw(t, "b")
		if rapid.Bool().Draw(t, "small") {
			a %= 1 << 26
		}
		want := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		if got := mulDiv(a, b, c); got != want.Quo(want, big.NewInt(c)).Int64() {
			t.Fatalf("%d * %d / %d is %v, not %d", a, b, c, want, got)
		}
	})
}
