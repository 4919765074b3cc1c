package runtime

import (
	"math"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// gather is a tile's values of the micro-batch's tokens, [B*T][features].
func (b *bench) gather(h *Host, t *compiler.Tile) []float32 {
	x, T := h.Tensor(t), b.space.HostTokens()
	n := len(x) / T
	out := make([]float32, b.batch.B*b.batch.T*n)
	b.places(func(token, at int) {
		for f := range n {
			out[token*n+f] = x[f*T+at]
		}
	})
	return out
}

// scatter is the reverse; places without a token stay 0.
func (b *bench) scatter(h *Host, t *compiler.Tile, v []float32) {
	x, T := h.Tensor(t), b.space.HostTokens()
	n := len(x) / T
	b.places(func(token, at int) {
		for f := range n {
			x[f*T+at] = v[token*n+f]
		}
	})
}

func (b *bench) places(visit func(token, at int)) {
	for n := range b.batch.B {
		for pos := range b.batch.T {
			g, y, i := b.space.Place(n, pos)
			visit(n*b.batch.T+pos, b.space.HostIndex(g, i, y))
		}
	}
}

// draw draws values of the micro-batch's tokens as stored.
func (b *bench) draw(n int) []float32 {
	v := make([]float32, b.batch.B*b.batch.T*n)
	for i := range v {
		v[i] = pe.Round(b.space.Type(), float32(b.rnd.NormFloat64()))
	}
	return v
}

// near compares with the reference: both round the same fp32 result, computed in another order,
// to the stored format so many times. size bounds the terms of the sums behind a value.
func (b *bench) near(what string, got, want []float32, roundings int, size float64) {
	b.t.Helper()
	unit := 0.0
	if b.space.Type() == pe.F16 {
		unit = 0x1p-10
	}
	for i, w := range want {
		tolerance := 4e-6*size + float64(roundings)*unit*max(math.Abs(float64(w)), 0x1p-14)
		if d := math.Abs(float64(got[i]) - float64(w)); !(d <= tolerance) {
			b.t.Fatalf("%s: element %d is %v, by the reference %v: off by %g, at most %g", what, i, got[i], w, d, tolerance)
		}
	}
}

// values runs a kernel on the host, with gradients from 0.
func (b *bench) values(h *Host, k compiler.Kernel) *Store {
	b.t.Helper()
	m, ph := b.phase(k)
	clear(m.Grads)
	if err := ph.values(h); err != nil {
		b.t.Fatal(err)
	}
	return m
}

func TestLayerNormReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		p, C, N := b.space.Precision, b.space.Model.DModel, b.batch.B*b.batch.T
		gain, _, _ := b.store.Tensor("ln_f.w")
		bias, _, _ := b.store.Tensor("ln_f.b")
		x, h := b.draw(C), NewHost(b.space)
		if C == 2 { // an almost equal pair has a variance of rounding errors alone
			for i := range x {
				x[i] += float32(1 - 2*(i%2))
				x[i] = p.Round(x[i])
			}
		}
		fwd := &compiler.LayerNorm{Gain: "ln_f.w", Bias: "ln_f.b", X: b.feat("x"), Y: b.feat("y"), Mean: b.stat("mean"), RStd: b.stat("rstd")}
		b.scatter(h, fwd.X, x)
		b.values(h, fwd)
		y, mean, rstd := make([]float32, N*C), make([]float32, N), make([]float32, N)
		model.LayerNormForward(y, mean, rstd, x, gain, bias, N, C, p)
		most := 1.0
		for _, v := range rstd {
			most = max(most, float64(v))
		}
		b.near("y", b.gather(h, fwd.Y), y, 1, 8*most)

		dy := b.draw(C)
		add := b.draw(C)
		bwd := &compiler.LayerNormBackward{Gain: "ln_f.w", Bias: "ln_f.b", X: fwd.X, DY: b.feat("dy"), DX: b.feat("dx"), Add: b.feat("add"), Mean: fwd.Mean, RStd: fwd.RStd}
		b.scatter(h, bwd.DY, dy)
		b.scatter(h, bwd.Add, add)
		m := b.values(h, bwd)
		dx, dw, db := make([]float32, N*C), make([]float32, C), make([]float32, C)
		model.LayerNormBackward(dx, dw, db, dy, x, mean, rstd, gain, N, C, p)
		largest := 1.0
		for _, v := range dx {
			largest = max(largest, math.Abs(float64(v)))
		}
		model.ResidualForward(dx, add, dx, p)
		if p == model.Mixed { // the delta's own rounding, of a number that may be larger than the sum
			largest *= 1 + 0x1p-10/4e-6
		}
		b.near("dx", b.gather(h, bwd.DX), dx, 1, 30*most*most+largest)
		b.near("gradient of gain", m.Grad("ln_f.w"), dw, 0, 10*float64(N)*most)
		b.near("gradient of bias", m.Grad("ln_f.b"), db, 0, 4*float64(N))
	})
}

func TestPointwiseReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		b.space.Model.Activation = rapid.SampledFrom([]model.Activation{model.GELUTanh, model.GELUErf}).Draw(rt, "activation")
		p, C, F, N := b.space.Precision, b.space.Model.DModel, b.space.Model.DFF, b.batch.B*b.batch.T
		h := NewHost(b.space)
		ff := func(name string) *compiler.Tile { return b.tile(name, b.space.FF, b.space.Type()) }
		u, dg := b.draw(F), b.draw(F)
		g := &compiler.GELU{X: ff("u"), Y: ff("g")}
		b.scatter(h, g.X, u)
		b.values(h, g)
		want := make([]float32, N*F)
		model.GELUForward(want, u, b.space.Model.Activation, p)
		b.near("gelu", b.gather(h, g.Y), want, 1, 1)
		gb := &compiler.GELUBackward{X: g.X, DY: ff("dg"), DX: ff("du")}
		b.scatter(h, gb.DY, dg)
		b.values(h, gb)
		model.GELUBackward(want, dg, u, b.space.Model.Activation, p)
		b.near("gelu backward", b.gather(h, gb.DX), want, 1, 4)

		e := &compiler.Embed{Y: b.feat("y")}
		b.values(h, e)
		wte, _, _ := b.store.Tensor("wte")
		wpe, _, _ := b.store.Tensor("wpe")
		x := make([]float32, N*C)
		model.EmbeddingForward(x, b.batch.Tokens, wte, wpe, b.batch.B, b.batch.T, C, p)
		b.near("embedding", b.gather(h, e.Y), x, 0, 0)
		eb := &compiler.EmbedBackward{DY: b.feat("dy")}
		dy := b.draw(C)
		b.scatter(h, eb.DY, dy)
		m := b.values(h, eb)
		dwte, dwpe := make([]float32, len(wte)), make([]float32, len(wpe))
		model.EmbeddingBackward(dwte, dwpe, dy, b.batch.Tokens, b.batch.B, b.batch.T, C)
		b.near("gradient of wte", m.Grad("wte"), dwte, 0, 4*float64(N)) // added row after row
		b.near("gradient of wpe", m.Grad("wpe"), dwpe, 0, 0)
	})
}

// TestLossReference takes the vocabulary in two chunks.
func TestLossReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		s, V, N := b.space, b.space.Model.Vocabulary, b.batch.B*b.batch.T
		z := make([]float32, N*V)
		for i := range z {
			z[i] = float32(4 * b.rnd.NormFloat64())
		}
		h := NewHost(s)
		top, sum, target, lse, weight := b.stat("max"), b.stat("sum"), b.stat("target"), b.stat("lse"), b.stat("weight")
		chunks := []*compiler.Tile{{Name: "0", Type: pe.F32, Bounds: []int{0}}, {Name: "1", Type: pe.F32, Bounds: []int{0}}}
		rows := make([][]int, 2)
		for c := range s.Columns {
			for v := s.Vocab[c]; v < s.Vocab[c+1]; v++ {
				rows[v%2] = append(rows[v%2], v)
			}
			for i, t := range chunks {
				t.Bounds = append(t.Bounds, len(rows[i]))
			}
		}
		pick := func(t *compiler.Tile, rows []int, v []float32) {
			part := make([]float32, 0, N*len(rows))
			for n := range N {
				for _, r := range rows {
					part = append(part, v[n*V+r])
				}
			}
			b.scatter(h, t, part)
		}
		for i, t := range chunks {
			pick(t, rows[i], z)
			b.values(h, &compiler.LossChunk{Logits: t, Rows: rows[i], Max: top, Sum: sum, Target: target, First: i == 0})
		}
		m := b.values(h, &compiler.LossReduce{Max: top, Sum: sum, Target: target, LSE: lse, Weight: weight})

		losses, loss, total := make([]float32, N), 0.0, float64(b.batch.SumWeights())
		model.CrossEntropyForward(losses, z, b.batch.Targets, b.batch.Weights, N, V)
		coefficients := make([]float32, N)
		for i, l := range losses {
			loss += float64(b.batch.Weights[i]) * float64(l) / total
			coefficients[i] = b.batch.Weights[i] / float32(total) * m.LossScale
		}
		if d := math.Abs(float64(m.Loss) - loss); d > 2e-5 {
			rt.Errorf("loss %v, by the reference %v", m.Loss, loss)
		}
		want := make([]float32, N*V)
		model.CrossEntropyBackward(want, z, b.batch.Targets, coefficients, N, V, s.Precision)
		for i, t := range chunks {
			d := b.tile("dlogits", t.Bounds, s.Type())
			b.values(h, &compiler.LossBackward{Logits: t, Rows: rows[i], LSE: lse, Weight: weight, DLogits: d})
			part := make([]float32, 0, N*len(rows[i]))
			for n := range N {
				for _, r := range rows[i] {
					part = append(part, want[n*V+r])
				}
			}
			b.near("dlogits", b.gather(h, d), part, 1, float64(m.LossScale))
		}
	})
}
