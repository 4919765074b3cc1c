package model

import (
	"fmt"
	"math"
	"testing"
)

// Finite differences run the reference layers in float64, through the same code the
// machine is checked against in float32. A scalar loss is the sum of the outputs by
// fixed random weights.

const (
	step      = 1e-5
	tolerance = 1e-7 // of the largest gradient; the error of a central difference is of order step^2
)

// random is n fixed numbers of variance about 1.
func random(seed uint64, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = normal(seed, uint64(i))
	}
	return v
}

func dot(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// checkDifferences compares the gradient got of loss in x with central differences.
// Positions skip tells of are expected to be 0 in got, whatever loss does.
func checkDifferences(t *testing.T, what string, x, got []float64, loss func() float64, skip func(i int) bool) {
	t.Helper()
	most, worst, at := 0.0, 0.0, 0
	for i := range x {
		if skip != nil && skip(i) {
			if got[i] != 0 {
				t.Errorf("%s: gradient %d is %v at a masked position, must be 0", what, i, got[i])
			}
			continue
		}
		keep := x[i]
		x[i] = keep + step
		up := loss()
		x[i] = keep - step
		down := loss()
		x[i] = keep
		want := (up - down) / (2 * step)
		most = max(most, math.Abs(want))
		if d := math.Abs(got[i] - want); !(d <= worst) {
			worst, at = d, i
		}
	}
	if most == 0 {
		t.Errorf("%s: all differences are 0, the test checks nothing", what)
	}
	if !(worst <= tolerance*most) {
		t.Errorf("%s: gradient %d is off by %.1e of the largest", what, at, worst/most)
	}
}

func TestLinearDifferences(t *testing.T) {
	const N, K, M = 3, 6, 5
	mask := mustMask(t, M, K, MaskSpec{Kind: MaskUnstructured, Sparsity: 0.6, Seed: 1}).Pattern()
	for _, m := range []*Pattern{nil, mask} {
		x, w, b, r := random(1, N*K), random(2, M*K), random(3, M), random(4, N*M)
		y := make([]float64, N*M)
		loss := func() float64 {
			LinearForward(y, x, w, b, m, N, K, M, FP32)
			return dot(y, r)
		}
		dx, dw, db := make([]float64, N*K), make([]float64, M*K), make([]float64, M)
		LinearDelta(dx, r, w, m, N, K, M, FP32)
		LinearGradient(dw, db, r, x, m, N, K, M)
		masked := func(i int) bool { return false }
		if m != nil {
			in := make([]float64, M*K)
			for j := range M {
				for _, k := range m.Row(j) {
					in[j*K+int(k)] = 1
				}
			}
			masked = func(i int) bool { return in[i] == 0 }
		}
		checkDifferences(t, "linear x", x, dx, loss, nil)
		checkDifferences(t, "linear w", w, dw, loss, masked)
		checkDifferences(t, "linear b", b, db, loss, nil)
	}
}

func TestLayerNormDifferences(t *testing.T) {
	const N, C = 3, 7
	x, w, b, r := random(1, N*C), random(2, C), random(3, C), random(4, N*C)
	y, mean, rstd := make([]float64, N*C), make([]float64, N), make([]float64, N)
	loss := func() float64 {
		LayerNormForward(y, mean, rstd, x, w, b, N, C, FP32)
		return dot(y, r)
	}
	loss()
	dx, dw, db := make([]float64, N*C), make([]float64, C), make([]float64, C)
	LayerNormBackward(dx, dw, db, r, x, mean, rstd, w, N, C, FP32)
	checkDifferences(t, "layernorm x", x, dx, loss, nil)
	checkDifferences(t, "layernorm w", w, dw, loss, nil)
	checkDifferences(t, "layernorm b", b, db, loss, nil)
}

func TestAttentionDifferences(t *testing.T) {
	const B, T, C, NH = 2, 5, 6, 2
	q, k, v, r := random(1, B*T*C), random(2, B*T*C), random(3, B*T*C), random(4, B*T*C)
	y, att := make([]float64, B*T*C), make([]float64, B*NH*T*T)
	loss := func() float64 {
		AttentionForward(y, att, q, k, v, B, T, C, NH, FP32)
		return dot(y, r)
	}
	loss()
	dq, dk, dv := make([]float64, B*T*C), make([]float64, B*T*C), make([]float64, B*T*C)
	AttentionBackward(dq, dk, dv, r, att, q, k, v, B, T, C, NH, FP32)
	checkDifferences(t, "attention q", q, dq, loss, nil)
	checkDifferences(t, "attention k", k, dk, loss, nil)
	checkDifferences(t, "attention v", v, dv, loss, nil)
}

// TestAttentionCausal: no output depends on a later key or value.
func TestAttentionCausal(t *testing.T) {
	const T, C, NH = 6, 4, 2
	q, k, v := random(1, T*C), random(2, T*C), random(3, T*C)
	att, y, z := make([]float64, NH*T*T), make([]float64, T*C), make([]float64, T*C)
	AttentionForward(y, att, q, k, v, 1, T, C, NH, FP32)
	for i := 3 * C; i < T*C; i++ {
		k[i], v[i] = -k[i], v[i]+1
	}
	AttentionForward(z, att, q, k, v, 1, T, C, NH, FP32)
	for i := range z {
		if same := z[i] == y[i]; same != (i < 3*C) {
			t.Errorf("output %d of position %d: unchanged is %v", i, i/C, same)
		}
	}
}

func TestGELUDifferences(t *testing.T) {
	for _, a := range []Activation{GELUTanh, GELUErf} {
		x, r := random(1, 40), random(2, 40)
		x[0] = 0
		y, dx := make([]float64, 40), make([]float64, 40)
		loss := func() float64 {
			GELUForward(y, x, a, FP32)
			return dot(y, r)
		}
		GELUBackward(dx, r, x, a, FP32)
		checkDifferences(t, string(a), x, dx, loss, nil)
	}
	// Values from the definitions: x*Phi(x), and its tanh form, at 1.
	for a, want := range map[Activation]float64{GELUErf: 0.8413447460685429, GELUTanh: 0.8411919906082768} {
		y := make([]float64, 1)
		if GELUForward(y, []float64{1}, a, FP32); math.Abs(y[0]-want) > 1e-12 {
			t.Errorf("%s(1) is %v, want %v", a, y[0], want)
		}
	}
}

func TestEmbeddingDifferences(t *testing.T) {
	const B, T, C, V, S = 2, 3, 4, 5, 4
	tokens := []int32{1, 4, 1, 0, 1, 2}
	wte, wpe, r := random(1, V*C), random(2, S*C), random(3, B*T*C)
	y := make([]float64, B*T*C)
	loss := func() float64 {
		EmbeddingForward(y, tokens, wte, wpe, B, T, C, FP32)
		return dot(y, r)
	}
	dwte, dwpe := make([]float64, V*C), make([]float64, S*C)
	EmbeddingBackward(dwte, dwpe, r, tokens, B, T, C)
	checkDifferences(t, "wte", wte, dwte, loss, nil)
	checkDifferences(t, "wpe", wpe, dwpe, loss, nil)
}

func TestCrossEntropyDifferences(t *testing.T) {
	const N, V = 4, 6
	logits := random(1, N*V)
	targets, weights := []int32{5, 0, 99, 2}, []float32{1, 0.5, 0, 2}
	coefficients := make([]float64, N)
	for i := range weights {
		coefficients[i] = float64(weights[i]) / 3.5
	}
	losses := make([]float64, N)
	loss := func() float64 {
		CrossEntropyForward(losses, logits, targets, weights, N, V)
		return dot(losses, coefficients)
	}
	d := make([]float64, N*V)
	CrossEntropyBackward(d, logits, targets, coefficients, N, V, FP32)
	checkDifferences(t, "logits", logits, d, loss, nil)
	if losses[2] != 0 {
		t.Errorf("a token of weight 0 has loss %v", losses[2])
	}
}

// TestLinearIsTheMachines: one segment of Order is the sum LinearForward makes.
func TestLinearIsTheMachines(t *testing.T) {
	for _, p := range []Precision{FP32, Mixed} {
		t.Run(string(p), func(t *testing.T) {
			spec := MaskSpec{Kind: MaskUnstructured, Sparsity: 0.5, Seed: 3}
			n := Node{Name: "n", Op: OpLinear, In: 37, Out: 11, Mask: spec, Seed: 7, Precision: p}
			mask := mustMask(t, n.Out, n.In, spec)
			const N = 5
			var tokens, outputs []int
			var x, w []float32
			for i := range N {
				tokens = append(tokens, i)
				for k := range n.In {
					x = append(x, n.Activation(i, k))
				}
			}
			for j := range n.Out {
				outputs = append(outputs, j)
				for k := range n.In {
					w = append(w, n.Weight(j, k))
				}
			}
			y := make([]float32, N*n.Out)
			LinearForward(y, x, w, nil, mask.Pattern(), N, n.In, n.Out, p)
			one := Order{Segments: []int{0, n.In}, First: func(int) int { return 0 }, Ring: []int{0}}
			for i, row := range LinearReference(n, mask, tokens, outputs, one) {
				if got := y[i*n.Out : (i+1)*n.Out]; fmt.Sprint(got) != fmt.Sprint(row) {
					t.Errorf("token %d: %v, want %v", i, got, row)
				}
			}
		})
	}
}
