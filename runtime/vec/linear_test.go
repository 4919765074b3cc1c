package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cs2sim.dev/model"
)

// values draws n numbers: small fp16 or fp32 ones, and with special also zeros of
// both signs, subnormals, infinities and NaN.
func values(r *rand.Rand, n int, half, special bool) []float32 {
	odd := []float32{0, negZero, 0x1p-24, -0x1p-24, 65504, -65504,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	if !half {
		odd = append(odd, 0x1p-149, -0x1p-140, math.MaxFloat32)
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
		if half {
			v[i] = Half(v[i])
		}
		if special && r.IntN(40) == 0 {
			v[i] = odd[r.IntN(len(odd))]
		}
	}
	return v
}

// differ is the first place where a and b have other bits, -1 if none; a NaN equals
// any NaN.
func differ(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) && (a[i] == a[i] || b[i] == b[i]) {
			return i
		}
	}
	return -1
}

// drawOrder draws an order of s segments, some empty, for an m x k layer.
func drawOrder(r *rand.Rand, m, k, s int) Order {
	o := Order{Segments: []int{0}, Ring: r.Perm(s), First: make([]int, m)}
	for range s - 1 {
		o.Segments = append(o.Segments, r.IntN(k+1))
	}
	slices.Sort(o.Segments)
	o.Segments = append(o.Segments, k)
	for j := range o.First {
		o.First[j] = j * s / m
		if r.IntN(8) == 0 {
			o.First[j] = r.IntN(s)
		}
	}
	return o
}

// csr is the mask of the weights that keep says.
func csr(m, k int, keep func() bool) (ptr []int, idx []int32) {
	ptr = []int{0}
	for range m {
		for i := range k {
			if keep() {
				idx = append(idx, int32(i))
			}
		}
		ptr = append(ptr, len(idx))
	}
	return ptr, idx
}

// linearScalar is the documentation of Linear, one output of one token at a time.
func linearScalar(p Precision, out Out, y0 float32, w, x []float32, o Order, first int) float32 {
	round := func(v float32) float32 {
		if p == FP16 {
			return Half(v)
		}
		return v
	}
	store := Half
	if out.Keep32 || p == FP32 {
		store = func(v float32) float32 { return v }
	}
	var v float32
	at := slices.Index(o.Ring, first)
	for n := range o.Ring {
		c := o.Ring[(at+n)%len(o.Ring)]
		var psum float32
		found := false
		for k := o.Segments[c]; k < o.Segments[c+1]; k++ {
			switch product := float32(w[k] * x[k]); {
			case w[k] == 0:
			case !found:
				psum, found = round(product), true
			default:
				psum = round(psum + product)
			}
		}
		switch {
		case !found:
		case n == 0:
			v = psum
		default:
			v = round(v + psum)
		}
	}
	v = store(v)
	if out.Accumulate {
		v = store(y0 + v)
	}
	return v
}

func TestLinearEqualsScalar(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		p := Precision(rapid.IntRange(0, 2).Draw(rt, "precision"))
		m := rapid.IntRange(1, 40).Draw(rt, "m")
		k := rapid.IntRange(1, 90).Draw(rt, "k")
		tokens := rapid.SampledFrom([]int{1, 7, 16, 33, 64, 130, 300}).Draw(rt, "tokens")
		density := rapid.SampledFrom([]float64{1, 0.5, 0.1}).Draw(rt, "density")
		special := rapid.Bool().Draw(rt, "special")
		out := Out{Keep32: rapid.Bool().Draw(rt, "keep32"), Accumulate: rapid.Bool().Draw(rt, "accumulate")}
		o := drawOrder(r, m, k, rapid.IntRange(1, 9).Draw(rt, "segments"))
		dense := density == 1

		ptr, idx := csr(m, k, func() bool { return dense || r.Float64() < density })
		w := values(r, len(idx), p != FP32, special)
		full := make([]float32, m*k)
		for j := range m {
			for n := ptr[j]; n < ptr[j+1]; n++ {
				full[j*k+int(idx[n])] = w[n]
			}
		}
		x := values(r, k*tokens, p != FP32, special)
		y0 := values(r, m*tokens, p != FP32, special)
		want := make([]float32, m*tokens)
		column := make([]float32, k)
		for i := range tokens {
			for c := range column {
				column[c] = x[c*tokens+i]
			}
			for j := range m {
				want[j*tokens+i] = linearScalar(p, out, y0[j*tokens+i], full[j*k:(j+1)*k], column, o, o.First[j])
			}
		}
		for _, impl := range Supported() {
			for _, workers := range []int{1, 3} {
				e := NewWith(impl, workers)
				check := func(kind string, l *Linear, w []float32) {
					for range 2 { // the second time on used scratch
						y := slices.Clone(y0)
						l.Apply(y, x, w, out)
						if i := differ(want, y); i >= 0 {
							rt.Fatalf("%v %s on %d workers: output %d token %d is %x, want %x",
								impl, kind, workers, i/tokens, i%tokens, y[i], want[i])
						}
					}
				}
				check("dense", e.Dense(p, m, k, o), full)
				check("sparse", e.Sparse(p, k, ptr, idx, o), w)
			}
		}
	})
}

// TestLinearEqualsModel pins the order to the one the engines are checked against.
func TestLinearEqualsModel(t *testing.T) {
	for _, tc := range []struct {
		p  Precision
		of model.Precision
	}{{Mixed, model.Mixed}, {FP32, model.FP32}, {FP16, model.FP16}} {
		for _, sparsity := range []float64{0, 0.8} {
			t.Run(fmt.Sprintf("%v/%v", tc.of, sparsity), func(t *testing.T) {
				const m, k, tokens = 50, 70, 37
				n := model.Node{Name: "fc", In: k, Out: m, Precision: tc.of, Seed: 3}
				mask, err := model.NewMask(m, k, model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity, Seed: 5})
				if err != nil {
					t.Fatal(err)
				}
				r := rand.New(rand.NewPCG(7, 7))
				o := drawOrder(r, m, k, 6)
				all := func(n int) []int {
					v := make([]int, n)
					for i := range v {
						v[i] = i
					}
					return v
				}
				want := model.LinearReference(n, mask, all(tokens), all(m), model.Order{
					Segments: o.Segments, Ring: o.Ring, First: func(j int) int { return o.First[j] },
				})
				x := make([]float32, k*tokens)
				for c := range k {
					for i := range tokens {
						x[c*tokens+i] = n.Activation(i, c)
					}
				}
				var ptr = []int{0}
				var idx []int32
				var w []float32
				for j := range m {
					row := mask.Row(j, nil)
					for c := range k {
						if row[c>>6]>>(c&63)&1 != 0 {
							idx, w = append(idx, int32(c)), append(w, n.Weight(j, c))
						}
					}
					ptr = append(ptr, len(idx))
				}
				for _, impl := range Supported() {
					y := make([]float32, m*tokens)
					NewWith(impl, 2).Sparse(tc.p, k, ptr, idx, o).Apply(y, x, w, Out{})
					for i := range tokens {
						for j := range m {
							if got := y[j*tokens+i]; math.Float32bits(got) != math.Float32bits(want[i][j]) {
								t.Fatalf("%v: y[%d][%d] is %x, want %x", impl, j, i, got, want[i][j])
							}
						}
					}
				}
			})
		}
	}
}
