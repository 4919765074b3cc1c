package vec

import "slices"

// sparseRow is an output's weights: w is the place of the first in the weights.
type sparseRow struct {
	j   int
	idx []int32
	w   int
}

// Limits of a sparse item: the sums of its outputs stay in the second-level cache,
// the inputs of a chunk in the first.
const (
	partRows   = 512
	chunkBytes = 32 << 10
)

// sparsePlan is the weights in the order the tiles take them. Outputs are cut into
// parts. The ring, walked twice, is cut into chunks of segments; an output takes part
// in the chunks from its first segment to one round later, so that a chunk's inputs
// serve all outputs of the part while they are in the cache.
type sparsePlan struct {
	parts []sparsePart
}

type sparsePart struct {
	rows   []int     // outputs
	start  []float32 // [rows] what their chains begin from
	chunks []sparseChunk
}

type sparseChunk struct {
	rows   []tileRow
	count  []int32 // [segments]
	source []int32 // [segments] place of the first weight
	off    []int32 // [weights]
}

func newSparsePlan(o Order, width int, rows []sparseRow) *sparsePlan {
	p := &sparsePlan{}
	cuts := o.chunkCuts(chunkBytes / (4 * width))
	at := o.positions()
	for part := range slices.Chunk(rows, partRows) {
		p.parts = append(p.parts, newSparsePart(o, at, cuts, width, part))
	}
	return p
}

// chunkCuts cuts two rounds of the ring into chunks of at most inputs inputs, or
// one segment.
func (o Order) chunkCuts(inputs int) []int {
	cuts, sum := []int{0}, 0
	for i := range 2 * len(o.Ring) {
		c := o.Ring[i%len(o.Ring)]
		n := o.Segments[c+1] - o.Segments[c]
		if sum += n; sum > inputs && i > cuts[len(cuts)-1] {
			cuts, sum = append(cuts, i), n
		}
	}
	return append(cuts, 2*len(o.Ring))
}

func newSparsePart(o Order, at, cuts []int, width int, rows []sparseRow) sparsePart {
	part := sparsePart{rows: make([]int, len(rows)), start: make([]float32, len(rows))}
	bounds := make([][]int32, len(rows)) // place of each segment's first weight in the row
	for i, row := range rows {
		part.rows[i] = row.j
		b := make([]int32, len(o.Segments))
		n := 0
		for c, k := range o.Segments {
			for n < len(row.idx) && int(row.idx[n]) < k {
				n++
			}
			b[c] = int32(n)
		}
		bounds[i] = b
		first := o.First[row.j]
		part.start[i] = start(b[first] < b[first+1])
	}
	for n := range len(cuts) - 1 {
		var c sparseChunk
		for i, row := range rows {
			p := at[o.First[row.j]]
			segs := int32(0)
			for q := max(cuts[n], p); q < min(cuts[n+1], p+len(o.Ring)); q++ {
				seg := o.Ring[q%len(o.Ring)]
				lo, hi := bounds[i][seg], bounds[i][seg+1]
				if lo == hi {
					continue
				}
				segs++
				c.count = append(c.count, hi-lo)
				c.source = append(c.source, int32(row.w)+lo)
				for _, k := range row.idx[lo:hi] {
					c.off = append(c.off, k*int32(width))
				}
			}
			if segs > 0 {
				c.rows = append(c.rows, tileRow{v: int32(i * width), segs: segs})
			}
		}
		if len(c.rows) > 0 {
			part.chunks = append(part.chunks, c)
		}
	}
	return part
}

// sparse applies the plan, or one of what remains where weights are 0.
func (c *linearCall) sparse() {
	if !slices.Contains(c.w, 0) {
		c.apply(c.plan, c.w)
		return
	}
	rows := make([]sparseRow, c.m)
	var w []float32
	for j := range rows {
		rows[j] = sparseRow{j: j, w: len(w)}
		for n := c.ptr[j]; n < c.ptr[j+1]; n++ {
			if c.w[n] != 0 {
				rows[j].idx = append(rows[j].idx, c.idx[n])
				w = append(w, c.w[n])
			}
		}
	}
	c.apply(newSparsePlan(c.order, c.impl.tile().sparse, rows), w)
}

// sparsely computes the given outputs of a dense layer from their non-zero weights.
func (c *linearCall) sparsely(outputs []int) {
	rows := make([]sparseRow, len(outputs))
	var w []float32
	for i, j := range outputs {
		rows[i] = sparseRow{j: j, w: len(w)}
		for k, v := range c.w[j*c.k : (j+1)*c.k] {
			if v != 0 {
				rows[i].idx = append(rows[i].idx, int32(k))
				w = append(w, v)
			}
		}
	}
	c.apply(newSparsePlan(c.order, c.impl.tile().sparse, rows), w)
}

// apply computes the outputs of a plan: per tile of tokens and part of outputs, the
// chunks in order.
func (c *linearCall) apply(p *sparsePlan, weights []float32) {
	w := p.gather(c.e, weights)
	width := c.impl.tile().sparse
	spans := ceilDiv(c.t, width)
	c.e.each(spans*len(p.parts), func(s *scratch, item int) {
		part := &p.parts[item/spans]
		t0 := item % spans * width
		n := min(width, c.t-t0)
		x := grow(&s.x, c.k*width)
		c.pack(x, t0, n, width)
		v := grow(&s.v, len(part.rows)*width)
		for i, z := range part.start {
			fill(v[i*width:(i+1)*width], z)
		}
		for i := range part.chunks {
			k := &part.chunks[i]
			tile := sparseTile{v: v, x: x, rows: k.rows, count: k.count, off: k.off, w: w[item/spans][i]}
			c.impl.sparseTile(c.p.arithmetic(), &tile)
		}
		for i, j := range part.rows {
			c.finish(j, t0, v[i*width:][:n])
		}
	})
}

// gather brings weights into the order of the plan: [parts][chunks][weights].
func (p *sparsePlan) gather(e *Engine, weights []float32) [][][]float32 {
	type place struct{ part, chunk int }
	var places []place
	n := 0
	for i := range p.parts {
		for k := range p.parts[i].chunks {
			places = append(places, place{i, k})
			n += len(p.parts[i].chunks[k].off)
		}
	}
	buf := grow(&e.shared.w, n)
	w := make([][][]float32, len(p.parts))
	for i := range p.parts {
		w[i] = make([][]float32, len(p.parts[i].chunks))
		for k := range w[i] {
			n := len(p.parts[i].chunks[k].off)
			w[i][k], buf = buf[:n], buf[n:]
		}
	}
	e.Do(len(places), func(i int) {
		at := places[i]
		c, dst := &p.parts[at.part].chunks[at.chunk], w[at.part][at.chunk]
		for s, n := range c.count {
			copy(dst[:n], weights[c.source[s]:])
			dst = dst[n:]
		}
	})
	return w
}
