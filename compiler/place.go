package compiler

// place gives every column of a group its features and its place in the ring.
func place(p *Program, _ Options) error {
	c := p.Mapping.Columns
	p.InBounds, p.OutBounds = p.Mapping.Bounds(p.Node.In), p.Mapping.Bounds(p.Node.Out)
	p.Ring, p.RingHops = ringOf(c)
	p.orderRows()
	return nil
}

// Bounds says which of n features a column of a group holds: column c those from [c] to [c+1].
func (m Mapping) Bounds(n int) []int { return spread(n, m.Columns) }

// orderRows puts the output rows in the order in which they are streamed.
func (p *Program) orderRows() {
	// Rows go in ring order of their owners. Where the owner moves one place on, the column that
	// began the rings before ends the next ones, and all others go straight on; in any other
	// order a ring would have to wait until the one before it has gone all the way round.
	p.Stream.Rows = p.Stream.Rows[:0]
	for _, column := range p.Ring {
		for j := p.OutBounds[column]; j < p.OutBounds[column+1]; j++ {
			p.Stream.Rows = append(p.Stream.Rows, j)
		}
	}
}

// spread cuts n things into parts that differ by at most one.
func spread(n, parts int) []int {
	bounds := make([]int, parts+1)
	for i := range bounds {
		bounds[i] = i * n / parts
	}
	return bounds
}

// ringOf is the folded ring of c columns and the physical hops of its links.
func ringOf(c int) (ring, hops []int) {
	ring, hops = foldedRing(c), make([]int, c)
	for i, from := range ring {
		to := ring[(i+1)%c]
		hops[i] = max(from-to, to-from)
	}
	return ring, hops
}

// foldedRing lays a ring on a line: even columns eastwards, odd ones back, so that no link of
// the ring is longer than two hops.
func foldedRing(c int) []int {
	ring := make([]int, 0, c)
	for x := 0; x < c; x += 2 {
		ring = append(ring, x)
	}
	for x := (c - 2) | 1; x > 0; x -= 2 {
		if x < c {
			ring = append(ring, x)
		}
	}
	return ring
}
