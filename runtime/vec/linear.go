package vec

import (
	"fmt"
	"slices"
)

// Linear is a planned y = x W^T of M outputs and K inputs. For output j and token t,
// over the weights that are not 0 (a zero weight is never sent):
//
//	psum  = sum over the segment's k ascending of w[j][k]*x[k][t], from its first product
//	v     = psum of the first segment of the chain, 0 if that has no weight;
//	        then v = v + psum for each further segment that has one
//	y[j]  = round(v), or with Accumulate round(y[j] + round(v))
//
// A product is rounded to fp32 and each sum to the precision's accumulator; round is
// to the nearest fp16, ties to even, unless Keep32.
type Linear struct {
	e       *Engine
	p       Precision
	m, k    int
	order   Order
	byFirst [][]int32 // dense: the outputs of each first segment
	chains  [][]segment
	ptr     []int   // sparse
	idx     []int32 // sparse
	plan    *sparsePlan
}

// Out says how results are stored.
type Out struct {
	Keep32     bool // store fp32; always so at precision FP32
	Accumulate bool // add to y
}

// Dense plans a layer with weights in row-major [m][k].
func (e *Engine) Dense(p Precision, m, k int, o Order) *Linear {
	o.check(m, k)
	l := &Linear{e: e, p: p, m: m, k: k, order: o, byFirst: make([][]int32, len(o.Ring))}
	for j, c := range o.First {
		l.byFirst[c] = append(l.byFirst[c], int32(j))
	}
	return l
}

// Sparse plans a layer with a fixed mask: row j has its weights at inputs
// idx[ptr[j]:ptr[j+1]], ascending; len(ptr) is M+1. It keeps ptr and idx.
func (e *Engine) Sparse(p Precision, k int, ptr []int, idx []int32, o Order) *Linear {
	m := len(ptr) - 1
	o.check(m, k)
	l := &Linear{e: e, p: p, m: m, k: k, order: o, ptr: ptr, idx: idx}
	rows := make([]sparseRow, m)
	for j := range rows {
		rows[j] = sparseRow{j: j, idx: idx[ptr[j]:ptr[j+1]], w: ptr[j]}
	}
	l.plan = newSparsePlan(o, l.impl().tile().sparse, rows)
	return l
}

// impl is what computes the tiles: sums in fp16 have no vector kernel.
func (l *Linear) impl() Impl {
	if l.p == FP16 {
		return Generic
	}
	return l.e.Impl
}

// Apply computes y, [M][T], from x, [K][T], and w: [M][K] if dense, else one weight
// per mask position. y must not overlap x.
func (l *Linear) Apply(y, x, w []float32, out Out) {
	weights := l.m * l.k
	if l.plan != nil {
		weights = len(l.idx)
	}
	t := len(x) / max(l.k, 1)
	if len(w) != weights || len(x) != t*l.k || len(y) != t*l.m {
		panic(fmt.Sprintf("vec: linear %d x %d with %d weights over y %d, x %d, w %d",
			l.m, l.k, weights, len(y), len(x), len(w)))
	}
	c := &linearCall{Linear: l, impl: l.impl(), y: y, x: x, w: w, t: t, out: out}
	if l.p == FP32 {
		c.out.Keep32 = true
	}
	if l.plan == nil {
		c.dense()
		return
	}
	c.sparse()
}

// linearCall is one Apply.
type linearCall struct {
	*Linear
	impl    Impl
	y, x, w []float32
	t       int
	out     Out
}

// pack copies tokens [t0, t0+n) of every input to a panel [K][width], padded with 0.
func (c *linearCall) pack(panel []float32, t0, n, width int) {
	for k := range c.k {
		row := panel[k*width : (k+1)*width]
		copy(row, c.x[k*c.t+t0:k*c.t+t0+n])
		clear(row[n:])
	}
}

