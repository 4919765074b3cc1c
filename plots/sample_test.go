package plots

import (
	"math"
	"math/rand/v2"

	"cs2sim.dev/sims"
)

func number(name, title string) sims.Column {
	return sims.Column{Name: name, Title: title, Kind: sims.Number}
}

// speedupTable holds the ten published points of SPDF's appendix, figure 1, and invented simulations.
func speedupTable() sims.Table {
	t := sims.Table{Name: "speedup", Title: "12,288 × 12,288 MatMul on one CS-2: speedup from unstructured sparsity", Columns: []sims.Column{
		number("sparsity", "Sparsity"), number("theoretical_speedup", "Theoretical, 1 / (1 − s)"),
		number("published_speedup", "Published, CS-2 (SPDF)"), number("simulated_speedup", "Simulated, cs2sim"),
	}}
	published := []float64{1, 1.97, 2.88, 3.80, 4.63, 5.46, 6.23, 7.01, 7.68, 8.36}
	off := []float64{1, 0.996, 1.007, 0.991, 1.009, 1.004, 0.995, 0.988, 1.006, 1.011}
	for i, p := range published {
		n := float64(i + 1)
		t.Rows = append(t.Rows, []any{1 - 1/n, n, p, p * off[i]})
	}
	return t
}

func variantsTable() sims.Table {
	t := speedupTable()
	t.Columns = append(t.Columns, number("groups1_speedup", "One token group"),
		number("runahead0_speedup", "Run-ahead 0"), number("balanced_speedup", "Row-balanced mask"))
	for i, row := range t.Rows {
		d := 1 / float64(i+1)
		t.Rows[i] = append(row, 1.12/(d+0.12), 1.9/(d+0.9), 1.012/(d+0.012))
	}
	return t
}

func cyclesTable() sims.Table {
	t := sims.Table{Name: "cycles", Columns: []sims.Column{
		number("sparsity", "Sparsity"), number("cycles_fmac", "FMAC"), number("cycles_start", "Instruction start"),
		number("cycles_ring", "Ring add"), number("cycles_task", "Task switch"), number("cycles_weight", "Waiting for a weight"),
		number("cycles_psum", "Waiting for a partial sum"), number("cycles_io", "Waiting for MemoryX (I/O limit)"), number("cycles_idle", "Not mapped"),
	}}
	for i := range 10 {
		n := float64(i + 1)
		fmac := 78 - 1.9*n
		row := []float64{fmac, 9 - 0.2*n, 0.5 + 0.7*n, 0.2 + 0.18*n, 1.5 + 0.3*n, 0.3 + 0.62*n, 0.4}
		rest := 100.0
		cells := []any{1 - 1/n}
		for _, v := range row {
			cells, rest = append(cells, v), rest-v
		}
		t.Rows = append(t.Rows, append(cells, rest))
	}
	return t
}

// wafer is a busy-share map of the size of a WSE-2: token groups, a dead frame, a slow corner.
func wafer() HeatMap {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]float64, 750*994)
	for i := range noise {
		noise[i] = random.NormFloat64()
	}
	return HeatMap{
		Title: "Busy share of every PE", Subtitle: "12,288 × 12,288 MatMul, 80 % sparse, three token groups; row 0 is the wafer's north edge",
		XLabel: "PE column", YLabel: "PE row", ValueLabel: "Cycles with an FMAC or an add (% of all)",
		Width: 750, Height: 994, Max: 100,
		At: func(x, y int) float64 {
			if x >= 744 || y >= 980 {
				return math.NaN()
			}
			group := float64(x%248) / 248
			return 92 - 38*group*group - float64(y)/40 + 3*noise[y*750+x]
		},
	}
}
