package model

import (
	"fmt"
	"math"
)

// validateBlock reports why s cannot cut a rows x cols matrix into whole blocks. Ragged blocks
// at the edges would make the number of non-zeros depend on which blocks are drawn.
func (s MaskSpec) validateBlock(rows, cols int) error {
	switch {
	case s.N != 0 || s.M != 0:
		return fmt.Errorf("mask n:m is %d:%d with kind %q, must be left out unless kind is %q", s.N, s.M, s.Kind, MaskNM)
	case s.BlockRows < 1 || s.BlockCols < 1:
		return fmt.Errorf("mask block is %d x %d, both must be at least 1", s.BlockRows, s.BlockCols)
	case rows%s.BlockRows != 0 || cols%s.BlockCols != 0:
		return fmt.Errorf("mask block is %d x %d, must divide the %d x %d matrix", s.BlockRows, s.BlockCols, rows, cols)
	}
	return nil
}

// blocks is the exact number of blocks that are kept, rounded half up.
func (s MaskSpec) blocks(rows, cols int) int64 {
	all := int64(rows/s.BlockRows) * int64(cols/s.BlockCols)
	return int64(math.Round((1 - s.Sparsity) * float64(all)))
}

// spreadBlocks draws an unstructured mask over the blocks; a kept block keeps all its weights.
func (m *Mask) spreadBlocks() error {
	s := m.spec
	grid, err := NewMask(len(m.inRow)/s.BlockRows, m.cols/s.BlockCols, MaskSpec{Kind: MaskUnstructured, Sparsity: s.Sparsity, Seed: s.Seed})
	if err != nil {
		return err
	}
	m.grid = grid
	for j := range m.inRow {
		m.inRow[j] = int32(grid.RowNonZeros(j/s.BlockRows) * s.BlockCols)
	}
	return nil
}

// blockRow sets the bits of row j in dst, which holds none.
func (m *Mask) blockRow(j int, dst []uint64) {
	kept := m.grid.Row(j/m.spec.BlockRows, nil)
	for b := range m.grid.Cols() {
		if kept[b>>6]>>(b&63)&1 == 0 {
			continue
		}
		for k := b * m.spec.BlockCols; k < (b+1)*m.spec.BlockCols; k++ {
			dst[k>>6] |= 1 << (k & 63)
		}
	}
}
