package vec

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// gradientScalar is the documentation of Gradient, one position.
func gradientScalar(l Layout, dy, x []float32) float32 {
	var grad float32
	for g := range l.Groups {
		var s float32
		for r := l.Rows - 1; r >= 0; r-- {
			var p float32
			for i := range l.PerPE {
				t := (g*l.PerPE+i)*l.Rows + r
				product := float32(dy[t] * x[t])
				if i == 0 {
					p = product
				} else {
					p += product
				}
			}
			if r == l.Rows-1 {
				s = p
			} else {
				s += p
			}
		}
		if g == 0 {
			grad = s
		} else {
			grad += s
		}
	}
	return grad
}

func TestGradientEqualsScalar(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		p := rapid.SampledFrom([]Precision{Mixed, FP32}).Draw(rt, "precision")
		m := rapid.IntRange(1, 20).Draw(rt, "m")
		k := rapid.IntRange(1, 90).Draw(rt, "k")
		l := Layout{
			Groups: rapid.IntRange(1, 3).Draw(rt, "groups"),
			PerPE:  rapid.IntRange(1, 9).Draw(rt, "per PE"),
			Rows:   rapid.SampledFrom([]int{1, 3, 8, 16, 21, 48, 67}).Draw(rt, "rows"),
		}
		special := rapid.Bool().Draw(rt, "special")
		density := rapid.SampledFrom([]float64{1, 0.3, 0}).Draw(rt, "density")
		tokens := l.Tokens()
		dy := values(r, m*tokens, p != FP32, special)
		x := values(r, k*tokens, p != FP32, special)
		ptr, idx := csr(m, k, func() bool { return r.Float64() < density })
		full := make([]float32, m*k)
		for j := range m {
			for c := range k {
				full[j*k+c] = gradientScalar(l, dy[j*tokens:(j+1)*tokens], x[c*tokens:(c+1)*tokens])
			}
		}
		want := make([]float32, len(idx))
		for j := range m {
			for n := ptr[j]; n < ptr[j+1]; n++ {
				want[n] = full[j*k+int(idx[n])]
			}
		}
		for _, impl := range Supported() {
			for _, workers := range []int{1, 3} {
				e := NewWith(impl, workers)
				check := func(kind string, g *Gradient, want []float32) {
					for range 2 {
						got := values(r, len(want), false, true)
						g.Apply(got, dy, x)
						if i := differ(want, got); i >= 0 {
							rt.Fatalf("%v %s on %d workers: position %d is %x, want %x", impl, kind, workers, i, got[i], want[i])
						}
					}
				}
				check("dense", e.DenseGradient(p, m, k, l), full)
				check("sparse", e.SparseGradient(p, k, ptr, idx, l), want)
			}
		}
	})
}
