package model

import (
	"math/bits"
	"math/rand/v2"
)

// A row is a bitset: feature k is bit k%64 of word k/64. Bits past the last
// feature are zero.

// RangeCounts sets dst[i] to the number of set bits in [bounds[i], bounds[i+1]) of
// row, for every i below len(bounds)-1. Bounds ascend, equal neighbours allowed.
// Every word between the outer bounds is read once, plus one read per bound.
func RangeCounts(row []uint64, bounds []int, dst []int32) {
	if len(bounds) < 2 {
		return
	}
	dst = dst[:len(bounds)-1]
	word := bounds[0] >> 6
	whole := 0 // set bits from the word of bounds[0] up to word, exclusive
	rank := 0  // set bits from the word of bounds[0] up to the last bound
	if r := bounds[0] & 63; r != 0 {
		rank = bits.OnesCount64(row[word] & (1<<r - 1))
	}
	for i, hi := range bounds[1:] {
		for ; word < hi>>6; word++ {
			whole += bits.OnesCount64(row[word])
		}
		next := whole
		if r := hi & 63; r != 0 {
			next += bits.OnesCount64(row[word] & (1<<r - 1))
		}
		dst[i] = int32(next - rank)
		rank = next
	}
}

// placeUniform sets count bits of the zero range [lo, lo+n) of row, uniform over
// the subsets of that size. It draws whichever of ones and zeros are fewer.
func placeUniform(src *rand.PCG, row []uint64, lo, n, count int) {
	if 2*count <= n {
		drawDistinct(src, row, uint64(lo), uint32(n), count)
		return
	}
	drawDistinct(src, row, uint64(lo), uint32(n), n-count)
	invertRange(row, lo, lo+n)
}

// drawDistinct sets bits at uniform positions of [lo, lo+n) until left new ones
// are set. Each PCG word gives two 32-bit candidates.
func drawDistinct(src *rand.PCG, row []uint64, lo uint64, n uint32, left int) {
	if left == 0 {
		return
	}
	biased := -n % n // 2^32 mod n
	for {
		u := src.Uint64()
		for range 2 {
			offset, ok := bounded(uint32(u), n, biased)
			u >>= 32
			if !ok {
				continue
			}
			k := lo + offset
			w := &row[k>>6]
			left -= int(^*w >> (k & 63) & 1) // no branch on whether the bit is new
			*w |= 1 << (k & 63)
			if left == 0 {
				return
			}
		}
	}
}

// bounded maps a uniform u to a uniform integer below n, or rejects it: of the u
// that map to one result the first is dropped where there is one too many.
func bounded(u, n, biased uint32) (k uint64, ok bool) {
	p := uint64(u) * uint64(n)
	return p >> 32, uint32(p) >= biased
}

// invertRange flips bits [lo, hi) of row, lo < hi.
func invertRange(row []uint64, lo, hi int) {
	first, last := lo>>6, (hi-1)>>6
	head, tail := ^uint64(0)<<(lo&63), ^uint64(0)>>(63-(hi-1)&63)
	if first == last {
		row[first] ^= head & tail
		return
	}
	row[first] ^= head
	for i := first + 1; i < last; i++ {
		row[i] = ^row[i]
	}
	row[last] ^= tail
}
