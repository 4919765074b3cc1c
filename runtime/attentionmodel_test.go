package runtime

import (
	"math"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"pgregory.net/rapid"
)

// sequences reads a tile of features as the model has it, [B][T][C], in float64.
func sequences(h *Host, tile *compiler.Tile) []float64 {
	s := h.Space
	B, T, C := s.MicroBatch(), s.Model.SequenceLength, s.Model.DModel
	x, out := h.Tensor(tile), make([]float64, B*T*C)
	for n := range B {
		for pos := range T {
			g, y, i := s.Place(n, pos)
			for f := range C {
				out[(n*T+pos)*C+f] = float64(x[f*s.HostTokens()+s.HostIndex(g, i, y)])
			}
		}
	}
	return out
}

func absolute(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v)
	}
	return y
}

// checkWithin holds |got-want| to unit times the sum of the absolute terms of each element.
func checkWithin(t tester, what string, got, want, terms []float64, unit float64) {
	t.Helper()
	worst, at := 0.0, 0
	for i := range want {
		if e := math.Abs(got[i]-want[i]) / (terms[i] + 1e-3); !(e <= worst) {
			worst, at = e, i
		}
	}
	if !(worst <= unit) {
		t.Errorf("%s: element %d is %v, want %v: off by %.2g of its absolute terms, at most %.2g", what, at, got[at], want[at], worst, unit)
	}
}

// TestAttentionAgainstModel compares both kernels with the reference in float64. With u the rounding of
// an fp16 the machine makes these errors, relative to the sum of an element's absolute terms:
//
//	O    probability u, its sum u, stored u                            3u of sum P|V|
//	LSE  the sum u
//	dV   probability by LSE u, stored u, dV stored u                   3u of sum P|dO|
//	dS   probability by LSE u, stored u, dO.O by O 3u                  5u of P(|dO||V| + |dO||O|)/sqrt(d)
//	dQ   dS 5u, stored u                                               6u of sum |K||dS|, and dK alike
//
// In fp32 the order of sums of up to a hundred terms takes the place of u: 1e-6. The floor of 1e-3 in
// checkWithin covers fp16 numbers below the normal ones.
func TestAttentionAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawAttention(t)
		c.length = rapid.IntRange(c.tokens, 40).Draw(t, "longer")
		s := c.space(t)
		_, k := c.backward(s)
		h := c.inputs(t, s, k)
		if err := (&attentionBackward{s, k}).values(h); err != nil {
			t.Fatal(err)
		}
		unit := 0x1p-11
		if c.precision == model.FP32 {
			unit = 1e-6
		}
		B, T, C, NH := s.MicroBatch(), c.length, s.Model.DModel, c.heads
		N := B * T * C
		q, key, v, do := sequences(h, k.Q), sequences(h, k.K), sequences(h, k.V), sequences(h, k.DO)
		o, dq, dk, dv := make([]float64, N), make([]float64, N), make([]float64, N), make([]float64, N)
		att := make([]float64, B*NH*T*T)
		oTerms, ignored := make([]float64, N), make([]float64, N)
		model.AttentionForward(oTerms, att, q, key, absolute(v), B, T, C, NH, model.FP32)
		model.AttentionForward(o, att, q, key, v, B, T, C, NH, model.FP32)
		model.AttentionBackward(dq, dk, dv, do, att, q, key, v, B, T, C, NH, model.FP32)
		dvTerms := make([]float64, N)
		model.AttentionBackward(ignored, ignored, dvTerms, absolute(do), att, q, key, v, B, T, C, NH, model.FP32)
		dqTerms, dkTerms := scoreTerms(att, absolute(q), absolute(key), absolute(v), absolute(do), oTerms, B, T, C, NH)
		checkWithin(t, "o", sequences(h, k.O), o, oTerms, 3*unit)
		checkWithin(t, "dv", sequences(h, k.DV), dv, dvTerms, 3*unit)
		checkWithin(t, "dq", sequences(h, k.DQ), dq, dqTerms, 6*unit)
		checkWithin(t, "dk", sequences(h, k.DK), dk, dkTerms, 6*unit)
	})
}

// scoreTerms is the sums of the absolute terms of dQ and dK, of absolute q, k, v, dO and oTerms.
func scoreTerms(att, q, k, v, do, o []float64, B, T, C, NH int) (dq, dk []float64) {
	d := C / NH
	dq, dk = make([]float64, len(q)), make([]float64, len(q))
	for b := range B {
		for h := range NH {
			row := func(x []float64, t int) []float64 { return x[(b*T+t)*C+h*d:][:d] }
			for t := range T {
				for u := range t + 1 {
					var slope float64
					for f, g := range row(do, t) {
						slope += g * (row(v, u)[f] + row(o, t)[f])
					}
					ds := att[((b*NH+h)*T+t)*T+u] * slope / math.Sqrt(float64(d))
					for f := range d {
						row(dq, t)[f] += ds * row(k, u)[f]
						row(dk, u)[f] += ds * row(q, t)[f]
					}
				}
			}
		}
	}
	return dq, dk
}
