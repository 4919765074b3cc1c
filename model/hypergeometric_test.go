package model

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// exactHypergeometric is P(x) from integer binomials.
func exactHypergeometric(total, marked, draws, x int64) float64 {
	var a, b, c big.Int
	a.Binomial(marked, x)
	b.Binomial(total-marked, draws-x)
	c.Binomial(total, draws)
	p, _ := new(big.Rat).SetFrac(a.Mul(&a, &b), &c).Float64()
	return p
}

// TestHypergeometricSmall checks mode, probability and ratio for every distribution
// of up to 20 cells.
func TestHypergeometricSmall(t *testing.T) {
	src := rand.NewPCG(1, 1)
	for total := int64(1); total <= 20; total++ {
		for marked := range total + 1 {
			for draws := range total + 1 {
				checkHypergeometricSmall(t, src, total, marked, draws)
			}
		}
	}
}

func checkHypergeometricSmall(t *testing.T, src *rand.PCG, total, marked, draws int64) {
	t.Helper()
	lo, hi := max(0, draws-(total-marked)), min(draws, marked)
	name := fmt.Sprintf("total %d, marked %d, draws %d", total, marked, draws)
	if x := hypergeometric(src, total, marked, draws); x < lo || x > hi {
		t.Fatalf("%s: drew %d outside %d..%d", name, x, lo, hi)
	}
	if lo == hi {
		return
	}
	mode := hypergeometricMode(total, marked, draws)
	if mode < lo || mode > hi {
		t.Fatalf("%s: mode %d outside %d..%d", name, mode, lo, hi)
	}
	pMode := exactHypergeometric(total, marked, draws, mode)
	for x := lo; x <= hi; x++ {
		want := exactHypergeometric(total, marked, draws, x)
		if want > pMode {
			t.Errorf("%s: mode is %d, %d is more probable", name, mode, x)
		}
		if got := hypergeometricPMF(total, marked, draws, x); math.Abs(got/want-1) > 1e-12 {
			t.Errorf("%s: P(%d) is %v, want %v", name, x, got, want)
		}
		if x == hi {
			continue
		}
		next := exactHypergeometric(total, marked, draws, x+1)
		if got := hypergeometricRatio(total, marked, draws, x); math.Abs(got*want/next-1) > 1e-12 {
			t.Errorf("%s: P(%d)/P(%d) is %v, want %v", name, x+1, x, got, next/want)
		}
	}
}

// massError is the sum of the probabilities reached from the mode, less 1.
func massError(total, marked, draws int64) float64 {
	lo, hi := max(0, draws-(total-marked)), min(draws, marked)
	if lo == hi {
		return 0
	}
	const negligible = 1e-20
	mode := hypergeometricMode(total, marked, draws)
	pMode := hypergeometricPMF(total, marked, draws, mode)
	sum := pMode
	for x, p := mode, pMode; x < hi && p > negligible; x++ {
		p *= hypergeometricRatio(total, marked, draws, x)
		sum += p
	}
	for x, p := mode, pMode; x > lo && p > negligible; x-- {
		p /= hypergeometricRatio(total, marked, draws, x-1)
		sum += p
	}
	return sum - 1
}

const massTolerance = 1e-12 // stated in hypergeometric

func TestHypergeometricMass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draws := rapid.Int64Range(1, MaxFeatures).Draw(t, "draws")
		total := draws * rapid.Int64Range(1, MaxFeatures).Draw(t, "rows")
		marked := rapid.Int64Range(0, total).Draw(t, "marked")
		if e := massError(total, marked, draws); !(math.Abs(e) <= massTolerance) {
			t.Fatalf("probabilities sum to 1%+.2g", e)
		}
	})
}

// TestHypergeometricMassGrid covers the wide distributions of real layers, which the
// property's generator, partial to small numbers, seldom reaches.
func TestHypergeometricMassGrid(t *testing.T) {
	sizes := []int64{1, 2, 3, 17, 64, 1000, 12288, 50257, MaxFeatures}
	for _, draws := range sizes {
		for _, rows := range sizes {
			total := draws * rows
			for _, share := range []float64{1e-9, 1e-6, 1e-3, 0.1, 1.0 / 3, 0.5, 0.9, 0.999, 1 - 1e-6} {
				for _, marked := range []int64{int64(share * float64(total)), int64(share*float64(total)) + 1} {
					if e := massError(total, min(marked, total), draws); !(math.Abs(e) <= massTolerance) {
						t.Errorf("total %d, marked %d, draws %d: probabilities sum to 1%+.2g",
							total, marked, draws, e)
					}
				}
			}
		}
	}
}

func TestHypergeometricFit(t *testing.T) {
	const samples = 50_000
	for _, d := range []struct{ total, marked, draws int64 }{
		{2, 1, 1}, {12, 5, 4}, {30, 15, 10}, {100, 3, 50}, {1000, 900, 40}, {5000, 2500, 100},
	} {
		src := rand.NewPCG(uint64(d.total), uint64(d.draws))
		observed, expected := make([]int, d.draws+1), make([]float64, d.draws+1)
		for range samples {
			observed[hypergeometric(src, d.total, d.marked, d.draws)]++
		}
		for x := range expected {
			expected[x] = samples * exactHypergeometric(d.total, d.marked, d.draws, int64(x))
		}
		checkFit(t, fmt.Sprintf("%+v", d), observed, expected)
	}
}

func TestHypergeometricMoments(t *testing.T) {
	const samples, total, draws = 20_000, 12288 * 12288, 12288
	for _, density := range []float64{1e-6, 0.1, 1.0 / 3, 0.5, 0.9} {
		marked := int64(density * total)
		src := rand.NewPCG(7, uint64(marked))
		p := float64(marked) / total
		mean := draws * p
		variance := mean * (1 - p) * (total - draws) / (total - 1)
		var sum, square, fourth float64
		for range samples {
			d := float64(hypergeometric(src, total, marked, draws)) - mean
			sum += d
			square += d * d
			fourth += d * d * d * d
		}
		checkMean(t, fmt.Sprintf("mean less %v at density %v", mean, density),
			sum/samples, 0, math.Sqrt(variance/samples))
		checkMean(t, fmt.Sprintf("variance at density %v", density), square/samples, variance,
			math.Sqrt((fourth/samples-variance*variance)/samples))
	}
}
