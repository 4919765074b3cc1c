package vec

import "fmt"

// Gradient is a planned weight gradient at mask positions (j, k). With dy, [M][T],
// and x, [K][T]:
//
//	p[g][r] = sum over a PE's tokens i ascending of dy[j][g,i,r]*x[k][g,i,r], from the first product
//	s[g]    = p[g][R-1] + p[g][R-2] + ... + p[g][0], from the south along a column
//	grad    = s[0] + s[1] + ..., at MemoryX
//
// all in fp32. Products are rounded to fp32 first, which changes nothing at Mixed.
type Gradient struct {
	e      *Engine
	p      Precision
	m, k   int
	layout Layout
	nnz    int
	chunks []dotChunk // nil if dense
}

// DenseGradient plans the gradient at every position: [M][K] row-major.
func (e *Engine) DenseGradient(p Precision, m, k int, layout Layout) *Gradient {
	return &Gradient{e: e, p: p, m: m, k: k, layout: layout, nnz: m * k}
}

// SparseGradient plans the gradient at row j's inputs idx[ptr[j]:ptr[j+1]], in the
// order of idx.
func (e *Engine) SparseGradient(p Precision, k int, ptr []int, idx []int32, layout Layout) *Gradient {
	g := &Gradient{e: e, p: p, m: len(ptr) - 1, k: k, layout: layout, nnz: len(idx)}
	g.plan(ptr, idx)
	return g
}

// Apply computes grad from dy and x.
func (g *Gradient) Apply(grad, dy, x []float32) {
	t := g.layout.Tokens()
	if len(grad) != g.nnz || len(dy) != g.m*t || len(x) != g.k*t {
		panic(fmt.Sprintf("vec: gradient of %d positions in %d x %d over %d tokens with grad %d, dy %d, x %d",
			g.nnz, g.m, g.k, t, len(grad), len(dy), len(x)))
	}
	if g.chunks != nil {
		g.sparse(grad, dy, x)
		return
	}
	g.dense(grad, dy, x)
}

// arithmetic of a gradient is never in fp16: it leaves as fp32.
func (g *Gradient) arithmetic() arithmetic {
	if g.p == FP32 {
		return twice
	}
	return fused
}

// dense is the linear layer's tile once more: outputs j, inputs the tokens in chain
// order, segments the PEs of a column, and features k where tokens were.
func (g *Gradient) dense(grad, dy, x []float32) {
	size := g.e.tile()
	l, t := g.layout, g.layout.Tokens()
	// Tokens of a panel, whole PEs.
	peRows := min(max(panelBytes/2/(4*size.dense*l.PerPE), 1), l.Rows)
	panels := min(2, max(ceilDiv(g.k, size.dense*g.e.workers), 1))
	span := panels * size.dense
	padded := roundUp(g.m, size.rows)
	g.e.each(ceilDiv(g.k, span), func(s *scratch, item int) {
		k0 := item * span
		n := min(span, g.k-k0)
		v := grow(&s.v, padded*span)
		panel := size.dense * peRows * l.PerPE
		xt := grow(&s.x, panels*panel)
		segs := make([]segment, 0, peRows)
		for group := range l.Groups {
			fill(v, negZero)
			for hi := l.Rows; hi > 0; hi -= peRows {
				lo := max(hi-peRows, 0)
				segs = segs[:0]
				for r := hi - 1; r >= lo; r-- {
					segs = append(segs, segment{w: group*l.PerPE*l.Rows + r, x: (hi - 1 - r) * l.PerPE * size.dense, n: l.PerPE})
				}
				for p := range panels {
					g.panel(xt[p*panel:], x, k0+p*size.dense, group, lo, hi)
				}
				for j := 0; j < g.m; j += size.rows {
					tile := denseTile{segs: segs, vStride: span, wStep: l.Rows}
					for r := range size.rows {
						row := min(j+r, g.m-1)
						tile.w[r] = dy[row*t : (row+1)*t]
					}
					for p := range panels {
						tile.v, tile.x = v[j*span+p*size.dense:], xt[p*panel:]
						g.e.denseTile(g.arithmetic(), &tile)
					}
				}
			}
			for j := range g.m {
				to, from := grad[j*g.k+k0:][:n], v[j*span:][:n]
				if group == 0 {
					copy(to, from)
				} else {
					g.e.Add(to, to, from)
				}
			}
		}
	})
}

// panel transposes the tokens of PE rows [lo, hi) of a group to [tokens][width]
// with features across, PE rows descending; features past the last are 0.
func (g *Gradient) panel(dst, x []float32, k0, group, lo, hi int) {
	size := g.e.tile()
	l, t := g.layout, g.layout.Tokens()
	width, lanes := size.dense, size.lanes
	for i := range l.PerPE {
		from := (group*l.PerPE + i) * l.Rows
		to := func(r int) int { return ((hi-1-r)*l.PerPE + i) * width }
		for c := 0; c < width; c += lanes {
			k, whole := k0+c, 0
			if g.e.Impl != Generic && k+lanes <= g.k {
				whole = (hi - lo) / lanes * lanes
				g.e.transpose(&transposeTile{
					dst: dst[to(lo)+c:], src: x[k*t+from+lo:],
					dstStride: -l.PerPE * width, srcStride: t, n: whole,
				})
			}
			for r := lo + whole; r < hi; r++ {
				row := dst[to(r)+c:][:lanes]
				for q := range row {
					row[q] = 0
					if k+q < g.k {
						row[q] = x[(k+q)*t+from+r]
					}
				}
			}
		}
	}
}

