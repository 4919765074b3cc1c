package model

import (
	"math"
	"math/rand/v2"
)

// hypergeometric draws the number of marked cells among draws cells taken without
// replacement from total cells of which marked are marked. It inverts the
// distribution walking outward from the mode, so the expected number of steps is
// about 1.6 standard deviations. Needs 0 <= marked, draws <= total and products of
// two arguments below 2^63.
func hypergeometric(src *rand.PCG, total, marked, draws int64) int64 {
	lo, hi := max(0, draws-(total-marked)), min(draws, marked)
	if lo == hi {
		return lo
	}
	mode := hypergeometricMode(total, marked, draws)
	pMode := hypergeometricPMF(total, marked, draws, mode)
	for {
		u := float64(src.Uint64()>>11)*0x1p-53 - pMode
		if u < 0 {
			return mode
		}
		above, pAbove := mode, pMode
		below, pBelow := mode, pMode
		for above < hi || below > lo {
			if above < hi {
				pAbove *= hypergeometricRatio(total, marked, draws, above)
				above++
				if u -= pAbove; u < 0 {
					return above
				}
			}
			if below > lo {
				below--
				pBelow /= hypergeometricRatio(total, marked, draws, below)
				if u -= pBelow; u < 0 {
					return below
				}
			}
		}
		// The summed mass falls short of 1 by rounding (below 1e-12, tested);
		// a u in the gap is rejected, which leaves the proportions as they are.
	}
}

// hypergeometricMode is the most probable count. The caller has excluded the
// degenerate cases of a single possible count.
func hypergeometricMode(total, marked, draws int64) int64 {
	return (draws + 1) * (marked + 1) / (total + 2)
}

// hypergeometricRatio is P(x+1)/P(x) for x and x+1 in the support.
func hypergeometricRatio(total, marked, draws, x int64) float64 {
	return float64(marked-x) * float64(draws-x) /
		(float64(x+1) * float64(total-marked-draws+x+1))
}

// hypergeometricPMF is P(x) as b(x; marked, p) b(draws-x; total-marked, p) /
// b(draws; total, p) with b the binomial probability and p = draws/total. The
// deviances are then small near the mode and no large logarithms cancel, as the
// log-gammas of C(total, draws) would: at 151M cells they cost 7 digits.
func hypergeometricPMF(total, marked, draws, x int64) float64 {
	p := float64(draws) / float64(total)
	q := float64(total-draws) / float64(total)
	return math.Exp(logBinomial(marked, x, p, q) +
		logBinomial(total-marked, draws-x, p, q) -
		logBinomial(total, draws, p, q))
}

// logBinomial is the log probability of x successes in n trials, p+q = 1, both positive.
func logBinomial(n, x int64, p, q float64) float64 {
	fn, fx, fy := float64(n), float64(x), float64(n-x)
	switch {
	case x == 0:
		return fn * logOfPair(q, p)
	case x == n:
		return fn * logOfPair(p, q)
	}
	return stirlingError(fn) - stirlingError(fx) - stirlingError(fy) -
		deviance(fx, fn*p) - deviance(fy, fn*q) -
		0.5*math.Log(2*math.Pi*fx*(fy/fn))
}

// logOfPair is log p where p+q = 1, taken from the smaller of the two: the rounding
// of a p near 1 would be magnified by the number of trials.
func logOfPair(p, q float64) float64 {
	if q < p {
		return math.Log1p(-q)
	}
	return math.Log(p)
}

// deviance is x log(x/mean) + mean - x, accurate to about |x-mean| ulps of 1.
func deviance(x, mean float64) float64 {
	d := x - mean
	return x*math.Log1p(d/mean) - d
}

// stirlingError is log(n!) less Stirling's sqrt(2 pi n) (n/e)^n, for n >= 1.
func stirlingError(n float64) float64 {
	if n < 16 {
		logFactorial, _ := math.Lgamma(n + 1)
		return logFactorial - (n+0.5)*math.Log(n) + n - 0.5*math.Log(2*math.Pi)
	}
	// The first omitted term, 691/(360360 n^11), is below 2e-16 at n = 16.
	nn := n * n
	return (1.0/12 - (1.0/360-(1.0/1260-(1.0/1680-1.0/1188/nn)/nn)/nn)/nn) / n
}
