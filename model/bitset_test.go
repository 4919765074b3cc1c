package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// countSlow is the number of set bits in [lo, hi) of row.
func countSlow(row []uint64, lo, hi int) int {
	n := 0
	for k := lo; k < hi; k++ {
		n += int(row[k>>6] >> (k & 63) & 1)
	}
	return n
}

func TestCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOfN(rapid.Uint64(), 1, 6).Draw(t, "row")
		bounds := rapid.SliceOfN(rapid.IntRange(0, 64*len(row)), 0, 20).Draw(t, "bounds")
		slices.Sort(bounds)
		var want []int32
		for i := 1; i < len(bounds); i++ {
			lo, hi := bounds[i-1], bounds[i]
			want = append(want, int32(countSlow(row, lo, hi)))
		}
		got := make([]int32, len(want))
		RangeCounts(row, bounds, got)
		if len(want) > 0 && !slices.Equal(got, want) {
			t.Fatal(cmp.Diff(want, got))
		}
	})
}

func TestPlaceUniform(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.IntRange(0, 130).Draw(t, "lo")
		n := rapid.IntRange(1, 200).Draw(t, "n")
		count := rapid.IntRange(0, n).Draw(t, "count")
		row := make([]uint64, words(lo+n)+1)
		placeUniform(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0), row, lo, n, count)
		if got := countSlow(row, lo, lo+n); got != count {
			t.Fatalf("%d bits in range, want %d", got, count)
		}
		if got := popCount(row); got != count {
			t.Fatalf("%d bits outside the range", got-count)
		}
	})
}

// TestBounded checks that any result k below any n is reached from exactly
// floor(2^32/n) of the 2^32 inputs.
func TestBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint32Range(1, math.MaxUint32).Draw(t, "n")
		k := rapid.Uint64Range(0, uint64(n)-1).Draw(t, "k")
		biased := uint32(1 << 32 % uint64(n))
		first := (k<<32 + uint64(n) - 1) / uint64(n) // least u with u*n >= k*2^32
		end := ((k+1)<<32 + uint64(n) - 1) / uint64(n)
		accepted := end - first
		for u := first; u < min(end, first+2); u++ {
			got, ok := bounded(uint32(u), n, biased)
			if got != k {
				t.Fatalf("%d maps to %d, want %d", u, got, k)
			}
			if !ok && u > first {
				t.Fatalf("%d is rejected, not the first input of %d", u, k)
			}
			if !ok {
				accepted--
			}
		}
		if accepted != 1<<32/uint64(n) {
			t.Fatalf("%d inputs reach %d, want %d", accepted, k, 1<<32/uint64(n))
		}
	})
}

// TestPlaceUniformSubsets checks that every subset of a size is equally likely.
func TestPlaceUniformSubsets(t *testing.T) {
	const samples = 100_000
	for _, count := range []int{1, 2, 3, 4, 5} {
		src := rand.NewPCG(3, uint64(count))
		observed, expected := make([]int, 64), make([]float64, 64)
		for range samples {
			row := []uint64{0}
			placeUniform(src, row, 0, 6, count)
			observed[row[0]]++
		}
		subsets := 0
		for s := range uint64(64) {
			if popCount([]uint64{s}) == count {
				subsets++
			}
		}
		for s := range uint64(64) {
			if popCount([]uint64{s}) == count {
				expected[s] = samples / float64(subsets)
			}
		}
		checkFit(t, "subsets of 6", observed, expected)
	}
}
