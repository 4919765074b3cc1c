package model

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkTenMasks redraws every row of ten 12288 x 12288 masks of density 1, 1/2
// .. 1/10 on one thread. The budget is 1.2 s.
func BenchmarkTenMasks(b *testing.B) {
	const features = 12288
	var masks []*Mask
	for d := 1; d <= 10; d++ {
		masks = append(masks, mustMask(b, features, features,
			MaskSpec{Kind: MaskUnstructured, Sparsity: 1 - 1/float64(d), Seed: uint64(d)}))
	}
	var row []uint64
	for b.Loop() {
		for _, m := range masks {
			for j := range m.Rows() {
				row = m.Row(j, row)
			}
		}
	}
}

func BenchmarkRow(b *testing.B) {
	const features = 12288
	specs := []MaskSpec{
		{Kind: MaskUnstructured},
		{Kind: MaskUnstructured, Sparsity: 0.5},
		{Kind: MaskUnstructured, Sparsity: 0.9},
		{Kind: MaskNM, N: 2, M: 4},
	}
	for _, s := range specs {
		b.Run(fmt.Sprintf("%s_%v_%d_%d", s.Kind, s.Sparsity, s.N, s.M), func(b *testing.B) {
			m := mustMask(b, 64, features, s)
			var row []uint64
			for j := 0; b.Loop(); j++ {
				row = m.Row(j%64, row)
			}
		})
	}
}

func BenchmarkNewMask(b *testing.B) {
	for b.Loop() {
		mustMask(b, 12288, 12288, MaskSpec{Kind: MaskUnstructured, Sparsity: 0.5, Seed: 1})
	}
}

func BenchmarkHypergeometric(b *testing.B) {
	src := rand.NewPCG(1, 2)
	for b.Loop() {
		hypergeometric(src, 12288*12288, 12288*12288/3, 12288)
	}
}

func BenchmarkRangeCounts(b *testing.B) {
	const features, ranges = 12288, 750
	row := mustMask(b, 1, features, MaskSpec{Kind: MaskUnstructured, Sparsity: 0.5}).Row(0, nil)
	bounds := make([]int, ranges+1)
	for i := range bounds {
		bounds[i] = i * features / ranges
	}
	dst := make([]int32, ranges)
	for b.Loop() {
		RangeCounts(row, bounds, dst)
	}
}

func BenchmarkNodeWeight(b *testing.B) {
	for _, p := range Precisions() {
		b.Run(string(p), func(b *testing.B) {
			n := Node{In: 12288, Out: 12288, Seed: 1, Precision: p}
			var sum float32
			for k := 0; b.Loop(); k++ {
				sum += n.Weight(7, k)
			}
			_ = sum
		})
	}
}
