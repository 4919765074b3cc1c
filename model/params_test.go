package model

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/x448/float16"
)

// TestMix64 checks against splitmix64's first outputs from state 0.
func TestMix64(t *testing.T) {
	const golden = 0x9e3779b97f4a7c15
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := mix64(golden * uint64(i+1)); got != want {
			t.Errorf("output %d is %#x, want %#x", i, got, want)
		}
	}
}

// TestRoundFP16 checks every adjacent pair of finite fp16 numbers: each is kept, the
// midpoint goes to the even one, and its float32 neighbours to the nearer one.
func TestRoundFP16(t *testing.T) {
	const largest = 0x7bff
	for pattern := range uint16(largest) {
		a := float16.Frombits(pattern).Float32()
		b := float16.Frombits(pattern + 1).Float32()
		even := a
		if pattern&1 != 0 {
			even = b
		}
		mid := (a + b) / 2 // exact in float32
		for _, c := range []struct{ x, want float32 }{
			{a, a}, {b, b}, {mid, even},
			{math.Nextafter32(mid, a), a}, {math.Nextafter32(mid, b), b},
		} {
			for _, p := range []Precision{Mixed, FP16} {
				if got := p.Round(c.x); got != c.want {
					t.Fatalf("%s.Round(%v) is %v, want %v", p, c.x, got, c.want)
				}
				if got := p.Round(-c.x); got != -c.want {
					t.Fatalf("%s.Round(%v) is %v, want %v", p, -c.x, got, -c.want)
				}
			}
		}
	}
	if x := float32(0.1); FP32.Round(x) != x {
		t.Error("fp32 rounds a float32")
	}
}

func TestPrecisionValidate(t *testing.T) {
	for _, p := range Precisions() {
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
	}
	if err := Precision("bf16").Validate(); err == nil {
		t.Error("bf16 is accepted")
	}
	defer func() {
		if recover() == nil {
			t.Error("rounding to an unknown precision does not panic")
		}
	}()
	Precision("bf16").Round(1)
}

func TestWeightValueRange(t *testing.T) {
	const samples = 20_000
	for _, in := range []int{1, 3, 100, 12288, 196_608, MaxFeatures} {
		bound := math.Sqrt(3 / float64(in))
		sum, square, negative := 0.0, 0.0, 0
		for k := range samples {
			w := float64(WeightValue(1, 2, k, in))
			// float32 rounding of bound and product: at most 2^-23 together.
			if m := math.Abs(w) / bound; m < (1-0x1p-22)/64 || m > 1+0x1p-22 {
				t.Fatalf("in %d: weight %d is %v, %v of the bound", in, k, w, m)
			}
			if Mixed.Round(float32(w)) == 0 {
				t.Fatalf("in %d: weight %d is %v, 0 in fp16", in, k, w)
			}
			sum += w / bound
			square += w / bound * w / bound
			if w < 0 {
				negative++
			}
		}
		const variance = (1 + 1.0/64 + 1.0/4096) / 3
		name := fmt.Sprintf("in %d: ", in)
		checkMean(t, name+"mean", sum/samples, 0, math.Sqrt(variance/samples))
		checkMean(t, name+"variance", square/samples, variance, math.Sqrt(4.0/45/samples))
		checkMean(t, name+"negative share", float64(negative)/samples, 0.5, 0.5/math.Sqrt(samples))
	}
}

// TestLeastWeight checks the documented limits for the least magnitude.
func TestLeastWeight(t *testing.T) {
	const leastNormal, leastSubnormal = 0x1p-14, 0x1p-24
	least := func(in int) float32 {
		return Mixed.Round(float32(math.Sqrt(3/float64(in))) / 64)
	}
	if w := least(196_608); w < leastNormal {
		t.Errorf("in 196608: %v, want a normal fp16", w)
	}
	if w := least(196_609 + 1000); w >= leastNormal {
		t.Errorf("in 197609: %v, want a subnormal fp16", w)
	}
	if w := least(MaxFeatures); w < 256*leastSubnormal {
		t.Errorf("in %d: %v, want well above 0", MaxFeatures, w)
	}
}

func TestActivationValueRange(t *testing.T) {
	const samples = 50_000
	sum, square := 0.0, 0.0
	for k := range samples {
		x := float64(ActivationValue(1, 2, k))
		if units := x * 0x1p24; math.Abs(x) >= 1 || math.Mod(units, 2) != 1 && math.Mod(units, 2) != -1 {
			t.Fatalf("activation %d is %v, not an odd multiple of 2^-24 within 1", k, x)
		}
		sum += x
		square += x * x
	}
	checkMean(t, "mean", sum/samples, 0, math.Sqrt(1.0/3/samples))
	checkMean(t, "variance", square/samples, 1.0/3, math.Sqrt(4.0/45/samples))
	if Mixed.Round(0x1p-24) != 0x1p-24 {
		t.Error("the least activation is lost in fp16")
	}
}

// TestValuesUncorrelated checks values at neighbouring coordinates and seeds, and
// weights against activations of one node.
func TestValuesUncorrelated(t *testing.T) {
	const samples = 20_000
	n := Node{In: 3, Seed: 4, Precision: FP32}
	for _, c := range []struct {
		name string
		a, b func(i int) float32
	}{
		{"weight k, k+1", func(i int) float32 { return n.Weight(5, i) }, func(i int) float32 { return n.Weight(5, i+1) }},
		{"weight j, j+1", func(i int) float32 { return n.Weight(5, i) }, func(i int) float32 { return n.Weight(6, i) }},
		{"weight (j,k), (k,j)", func(i int) float32 { return n.Weight(-7, i) }, func(i int) float32 { return n.Weight(i, -7) }},
		{"seed, seed+1", func(i int) float32 { return WeightValue(4, 0, i, 3) }, func(i int) float32 { return WeightValue(5, 0, i, 3) }},
		{"weight, activation", func(i int) float32 { return n.Weight(1, i) }, func(i int) float32 { return n.Activation(1, i) }},
		{"activation token, token+1", func(i int) float32 { return n.Activation(1, i) }, func(i int) float32 { return n.Activation(2, i) }},
	} {
		sum := 0.0
		for i := range samples {
			sum += float64(c.a(i)) * float64(c.b(i))
		}
		checkMean(t, c.name, sum/samples, 0, 1.0/3/math.Sqrt(samples))
	}
}

// TestStoredValues pins values: they are part of every reproducible result. They
// were computed by a second program written from the documented formulas.
func TestStoredValues(t *testing.T) {
	type values struct{ Weight, Activation float32 }
	for _, c := range []struct {
		seed     uint64
		j, k     int // the activation's token is j
		raw, f16 values
	}{
		{0, 0, 0, values{0.01085386611521244, -0.8655977845191956}, values{0.01085662841796875, -0.86572265625}},
		{1, 0, 1, values{-0.003605722449719906, -0.4134851098060608}, values{-0.003604888916015625, -0.41357421875}},
		{1, 1, 0, values{-0.011539382860064507, 0.9430047869682312}, values{-0.01153564453125, 0.94287109375}},
		{7, 12287, 4095, values{0.011114144697785378, 0.00979679822921753}, values{0.01111602783203125, 0.009796142578125}},
	} {
		for _, p := range Precisions() {
			want := c.f16
			if p == FP32 {
				want = c.raw
			}
			n := Node{In: 12288, Seed: c.seed, Precision: p}
			got := values{n.Weight(c.j, c.k), n.Activation(c.j, c.k)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, seed %d at (%d, %d): %s", p, c.seed, c.j, c.k, diff)
			}
		}
	}
}
