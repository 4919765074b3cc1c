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
	Whole  bool    // its place has room for whole wavelets, in which it travels
	Sums   bool    // its place has room for fp32, in which its kernel sums it up
	Alone  Alone   // no instruction reads it beside another operand: the memory plan may move it there
}

// Alone says which of the tiles that nothing is read beside go to the banks of accumulators first.
type Alone int

const (
	Beside    Alone = iota // read beside accumulators: never
	AloneWide              // a wide one, outside of attention: while it lives those banks have room
	AloneToo               // others
)

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

// Room is the SRAM of the tile's place.
func (t *Tile) Room(tokens int) int {
	n := t.Words(tokens)
	switch {
	case t.Sums && t.Type != pe.F32:
		return n / t.Type.Words() * pe.F32.Words()
	case t.Whole:
		return n + n%pe.F32.Words()
	}
	return n
}

// Wavelets is how many of them carry column c's part of the tile.
func (t *Tile) Wavelets(c, tokens int) int {
	return ceilDiv(t.Features(c)*t.RunWords(tokens), pe.F32.Words())
}

// sums is the tile's place in fp32. Rounded from there into the tile, element after element, no value
// is overwritten that is still to be read.
func (t *Tile) sums(r *Role, tokens int) Array {
	return r.Fixed("sums of "+t.Name, pe.F32, t.Base, t.Words(tokens)/t.Type.Words())
}

// Scratch is memory a kernel needs while it runs, in words, in the banks of tiles (T) and in
// those of accumulators (S). Two operands read in the same cycle come one from each.
type Scratch struct{ T, S int }
