package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// flow is how what enters from the north, or leaves to it, passes the rows of a kernel.
type flow uint8

const (
	sameForAll flow = iota // down: one stream, multicast to all rows and groups; up: a chain of sums, a color per parity of rows
	rowsOwn                // each row's own, past the rows north of it
)

// rowLinks unfolds the links of a kernel's one row over rows and groups. What stays in the row is the same in
// each of them. A stream that all rows get stands at the first row alone: those behind take it a
// hop later, as they began a hop later, or began before it came.
func (f *folding) rowLinks(r *rowRun, up flow) *LinkTable {
	if !r.counted {
		return nil
	}
	u := rowUnfolding{rows: f.s.Rows(), groups: f.s.Groups, up: up}
	if f.apart {
		u.down = rowsOwn
	}
	var enters, leaves [fabric.NumColors]bool
	for _, l := range r.Links {
		enters[l.Color] = enters[l.Color] || l.Direction == fabric.FromEdge
		leaves[l.Color] = leaves[l.Color] || l.Direction == fabric.ToEdge
	}
	for i := range r.Links {
		l := &r.Links[i]
		switch {
		case enters[l.Color]:
			u.stream(l)
		case leaves[l.Color]:
			u.result(l)
		default:
			u.add(l, l.Color, l.Direction, span(0, u.rows), u.inRow(l))
		}
	}
	return linkTable(r.Layout.Colors, u.pieces, repeat{f.s.Columns, f.s.Groups})
}

// rowUnfolding collects the pieces.
type rowUnfolding struct {
	rows, groups int
	down, up     flow
	pieces       []linkPiece
}

func (u *rowUnfolding) add(l *fabric.LinkUse, c fabric.Color, d fabric.Direction, y Places, s Stalls) *Links {
	if !d.Leaves() {
		s = unknownStalls()
	}
	u.pieces = append(u.pieces, linkPiece{Links: Links{Color: c, Direction: d, Y: y, Wavelets: l.Wavelets, Stalls: s}, x: l.At.X})
	return &u.pieces[len(u.pieces)-1].Links
}

// inRow is the stalls of a link along the row. Where every row gets a block of its own, the block's
// time, which differs from row to row, makes them.
func (u *rowUnfolding) inRow(l *fabric.LinkUse) Stalls {
	if u.down == rowsOwn {
		return unknownStalls()
	}
	return stallsOf(l)
}

// stream is a color that enters from the north.
func (u *rowUnfolding) stream(l *fabric.LinkUse) {
	south := span(0, u.rows-1)
	switch {
	case l.Direction == fabric.FromEdge && u.down == sameForAll:
		u.add(l, l.Color, l.Direction, span(0, 1), Stalls{}).Copies = u.groups
		u.add(l, l.Color, fabric.ToSouth, south, Stalls{})
	case l.Direction == fabric.FromEdge:
		n := int64(u.rows)
		in := u.add(l, l.Color, l.Direction, span(0, 1), Stalls{})
		in.Copies, in.Wavelets = 1, n*l.Wavelets
		to := u.add(l, l.Color, fabric.ToSouth, south, unknownStalls())
		to.Wavelets, to.More = (n-1)*l.Wavelets, -l.Wavelets
	case u.down == sameForAll:
		u.add(l, l.Color, l.Direction, span(0, 1), stallsOf(l))
		u.add(l, l.Color, l.Direction, span(1, u.rows), Stalls{})
	default:
		u.add(l, l.Color, l.Direction, span(0, u.rows), unknownStalls())
	}
}

// result is a color that leaves to the north. What holds it up comes from other rows.
func (u *rowUnfolding) result(l *fabric.LinkUse) {
	unknown := unknownStalls()
	switch {
	case l.Direction == fabric.ToEdge && u.up == sameForAll:
		u.add(l, l.Color, l.Direction, span(0, 1), unknown)
		other := compiler.OnOtherRows(l.Color)
		u.add(l, l.Color, fabric.ToNorth, every(2, 2, u.rows), unknown)
		u.add(l, other, fabric.ToNorth, every(1, 2, u.rows), unknown)
		u.add(l, l.Color, fabric.ToPE, every(1, 2, u.rows-1), unknown)
		u.add(l, other, fabric.ToPE, every(0, 2, u.rows-1), unknown)
	case l.Direction == fabric.ToEdge:
		n := int64(u.rows)
		u.add(l, l.Color, l.Direction, span(0, 1), unknown).Wavelets = n * l.Wavelets
		to := u.add(l, l.Color, fabric.ToNorth, span(1, u.rows), unknown)
		to.Wavelets, to.More = (n-1)*l.Wavelets, -l.Wavelets
	case u.up == sameForAll:
		u.add(l, l.Color, l.Direction, every(0, 2, u.rows), unknown)
		u.add(l, compiler.OnOtherRows(l.Color), l.Direction, every(1, 2, u.rows), unknown)
	default:
		u.add(l, l.Color, l.Direction, span(0, u.rows), unknown)
	}
}
