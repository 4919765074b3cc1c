package trace

import (
	"testing"

	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// TestJoined: neighbouring columns that did the same are one cell, of which every PE still has its own counts.
func TestJoined(t *testing.T) {
	const columns, groups, rows = 6, 3, 4
	r := &Run{Place: Place{Width: groups * columns, Height: rows}, Machine: Machine{Width: 20, Height: 5}}
	g := runtime.Grid{PeriodX: columns, PeriodY: rows}
	for y := range rows {
		for _, class := range []int64{1, 1, 2, 2, 2, 1} {
			n := 10*class + int64(y)
			g.Cells = append(g.Cells, pe.StateCycles{pe.Compute: n, pe.Idle: 100 - n})
			g.Wavelets = append(g.Wavelets, 7*class)
		}
	}
	for _, counted := range []bool{true, false} {
		if !counted {
			g.Wavelets = nil
		}
		k := r.kind(&g, 100, 1000)
		if err := k.check(r.Machine); err != nil {
			t.Fatal(err)
		}
		if n := len(k.Cells) - 2; n != 3*rows {
			t.Errorf("%d cells of the PEs in use, want %d", n, 3*rows)
		}
		r.Kinds, r.Phases = []Kind{k}, []Phase{{}}
		wavelets, ok := r.waveletRaster(0, 0)
		if ok != counted {
			t.Errorf("wavelets known: %v, want %v", ok, counted)
		}
		for y := range rows {
			for x := range groups * columns {
				if got, want := k.At(x, y), g.At(x, y); got != want {
					t.Errorf("PE %d,%d: %v, want %v", x, y, got, want)
				}
				if counted && wavelets[y*groups*columns+x] != g.Routed(x, y) {
					t.Errorf("PE %d,%d: %d wavelets, want %d", x, y, wavelets[y*groups*columns+x], g.Routed(x, y))
				}
			}
		}
	}
}
