package model

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whole blocks are kept, as many as the sparsity says, and rows agree with their counts.
func TestBlockMask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		br, bc := rapid.IntRange(1, 9).Draw(t, "block rows"), rapid.IntRange(1, 70).Draw(t, "block cols")
		gr, gc := rapid.IntRange(1, 8).Draw(t, "grid rows"), rapid.IntRange(1, 8).Draw(t, "grid cols")
		kept := rapid.IntRange(1, gr*gc).Draw(t, "kept")
		spec := MaskSpec{Kind: MaskBlock, Sparsity: 1 - float64(kept)/float64(gr*gc), BlockRows: br, BlockCols: bc, Seed: rapid.Uint64().Draw(t, "seed")}
		m, err := NewMask(gr*br, gc*bc, spec)
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(kept * br * bc); m.NonZeros() != want {
			t.Fatalf("%d non-zeros, want %d", m.NonZeros(), want)
		}
		total := int64(0)
		stale := []uint64{^uint64(0)} // must not survive
		for j := range m.Rows() {
			row := m.Row(j, stale)
			if n := popCount(row); n != m.RowNonZeros(j) {
				t.Fatalf("row %d has %d bits, its count is %d", j, n, m.RowNonZeros(j))
			}
			total += int64(m.RowNonZeros(j))
			for k := range m.Cols() {
				first := m.Row(j/br*br, nil)
				corner := k / bc * bc
				if row[k>>6]>>(k&63)&1 != first[corner>>6]>>(corner&63)&1 {
					t.Fatalf("(%d, %d) differs from its block's corner", j, k)
				}
			}
		}
		if total != m.NonZeros() {
			t.Fatalf("rows hold %d non-zeros, the mask %d", total, m.NonZeros())
		}
	})
}

func TestBlockMaskValidate(t *testing.T) {
	for _, c := range []struct {
		spec MaskSpec
		want string
	}{
		{MaskSpec{Kind: MaskBlock, BlockRows: 2, BlockCols: 4, Sparsity: 0.5}, ""},
		{MaskSpec{Kind: MaskBlock, BlockRows: 3, BlockCols: 4}, "must divide the 8 x 8 matrix"},
		{MaskSpec{Kind: MaskBlock, BlockCols: 4}, "block is 0 x 4, both must be at least 1"},
		{MaskSpec{Kind: MaskBlock, BlockRows: 8, BlockCols: 8, Sparsity: 0.6}, "leaves no non-zero"},
		{MaskSpec{Kind: MaskBlock, BlockRows: 2, BlockCols: 4, N: 1, M: 2}, "n:m is 1:2"},
		{MaskSpec{Kind: MaskUnstructured, BlockRows: 2, BlockCols: 4}, "block is 2 x 4 with kind"},
	} {
		err := c.spec.Validate(8, 8)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c.spec, err, c.want)
		}
	}
}

// A pattern and its mask hold the same positions.
func TestPatternMask(t *testing.T) {
	drawn, err := NewMask(9, 130, MaskSpec{Kind: MaskUnstructured, Sparsity: 0.6, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	given := drawn.Pattern().Mask()
	if given.Rows() != 9 || given.Cols() != 130 || given.NonZeros() != drawn.NonZeros() {
		t.Fatalf("%d x %d with %d non-zeros", given.Rows(), given.Cols(), given.NonZeros())
	}
	for j := range 9 {
		if given.RowNonZeros(j) != drawn.RowNonZeros(j) || !slices.Equal(given.Row(j, []uint64{1, 2, 3, 4}), drawn.Row(j, nil)) {
			t.Errorf("row %d differs", j)
		}
	}
}
