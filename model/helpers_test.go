package model

import (
	"math"
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

func mustMask(t testing.TB, rows, cols int, s MaskSpec) *Mask {
	t.Helper()
	m, err := NewMask(rows, cols, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func popCount(row []uint64) int {
	n := 0
	for _, w := range row {
		n += bits.OnesCount64(w)
	}
	return n
}

// checkFit fails if observed counts stray from expected ones by more than five
// standard deviations of the chi-square statistic. Seeds are fixed, so a pass is
// permanent.
func checkFit(t *testing.T, what string, observed []int, expected []float64) {
	t.Helper()
	chi2, freedom := 0.0, -1.0
	for i, e := range expected {
		if e == 0 && observed[i] != 0 {
			t.Errorf("%s: cell %d is impossible, seen %d times", what, i, observed[i])
		}
		if e < 5 {
			continue
		}
		d := float64(observed[i]) - e
		chi2 += d * d / e
		freedom++
	}
	if freedom < 1 {
		t.Fatalf("%s: too few cells expect 5 or more", what)
	}
	if z := (chi2 - freedom) / math.Sqrt(2*freedom); math.Abs(z) > 5 {
		t.Errorf("%s: chi-square %.1f at %v degrees of freedom, %+.1f standard deviations",
			what, chi2, freedom, z)
	}
}

// checkMean fails if a sample mean is more than five standard errors off.
func checkMean(t *testing.T, what string, got, want, standardError float64) {
	t.Helper()
	if z := (got - want) / standardError; !(math.Abs(z) <= 5) {
		t.Errorf("%s is %v, want %v: %+.1f standard errors", what, got, want, z)
	}
}

// drawShape draws a small matrix shape, word boundaries favoured.
func drawShape(t *rapid.T) (rows, cols int) {
	rows = rapid.IntRange(1, 20).Draw(t, "rows")
	cols = rapid.OneOf(
		rapid.IntRange(1, 300),
		rapid.SampledFrom([]int{1, 63, 64, 65, 127, 128, 129, 192}),
	).Draw(t, "cols")
	return rows, cols
}

// drawSpec draws a valid spec for the shape.
func drawSpec(t *rapid.T, rows, cols int) MaskSpec {
	spec := rapid.Custom(func(t *rapid.T) MaskSpec {
		s := MaskSpec{
			Kind: rapid.SampledFrom([]MaskKind{MaskUnstructured, MaskRowBalanced, MaskNM}).Draw(t, "kind"),
			Seed: rapid.Uint64().Draw(t, "seed"),
		}
		if s.Kind == MaskNM {
			s.M = rapid.IntRange(1, 20).Draw(t, "m")
			s.N = rapid.IntRange(1, s.M).Draw(t, "n")
		} else {
			s.Sparsity = rapid.Float64Range(0, 0.999).Draw(t, "sparsity")
		}
		return s
	})
	return spec.Filter(func(s MaskSpec) bool { return s.Validate(rows, cols) == nil }).Draw(t, "spec")
}
