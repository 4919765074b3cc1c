package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func inOrder(int) int { return 0 }

func TestOrderValidate(t *testing.T) {
	for _, c := range []struct {
		order Order
		want  string // in the error; "" for none
	}{
		{Order{[]int{0, 8}, inOrder, []int{0}}, ""},
		{Order{[]int{0, 3, 3, 8}, inOrder, []int{2, 0, 1}}, ""},
		{Order{nil, inOrder, nil}, "0 bounds"},
		{Order{[]int{0}, inOrder, nil}, "1 bounds"},
		{Order{[]int{1, 8}, inOrder, []int{0}}, "span 1 to 8"},
		{Order{[]int{0, 7}, inOrder, []int{0}}, "must span 0 to 8"},
		{Order{[]int{0, 5, 4, 8}, inOrder, []int{0, 1, 2}}, "segments[2] is 4 after 5"},
		{Order{[]int{0, 4, 8}, inOrder, []int{0}}, "ring has 1 segments"},
		{Order{[]int{0, 4, 8}, inOrder, []int{0, 0}}, "ring[1] is 0"},
		{Order{[]int{0, 4, 8}, inOrder, []int{0, 2}}, "ring[1] is 2"},
		{Order{[]int{0, 4, 8}, nil, []int{0, 1}}, "first is nil"},
	} {
		err := c.order.Validate(8)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%v: %v", c.order.Segments, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%v: error %v, want it to say %q", c.order.Segments, err, c.want)
		}
	}
}

func TestOrderChain(t *testing.T) {
	o := Order{Ring: []int{3, 0, 2, 1}, First: func(j int) int { return j % 4 }}
	for j, want := range [][]int{{0, 2, 1, 3}, {1, 3, 0, 2}, {2, 1, 3, 0}, {3, 0, 2, 1}} {
		if diff := cmp.Diff(want, o.chain(j)); diff != "" {
			t.Errorf("output %d: %s", j, diff)
		}
	}
}

