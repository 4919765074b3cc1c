package vec

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestTranspose(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows, cols := rapid.IntRange(1, 70).Draw(rt, "rows"), rapid.IntRange(1, 70).Draw(rt, "cols")
		src := values(rand.New(rand.NewPCG(1, 2)), rows*cols, false, true)
		for _, impl := range Supported() {
			dst := make([]float32, rows*cols)
			NewWith(impl, 2).Transpose(dst, src, rows, cols)
			for r := range rows {
				for c := range cols {
					if differ(dst[c*rows+r:][:1], src[r*cols+c:][:1]) >= 0 {
						rt.Fatalf("%v: [%d][%d] is %v, want %v", impl, c, r, dst[c*rows+r], src[r*cols+c])
					}
				}
			}
		}
	})
}
