package vec

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// headScalar is the documentation of Attention, [features][positions].
type headScalar struct {
	HeadShape
	half           bool
	q, k, v, o, do [][]float32
	lse            []float32
	dq, dk, dv     [][]float32
}

// blocks are the positions of the keys that query i meets, block by block: its own row's first.
func (h *headScalar) blocks(i int) (all [][]int) {
	row := func(y int) {
		for a := 0; a < h.Tokens; a += h.Block {
			var keys []int
			for u := a; u < a+h.Block && u*h.Rows+y <= i; u++ {
				keys = append(keys, u*h.Rows+y)
			}
			all = append(all, keys)
		}
	}
	row(i % h.Rows)
	for y := range h.Rows {
		if y != i%h.Rows {
			row(y)
		}
	}
	return all
}

func grid(n, m int) [][]float32 {
	x := make([][]float32, n)
	for i := range x {
		x[i] = make([]float32, m)
	}
	return x
}

func (h *headScalar) round(x float32) float32 {
	if h.half {
		return Half(x)
	}
	return x
}

// product is the chain over the segments.
func (h *headScalar) product(x, y [][]float32, n, i int) (sum float32) {
	for c := range len(h.Segments) - 1 {
		var d float32
		for f := h.Segments[c]; f < h.Segments[c+1]; f++ {
			if p := float32(x[f][n] * y[f][i]); f == h.Segments[c] {
				d = p
			} else {
				d += p
			}
		}
		if c == 0 {
			sum = d
		} else {
			sum += d
		}
	}
	return sum
}

func (h *headScalar) forward() {
	for i := range h.lse {
		top, sum := float32(math.Inf(-1)), float32(0)
		acc := make([]float32, len(h.q))
		for _, keys := range h.blocks(i) {
			z, old := make([]float32, len(keys)), top
			for u, n := range keys {
				z[u] = h.product(h.k, h.q, n, i)
				top = max(top, z[u])
			}
			r := Exp(float32((old - top) * h.Scale))
			sum = float32(sum * r)
			for f := range acc {
				acc[f] = float32(acc[f] * r)
			}
			for u, n := range keys {
				p := h.round(Exp(float32((z[u] - top) * h.Scale)))
				sum += p
				for f := range acc {
					acc[f] += float32(h.v[f][n] * p)
				}
			}
		}
		h.lse[i] = Log(sum) + float32(top*h.Scale)
		for f, v := range acc {
			h.o[f][i] = h.round(float32(v * float32(1/sum)))
		}
	}
}

func (h *headScalar) backward() {
	l := len(h.lse)
	p, ds := grid(l, l), grid(l, l) // [keys][queries]
	for i := range l {
		var balance float32
		for c := range len(h.Segments) - 1 {
			var d float32
			for f := h.Segments[c]; f < h.Segments[c+1]; f++ {
				d += float32(h.do[f][i] * h.o[f][i])
			}
			if c == 0 {
				balance = d
			} else {
				balance += d
			}
		}
		acc := make([]float32, len(h.q))
		for _, keys := range h.blocks(i) {
			for _, n := range keys {
				e := Exp(float32(h.product(h.k, h.q, n, i)*h.Scale) - h.lse[i])
				p[n][i] = h.round(e)
				ds[n][i] = h.round(float32(float32((h.product(h.v, h.do, n, i)-balance)*e) * h.Scale))
				for f := range acc {
					acc[f] += float32(h.k[f][n] * ds[n][i])
				}
			}
		}
		for f, v := range acc {
			h.dq[f][i] = h.round(v)
		}
	}
	for n := range l {
		for f := range h.q {
			h.dv[f][n], h.dk[f][n] = h.sum(n, p[n], h.do[f]), h.sum(n, ds[n], h.q[f])
		}
	}
}

