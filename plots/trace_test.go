package plots

import (
	"math"
	"strings"
	"testing"

	"cs2sim.dev/sims/trace"
)

// tracedRun has two columns in use of three and two rows of four; the second phase is twice as long and only
// the second column works in it.
func tracedRun() *trace.Run {
	span := func(from, n int) trace.Span { return trace.Span{From: from, Step: 1, Block: 1, Count: n} }
	type states = [8]int64 // idle, compute, ring adds, overhead, conflicts, weights, partial sums, output
	cell := func(x, n, y, rows int, s states) trace.Cell {
		return trace.Cell{X: span(x, n), Y: span(y, rows), States: s, Wavelets: trace.NotCounted}
	}
	busy, waits := states{1: 600, 3: 400}, states{5: 700, 0: 300}
	twice := func(s states) states {
		for i := range s {
			s[i] *= 2
		}
		return s
	}
	idle := states{1000}
	first := trace.Kind{Cycles: 1000, Cells: []trace.Cell{cell(0, 2, 0, 2, busy), cell(2, 1, 0, 4, idle), cell(0, 2, 2, 2, idle)}}
	for i := range first.Cells {
		first.Cells[i].Wavelets = int64(100 * (i % 2))
	}
	first.Cells[0].Wavelets = 500
	second := trace.Kind{Cycles: 2000, Cells: []trace.Cell{cell(0, 1, 0, 2, twice(waits)), cell(1, 1, 0, 2, twice(busy)), cell(2, 1, 0, 4, twice(idle)), cell(0, 2, 2, 2, twice(idle))}}
	return &trace.Run{
		Experiment: "test", Name: "test", Cycles: 3000,
		Machine: trace.Machine{Name: "test", Width: 3, Height: 4, ClockHz: 1e9, IORate: 10, WattsPerCore: 0.03, JoulesPerBitHop: 1e-13},
		Place:   trace.Place{Width: 2, Height: 2, Groups: 1, Columns: 2, Tokens: 1},
		Kinds:   []trace.Kind{first, second},
		Phases: []trace.Phase{
			{Cycles: 1000, Name: "a", Op: "a", Kernel: "k", Pass: "forward", EdgeIn: 5000},
			{Start: 1000, Cycles: 2000, Name: "b", Op: "b", Kernel: "k", Pass: "forward", Kind: 1},
		},
	}
}

// TestTraceFigures: figures show the run's own numbers.
func TestTraceFigures(t *testing.T) {
	r := tracedRun()
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q           trace.Quantity
		first, last int
		x           int
		want        float64
	}{
		{trace.QuantityBusy, 0, 0, 0, 1}, {trace.QuantityBusy, 1, 1, 0, 0}, {trace.QuantityBusy, 0, 1, 0, 1. / 3}, {trace.QuantityBusy, 0, 1, 1, 1},
		{trace.QuantityWaiting, 1, 1, 0, 0.7}, {trace.QuantityEnergy, 0, 1, 0, 10}, {trace.QuantityWavelets, 0, 0, 1, 0.5},
	} {
		m, err := WaferMap(r, c.first, c.last, c.q)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.At(c.x, 1); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s of column %d in phases %d to %d is %v, want %v", c.q, c.x, c.first, c.last, got, c.want)
		}
		if !math.IsNaN(m.At(2, 0)) || !math.IsNaN(m.At(0, 2)) {
			t.Errorf("%s: PEs that are not used have a value", c.q)
		}
		if _, err := m.Render(PNG); err != nil {
			t.Error(err)
		}
	}
	if _, err := WaferMap(r, 0, 1, trace.QuantityWavelets); err == nil || !strings.Contains(err.Error(), "counted") {
		t.Errorf("wavelets that were not counted: error is %v", err)
	}
	if _, err := WaferMap(r, 1, 2, trace.QuantityBusy); err == nil {
		t.Error("a phase that is not there is drawn")
	}

	// The area under each curve is its PE-cycles, over the whole run and over one phase.
	var over LineChart
	for _, c := range [][2]int{{0, 0}, {1, 1}, {0, 1}} {
		var err error
		if over, err = UtilizationOverTime(r, c[0], c[1]); err != nil {
			t.Fatal(err)
		}
		var totals [8]int64
		for i := c[0]; i <= c[1]; i++ {
			for s, n := range r.KindOf(i).Sum() {
				totals[s] += n
			}
		}
		for i, want := range []int64{trace.Busy(totals), trace.Waiting(totals), totals[0]} {
			s, area := over.Series[i], 0.0
			for k := 0; k < len(s.X); k += 2 {
				area += (s.X[k+1] - s.X[k]) * s.Y[k] / 100
			}
			if got := area * 1e-3 * r.Machine.ClockHz * float64(r.PEs()); math.Abs(got-float64(want)) > 1e-6*float64(want)+1e-3 {
				t.Errorf("phases %v: %s covers %v PE-cycles, the run has %d", c, s.Name, got, want)
			}
		}
	}
	if _, err := UtilizationOverTime(r, 1, 2); err == nil {
		t.Error("a phase that is not there is drawn over time")
	}
	load, err := ColumnLoad(r, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(load.Subtitle, "column 1 has the most, 1.500 times the mean") || !strings.Contains(load.Subtitle, "1000 cycles less") {
		t.Errorf("subtitle %q", load.Subtitle)
	}
	for _, f := range []interface{ Render(Format) ([]byte, error) }{over, load} {
		if _, err := f.Render(SVG); err != nil {
			t.Error(err)
		}
	}
}
