package spdf

import (
	"math"

	"cs2sim.dev/model"
)

// Distance is how far fine-tuning turned one matrix: 1 - cos of the angle between its weights
// before and after, all of them as one vector (SPDF figures 3 and 4).
type Distance struct {
	Module string  `json:"module"` // the paper's name: WQ, WK, WV, WD, WI, WO
	Layer  int     `json:"layer"`  // from 1
	Cosine float64 `json:"cosine_distance"`
}

// Module is a matrix of a block by the paper's name and by ours.
type Module struct{ Name, Tensor string }

// Modules lists the six masked matrices of a block in the paper's order.
func Modules() []Module {
	return []Module{
		{"WK", "attn.k.w"}, {"WQ", "attn.q.w"}, {"WV", "attn.v.w"}, {"WD", "attn.proj.w"}, {"WI", "mlp.fc.w"}, {"WO", "mlp.proj.w"},
	}
}

// distances compares all matrices of two arenas of one layout.
func distances(l *model.Layout, before, after []float32) (out []Distance) {
	for _, m := range Modules() {
		for layer := range l.Config.Layers {
			name := blockName(layer, m.Tensor)
			out = append(out, Distance{m.Name, layer + 1, cosineDistance(l.ViewOf(before, name), l.ViewOf(after, name))})
		}
	}
	return out
}

// cosineDistance sums in float64. It is 0 between equal vectors.
func cosineDistance(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if ab == aa && aa == bb {
		return 0
	}
	return 1 - ab/math.Sqrt(aa*bb)
}
