package kernels

import (
	"context"
	"strconv"
	"testing"
	"time"

	"cs2sim.dev/pe"
)

// TestStencilPublished: cycles per cell of a PE away from the edges.
func TestStencilPublished(t *testing.T) {
	tolerance := map[int]float64{1000: 5, 100: 6}
	for _, row := range validation(t, "stencil.csv") {
		k := Stencil{NZ: number(t, row[0])}
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
		s := r.Report.PEs[r.Report.Layout.Index(5, 5)]
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