// TestChainSum works small sums by hand. In fp16 the spacing is 2 above 2048 and a
// tie goes to the even multiple, so 2048+1 is 2048 and 2050+1 is 2052. In float32
// the same happens at 2^24.
func TestChainSum(t *testing.T) {
	const big = 1 << 24
	negativeZero := float32(math.Copysign(0, -1))
	for _, c := range []struct {
		name     string
		p        Precision
		w, x     []float32
		segments []int
		chain    []int
		want     float32
	}{
		{"ascending k", FP16, []float32{2048, 1, 1}, []float32{1, 1, 1}, []int{0, 3}, []int{0}, 2048},
		{"small ones first", FP16, []float32{1, 1, 2048}, []float32{1, 1, 1}, []int{0, 3}, []int{0}, 2050},
		{"a segment is summed apart", FP16, []float32{2048, 1, 1}, []float32{1, 1, 1}, []int{0, 1, 3}, []int{0, 1}, 2050},
		{"chain in the given order", FP16, []float32{2048, 1, 1}, []float32{1, 1, 1}, []int{0, 1, 2, 3}, []int{0, 1, 2}, 2048},
		{"chain from another segment", FP16, []float32{2048, 1, 1}, []float32{1, 1, 1}, []int{0, 1, 2, 3}, []int{1, 2, 0}, 2050},
		{"tie to even upward", FP16, []float32{2050, 1}, []float32{1, 1}, []int{0, 2}, []int{0}, 2052},
		{"masked weights add nothing", FP16, []float32{0, 2048, 0, 1, 0}, []float32{7, 1, 7, 1, 7}, []int{0, 5}, []int{0}, 2048},
		{"first product rounded", FP16, []float32{2049.0 / 2048}, []float32{1}, []int{0, 1}, []int{0}, 1},
		{"mixed sums in float32", Mixed, []float32{2048, 1, 1}, []float32{1, 1, 1}, []int{0, 3}, []int{0}, 2050},
		{"mixed at 2^24", Mixed, []float32{big, 1, 1}, []float32{1, 1, 1}, []int{0, 3}, []int{0}, big},
		{"fp32 at 2^24, from segment 1", FP32, []float32{big, 1, 1}, []float32{1, 1, 1}, []int{0, 1, 3}, []int{1, 0}, big + 2},
		// (1+e)^2 is 1+2e+e^2; float32 drops e^2 from the product, a fused add of -1-2e would keep it.
		{"product rounded before the sum", FP32, []float32{-1 - 0x1p-22, 1 + 0x1p-23}, []float32{1, 1 + 0x1p-23}, []int{0, 2}, []int{0}, 0},
		{"first segment without non-zeros", FP16, []float32{0, 3}, []float32{1, 1}, []int{0, 1, 2}, []int{0, 1}, 3},
		{"middle segment without non-zeros", FP16, []float32{2, 0, 3}, []float32{1, 1, 1}, []int{0, 1, 2, 3}, []int{0, 1, 2}, 5},
		{"empty segment", FP16, []float32{2, 3}, []float32{1, 1}, []int{0, 1, 1, 2}, []int{1, 2, 0}, 5},
		{"no non-zeros at all", FP16, []float32{0, 0}, []float32{1, 1}, []int{0, 1, 2}, []int{1, 0}, 0},
		{"the first product overwrites, -0 stays", FP16, []float32{0x1p-14}, []float32{-0x1p-24}, []int{0, 1}, []int{0}, negativeZero},
		{"nothing is added to the first product", FP32, []float32{1}, []float32{negativeZero}, []int{0, 1}, []int{0}, negativeZero},
		{"the chain adds to 0, -0 is lost", FP16, []float32{0, 0x1p-14}, []float32{1, -0x1p-24}, []int{0, 1, 2}, []int{0, 1}, 0},
	} {
		got := chainSum(c.p, c.w, c.x, c.segments, c.chain)
		if math.Float32bits(got) != math.Float32bits(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestLinearByHand spells out one output of two segments, each addition written down.
func TestLinearByHand(t *testing.T) {
	for _, p := range Precisions() {
		n := Node{Name: "hand", In: 4, Out: 2, Seed: 11, Precision: p}
		m := mustMask(t, 2, 4, MaskSpec{Kind: MaskUnstructured})
		o := Order{Segments: []int{0, 2, 4}, Ring: []int{0, 1}, First: func(j int) int { return j }}
		acc := func(x float32) float32 {
			if p == FP16 {
				return p.Round(x)
			}
			return x
		}
		product := func(j, k int) float32 { return float32(n.Weight(j, k) * n.Activation(5, k)) }
		segment := func(j, k int) float32 {
			first := acc(product(j, k))
			second := product(j, k+1)
			return acc(first + second)
		}
		want := [][]float32{{
			p.Round(acc(segment(1, 2) + segment(1, 0))), // output 1 starts at segment 1
			p.Round(acc(segment(0, 0) + segment(0, 2))),
		}}
		got := LinearReference(n, m, []int{5}, []int{1, 0}, o)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", p, diff)
		}
	}
}

func TestLinearFloat64ByHand(t *testing.T) {
	n := Node{In: 6, Out: 3, Seed: 2, Precision: Mixed}
	m := mustMask(t, 3, 6, MaskSpec{Kind: MaskNM, N: 1, M: 2})
	row, want := m.Row(2, nil), 0.0
	for k := range 6 {
		if row[0]>>k&1 != 0 {
			want += float64(n.Weight(2, k)) * float64(n.Activation(9, k))
		}
	}
	got := LinearFloat64(n, m, []int{9}, []int{2})
	if diff := cmp.Diff([][]float64{{want}}, got); diff != "" {
		t.Error(diff)
	}
}

// drawOrder draws an order over in inputs whose chains start anywhere.
func drawOrder(t *rapid.T, in int) Order {
	inner := rapid.SliceOfN(rapid.IntRange(0, in), 0, 8).Draw(t, "bounds")
	bounds := append(append([]int{0}, inner...), in)
	slices.Sort(bounds)
	ring := make([]int, len(bounds)-1)
	for i := range ring {
		ring[i] = i
	}
	ring = rapid.Permutation(ring).Draw(t, "ring")
	shift := rapid.IntRange(0, len(ring)-1).Draw(t, "shift")
	return Order{Segments: bounds, Ring: ring, First: func(j int) int { return (j + shift) % len(ring) }}
}

// TestLinearErrorBound holds every order to the a-priori bound of recursive summation
// (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2): a sum in
// which no term passes through more than r roundings of unit u is off by at most
// r*u/(1-r*u) times the sum of magnitudes.
func TestLinearErrorBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		out, in := drawShape(t)
		spec := drawSpec(t, out, in)
		n := Node{
			Name: "layer", In: in, Out: out, Mask: spec,
			Seed:      rapid.Uint64().Draw(t, "seed"),
			Precision: rapid.SampledFrom(Precisions()).Draw(t, "precision"),
		}
		m, err := NewMask(out, in, spec)
		if err != nil {
			t.Fatal(err)
		}
		o := drawOrder(t, in)
		token, j := rapid.IntRange(0, 1000).Draw(t, "token"), rapid.IntRange(0, out-1).Draw(t, "j")
		got := float64(LinearReference(n, m, []int{token}, []int{j}, o)[0][0])
		want := LinearFloat64(n, m, []int{token}, []int{j})[0][0]
		bound := errorBound(n, m, token, j, len(o.Ring))
		if !(math.Abs(got-want) <= bound) {
			t.Fatalf("%v, want %v within %v", got, want, bound)
		}
	})
}

