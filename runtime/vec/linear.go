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
	e      *Engine
	p      Precision
	m, k   int
	order  Order
	at     []int   // [S] each segment's place in the ring
	sorted []int   // dense: outputs in the ring order of their first segments
	ptr    []int   // sparse
	idx    []int32 // sparse
	plan   *sparsePlan
}

// Out says how results are stored.
type Out struct {
	Keep32     bool // store fp32; always so at precision FP32
	Accumulate bool // add to y
}

// Dense plans a layer with weights in row-major [m][k].
func (e *Engine) Dense(p Precision, m, k int, o Order) *Linear {
	o.check(m, k)
	l := &Linear{e: e, p: p, m: m, k: k, order: o, at: o.positions(), sorted: make([]int, m)}
	for j := range l.sorted {
		l.sorted[j] = j
	}
	slices.SortStableFunc(l.sorted, func(a, b int) int { return l.at[o.First[a]] - l.at[o.First[b]] })
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

// Dense panels of a worker together stay within half of a second-level cache, and
// are long enough that a tile's weights are read from the first level.
const (
	panelBytes = 512 << 10
	maxPanels  = 4
)

func (c *linearCall) dense() {
	size := c.impl.tile()
	outputs, rest := c.withoutZeros()
	twice := c.order.twice(size.dense)
	panels := min(max(panelBytes/(4*size.dense*max(c.k, 1)), 1), maxPanels)
	panels = min(panels, max(ceilDiv(c.t, size.dense*c.e.workers), 1))
	span := panels * size.dense // tokens of an item
	c.e.each(ceilDiv(c.t, span), func(s *scratch, item int) {
		t0 := item * span
		n := min(span, c.t-t0)
		x := grow(&s.x, span*c.k)
		for p := 0; p < n; p += size.dense {
			c.pack(x[p*c.k:], t0+p, min(size.dense, n-p), size.dense)
		}
		v := grow(&s.v, size.rows*span)
		for block := range slices.Chunk(outputs, size.rows) {
			c.block(block, twice, v, x, t0, n, span)
		}
	})
	if len(rest) > 0 {
		c.sparsely(rest)
	}
}

// block computes the outputs of one tile. Its segments are those from the first
// output's first segment to the last output's last; an output's sums start when its
// own first segment comes and are stored after its last, whatever the tile adds to
// them before and after. Neighbours in the ring lose little by that.
func (c *linearCall) block(outputs []int, twice []segment, v, x []float32, t0, n, span int) {
	size := c.impl.tile()
	tile := denseTile{vStride: span, wStep: 1}
	for r := range size.rows {
		j := outputs[min(r, len(outputs)-1)]
		tile.w[r] = c.w[j*c.k : (j+1)*c.k]
	}
	first := func(r int) int { return c.at[c.order.First[outputs[r]]] }
	started, stored := 0, 0
	for q := first(0); stored < len(outputs); {
		for ; started < len(outputs) && first(started) == q; started++ {
			seg := c.order.First[outputs[started]]
			fill(v[started*span:(started+1)*span], start(c.order.Segments[seg] < c.order.Segments[seg+1]))
		}
		to := first(stored) + len(c.order.Ring)
		if started < len(outputs) {
			to = first(started) // within a round of the first output
		}
		tile.segs = twice[q:to]
		for p := 0; p < n; p += size.dense {
			tile.v, tile.x = v[p:], x[p*c.k:]
			c.impl.denseTile(c.p.arithmetic(), &tile)
		}
		for q = to; stored < started && first(stored)+len(c.order.Ring) == q; stored++ {
			c.finish(outputs[stored], t0, v[stored*span:][:n])
		}
	}
}

// withoutZeros returns the outputs in ring order, those with a zero weight apart: a
// tile would add its products, which can turn -0 into +0 and an infinite input into
// NaN.
func (c *linearCall) withoutZeros() (outputs, rest []int) {
	zero := make([]bool, c.m)
	const grain = 64
	c.e.Do(ceilDiv(c.m, grain), func(i int) {
		for j := i * grain; j < min(c.m, (i+1)*grain); j++ {
			zero[j] = slices.Contains(c.w[j*c.k:(j+1)*c.k], 0)
		}
	})
	for _, j := range c.sorted {
		if zero[j] {
			rest = append(rest, j)
		} else {
			outputs = append(outputs, j)
		}
	}
	return outputs, rest
}

// twice returns the tile segments of two rounds of the ring, for weights and panel in
// input order. An empty segment adds -0, which changes nothing.
func (o Order) twice(width int) []segment {
	var all []segment
	for range 2 {
		for _, c := range o.Ring {
			lo, hi := o.Segments[c], o.Segments[c+1]
			all = append(all, segment{w: lo, x: lo * width, n: hi - lo})
		}
	}
	return all
}
