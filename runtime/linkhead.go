package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// headLinks is one head's links, all rows of a sequence, for all heads, sequences and groups.
func headLinks(s *compiler.Space, r *headRun, uses []fabric.LinkUse) *LinkTable {
	n := s.HeadColumns()
	pieces := densePieces(uses, [fabric.NumColors]int{}, s.SeqRows, s.Sequences)
	return linkTable(r.report.Layout.Colors, pieces, n, s.Groups*s.Columns/n)
}

// linkPlace is a link of a head's run.
type linkPlace struct {
	y int
	rowKey
}

// extendLinks lengthens run b to all rows of a sequence as extend does: what a row has more than the one
// before, each further row has more again. Colors alternate by row.
func extendLinks(s *compiler.Space, a, b *headRun) (all []fabric.LinkUse) {
	short, rows := b.rows, s.SeqRows
	index := func(r *headRun) (map[linkPlace]*fabric.LinkUse, [][]fabric.LinkUse) {
		at, byRow := map[linkPlace]*fabric.LinkUse{}, make([][]fabric.LinkUse, r.rows)
		for i := range r.report.Links {
			u := &r.report.Links[i]
			at[linkPlace{u.At.Y, rowKey{u.Color, u.Direction, u.At.X}}] = u
			byRow[u.At.Y] = append(byRow[u.At.Y], *u)
		}
		return at, byRow
	}
	inA, _ := index(a)
	inB, byRow := index(b)
	for y := range rows {
		from, before, in := y, y, inB
		switch {
		case y == rows-1: // the last row ends chains
			from, before, in = short-1, short-2, inA
		case y >= short-1:
			from, before = short-2, short-3
		}
		for _, u := range byRow[from] {
			color := func(rows int) fabric.Color {
				if rows%2 != 0 {
					return compiler.OnOtherRows(u.Color)
				}
				return u.Color
			}
			less := fabric.LinkUse{}
			if l := in[linkPlace{before, rowKey{color(from - before), u.Direction, u.At.X}}]; l != nil {
				less = *l
			}
			times := int64(y - from)
			u.Wavelets += times * (u.Wavelets - less.Wavelets)
			for r, n := range u.Stalls { // they vary by a few cycles from block to block
				u.Stalls[r] = max(0, n+times*(n-less.Stalls[r]))
			}
			u.Color, u.At.Y = color(y-from), y
			all = append(all, u)
		}
	}
	return all
}
