package vec

import (
	"fmt"
	"slices"
)

// Linear is a planned y = x W^T of M outputs and K inputs. For output j and token t,
// over the weights that are not 0 (a zero weight is never sent):
//
//	psum  = sum over the segment's k ascending of w[j][k]*x[k][t], from its first product;
//	        in the last segment of the chain + bias[j]
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
	from   []int32 // sparse: place of each position's weight; nil: its own
	plan   *sparsePlan
}

// Out says how results are stored.
type Out struct {
	Keep32     bool      // store fp32; always so at precision FP32
	Accumulate bool      // add to y
	Bias       []float32 // [M] if the order has biases
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
// idx[ptr[j]:ptr[j+1]], ascending; len(ptr) is M+1. The weight of position n is w[from[n]],
// or w[n] if from is nil. It keeps the slices.
func (e *Engine) Sparse(p Precision, k int, ptr []int, idx, from []int32, o Order) *Linear {
	m := len(ptr) - 1
	o.check(m, k)
	l := &Linear{e: e, p: p, m: m, k: k, order: o, ptr: ptr, idx: idx, from: from}
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

// Apply computes y, [M][T], from x, [K][T], and w: [M][K] if dense, else what the mask
// positions are planned in. y must not overlap x.
func (l *Linear) Apply(y, x, w []float32, out Out) {
	weights := l.m * l.k
	if l.plan != nil {
		weights = len(l.idx)
	}
	t := len(x) / max(l.k, 1)
	if l.from == nil && len(w) != weights || len(x) != t*l.k || len(y) != t*l.m {
		panic(fmt.Sprintf("vec: linear %d x %d with %d weights over y %d, x %d, w %d",
			l.m, l.k, weights, len(y), len(x), len(w)))
	}
	if l.order.Bias != (out.Bias != nil) || out.Bias != nil && len(out.Bias) != l.m {
		panic(fmt.Sprintf("vec: %d biases for %d outputs, planned with any: %t", len(out.Bias), l.m, l.order.Bias))
	}
	c := &linearCall{Linear: l, impl: l.impl(), y: y, x: x, w: w, t: t, out: out}
	if l.p == FP32 {
		c.out.Keep32 = true
	}
	if l.plan == nil {
		c.dense()
		return
	}
	c.apply(c.plan, c.w, c.from)
}

// linearCall is one Apply.
type linearCall struct {
	*Linear
	impl    Impl
	y, x, w []float32
	t       int
	out     Out
}

// pack copies tokens [t0, t0+n) of inputs [lo, hi) to a panel [hi-lo][width], padded with 0.
func (c *linearCall) pack(panel []float32, lo, hi, t0, n, width int) {
	for k := lo; k < hi; k++ {
		row := panel[(k-lo)*width:][:width]
		copy(row, c.x[k*c.t+t0:k*c.t+t0+n])
		clear(row[n:])
	}
}

// bias is what multiplies the ones: a bias of 0 is not sent, and -0*1 adds nothing.
func (c *linearCall) bias(j int) float32 {
	if b := c.out.Bias[j]; b != 0 {
		return b
	}
	return negZero
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
	rows, longest := c.order.panelRows()
	panels := min(max(panelBytes/(4*size.dense*max(rows, 1)), 1), maxPanels)
	panels = min(panels, max(ceilDiv(c.t, size.dense*c.e.workers), 1))
	span := panels * size.dense // tokens of an item
	c.e.each(ceilDiv(c.t, span), func(s *scratch, item int) {
		b := &denseBlock{linearCall: c, twice: twice, t0: item * span, span: span}
		b.n = min(span, c.t-b.t0)
		b.panel = rows * size.dense
		b.x = grow(&s.x, panels*b.panel)
		for p := 0; p < b.n; p += size.dense {
			panel := b.x[p/size.dense*b.panel:]
			for i := range c.order.Ring {
				lo, hi := c.order.Segments[i], c.order.Segments[i+1]
				segment := panel[c.order.panelRow(i)*size.dense:]
				c.pack(segment, lo, hi, b.t0+p, min(size.dense, b.n-p), size.dense)
				if c.order.Bias {
					fill(segment[(hi-lo)*size.dense:][:size.dense], 1)
				}
			}
		}
		b.v, b.w = grow(&s.v, size.rows*span), grow(&s.w, size.rows*longest)
		for block := range slices.Chunk(outputs, size.rows) {
			b.compute(block)
		}
	})
	if len(rest) > 0 {
		c.sparsely(rest)
	}
}

// denseBlock is the outputs of one tile over a span of tokens.
type denseBlock struct {
	*linearCall
	twice       []segment
	t0, n, span int
	panel       int       // elements of a panel
	x           []float32 // [panels][rows][width]
	v           []float32 // [outputs][span]
	w           []float32 // [outputs] the last segment with its bias
}

// compute computes the outputs of one tile. Its segments are those from the first
// output's first segment to the last output's last; an output's sums start when its
// own first segment comes and are stored after its last, whatever the tile adds to
// them before and after. Neighbours in the ring lose little by that.
func (b *denseBlock) compute(outputs []int) {
	c, size := b.linearCall, b.impl.tile()
	tile := denseTile{vStride: b.span, wStep: 1}
	for r := range size.rows {
		j := outputs[min(r, len(outputs)-1)]
		tile.w[r] = c.w[j*c.k : (j+1)*c.k]
	}
	first := func(r int) int { return c.at[c.order.First[outputs[r]]] }
	started, stored := 0, 0
	for q := first(0); stored < len(outputs); {
		for ; started < len(outputs) && first(started) == q; started++ {
			seg := c.order.First[outputs[started]]
			fill(b.v[started*b.span:(started+1)*b.span], start(c.order.Segments[seg] < c.order.Segments[seg+1]))
		}
		to, ends := first(stored)+len(c.order.Ring), true
		if started < len(outputs) {
			to, ends = first(started), false // within a round of the first output
		}
		if ends && c.order.Bias {
			b.add(&tile, b.twice[q:to-1])
			biased := tile
			last := b.withBias(&biased, outputs, b.twice[to-1], func(r int) bool {
				return r >= stored && r < started && first(r)+len(c.order.Ring) == to
			})
			b.add(&biased, last[:])
		} else {
			b.add(&tile, b.twice[q:to])
		}
		for q = to; stored < started && first(stored)+len(c.order.Ring) == q; stored++ {
			c.finish(outputs[stored], b.t0, b.v[stored*b.span:][:b.n])
		}
	}
}

// add adds segments to the sums of all panels.
func (b *denseBlock) add(tile *denseTile, segs []segment) {
	if len(segs) == 0 {
		return
	}
	tile.segs = segs
	width := b.impl.tile().dense
	for p := 0; p < b.n; p += width {
		tile.v, tile.x = b.v[p:], b.x[p/width*b.panel:]
		b.impl.denseTile(b.p.arithmetic(), tile)
	}
}

// withBias gives the tile the weights of one segment with what multiplies the ones
// behind its inputs: the bias of the outputs whose chain it ends.
func (b *denseBlock) withBias(tile *denseTile, outputs []int, seg segment, ends func(r int) bool) [1]segment {
	n := seg.n + 1
	for r := range b.impl.tile().rows {
		w := b.w[r*n:][:n]
		copy(w, tile.w[r][seg.w:][:seg.n])
		w[seg.n] = negZero
		if r < len(outputs) && ends(r) {
			w[seg.n] = b.bias(outputs[r])
		}
		tile.w[r] = w
	}
	return [1]segment{{x: seg.x, n: n}}
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

// panelRow is the row of a dense panel where segment c begins: with biases each
// segment is followed by ones.
func (o Order) panelRow(c int) int {
	if o.Bias {
		return o.Segments[c] + c
	}
	return o.Segments[c]
}

// panelRows is how many rows a dense panel has, and the longest segment in it.
func (o Order) panelRows() (all, longest int) {
	for c := range o.Ring {
		longest = max(longest, o.Segments[c+1]-o.Segments[c])
	}
	if s := len(o.Ring); o.Bias {
		return o.Segments[s] + s, longest + 1
	}
	return o.Segments[len(o.Ring)], longest
}

// twice returns the tile segments of two rounds of the ring, for weights in input order
// and the panel. An empty segment adds -0, which changes nothing.
func (o Order) twice(width int) []segment {
	var all []segment
	for range 2 {
		for _, c := range o.Ring {
			lo, hi := o.Segments[c], o.Segments[c+1]
			all = append(all, segment{w: lo, x: o.panelRow(c) * width, n: hi - lo})
		}
	}
	return all
}
