package model

import (
	"fmt"
	"math"
)

// MaskKind names how the non-zeros of a weight matrix are placed.
type MaskKind string

const (
	MaskUnstructured MaskKind = "unstructured" // uniform over all matrices with the exact total
	MaskRowBalanced  MaskKind = "row_balanced" // rows differ by at most one non-zero
	MaskNM           MaskKind = "nm"           // N non-zeros in every M consecutive inputs
	MaskBlock        MaskKind = "block"        // whole blocks, uniform over all of them with the exact total
)

// MaxFeatures bounds rows, columns and M, so that counts and their products are
// exact in an int64.
const MaxFeatures = 1 << 20

// MaskSpec describes the mask of a weight matrix.
type MaskSpec struct {
	Kind     MaskKind
	Sparsity float64 // fraction of zeros, in [0,1); nm: 1-N/M, or 0 to take it from N and M
	N, M     int     // nm only
	Seed     uint64

	BlockRows, BlockCols int // block only: outputs and inputs of one block
}

// Validate reports the first reason why s cannot mask a rows x cols matrix.
func (s MaskSpec) Validate(rows, cols int) error {
	if rows < 1 || rows > MaxFeatures || cols < 1 || cols > MaxFeatures {
		return fmt.Errorf("mask shape is %d x %d, both must be 1 to %d", rows, cols, MaxFeatures)
	}
	if !(s.Sparsity >= 0 && s.Sparsity < 1) { // false for NaN
		return fmt.Errorf("mask sparsity is %v, must be at least 0 and below 1", s.Sparsity)
	}
	if s.Kind != MaskBlock && (s.BlockRows != 0 || s.BlockCols != 0) {
		return fmt.Errorf("mask block is %d x %d with kind %q, must be left out unless kind is %q", s.BlockRows, s.BlockCols, s.Kind, MaskBlock)
	}
	switch s.Kind {
	case MaskUnstructured, MaskRowBalanced:
		if s.N != 0 || s.M != 0 {
			return fmt.Errorf("mask n:m is %d:%d with kind %q, must be left out unless kind is %q",
				s.N, s.M, s.Kind, MaskNM)
		}
	case MaskNM:
		if err := s.validateNM(); err != nil {
			return err
		}
	case MaskBlock:
		if err := s.validateBlock(rows, cols); err != nil {
			return err
		}
	default:
		return fmt.Errorf("mask kind is %q, must be %q, %q, %q or %q",
			s.Kind, MaskUnstructured, MaskRowBalanced, MaskNM, MaskBlock)
	}
	if s.total(rows, cols) == 0 {
		return fmt.Errorf("mask %s leaves no non-zero in %d x %d, at least one must remain",
			s.amount(), rows, cols)
	}
	return nil
}

func (s MaskSpec) validateNM() error {
	if s.N < 1 || s.N > s.M || s.M > MaxFeatures {
		return fmt.Errorf("mask n:m is %d:%d, must be 1 <= n <= m <= %d", s.N, s.M, MaxFeatures)
	}
	want := 1 - float64(s.N)/float64(s.M)
	if s.Sparsity != 0 && math.Abs(s.Sparsity-want) > 1e-9 {
		return fmt.Errorf("mask sparsity is %v, must be %v for n:m of %d:%d, or 0 to take it from there",
			s.Sparsity, want, s.N, s.M)
	}
	return nil
}

// amount names the key that sets how many non-zeros there are.
func (s MaskSpec) amount() string {
	if s.Kind == MaskNM {
		return fmt.Sprintf("n:m of %d:%d", s.N, s.M)
	}
	return fmt.Sprintf("sparsity of %v", s.Sparsity)
}

// total is the exact number of non-zeros: (1-sparsity)*rows*cols rounded half up,
// or for nm what the groups of a row keep, times rows, or that of whole blocks.
func (s MaskSpec) total(rows, cols int) int64 {
	if s.Kind == MaskBlock {
		return s.blocks(rows, cols) * int64(s.BlockRows) * int64(s.BlockCols)
	}
	if s.Kind == MaskNM {
		inRow := cols/s.M*s.N + s.keptInGroup(cols%s.M)
		return int64(rows) * int64(inRow)
	}
	return int64(math.Round((1 - s.Sparsity) * float64(rows) * float64(cols)))
}

