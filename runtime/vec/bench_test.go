package vec

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

const (
	benchTokens  = 2048
	benchWorkers = 2
)

var benchLayout = Layout{Groups: 1, PerPE: 16, Rows: 128}

// benchOrder has 16 inputs in a segment, as the wafer's mappings do, and the outputs
// spread over the columns.
func benchOrder(m, k int) Order {
	s := k / 16
	o := Order{Segments: make([]int, s+1), Ring: make([]int, s), First: make([]int, m)}
	for c := range s {
		o.Segments[c+1], o.Ring[c] = 16*(c+1), c
	}
	for j := range o.First {
		o.First[j] = j * s / m
	}
	return o
}

// layer is the linear work of one matrix in a training step.
type layer struct {
	m, k           int
	nnz            int
	forward, delta *Linear
	gradient       *Gradient
	w, wt          []float32 // of forward and of delta
	x, y, dx, dy   []float32
	grad           []float32
}

func newLayer(e *Engine, m, k int, sparse bool) *layer {
	r := rand.New(rand.NewPCG(uint64(m), uint64(k)))
	l := &layer{m: m, k: k, nnz: m * k}
	if !sparse {
		l.forward, l.delta = e.Dense(Mixed, m, k, benchOrder(m, k)), e.Dense(Mixed, k, m, benchOrder(k, m))
		l.gradient = e.DenseGradient(Mixed, m, k, benchLayout)
	} else {
		ptr, idx := csr(m, k, func() bool { return r.IntN(4) == 0 })
		back := make([][]int32, k) // the transposed mask
		for j := range m {
			for _, c := range idx[ptr[j]:ptr[j+1]] {
				back[c] = append(back[c], int32(j))
			}
		}
		ptrT, idxT := []int{0}, []int32{}
		for _, js := range back {
			idxT = append(idxT, js...)
			ptrT = append(ptrT, len(idxT))
		}
		l.nnz = len(idx)
		l.forward, l.delta = e.Sparse(Mixed, k, ptr, idx, benchOrder(m, k)), e.Sparse(Mixed, m, ptrT, idxT, benchOrder(k, m))
		l.gradient = e.SparseGradient(Mixed, k, ptr, idx, benchLayout)
	}
	l.w, l.wt = values(r, l.nnz, true, false), values(r, l.nnz, true, false)
	for _, w := range [][]float32{l.w, l.wt} {
		for i := range w {
			if w[i] == 0 {
				w[i] = 1
			}
		}
	}
	l.x, l.dy = values(r, k*benchTokens, true, false), values(r, m*benchTokens, true, false)
	l.y, l.dx, l.grad = make([]float32, m*benchTokens), make([]float32, k*benchTokens), make([]float32, l.nnz)
	return l
}

func (l *layer) step() {
	l.forward.Apply(l.y, l.x, l.w, Out{})
	l.delta.Apply(l.dx, l.dy, l.wt, Out{})
	l.gradient.Apply(l.grad, l.dy, l.x)
}

// flops of one pass: two per FMAC.
func (l *layer) flops() float64 { return 2 * float64(l.nnz) * benchTokens }

func reportFlops(b *testing.B, flops float64) {
	b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

var benchKinds = []struct {
	name   string
	sparse bool
}{{"dense", false}, {"sparse75", true}}

func BenchmarkLinear(b *testing.B) {
	for _, impl := range Supported()[1:] {
		for _, shape := range [][2]int{{384, 384}, {1536, 384}, {384, 1536}} {
			for _, kind := range benchKinds {
				b.Run(fmt.Sprintf("%v/%dx%d/%s", impl, shape[0], shape[1], kind.name), func(b *testing.B) {
					l := newLayer(NewWith(impl, benchWorkers), shape[0], shape[1], kind.sparse)
					for b.Loop() {
						l.forward.Apply(l.y, l.x, l.w, Out{})
					}
					reportFlops(b, l.flops())
				})
			}
		}
	}
}

func BenchmarkGradient(b *testing.B) {
	for _, impl := range Supported()[1:] {
		for _, shape := range [][2]int{{384, 384}, {1536, 384}, {384, 1536}} {
			for _, kind := range benchKinds {
				b.Run(fmt.Sprintf("%v/%dx%d/%s", impl, shape[0], shape[1], kind.name), func(b *testing.B) {
					l := newLayer(NewWith(impl, benchWorkers), shape[0], shape[1], kind.sparse)
					for b.Loop() {
						l.gradient.Apply(l.grad, l.dy, l.x)
					}
					reportFlops(b, l.flops())
				})
			}
		}
	}
}

// BenchmarkStep is the linear work of one training step of a GPT with 6 layers of
// width 384 and d_ff 1536 over 2048 tokens: six matrices, each forward, delta and
// weight gradient.
func BenchmarkStep(b *testing.B) {
	const layers, d, ff = 6, 384, 1536
	for _, kind := range benchKinds {
		b.Run(kind.name, func(b *testing.B) {
			e := New(benchWorkers)
			var all []*layer
			flops := 0.0
			for range layers {
				for _, shape := range [][2]int{{d, d}, {d, d}, {d, d}, {d, d}, {ff, d}, {d, ff}} {
					l := newLayer(e, shape[0], shape[1], kind.sparse)
					all, flops = append(all, l), flops+3*l.flops()
				}
			}
			for b.Loop() {
				for _, l := range all {
					l.step()
				}
			}
			reportFlops(b, flops)
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms/step")
		})
	}
}

func BenchmarkElementwise(b *testing.B) {
	x := values(rand.New(rand.NewPCG(1, 1)), 4096, false, false)
	dst := make([]float32, len(x))
	for _, op := range []struct {
		name string
		f    func(dst, x []float32)
	}{{"Round16", best.Round16}, {"Exp", best.Exp}, {"Gelu", best.Gelu}, {"GeluGrad", best.GeluGrad}, {"Tanh", best.Tanh}} {
		b.Run(op.name, func(b *testing.B) {
			b.SetBytes(4 * int64(len(x)))
			for b.Loop() {
				op.f(dst, x)
			}
		})
	}
}
