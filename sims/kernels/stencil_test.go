package kernels

import (
	"context"
	"strconv"
	"testing"
	"time"

	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// TestStencilPublished: cycles per cell; how busy a PE away from the edges is is only told.
func TestStencilPublished(t *testing.T) {
	t.Parallel()
	tolerance := map[int]float64{1000: 5, 100: 6}
	for _, row := range validation(t, "stencil.csv") {
		k := Stencil{NZ: number(t, row[0])}
		if testing.Short() && k.NZ > 100 {
			continue
		}
		want, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		r, err := k.Run(context.Background(), wse2(t))
		if err != nil {
			t.Fatal(err)
		}
		got := float64(r.Cycles) / float64(k.NZ)
		s := r.Report.PEs[r.Report.Layout.Index(8, 8)]
		total := float64(s.Total())
		t.Logf("nz %d: %.1f cycles per cell, published %.1f; compute %.1f %%, memory %.1f %%, %v, %v", k.NZ, got, want, 100*float64(s[pe.Compute])/total, 100*float64(s[pe.Conflict])/total, s, time.Since(begin))
		if e := got - want; e > tolerance[k.NZ] || e < -tolerance[k.NZ] {
			t.Errorf("nz %d: %.1f cycles per cell, published %.1f", k.NZ, got, want)
		}
		if r.Mismatches > 0 {
			t.Errorf("nz %d: %d wrong cells", k.NZ, r.Mismatches)
		}
	}
}

// TestStencilValues: any grid and depth, edges and all, against plain loops over the whole grid;
// a second run is the same to the cycle.
func TestStencilValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := Stencil{
			NZ:    rapid.IntRange(1, 12).Draw(t, "nz"),
			Width: rapid.IntRange(1, 9).Draw(t, "width"), Height: rapid.IntRange(1, 9).Draw(t, "height"),
			Steps: rapid.IntRange(1, 3).Draw(t, "steps"),
		}
		r, err := k.Run(context.Background(), preset(t))
		if err != nil {
			t.Fatalf("%+v: %v", k, err)
		}
		if r.Mismatches > 0 {
			t.Errorf("%+v: %d wrong cells", k, r.Mismatches)
		}
		again, err := k.Run(context.Background(), preset(t))
		if err != nil || again.Report.States != r.Report.States || again.Report.Cycles != r.Report.Cycles {
			t.Errorf("%+v: another result the second time: %v", k, err)
		}
	})
}

// TestStencilInParts: a column longer than the exchange buffer, its last part shorter.
func TestStencilInParts(t *testing.T) {
	k := Stencil{NZ: 803, Width: 3, Height: 2, Steps: 2}
	r, err := k.Run(context.Background(), wse2(t))
	if err != nil || r.Mismatches > 0 {
		t.Errorf("%+v: %+v, %v", k, r, err)
	}
}

// TestStencilFillsSRAM: a column that leaves less than 400 cells of buffer is exchanged in more parts.
func TestStencilFillsSRAM(t *testing.T) {
	for _, nz := range []int{1529, 2500, 4085} {
		r, err := Stencil{NZ: nz, Width: 3, Height: 2, Steps: 2}.Run(context.Background(), wse2(t))
		if err != nil || r.Mismatches > 0 {
			t.Errorf("nz %d: %+v, %v", nz, r, err)
		}
	}
}

func TestSpreadAverage(t *testing.T) {
	var s Spread
	for i := range 36 {
		s.add(5170, i)
	}
	if s.Min != 5170 || s.Max != 5170 || s.Average != 5170 {
		t.Errorf("36 PEs of 5170 cycles: %+v", s)
	}
}
