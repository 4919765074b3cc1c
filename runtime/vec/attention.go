package vec

import "math"

// HeadShape is causal attention of one head over one sequence, whose positions are dealt out to
// Rows PE rows in turn, Tokens to each: position i*Rows+y is token i of row y. It is also its
// order of additions.
type HeadShape struct {
	Rows, Tokens int
	Block        int     // keys of a row that are taken at a time; divides Tokens
	Segments     []int   // bounds over the head's features, 0 to all of them
	Scale        float32 // of scores
}

// View is a head's part of a tensor: feature f of token i of row y is X[f*Feature+i*Token+y].
type View struct {
	X              []float32
	Feature, Token int
}

// Head is the tensors of one head of one sequence; D is a gradient. LSE has a feature per segment,
// all alike.
type Head struct {
	Q, K, V, O, LSE View
	DO, DQ, DK, DV  View
}

// Attention is planned attention. A query meets the keys up to its own position: at first those of its own
// row, then those of the other rows, row after row; those of a row by token. Forward, per query i, over the
// blocks in which it meets keys n, in order:
//
//	z[n]  = sum over segments of (sum over features ascending of k[f][n]*q[f][i], from the first product)
//	top'  = max(top, z)
//	r     = Exp((top-top')*scale)
//	p[n]  = round(Exp((z[n]-top')*scale))
//	sum   = sum*r, then + p[n] for every n
//	o[f]  = o[f]*r, then + v[f][n]*p[n] for every n
//
// and at the end o[f] = round(o[f] * (1/sum)), lse = Log(sum) + top*scale. Backward:
//
//	D     = sum over segments of (0 + sum of do[f]*o[f])
//	dp[n] = like z of v and do
//	e     = Exp(z[n]*scale - lse)
//	p[n]  = round(e)
//	ds[n] = round((dp[n]-D)*e*scale)
//	dq[f] = round(0 + k[f][n]*ds[n] for every n)
//
// and per key, of the sums over the tokens of a row that meet it, from 0,
//
//	dv[f] = round(own + (south + north)) of p*do[f],  dk[f] = round(own + (south + north)) of ds*q[f]
//
// where own is that of the key's row, south adds the rows from the last to the one behind it, and north
// those from the first to the one before it. Products are rounded to fp32, as are sums; round is to fp16
// at Mixed.
type Attention struct {
	HeadShape
	e        *Engine
	p        Precision
	length   int // positions
	features int // of the head
}

// Attention plans attention at Mixed or FP32.
func (e *Engine) Attention(p Precision, s HeadShape) *Attention {
	return &Attention{HeadShape: s, e: e, p: p, length: s.Rows * s.Tokens, features: s.Segments[len(s.Segments)-1]}
}

// keysAtATime is about how many keys' scores are held: they stay in the second-level cache.
const keysAtATime = 64

// headWork is one head's arrays. Keys are in their order over all rows, queries by position. A
// score of key n and query i is z[(n-first)*stride+i].
type headWork struct {
	*Attention
	arena  []float32
	stride int
	wide   int // features of a row of keys, whole mix tiles
	chunk  int // keys at a time, whole blocks
	tmp    []float32
	tile   denseTile
	feats  []segment // of a dense tile over features
	segs   []mixSegment
	own    [4][]float32 // of ownScores
}

func (a *Attention) work(s *scratch) *headWork {
	size := a.e.tile()
	block := a.Block
	w := &headWork{
		Attention: a, stride: roundUp(a.length, size.dense) + 16, // not a power of two: a cache has few places for those
		wide: roundUp(a.features, size.mix), chunk: max(keysAtATime/block, 1) * block,
	}
	for c := range len(a.Segments) - 1 {
		lo, hi := a.Segments[c], a.Segments[c+1]
		w.feats = append(w.feats, segment{w: lo, x: lo * size.dense, n: hi - lo})
	}
	n := 11*w.stride + // vectors over positions
		block*a.length + // sums of own scores
		w.chunk/block*w.stride + // rescaling
		2*(w.chunk+maxTileRows)*w.stride + // scores
		5*a.length*w.wide + // rows of features
		2*a.features*w.stride + 2*roundUp(a.features, size.dense)*a.length + // panels
		2*a.length*roundUp(a.features, size.dense) +
		3*maxTileRows*size.dense
	w.arena = grow(&s.head, n)
	w.tmp = w.take(w.stride)
	for i := range w.own[:3] {
		w.own[i] = w.take(w.stride)
	}
	w.own[3] = w.take(block * a.length)
	return w
}

// take returns n floats of unknown values.
func (w *headWork) take(n int) []float32 {
	x := w.arena[:n:n]
	w.arena = w.arena[n:]
	return x
}

// position of key n.
func (w *headWork) position(n int) int { return n%w.Tokens*w.Rows + n/w.Tokens }

// begin is the position of the first key in the block of key n, the first that meets any of them.
func (w *headWork) begin(n int) int { return w.position(n - n%w.Tokens%w.Block) }

func (w *headWork) round(x []float32) {
	if w.p == Mixed {
		w.e.Round16(x, x)
	}
}

// Forward computes O and LSE of Q, K and V.
func (a *Attention) Forward(heads []Head) {
	a.e.each(len(heads), func(s *scratch, i int) { a.work(s).forward(&heads[i]) })
}

