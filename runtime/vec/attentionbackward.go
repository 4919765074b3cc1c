package vec

import "math"

// Backward computes DQ, DK and DV of DO and what Forward had and computed. It may overwrite none
// of them.
func (a *Attention) Backward(heads []Head) {
	a.e.each(len(heads), func(s *scratch, i int) { a.work(s).backward(&heads[i]) })
}

func (w *headWork) backward(h *Head) {
	e, l, size := w.e, w.length, w.e.tile()
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
	sums := w.take(maxTileRows * size.dense)
	for first := 0; first < l; first += w.chunk {
		end := min(first+w.chunk, l)
		w.scores(z, k, qs, first, end, float32(math.Inf(-1)))
		w.scores(slopes, v, dos, first, end, 0)
		for n := first; n < end; n++ {
			b := w.begin(n)
			p, ds := z[(n-first)*w.stride:][b:l], slopes[(n-first)*w.stride:][b:l]
			e.ExpOfScaled(p, w.Scale, p, lse[b:])
			e.Sub(ds, ds, balance[b:])
			e.Mul(ds, ds, p)
			e.Scale(ds, w.Scale, ds)
			w.round(ds)
			w.round(p)
		}
		w.mix(dq, k, slopes, nil, first, end)
		w.gradient(dv, sums, z, do, first, end)
		w.gradient(dk, sums, slopes, q, first, end)
	}
	for _, x := range [][]float32{dq, dk, dv} {
		w.round(x)
	}
	w.store(h.DQ, dq, w.wide, nil)
	w.store(h.DK, dk, across, w.place)
	w.store(h.DV, dv, across, w.place)
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
// [features/width][positions][width].
func (w *headWork) across(v View) []float32 {
	width := w.e.tile().dense
	to := w.take(roundUp(w.features, width) * w.length)
	for f := 0; f < w.features; f += width {
		w.load(to[f*w.length:], width, v, f, min(f+width, w.features), nil)
	}
	return to
}

// gradient sets dst, [keys][features], of keys [first, end): the sums over queries of p times x.
// A tile has keys of several rows; its sums go on to the northernmost, and a key's are taken when
// its own row is in.
func (w *headWork) gradient(dst, sums, p, x []float32, first, end int) {
	size := w.e.tile()
	across := roundUp(w.features, size.dense)
	southward := make([]segment, w.Rows)
	for i := range southward {
		y := w.Rows - 1 - i
		southward[i] = segment{w: y * w.Tokens, x: y * w.Tokens * size.dense, n: w.Tokens}
	}
	t := &w.tile
	t.vStride, t.wStep, t.v = size.dense, 1, sums
	for n := first; n < end; n += size.rows {
		keys := min(size.rows, end-n)
		for r := range size.rows {
			t.w[r] = p[(n+min(r, keys-1)-first)*w.stride:][:w.stride]
		}
		for f := 0; f < across; f += size.dense {
			t.x = x[f*w.length:]
			fill(sums[:size.rows*size.dense], negZero)
			segs := 0
			for left := keys; left > 0; {
				row := (n + left - 1) / w.Tokens
				t.segs = southward[segs : w.Rows-row]
				segs = w.Rows - row
				w.e.denseTile(w.p.arithmetic(), t)
				for ; left > 0 && (n+left-1)/w.Tokens == row; left-- {
					copy(dst[(n+left-1)*across+f:][:size.dense], sums[(left-1)*size.dense:])
				}
			}
		}
	}
}