// dotChunk is the positions of a range of inputs.
type dotChunk struct {
	k0, k1 int
	quads  []quad
	dest   []int32 // [4 * quads] the position of each sum, -1 for padding
}

// plan cuts the inputs into chunks whose tile stays in the first-level cache, and
// fills each output's positions in a chunk up to whole quads.
func (g *Gradient) plan(ptr []int, idx []int32) {
	lanes := g.e.tile().lanes
	block := g.layout.PerPE * lanes
	inputs := max(chunkBytes/(4*block), 32)
	g.chunks = make([]dotChunk, ceilDiv(g.k, inputs))
	for i := range g.chunks {
		c := &g.chunks[i]
		c.k0, c.k1 = i*inputs, min((i+1)*inputs, g.k)
	}
	for j := range g.m {
		for n := ptr[j]; n < ptr[j+1]; n++ {
			k := int(idx[n])
			c := &g.chunks[k/inputs]
			last := len(c.quads) - 1
			x := int32((k - c.k0) * block)
			if last >= 0 && int(c.quads[last].dy) == j*block {
				if lane := c.free(); lane > 0 {
					c.quads[last].x[lane], c.dest[4*last+lane] = x, int32(n)
					continue
				}
			}
			c.quads = append(c.quads, quad{dy: int32(j * block), x: [4]int32{x, x, x, x}})
			c.dest = append(c.dest, int32(n), -1, -1, -1)
		}
	}
	for i := range g.chunks {
		c := &g.chunks[i]
		for len(c.quads)%(lanes/4) != 0 {
			c.quads = append(c.quads, quad{})
			c.dest = append(c.dest, -1, -1, -1, -1)
		}
	}
}

// free is the first unused place of the last quad, 0 if there is none.
func (c *dotChunk) free() int {
	for i, d := range c.dest[len(c.dest)-4:] {
		if d < 0 {
			return i
		}
	}
	return 0
}

// sparse computes the positions chunk by chunk of inputs, in blocks of PE rows from
// the south. Lanes past a group's PE rows must give a p of -0, which adds nothing:
// dy is 0 and x is -0 there.
func (g *Gradient) sparse(grad, dy, x []float32) {
	lanes := g.e.tile().lanes
	l := g.layout
	blocks := ceilDiv(l.Rows, lanes) // of a group
	size := l.PerPE * lanes
	tiles := grow(&g.e.shared.dy, l.Groups*blocks*g.m*size)
	const grain = 16 // outputs whose tokens stay in the second-level cache over the blocks
	g.e.Do(ceilDiv(g.m, grain), func(i int) {
		lo, hi := i*grain, min((i+1)*grain, g.m)
		for b := range l.Groups * blocks {
			g.pack(tiles[(b*g.m+lo)*size:], dy, lo, hi, b, 0)
		}
	})
	g.e.each(len(g.chunks), func(s *scratch, item int) {
		c := &g.chunks[item]
		xt := grow(&s.x, (c.k1-c.k0)*size)
		sums := grow(&s.v, len(c.dest))
		for b := range l.Groups * blocks {
			if b%blocks == 0 {
				fill(sums, negZero)
			}
			g.pack(xt, x, c.k0, c.k1, b, negZero)
			g.e.dotTile(g.arithmetic(), &dotTile{
				s: sums, dy: tiles[b*g.m*size:], x: xt, quads: c.quads, n: l.PerPE,
			})
			if b%blocks != blocks-1 {
				continue
			}
			for i, n := range c.dest {
				switch {
				case n < 0:
				case b < blocks:
					grad[n] = sums[i]
				default:
					grad[n] += sums[i]
				}
			}
		}
	})
}

// pack copies block b of PE rows of features [f0, f1) to [features][PerPE][lanes].
// Block 0 of a group is its southernmost; rows ascend within a block, and the
// northernmost block is padded at its start.
func (g *Gradient) pack(dst, x []float32, f0, f1, b int, pad float32) {
	lanes := g.e.tile().lanes
	l, t := g.layout, g.layout.Tokens()
	blocks := ceilDiv(l.Rows, lanes)
	hi := l.Rows - b%blocks*lanes
	lo := max(hi-lanes, 0)
	at := b/blocks*l.PerPE*l.Rows + lo
	empty := lanes - (hi - lo)
	for f := f0; f < f1; f++ {
		from := x[f*t+at:]
		for i := range l.PerPE {
			if row := from[i*l.Rows:]; empty > 0 {
				fill(dst[:empty], pad)
				copy(dst[empty:lanes], row)
			} else if lanes == 16 {
				*(*[16]float32)(dst) = *(*[16]float32)(row) // a call of copy costs more than this
			} else {
				*(*[8]float32)(dst) = *(*[8]float32)(row)
			}
			dst = dst[lanes:]
		}
	}
}