// NonZeros is the number of non-zeros of a rows x cols mask, without drawing it.
func (s MaskSpec) NonZeros(rows, cols int) (int64, error) {
	if err := s.Validate(rows, cols); err != nil {
		return 0, err
	}
	return s.total(rows, cols), nil
}

// keptInGroup is the number of non-zeros in a group of n <= M inputs: N*n/M rounded
// half up. That is N in a whole group and may be 0 in the ragged last one.
func (s MaskSpec) keptInGroup(n int) int {
	return (2*s.N*n + s.M) / (2 * s.M)
}

// Mask is the set of non-zero positions of a rows x cols weight matrix. It is
// immutable and safe for concurrent use. It takes 4 bytes per row; a row's
// positions are redrawn by Row from a generator of their own.
type Mask struct {
	spec     MaskSpec
	cols     int
	nonZeros int64
	inRow    []int32  // [rows] non-zeros of each row, sum nonZeros
	grid     *Mask    // which blocks are kept; block only
	given    *Pattern // positions that were not drawn; its spec is empty
}

// NewMask draws the row counts of a rows x cols mask. The error is that of
// MaskSpec.Validate.
func NewMask(rows, cols int, s MaskSpec) (*Mask, error) {
	if err := s.Validate(rows, cols); err != nil {
		return nil, err
	}
	m := &Mask{spec: s, cols: cols, nonZeros: s.total(rows, cols), inRow: make([]int32, rows)}
	switch s.Kind {
	case MaskUnstructured:
		m.spreadUniform()
	case MaskBlock:
		if err := m.spreadBlocks(); err != nil {
			return nil, err
		}
	default:
		m.spreadEvenly()
	}
	return m, nil
}

// spreadUniform draws the row counts of a uniform subset of the whole matrix: each
// row's count is hypergeometric given the rows before it.
func (m *Mask) spreadUniform() {
	src := newPCG(m.spec.Seed^domainMaskCounts, 0)
	cells, left := int64(len(m.inRow))*int64(m.cols), m.nonZeros
	for j := range m.inRow {
		n := hypergeometric(&src, cells, left, int64(m.cols))
		m.inRow[j] = int32(n)
		cells -= int64(m.cols)
		left -= n
	}
}

// spreadEvenly gives every row the floor of the mean and one more to a uniform
// subset of rows, as many as the remainder.
func (m *Mask) spreadEvenly() {
	rows := len(m.inRow)
	floor, extra := m.nonZeros/int64(rows), int(m.nonZeros%int64(rows))
	src := newPCG(m.spec.Seed^domainMaskCounts, 0)
	chosen := make([]uint64, words(rows))
	placeUniform(&src, chosen, 0, rows, extra)
	for j := range m.inRow {
		m.inRow[j] = int32(floor) + int32(chosen[j>>6]>>(j&63)&1)
	}
}

// Rows is the number of output features.
func (m *Mask) Rows() int { return len(m.inRow) }

// Cols is the number of input features.
func (m *Mask) Cols() int { return m.cols }

// NonZeros is the number of non-zeros in the matrix.
func (m *Mask) NonZeros() int64 { return m.nonZeros }

// RowNonZeros is the number of non-zeros in row j.
func (m *Mask) RowNonZeros(j int) int { return int(m.inRow[j]) }

// Row returns row j as a bitset of Cols bits: bit k%64 of word k/64 is input k,
// bits past the last input are zero. The result uses dst's array if it is large
// enough; whatever dst held is lost.
func (m *Mask) Row(j int, dst []uint64) []uint64 {
	n := words(m.cols)
	if cap(dst) < n {
		dst = make([]uint64, n)
	} else {
		dst = dst[:n]
		clear(dst)
	}
	switch {
	case m.grid != nil:
		m.blockRow(j, dst)
		return dst
	case m.given != nil:
		for _, k := range m.given.Row(j) {
			dst[k>>6] |= 1 << (k & 63)
		}
		return dst
	}
	src := newPCG(m.spec.Seed^domainMaskRow, uint64(j))
	if m.spec.Kind != MaskNM {
		placeUniform(&src, dst, 0, m.cols, int(m.inRow[j]))
		return dst
	}
	for lo := 0; lo < m.cols; lo += m.spec.M {
		size := min(m.spec.M, m.cols-lo)
		placeUniform(&src, dst, lo, size, m.spec.keptInGroup(size))
	}
	return dst
}

// words is the length of a bitset of n bits.
func words(n int) int { return (n + 63) / 64 }
