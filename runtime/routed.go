package runtime

import "cs2sim.dev/fabric"

// routed counts, PE by PE and row by row, the wavelets that entered a router from another router
// or the edge and left it again: at quiescence all that entered.
type routed struct {
	width int
	in    []int64
}

func newRouted(width, height int) *routed { return &routed{width, make([]int64, width*height)} }

// Forwarded is told by the mesh.
func (r *routed) Forwarded(_ fabric.Cycle, at fabric.Coord, in fabric.Port, _ fabric.PortSet, _ fabric.Wavelet) {
	if in != fabric.Ramp {
		r.in[at.Y*r.width+at.X]++
	}
}

// rowRouted counts the same of the one row of a folded kernel, column by column: what came in
// from the north edge, what came along the row, and what left north.
type rowRouted struct{ down, across, up []int64 }

func newRowRouted(columns int) *rowRouted {
	return &rowRouted{make([]int64, columns), make([]int64, columns), make([]int64, columns)}
}

func (r *rowRouted) Forwarded(_ fabric.Cycle, at fabric.Coord, in fabric.Port, out fabric.PortSet, _ fabric.Wavelet) {
	switch in {
	case fabric.Ramp:
	case fabric.North:
		r.down[at.X]++
	default:
		r.across[at.X]++
	}
	if out.Has(fabric.North) {
		r.up[at.X]++
	}
}

// unfold is what enters each PE's router in each of so many rows, which do the same: down and up say how
// many rows' worth of it comes down to row y from the north, and up to it from the south.
func (r *rowRouted) unfold(rows int, down, up func(y int) int) []int64 {
	all := make([]int64, 0, rows*len(r.across))
	for y := range rows {
		for c, n := range r.across {
			all = append(all, n+int64(down(y))*r.down[c]+int64(up(y))*r.up[c])
		}
	}
	return all
}

// multicast is unfold where all rows get the same from the north and add to one chain to the north.
func (r *rowRouted) multicast(rows int) []int64 {
	return r.unfold(rows, func(int) int { return 1 }, func(y int) int { return min(1, rows-1-y) })
}

// wavelets counts what enters the router of each column's PE from other routers or the edge, alike in
// all rows and groups: the column's weights and commands, and the partial sums of every
// ring link on whose way it lies.
func (e *streamEngine) wavelets() []int64 {
	m := e.p.Mapping
	in := make([]int64, m.Columns)
	for c := range in {
		in[c] = e.cols[c].weights*int64(e.p.Stream.WordsPerWeight) + int64(e.p.Node.Out+1)
	}
	if m.Columns == 1 {
		return in
	}
	for place, from := range e.p.Ring {
		to := e.p.Ring[(place+1)%m.Columns]
		// An output row leaves out the link behind its owner.
		owned := int64(e.p.OutBounds[from+1] - e.p.OutBounds[from])
		sums := (int64(e.p.Node.Out) - owned) * int64(m.Tokens)
		for from != to {
			if from < to {
				from++
			} else {
				from--
			}
			in[from] += sums
		}
	}
	return in
}
