package kernels

import (
	"context"
	"math"
	"strings"
	"testing"

	"cs2sim.dev/compiler"
	"pgregory.net/rapid"
)

// TestCOOPublished: the average over PEs within 2 % at every published row.
func TestCOOPublished(t *testing.T) {
	for _, row := range validation(t, "spmm_coo.csv") {
		k := SpMM{Format: "coo", NNZ: number(t, row[0]), M: number(t, row[1])}
		r, err := k.Run(context.Background(), wse2(t))
		if err != nil {
			t.Fatal(err)
		}
		want := float64(number(t, row[3]))
		e := r.Spread.Average/want - 1
		t.Logf("%+v: %.0f cycles (%d to %d), published %.0f, error %+.2f %%", k, r.Spread.Average, r.Spread.Min, r.Spread.Max, want, 100*e)
		if math.Abs(e) > 0.02 {
			t.Errorf("%+v: %.0f cycles, published %.0f", k, r.Spread.Average, want)
		}
		if r.Mismatches > 0 {
			t.Errorf("%+v: %d wrong values", k, r.Mismatches)
		}
	}
}

// The CSC loop of the same source (benchmarks/CSC_benchmark.csv): rows and columns of A and
// the density per PE, stored values, m, average cycles.
func TestCSCPublished(t *testing.T) {
	for _, c := range []struct {
		rows, cols, nnz, m int
		density, want      float64
	}{
		{128, 16, 128, 68, 0.05, 14649},
		{64, 12, 104, 132, 0.10, 17205},
		{128, 16, 245, 68, 0.10, 26933},
		{24, 16, 105, 260, 0.20, 29092},
		{128, 16, 458, 68, 0.20, 51512},
		{32, 8, 103, 260, 0.30, 28669},
	} {
		k := SpMM{Format: "csc", NNZ: c.nnz, M: c.m, Rows: c.rows, Cols: c.cols, Density: c.density, PEs: 200}
		r, err := k.Run(context.Background(), wse2(t))
		if err != nil {
			t.Fatal(err)
		}
		e := r.Spread.Average/c.want - 1
		t.Logf("%+v: %.0f cycles (%d to %d), published %.0f, error %+.2f %%", k, r.Spread.Average, r.Spread.Min, r.Spread.Max, c.want, 100*e)
		if math.Abs(e) > 0.02 || r.Mismatches > 0 {
			t.Errorf("%+v: %.0f cycles, published %.0f; %d wrong values", k, r.Spread.Average, c.want, r.Mismatches)
		}
		if r.Spread.Min >= r.Cycles || r.Spread.Max <= r.Cycles {
			t.Errorf("%+v: %+v, PEs must differ", k, r.Spread)
		}
	}
}

// TestSpMMValues: any pattern, in any memory plan, as a plain loop; COO costs by the stored
// values, CSC by what a column holds.
func TestSpMMValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := SpMM{
			Format: rapid.SampledFrom([]string{"coo", "csc"}).Draw(t, "format"),
			M:      rapid.IntRange(1, 90).Draw(t, "m"),
			Rows:   rapid.IntRange(1, 40).Draw(t, "rows"), Cols: rapid.IntRange(1, 9).Draw(t, "cols"),
			PEs: rapid.IntRange(1, 4).Draw(t, "pes"), Seed: rapid.Uint64Range(0, 99).Draw(t, "seed"),
			Density: rapid.Float64Range(0, 1).Draw(t, "density"),
		}
		k.NNZ = rapid.IntRange(1, k.Rows*k.Cols).Draw(t, "nnz")
		r, err := k.Run(context.Background(), preset(t))
		if err != nil {
			t.Fatal(err)
		}
		if r.Mismatches > 0 || float64(r.Spread.Min) > r.Spread.Average || r.Spread.Average > float64(r.Spread.Max) {
			t.Errorf("%+v: %d wrong values, %+v", k, r.Mismatches, r.Spread)
		}
		again, err := k.Run(context.Background(), preset(t))
		if err != nil || again.Spread != r.Spread || again.Report.States != r.Report.States {
			t.Errorf("%+v: %+v, then %+v, %v", k, r.Spread, again.Spread, err)
		}
	})
}

func TestSpMMRefused(t *testing.T) {
	for want, k := range map[string]SpMM{
		`format "csr", must be coo or csc`:           {Format: "csr", NNZ: 1, M: 1},
		"0 non-zeros and m = 4":                      {Format: "coo", M: 4},
		"5 non-zeros in 2 rows x 2 columns":          {Format: "coo", NNZ: 5, M: 4, Rows: 2, Cols: 2},
		`SRAM: "x" does not fit`:                     {Format: "csc", NNZ: 100, M: 4000},
		`spmm coo: 751 x 1 PEs, the machine has 750`: {Format: "coo", NNZ: 9, M: 4, PEs: 751},
	} {
		if _, err := k.Run(context.Background(), wse2(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", k, err, want)
		}
	}
}

// preset is wse2 for property tests.
func preset(t *rapid.T) compiler.Target {
	m, err := compiler.Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	return m
}