func (w *headWork) forward(h *Head) {
	e, l := w.e, w.length
	q := w.panels(h.Q)
	k, v := w.rows(h.K), w.rows(h.V)
	acc := w.take(l * w.wide)
	clear(acc)
	top, sum := w.take(l), w.take(l)
	fill(top, float32(math.Inf(-1)))
	clear(sum)
	block := w.Block
	z := w.take((w.chunk + maxTileRows) * w.stride)
	rescale := w.take(w.chunk / block * w.stride)
	w.forwardOwn(h, acc, v, top, sum, rescale, z)
	for first := 0; first < l; first += w.chunk {
		end := min(first+w.chunk, l)
		w.scores(z, k, q, first, end, float32(math.Inf(-1)))
		for n := first; n < end; n += block {
			w.maskOwn(z[(n-first)*w.stride:], n, block)
			w.softmax(top, sum, rescale[(n-first)/block*w.stride:], z[(n-first)*w.stride:], w.begin(n))
		}
		w.mix(acc, v, z, rescale, first, end)
	}
	lse := w.tmp[:l]
	for i := range sum {
		lse[i] = Log(sum[i]) + float32(top[i]*w.Scale)
		row := acc[i*w.wide:][:w.wide]
		e.Scale(row, 1/sum[i], row)
	}
	w.round(acc)
	w.store(h.O, acc, w.wide, w.byPosition())
	for c := range len(w.Segments) - 1 {
		to := h.LSE.X[c*h.LSE.Feature:]
		for i := range w.Tokens {
			copy(to[i*h.LSE.Token:], lse[i*w.Rows:(i+1)*w.Rows])
		}
	}
}

// softmax turns a block's scores into probabilities from position b on.
func (w *headWork) softmax(top, sum, rescale, z []float32, b int) {
	e, l := w.e, w.length
	r := rescale[b:l]
	top, sum = top[b:l], sum[b:l]
	p := func(u int) []float32 { return z[u*w.stride:][b:l] }
	copy(r, top)
	for u := range w.Block {
		e.Max(top, top, p(u))
	}
	e.ExpOfDifference(r, r, top, w.Scale)
	e.Mul(sum, sum, r)
	for u := range w.Block {
		e.ExpOfDifference(p(u), p(u), top, w.Scale)
		w.round(p(u))
		e.Add(sum, sum, p(u))
	}
}

// maskOwn masks the queries of the row that the block of key n belongs to: they have met it.
func (w *headWork) maskOwn(z []float32, n, block int) {
	never := float32(math.Inf(-1))
	for u := range block {
		for i := w.position(n); i < w.length; i += w.Rows {
			z[u*w.stride+i] = never
		}
	}
}

// scores sets z of keys [first, end) to their products with the queries in panels, from the
// position on where their block begins; before a key's own position it is masked.
func (w *headWork) scores(z, keys, panels []float32, first, end int, masked float32) {
	size := w.e.tile()
	t := &w.tile
	t.vStride, t.wStep, t.segs = w.stride, 1, w.feats
	for n := first; n < end; {
		last := min(n+size.rows, end, (n/w.Tokens+1)*w.Tokens) // keys of one row
		for r := range size.rows {
			t.w[r] = keys[min(n+r, last-1)*w.wide:][:w.wide]
		}
		zn := z[(n-first)*w.stride:]
		q := w.position(n) / size.dense * size.dense
		for r := range size.rows {
			fill(zn[r*w.stride+q:][:w.stride-q], negZero)
		}
		for ; q < w.length; q += size.dense {
			t.v, t.x = zn[q:], panels[q*w.features:]
			w.e.denseTile(w.p.arithmetic(), t)
		}
		n = last
	}
	for n := first; n < end; n++ {
		fill(z[(n-first)*w.stride:][w.begin(n):w.position(n)], masked)
	}
}

// met is how many keys of the block that key n begins come up to position i.
func (w *headWork) met(n, i int) int {
	if i < w.position(n) {
		return 0
	}
	return min((i-w.position(n))/w.Rows+1, w.Block)
}

// mix adds the rows of keys [first, end) times p to the sums of every query that meets them and is of
// another row, which are rescaled before every block unless rescale is nil.
func (w *headWork) mix(acc, rows, p, rescale []float32, first, end int) {
	width, block := w.e.tile().mix, w.Block
	t := &mixTile{wStep: w.stride, xStep: w.wide}
	for i := range w.length {
		segs := w.segs[:0]
		for n := first; n < end; n += block {
			count, scale := w.met(n, i), float32(1)
			if count == 0 || n/w.Tokens == i%w.Rows {
				continue
			}
			if rescale != nil {
				scale = rescale[(n-first)/block*w.stride+i]
			}
			if last := len(segs) - 1; last >= 0 && scale == 1 && segs[last].x+segs[last].n*w.wide == n*w.wide {
				segs[last].n += count
				continue
			}
			segs = append(segs, mixSegment{w: (n - first) * w.stride, x: n * w.wide, n: count, scale: scale})
		}
		if w.segs = segs; len(segs) == 0 {
			continue
		}
		t.segs = segs
		for f := 0; f < w.features; f += width {
			t.v, t.x, t.w = acc[i*w.wide+f:], rows[f:], p[i:]
			w.e.mixTile(w.p.arithmetic(), t)
		}
	}
}
