package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// headLinks is one head's links, all rows of a sequence, for all heads, sequences and groups; with or without
// its stalls.
func headLinks(s *compiler.Space, r *headRun, uses []fabric.LinkUse, stalls bool) *LinkTable {
	one := densePieces(uses, [fabric.NumColors]int{}, s.SeqRows, s.Sequences)
	if !stalls {
		for i := range one {
			one[i].Stalls = unknownStalls()
		}
	}
	return linkTable(r.report.Layout.Colors, one, repeat{s.HeadColumns, s.Model.Heads}, repeat{s.Columns, s.Groups})
}

// linkPlace is a link of a head's run.
type linkPlace struct {
	y int
	rowKey
}

// extendLinks lengthens run b to all rows of a sequence as extend does. Colors alternate by row. Stalls are not
// followed: how long a row is held up depends on how far it is from the one whose turn it is.
func extendLinks(s *compiler.Space, a, b *headRun) (all []fabric.LinkUse) {
	short, rows := b.rows, s.SeqRows
	inA, inB := a.links(), b.links()
	byRow := make([][]fabric.LinkUse, short)
	for _, u := range b.report.Links {
		byRow[u.At.Y] = append(byRow[u.At.Y], u)
	}
	for y := range rows {
		m := alikeIn(y, short, rows)
		for _, u := range byRow[m.row] {
			// The same link of another row.
			at := func(in map[linkPlace]*fabric.LinkUse, row int) fabric.LinkUse {
				c := u.Color
				if (row-m.row)%2 != 0 {
					c = compiler.OnOtherRows(c)
				}
				if l := in[linkPlace{row, rowKey{c, u.Direction, u.At.X}}]; l != nil {
					return *l
				}
				return fabric.LinkUse{}
			}
			fewer := at(inA, m.shorter)
			extended := u
			extended.Wavelets += int64(m.times) * (u.Wavelets - fewer.Wavelets)
			if m.before > 0 {
				later, earlier := at(inB, m.mid), at(inB, m.mid-1)
				extended.Wavelets += int64(m.before) * (later.Wavelets - earlier.Wavelets)
			}
			if (y-m.row)%2 != 0 {
				extended.Color = compiler.OnOtherRows(u.Color)
			}
			extended.At.Y, extended.Stalls = y, [len(u.Stalls)]int64{}
			all = append(all, extended)
		}
	}
	return all
}

func (r *headRun) links() map[linkPlace]*fabric.LinkUse {
	at := map[linkPlace]*fabric.LinkUse{}
	for i := range r.report.Links {
		u := &r.report.Links[i]
		at[linkPlace{u.At.Y, rowKey{u.Color, u.Direction, u.At.X}}] = u
	}
	return at
}
