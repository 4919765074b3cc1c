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
