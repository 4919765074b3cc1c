package vec

import "math"

// HeadShape is causal attention of one head over one sequence, whose positions lie Tokens
// on each of Rows PE rows, and its order of additions.
type HeadShape struct {
	Rows, Tokens int
	Order        []int   // the keys of a block as they are taken; its length divides Tokens
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

// Attention is planned attention. Forward, per query i, over the blocks of keys up to that of i
// itself, keys n of a block in order:
//
//	z[n]  = sum over segments of (sum over features ascending of k[f][n]*q[f][i], from the first product);
//	        -inf if key n comes after i
//	top'  = max(top, z)
//	r     = Exp((top-top')*scale)
//	p[n]  = round(Exp((z[n]-top')*scale))
//	sum   = sum*r, then + p[n] for every n
//	o[f]  = o[f]*r, then + v[f][n]*p[n] for every n up to i
//
// and at the end o[f] = round(o[f] * (1/sum)), lse = Log(sum) + top*scale. Backward:
//
//	D     = sum over segments of (0 + sum of do[f]*o[f])
//	dp[n] = like z of v and do; 0 if key n comes after i
//	e     = Exp(z[n]*scale - lse)
//	p[n]  = round(e)
//	ds[n] = round((dp[n]-D)*e*scale)
//	dq[f] = round(0 + k[f][n]*ds[n] for every n up to i)
//
// and per key, over rows y from the last to the key's own, of the sums over a row's tokens from
// the first product:
//
//	dv[f] = round(sum of p*do[f]),  dk[f] = round(sum of ds*q[f])
//
// Products are rounded to fp32, as are sums; round is to fp16 at Mixed.
type Attention struct {
	HeadShape
	e        *Engine
	p        Precision
	length   int     // positions
	features int     // of the head
	key      []int   // [Tokens] position in a row of a key by its place in the row's order
	place    []int   // [Tokens] the reverse
	own      [][]run // [Tokens] places of the keys of the own row up to a token, in runs
}

// run is consecutive places of a row's keys within a block.
type run struct{ block, place, n int }

// Attention plans attention at Mixed or FP32.
func (e *Engine) Attention(p Precision, s HeadShape) *Attention {
	a := &Attention{HeadShape: s, e: e, p: p, length: s.Rows * s.Tokens, features: s.Segments[len(s.Segments)-1]}
	a.key, a.place, a.own = make([]int, s.Tokens), make([]int, s.Tokens), make([][]run, s.Tokens)
	block := len(s.Order)
	for n := range a.key {
		a.key[n] = n/block*block + s.Order[n%block]
		a.place[a.key[n]] = n
	}
	for i := range a.own {
		for n := range a.key {
			if a.key[n] > i {
				continue
			}
			last := len(a.own[i]) - 1
			if last >= 0 && a.own[i][last].place+a.own[i][last].n == n && a.own[i][last].block == n/block {
				a.own[i][last].n++
				continue
			}
			a.own[i] = append(a.own[i], run{n / block, n, 1})
		}
	}
	return a
}

// keysAtATime is about how many keys' scores are held: they stay in the second-level cache.
const keysAtATime = 64

// headWork is one head's arrays. Keys are in their order over all rows. A score of key n and
// query i is z[(n-first)*stride+i].
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
}

func (a *Attention) work(s *scratch) *headWork {
	size := a.e.tile()
	block := len(a.Order)
	w := &headWork{
		Attention: a, stride: roundUp(a.length, size.dense) + 16, // not a power of two: a cache has few places for those
		wide: roundUp(a.features, size.mix), chunk: max(keysAtATime/block, 1) * block,
	}
	for c := range len(a.Segments) - 1 {
		lo, hi := a.Segments[c], a.Segments[c+1]
		w.feats = append(w.feats, segment{w: lo, x: lo * size.dense, n: hi - lo})
	}
	n := 8*w.stride + // vectors over positions
		w.chunk/block*w.stride + // rescaling
		2*(w.chunk+maxTileRows)*w.stride + // scores
		5*a.length*w.wide + // rows of features
		2*a.features*w.stride + 2*roundUp(a.features, size.dense)*a.length + // panels
		2*a.length*roundUp(a.features, size.dense) +
		maxTileRows*size.dense
	w.arena = grow(&s.head, n)
	w.tmp = w.take(w.stride)
	return w
}

