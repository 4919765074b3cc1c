package runtime

import "cs2sim.dev/fabric"

// routed counts wavelets PE by PE, row by row: those that came into a router from the edge, which in
// a kernel is its north, those that came from other routers, and those that left north.
type routed struct{ down, across, up []int64 }

func newRouted(pes int) *routed {
	return &routed{make([]int64, pes), make([]int64, pes), make([]int64, pes)}
}

// routedBy takes the counts of a run.
func routedBy(m *fabric.Mesh, sources []*source, ports []*ingress) *routed {
	c := m.Config()
	r := newRouted(m.Size())
	for i := range m.Size() {
		use := func(p fabric.Port) int64 { return m.LinkUse(int32(i), p) }
		r.up[i] = use(fabric.North)
		if i >= c.Width {
			r.across[i-c.Width] += use(fabric.North)
		}
		if i+c.Width < m.Size() {
			r.across[i+c.Width] += use(fabric.South)
		}
		if i%c.Width > 0 {
			r.across[i-1] += use(fabric.West)
		}
		if i%c.Width < c.Width-1 {
			r.across[i+1] += use(fabric.East)
		}
	}
	for _, s := range sources {
		for _, at := range s.spec.Borders() {
			r.down[at.Y*c.Width+at.X] += s.sent
		}
	}
	for _, in := range ports {
		for i := range in.lanes {
			for _, at := range in.spec.Lanes[i] {
				r.down[at.Y*c.Width+at.X] += in.lanes[i].sent
			}
		}
	}
	return r
}

// in is all that entered each router.
func (r *routed) in() []int64 {
	in := append([]int64(nil), r.across...)
	for i, n := range r.down {
		in[i] += n
	}
	return in
}

// unfold is what enters each PE's router in each of so many rows, which do the same: down and up say how
// many rows' worth of it comes down to row y from the north, and up to it from the south.
func (r *routed) unfold(rows int, down, up func(y int) int) []int64 {
	all := make([]int64, 0, rows*len(r.across))
	for y := range rows {
		for c, n := range r.across {
			all = append(all, n+int64(down(y))*r.down[c]+int64(up(y))*r.up[c])
		}
	}
	return all
}

// multicast is unfold where all rows get the same from the north and add to one chain to the north.
func (r *routed) multicast(rows int) []int64 {
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