// finish stores the sums v of output j at tokens from t0. It spoils v.
func (c *linearCall) finish(j, t0 int, v []float32) {
	y := c.y[j*c.t+t0:][:len(v)]
	switch {
	case c.out.Accumulate && c.out.Keep32:
		c.e.Add(y, y, v)
	case c.out.Accumulate:
		c.e.Round16(v, v)
		c.e.Add(y, y, v)
		c.e.Round16(y, y)
	case c.out.Keep32:
		copy(y, v)
	default:
		c.e.Round16(y, v)
	}
}

// start is what the chain of an output begins from.
func start(firstHasWeights bool) float32 {
	if firstHasWeights {
		return negZero
	}
	return 0
}

// block is the outputs of a dense tile; the last is repeated to fill it.
type block struct {
	rows  []int32
	first int
}

// Dense panels of a worker together stay within half of a second-level cache, and
// are long enough that a tile's weights are read from the first level.
const (
	panelBytes = 512 << 10
	maxPanels  = 4
)

func (c *linearCall) dense() {
	size := c.impl.tile()
	blocks, rest := c.blocks(size.rows)
	chains := c.order.chains(size.dense)
	panels := min(max(panelBytes/(4*size.dense*max(c.k, 1)), 1), maxPanels)
	panels = min(panels, max(ceilDiv(c.t, size.dense*c.e.workers), 1))
	span := panels * size.dense // tokens of an item
	c.e.each(ceilDiv(c.t, span), func(s *scratch, item int) {
		t0 := item * span
		n := min(span, c.t-t0)
		x := grow(&s.x, span*c.k)
		for p := 0; p*size.dense < n; p++ {
			c.pack(x[p*size.dense*c.k:], t0+p*size.dense, min(size.dense, n-p*size.dense), size.dense)
		}
		v := grow(&s.v, size.rows*span)
		for _, b := range blocks {
			tile := denseTile{segs: chains[b.first], vStride: span, wStep: 1}
			fill(v, start(c.order.Segments[b.first] < c.order.Segments[b.first+1]))
			for r := range size.rows {
				j := int(b.rows[min(r, len(b.rows)-1)])
				tile.w[r] = c.w[j*c.k : (j+1)*c.k]
			}
			for p := 0; p*size.dense < n; p++ {
				tile.v, tile.x = v[p*size.dense:], x[p*size.dense*c.k:]
				c.impl.denseTile(c.p.arithmetic(), &tile)
			}
			for r, j := range b.rows {
				c.finish(int(j), t0, v[r*span:][:n])
			}
		}
	})
	if len(rest) > 0 {
		c.sparsely(rest)
	}
}

// blocks cuts the outputs into tiles of one first segment. Rows with a zero weight
// are returned apart: a tile would add its products, which can turn -0 into +0 and
// an infinite input into NaN.
func (c *linearCall) blocks(rows int) (blocks []block, rest []int) {
	zero := make([]bool, c.m)
	const grain = 64
	c.e.Do(ceilDiv(c.m, grain), func(i int) {
		for j := i * grain; j < min(c.m, (i+1)*grain); j++ {
			zero[j] = slices.Contains(c.w[j*c.k:(j+1)*c.k], 0)
		}
	})
	for first, js := range c.byFirst {
		var whole []int32
		for _, j := range js {
			if zero[j] {
				rest = append(rest, int(j))
			} else {
				whole = append(whole, j)
			}
		}
		for part := range slices.Chunk(whole, rows) {
			blocks = append(blocks, block{part, first})
		}
	}
	return blocks, rest
}

// chains returns the tile segments of the chain from each first segment, for weights
// and panel in input order.
func (o Order) chains(width int) [][]segment {
	all := make([][]segment, len(o.Ring))
	for i, first := range o.Ring {
		for n := range o.Ring {
			c := o.Ring[(i+n)%len(o.Ring)]
			if lo, hi := o.Segments[c], o.Segments[c+1]; lo < hi {
				all[first] = append(all[first], segment{w: lo, x: lo * width, n: hi - lo})
			}
		}
	}
	return all
}