// sum is that of p*x over the queries that meet key n.
func (h *headScalar) sum(n int, p, x []float32) float32 {
	row := func(y int) (d float32) {
		for i := y; i < len(x); i += h.Rows {
			if i >= n {
				d += float32(p[i] * x[i])
			}
		}
		return d
	}
	var south, north float32
	for y := h.Rows - 1; y > n%h.Rows; y-- {
		south += row(y)
	}
	for y := range n % h.Rows {
		north += row(y)
	}
	return h.round(row(n%h.Rows) + (south + north))
}

func drawHead(t *rapid.T, r *rand.Rand) (*headScalar, bool) {
	block := rapid.IntRange(1, 10).Draw(t, "block")
	h := &headScalar{half: rapid.Bool().Draw(t, "half")}
	h.HeadShape = HeadShape{
		Rows: rapid.SampledFrom([]int{1, 2, 3, 8, 17, 40}).Draw(t, "rows"), Tokens: block * rapid.IntRange(1, 2).Draw(t, "blocks"),
		Block: block, Scale: 0.3,
	}
	features := rapid.SampledFrom([]int{1, 5, 16, 40, 70}).Draw(t, "features")
	segments := rapid.IntRange(1, min(features, 4)).Draw(t, "segments") // none empty
	for c := range segments + 1 {
		h.Segments = append(h.Segments, features*c/segments)
	}
	special := rapid.IntRange(0, 3).Draw(t, "special") == 0
	l := h.Rows * h.Tokens
	for _, x := range []*[][]float32{&h.q, &h.k, &h.v, &h.do} {
		for range features {
			*x = append(*x, values(r, l, h.half, special))
		}
	}
	h.o, h.dq, h.dk, h.dv, h.lse = grid(features, l), grid(features, l), grid(features, l), grid(features, l), make([]float32, l)
	return h, special
}

// view puts a tensor among other features and rows.
func (h *headScalar) view(x [][]float32) View {
	rows := h.Rows + 3
	v := View{X: make([]float32, (len(x)+1)*h.Tokens*rows), Feature: h.Tokens * rows, Token: rows}
	h.each(x, v, func(a, b *float32) { *b = *a })
	return v
}

func (h *headScalar) each(x [][]float32, v View, do func(a, b *float32)) {
	for f := range x {
		for i := range h.Tokens {
			for y := range h.Rows {
				do(&x[f][i*h.Rows+y], &v.X[f*v.Feature+i*v.Token+y])
			}
		}
	}
}

func TestAttentionEqualsScalar(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		h, special := drawHead(rt, r)
		h.forward()
		lse := grid(len(h.Segments)-1, 0)
		for c := range lse {
			lse[c] = h.lse
		}
		precision := FP32
		if h.half {
			precision = Mixed
		}
		h.backward()
		for _, impl := range Supported() {
			a := NewWith(impl, 2).Attention(precision, h.HeadShape)
			empty := grid(len(h.q), len(h.lse))
			heads := make([]Head, 3)
			for i := range heads {
				heads[i] = Head{
					Q: h.view(h.q), K: h.view(h.k), V: h.view(h.v), O: h.view(empty), LSE: h.view(grid(len(lse), len(h.lse))),
					DO: h.view(h.do), DQ: h.view(empty), DK: h.view(empty), DV: h.view(empty),
				}
			}
			a.Forward(heads)
			a.Backward(heads)
			for _, x := range heads {
				for _, c := range []struct {
					name string
					want [][]float32
					got  View
				}{{"o", h.o, x.O}, {"lse", lse, x.LSE}, {"dq", h.dq, x.DQ}, {"dk", h.dk, x.DK}, {"dv", h.dv, x.DV}} {
					h.each(c.want, c.got, func(want, got *float32) {
						if math.Float32bits(*want) != math.Float32bits(*got) && (*want == *want || *got == *got) {
							rt.Fatalf("%v, special %t: %s is %x, want %x", impl, special, c.name, *got, *want)
						}
					})
				}
			}
		}
	})
}
