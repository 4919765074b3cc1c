package sims

import "math"

// publishedSide is the layer of the published curve: a 12,288 x 12,288 MatMul.
const publishedSide = 12288

// publishedSpeedup is the speedup over dense measured on a CS-2 at weight sparsity 1-1/k for
// k = 1..10. Source: Lie, "Multi-million core, multi-wafer AI cluster", Hot Chips 33 (2021), as
// redrawn in Thangarasa et al., SPDF, arXiv 2303.10464, appendix figure 1.
func publishedSpeedup() []float64 {
	return []float64{1.00, 1.97, 2.88, 3.80, 4.63, 5.46, 6.23, 7.01, 7.68, 8.36}
}

// published returns the measured speedup of a layer at a sparsity, NaN where none was published.
func published(m MatMul, sparsity float64) float64 {
	if m.Rows != publishedSide || m.Cols != publishedSide {
		return math.NaN()
	}
	for i, v := range publishedSpeedup() {
		const rounding = 1e-6 // the source and run files write 0.666667
		if math.Abs(sparsity-(1-1/float64(i+1))) <= rounding {
			return v
		}
	}
	return math.NaN()
}