// take returns n floats of unknown values.
func (w *headWork) take(n int) []float32 {
	x := w.arena[:n:n]
	w.arena = w.arena[n:]
	return x
}

// begin is the first position of the row of key n.
func (w *headWork) begin(n int) int { return n / w.Tokens * w.Tokens }

// position of key n.
func (w *headWork) position(n int) int { return w.begin(n) + w.key[n%w.Tokens] }

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
	block := len(w.Order)
	z := w.take((w.chunk + maxTileRows) * w.stride)
	rescale := w.take(w.chunk / block * w.stride)
	for first := 0; first < l; first += w.chunk {
		end := min(first+w.chunk, l)
		w.scores(z, k, q, first, end, float32(math.Inf(-1)))
		for n := first; n < end; n += block {
			b := w.begin(n)
			top, sum, r := top[b:], sum[b:], rescale[(n-first)/block*w.stride:][b:l]
			copy(r, top)
			zs := func(u int) []float32 { return z[(n+u-first)*w.stride:][b:l] }
			for u := range block {
				e.Max(top, top, zs(u))
			}
			e.ExpOfDifference(r, r, top, w.Scale)
			e.Mul(sum, sum, r)
			for u := range block {
				p := zs(u)
				e.ExpOfDifference(p, p, top, w.Scale)
				w.round(p)
				e.Add(sum, sum, p)
			}
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
	w.store(h.O, acc, w.wide, nil)
	for c := range len(w.Segments) - 1 {
		to := h.LSE.X[c*h.LSE.Feature:]
		for i := range w.Tokens {
			for y := range w.Rows {
				to[i*h.LSE.Token+y] = lse[y*w.Tokens+i]
			}
		}
	}
}

// scores sets z of keys [first, end) to their products with the queries in panels, from their
// own row on; before a key's own position it is masked.
func (w *headWork) scores(z, keys, panels []float32, first, end int, masked float32) {
	size := w.e.tile()
	t := &w.tile
	t.vStride, t.wStep, t.segs = w.stride, 1, w.feats
	for n := first; n < end; n += size.rows {
		for r := range size.rows {
			t.w[r] = keys[min(n+r, end-1)*w.wide:][:w.wide]
		}
		zn := z[(n-first)*w.stride:]
		q := w.begin(n) / size.dense * size.dense
		for r := range size.rows {
			fill(zn[r*w.stride+q:][:w.stride-q], negZero)
		}
		for ; q < w.length; q += size.dense {
			t.v, t.x = zn[q:], panels[q*w.features:]
			w.e.denseTile(w.p.arithmetic(), t)
		}
	}
	for n := first; n < end; n++ {
		fill(z[(n-first)*w.stride:][w.begin(n):w.position(n)], masked)
	}
}

// mix adds the rows of keys [first, end) times p to the sums of every query that meets them,
// which are rescaled before every block unless rescale is nil.
func (w *headWork) mix(acc, rows, p, rescale []float32, first, end int) {
	width, block := w.e.tile().mix, len(w.Order)
	t := &mixTile{wStep: w.stride, xStep: w.wide}
	for i := w.begin(first); i < w.length; i++ {
		segs := w.segs[:0]
		add := func(n, count, b int, again bool) {
			scale := float32(1)
			if rescale != nil && !again {
				scale = rescale[(b-first/block)*w.stride+i]
			}
			if last := len(segs) - 1; last >= 0 && scale == 1 && segs[last].x+segs[last].n*w.wide == n*w.wide {
				segs[last].n += count
				return
			}
			segs = append(segs, mixSegment{w: (n - first) * w.stride, x: n * w.wide, n: count, scale: scale})
		}
		own := i / w.Tokens * w.Tokens
		for n := first; n < min(end, own); n += block {
			add(n, block, n/block, false)
		}
		last := -1
		for _, r := range w.own[i-own] {
			if n := own + r.place; n >= first && n < end {
				b := own/block + r.block
				add(n, r.n, b, b == last)
				last = b
			}
		}
		w.segs, t.segs = segs, segs
		for f := 0; f < w.features; f += width {
			t.v, t.x, t.w = acc[i*w.wide+f:], rows[f:], p[i:]
			w.e.mixTile(w.p.arithmetic(), t)
		}
	}
}