// errorBound bounds the error of output j in any order of S segments.
func errorBound(n Node, m *Mask, token, j, segments int) float64 {
	row, magnitude := m.Row(j, nil), 0.0
	for k := range n.In {
		if row[k>>6]>>(k&63)&1 != 0 {
			magnitude += math.Abs(float64(n.Weight(j, k)) * float64(n.Activation(token, k)))
		}
	}
	const (
		u32, u16    = 0x1p-24, 0x1p-11
		underflow16 = 0x1p-25 // half the spacing of fp16 subnormals
		reference   = 0x1p-40 // LinearFloat64's own error, far above 300 additions' worth
	)
	roundings := float64(m.RowNonZeros(j) + segments)
	switch n.Precision {
	case FP16: // every operation rounds to float32, then to fp16
		r := roundings * (u16 + u32 + u16*u32)
		// Each fp16 rounding may also lose an underflow, which later ones may magnify.
		return (r/(1-r)+reference)*magnitude + roundings*underflow16*(1+r/(1-r))
	case Mixed: // the output's rounding to fp16 acts on the finished sum
		r := roundings * u32
		sum := (r/(1-r) + reference) * magnitude
		return sum + u16*(magnitude+sum) + underflow16
	default:
		r := roundings * u32
		return (r/(1-r) + reference) * magnitude
	}
}

// TestLinearSelection checks that a value does not depend on what else is asked for.
func TestLinearSelection(t *testing.T) {
	const in, out, tokens = 70, 9, 5
	n := Node{In: in, Out: out, Seed: 3, Precision: FP16}
	m := mustMask(t, out, in, MaskSpec{Kind: MaskUnstructured, Sparsity: 0.5, Seed: 3})
	o := Order{Segments: []int{0, 10, 40, in}, Ring: []int{1, 0, 2}, First: func(j int) int { return j % 3 }}
	all := LinearReference(n, m, []int{0, 1, 2, 3, 4}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, o)
	for token := range tokens {
		for j := range out {
			one := LinearReference(n, m, []int{token}, []int{j}, o)
			if one[0][0] != all[token][j] {
				t.Errorf("token %d output %d is %v alone, %v among all", token, j, one[0][0], all[token][j])
			}
			if stored := n.Precision.Round(one[0][0]); stored != one[0][0] {
				t.Errorf("token %d output %d is %v, not an fp16 number", token, j, one[0][0])
			}
		}
	}
}

func TestLinearMisfit(t *testing.T) {
	n := Node{Name: "layer", In: 4, Out: 3, Precision: FP32}
	fitting := mustMask(t, 3, 4, MaskSpec{Kind: MaskUnstructured})
	transposed := mustMask(t, 4, 3, MaskSpec{Kind: MaskUnstructured})
	good := Order{[]int{0, 2, 4}, inOrder, []int{0, 1}}
	for _, c := range []struct {
		want string
		call func()
	}{
		{"mask 4 x 3", func() { LinearReference(n, transposed, []int{0}, []int{0}, good) }},
		{"mask 4 x 3", func() { LinearFloat64(n, transposed, []int{0}, []int{0}) }},
		{"span 0 to 4", func() {
			LinearReference(n, fitting, []int{0}, []int{0}, Order{[]int{0, 2}, inOrder, []int{0}})
		}},
		{"first(0) is 2", func() {
			o := good
			o.First = func(int) int { return 2 }
			LinearReference(n, fitting, []int{0}, []int{0}, o)
		}},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.want) {
					t.Errorf("panic %q, want it to say %q", got, c.want)
				}
			}()
			c.call()
		}()
	}
}
