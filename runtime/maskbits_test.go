package runtime

import (
	"testing"

	"cs2sim.dev/model"
	"pgregory.net/rapid"
)

// Bitsets are the mask both ways round, whatever was asked for in between.
func TestMaskBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cache maskBits
		for range rapid.IntRange(1, 2*recentMasks).Draw(t, "masks") {
			rows, cols := rapid.IntRange(1, 150).Draw(t, "rows"), rapid.IntRange(1, 150).Draw(t, "cols")
			mask, err := model.NewMask(rows, cols, model.MaskSpec{Kind: model.MaskRowBalanced, Sparsity: 0.4, Seed: rapid.Uint64().Draw(t, "seed")})
			if err != nil {
				t.Skip(err)
			}
			for range 2 {
				straight, across := cache.of(mask, false)
				turned, down := cache.of(mask, true)
				n := 0
				for j := range rows {
					row := mask.Row(j, nil)
					for k := range cols {
						bit := row[k>>6] >> (k & 63) & 1
						if straight[j*across+k>>6]>>(k&63)&1 != bit || turned[k*down+j>>6]>>(j&63)&1 != bit {
							t.Fatalf("position (%d, %d) of %d x %d differs", j, k, rows, cols)
						}
					}
				}
				for _, w := range turned { // nothing beyond the matrix
					for ; w != 0; w &= w - 1 {
						n++
					}
				}
				if int64(n) != mask.NonZeros() {
					t.Fatalf("%d bits turned, the mask has %d", n, mask.NonZeros())
				}
			}
		}
	})
}
