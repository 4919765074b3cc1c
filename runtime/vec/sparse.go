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
	rows   []int      // outputs
	first  [][2]int32 // [rows] places of the first segment's weights
	chunks []sparseChunk
}

type sparseChunk struct {
	rows  []tileRow
	segs  []sparseSegment
	count []int32 // [segments] weights with the bias
	off   []int32 // [weights]
}

// sparseSegment is where the weights of a partial sum come from.
type sparseSegment struct {
	source, n int32 // place of the first, and how many
	bias      int32 // the output whose bias follows, -1 if none
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
	part := sparsePart{rows: make([]int, len(rows)), first: make([][2]int32, len(rows))}
	ones := int32(o.Segments[len(o.Ring)] * width) // behind the inputs
	bounds := make([][]int32, len(rows))           // place of each segment's first weight in the row
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
		part.first[i] = [2]int32{int32(row.w) + b[first], int32(row.w) + b[first+1]}
	}
	for n := range len(cuts) - 1 {
		var c sparseChunk
		for i, row := range rows {
			p := at[o.First[row.j]]
			segs := int32(0)
			for q := max(cuts[n], p); q < min(cuts[n+1], p+len(o.Ring)); q++ {
				seg := o.Ring[q%len(o.Ring)]
				lo, hi := bounds[i][seg], bounds[i][seg+1]
				bias, n := int32(-1), hi-lo
				if o.Bias && q == p+len(o.Ring)-1 {
					bias, n = int32(row.j), n+1
				}
				if n == 0 {
					continue
				}
				segs++
				c.count = append(c.count, n)
				c.segs = append(c.segs, sparseSegment{int32(row.w) + lo, hi - lo, bias})
				for _, k := range row.idx[lo:hi] {
					c.off = append(c.off, k*int32(width))
				}
				if bias >= 0 {
					c.off = append(c.off, ones)
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
	c.apply(newSparsePlan(c.order, c.impl.tile().sparse, rows), w, nil)
}

// apply computes the outputs of a plan: per tile of tokens and part of outputs, the
// chunks in order.
func (c *linearCall) apply(p *sparsePlan, weights []float32, from []int32) {
	load := c.gather(p, weights, from)
	width := c.impl.tile().sparse
	spans := ceilDiv(c.t, width)
	c.e.each(spans*len(p.parts), func(s *scratch, item int) {
		part, load := &p.parts[item/spans], &load[item/spans]
		t0 := item % spans * width
		n := min(width, c.t-t0)
		x := grow(&s.x, (c.k+1)*width)
		c.pack(x, 0, c.k, t0, n, width)
		fill(x[c.k*width:], 1)
		v := grow(&s.v, len(part.rows)*width)
		for i, z := range load.start {
			fill(v[i*width:(i+1)*width], z)
		}
		for i := range part.chunks {
			k := &part.chunks[i]
			tile := sparseTile{v: v, x: x, rows: k.rows, count: k.count, off: load.off[i], w: load.w[i]}
			c.impl.sparseTile(c.p.arithmetic(), &tile)
		}
		for i, j := range part.rows {
			c.finish(j, t0, v[i*width:][:n])
		}
	})
}

// partLoad is the weights of a part.
type partLoad struct {
	start []float32   // [rows] what chains begin from
	w     [][]float32 // [chunks][weights]
	off   [][]int32   // [chunks][weights]
}

// gather brings weights into the order of the plan.
func (c *linearCall) gather(p *sparsePlan, weights []float32, from []int32) []partLoad {
	n := 0
	for i := range p.parts {
		for k := range p.parts[i].chunks {
			n += len(p.parts[i].chunks[k].off)
		}
	}
	buf := grow(&c.e.shared.w, n)
	load := make([]partLoad, len(p.parts))
	type place struct{ part, chunk int }
	var places []place
	for i := range p.parts {
		chunks := p.parts[i].chunks
		load[i] = partLoad{make([]float32, len(p.parts[i].rows)), make([][]float32, len(chunks)), make([][]int32, len(chunks))}
		places = append(places, place{i, -1})
		for k := range chunks {
			n := len(chunks[k].off)
			load[i].w[k], buf = buf[:n], buf[n:]
			places = append(places, place{i, k})
		}
	}
	c.e.Do(len(places), func(i int) {
		at := places[i]
		part, load := &p.parts[at.part], &load[at.part]
		if at.chunk >= 0 {
			load.off[at.chunk] = c.fillChunk(load.w[at.chunk], &part.chunks[at.chunk], weights, from)
			return
		}
		for r, span := range part.first {
			any := false
			for n := span[0]; n < span[1] && !any; n++ {
				any = pick(weights, from, n) != 0
			}
			load.start[r] = start(any)
		}
	})
	return load
}

func pick(w []float32, from []int32, n int32) float32 {
	if from != nil {
		n = from[n]
	}
	return w[n]
}

// fillChunk sets the weights of a chunk and returns their inputs. A weight of 0 becomes -0
// for the ones, which adds nothing.
func (c *linearCall) fillChunk(dst []float32, k *sparseChunk, weights []float32, from []int32) []int32 {
	n := 0
	for _, s := range k.segs {
		to := dst[n:][:s.n]
		if from == nil {
			copy(to, weights[s.source:])
		} else {
			for i, at := range from[s.source:][:s.n] {
				to[i] = weights[at]
			}
		}
		if n += int(s.n); s.bias >= 0 {
			dst[n] = c.bias(int(s.bias))
			n++
		}
	}
	if !slices.Contains(dst, 0) {
		return k.off
	}
	off := slices.Clone(k.off)
	ones := int32(c.k * c.impl.tile().sparse)
	for i, w := range dst {
		if w == 0 {
			dst[i], off[i] = negZero, ones
		}
	}
	return off
}
