package vec

import "math"

// Backward computes DQ, DK and DV of DO and what Forward had and computed. It may overwrite none
// of them.
func (a *Attention) Backward(heads []Head) {
	a.e.each(len(heads), func(s *scratch, i int) { a.work(s).backward(&heads[i]) })
}

func (w *headWork) backward(h *Head) {
	l, size := w.length, w.e.tile()
	lse, balance := w.take(l), w.take(l)
	w.feature(lse, h.LSE, 0)
	qs, dos := w.panels(h.Q), w.take(w.features*w.stride)
	w.balance(balance, dos, h)
	k, v := w.rows(h.K), w.rows(h.V)
	across := roundUp(w.features, size.dense)
	q, do := w.across(h.Q), w.across(h.DO)
	dq, dk, dv := w.take(l*w.wide), w.take(l*across), w.take(l*across)
	clear(dq)
	z, slopes := w.take((w.chunk+maxTileRows)*w.stride), w.take((w.chunk+maxTileRows)*w.stride)
	sums := w.take(3 * maxTileRows * size.dense)
	finite := allFinite(q) && allFinite(do)
	w.backwardOwn(h, dq, k, lse, balance, z, slopes)
	for first := 0; first < l; first += w.chunk {
		end := min(first+w.chunk, l)
		w.scores(z, k, qs, first, end, float32(math.Inf(-1)))
		w.scores(slopes, v, dos, first, end, 0)
		for n := first; n < end; n++ {
			b := w.position(n)
			zn, sn := z[(n-first)*w.stride:], slopes[(n-first)*w.stride:]
			p, ds := zn[b:l], sn[b:l]
			w.slopes(p, ds, lse[b:], balance[b:])
			from := max(n%w.Tokens-maxTileRows, 0) * w.Rows // where gradient may look
			clear(zn[from:b])
			clear(sn[from:b])
		}
		w.mix(dq, k, slopes, nil, first, end)
		w.gradient(dv, sums, z, do, first, end, finite)
		w.gradient(dk, sums, slopes, q, first, end, finite)
	}
	for _, x := range [][]float32{dq, dk, dv} {
		w.round(x)
	}
	w.store(h.DQ, dq, w.wide, w.byPosition())
	w.store(h.DK, dk, across, w.byKey())
	w.store(h.DV, dv, across, w.byKey())
}

// slopes turns scores and gradients of probabilities into probabilities and gradients of scores.
func (w *headWork) slopes(p, ds, lse, balance []float32) {
	e := w.e
	e.ExpOfScaled(p, w.Scale, p, lse[:len(p)])
	e.Sub(ds, ds, balance[:len(ds)])
	e.Mul(ds, ds, p)
	e.Scale(ds, w.Scale, ds)
	w.round(ds)
	w.round(p)
}

// balance sets D, and the panels of DO.
func (w *headWork) balance(sum, dos []float32, h *Head) {
	o, own := w.take(w.length), w.take(w.length)
	x := w.tmp[:w.length]
	for c := range len(w.Segments) - 1 {
		d := own
		if c == 0 {
			d = sum
		}
		clear(d)
		for f := w.Segments[c]; f < w.Segments[c+1]; f++ {
			w.feature(x, h.DO, f)
			w.panel(dos, f, x)
			w.feature(o, h.O, f)
			w.e.Mul(o, x, o)
			w.e.Add(d, d, o)
		}
		if c > 0 {
			w.e.Add(sum, sum, d)
		}
	}
}

// across copies a tensor to the panels of dense tiles whose columns are features:
// [features/width][keys][width].
func (w *headWork) across(v View) []float32 {
	width := w.e.tile().dense
	to := w.take(roundUp(w.features, width) * w.length)
	for f := 0; f < w.features; f += width {
		w.load(to[f*w.length:], width, v, f, min(f+width, w.features))
	}
	return to
}

// gradient sets dst, [keys][features], of keys [first, end): the sums over queries of p times x.
// A tile has keys of one row and takes the tokens of all of them; p is 0 where a token does not meet
// a key, which changes no sum that starts from 0, unless x is not finite: then a tile has one key.
func (w *headWork) gradient(dst, sums, p, x []float32, first, end int, finite bool) {
	size := w.e.tile()
	across := roundUp(w.features, size.dense)
	of := func(i int) []float32 { return sums[i*size.rows*size.dense:][:size.rows*size.dense] }
	own, south, north := of(0), of(1), of(2)
	segs := make([]segment, 0, w.Rows)
	t := &w.tile
	t.vStride, t.wStep = size.dense, w.Rows
	for n := first; n < end; {
		row, key := n/w.Tokens, n%w.Tokens
		keys := min(size.rows, end-n, w.Tokens-key)
		if !finite {
			keys = 1
		}
		for r := range size.rows {
			t.w[r] = p[(n+min(r, keys-1)-first)*w.stride:][:w.stride]
		}
		segs = segs[:0]
		add := func(y, i int) {
			if i < w.Tokens {
				segs = append(segs, segment{w: i*w.Rows + y, x: (y*w.Tokens + i) * size.dense, n: w.Tokens - i})
			}
		}
		add(row, key)
		for y := w.Rows - 1; y > row; y-- {
			add(y, key)
		}
		below := len(segs)
		for y := range row {
			add(y, key+1)
		}
		sum := func(to []float32, of []segment) {
			clear(to)
			if t.v, t.segs = to, of; len(of) > 0 {
				w.e.denseTile(w.p.arithmetic(), t)
			}
		}
		for f := 0; f < across; f += size.dense {
			t.x = x[f*w.length:]
			sum(own, segs[:1])
			sum(south, segs[1:below])
			sum(north, segs[below:])
			w.e.Add(south, south, north)
			w.e.Add(own, own, south)
			for r := range keys {
				copy(dst[(n+r)*across+f:][:size.dense], own[r*size.dense:])
			}
		}
		n += keys
	}
}

// allFinite reports whether x has neither infinities nor NaNs.
func allFinite(x []float32) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}
