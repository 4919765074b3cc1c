package compiler

import "cs2sim.dev/pe"

// Tile is an activation tensor at rest: on every PE the features of its column, a run of the
// PE's tokens each. It lies at the same address on all PEs.
type Tile struct {
	Name   string
	Bounds []int   // column c holds features [Bounds[c], Bounds[c+1]); nil: one run of tokens, the same on all columns of a row
	Type   pe.Type //
	Base   int     // first word; set by the memory plan
	InS    bool    // lies in the banks of accumulators
}

// Features is how many features column c holds.
func (t *Tile) Features(c int) int {
	if t.Bounds == nil {
		return 1
	}
	return t.Bounds[c+1] - t.Bounds[c]
}

// First is the first feature of column c.
func (t *Tile) First(c int) int {
	if t.Bounds == nil {
		return 0
	}
	return t.Bounds[c]
}

// Total is the number of features over all columns.
func (t *Tile) Total() int {
	if t.Bounds == nil {
		return 1
	}
	return t.Bounds[len(t.Bounds)-1]
}

// RunWords is the SRAM of one feature's tokens.
func (t *Tile) RunWords(tokens int) int { return tokens * t.Type.Words() }

// Words is the SRAM of the tile on the column with most features.
func (t *Tile) Words(tokens int) int {
	n := 1
	if t.Bounds != nil {
		n = widest(t.Bounds)
	}
	return n * t.RunWords(tokens)
}

// Scratch is memory a kernel needs while it runs, in words, in the banks of tiles (T) and in
// those of accumulators (S). Two operands read in the same cycle come one from each.
type Scratch struct{ T, S int }
