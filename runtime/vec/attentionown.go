package vec

import "math"

// The own row's keys, which every query meets first. All rows do so at a time: what is one vector here
// has a key slot of every row, so that position p meets the key of its own row p % Rows.

// ownScores sets z of key slots [first, first+Block) to the products of features of keys with those of
// queries; before a key's own position it is masked.
func (w *headWork) ownScores(z []float32, keys, queries View, first int, masked float32) {
	e, l := w.e, w.length
	q, k, x, sum := w.own[0], w.own[1], w.own[2], w.own[3]
	for c := range len(w.Segments) - 1 {
		for u := range w.Block {
			clear(sum[u*l : (u+1)*l])
		}
		for f := w.Segments[c]; f < w.Segments[c+1]; f++ {
			w.feature(q, queries, f)
			for u := range w.Block {
				b := (first + u) * w.Rows
				key := keys.X[f*keys.Feature+(first+u)*keys.Token:][:w.Rows]
				for i := b; i < l; i += w.Rows {
					copy(k[i:], key)
				}
				to := sum[u*l:][b:l]
				if f == w.Segments[c] {
					e.Mul(to, k[b:l], q[b:l])
				} else {
					e.Mul(x[b:l], k[b:l], q[b:l])
					e.Add(to, to, x[b:l])
				}
			}
		}
		for u := range w.Block {
			b := (first + u) * w.Rows
			zu := z[u*w.stride:]
			if c == 0 {
				fill(zu[first*w.Rows:b], masked)
				copy(zu[b:l], sum[u*l:][b:l])
			} else {
				e.Add(zu[b:l], zu[b:l], sum[u*l:][b:l])
			}
		}
	}
}

// mixOwn is mix for the keys of a query's own row in slots [first, first+Block).
func (w *headWork) mixOwn(acc, rows, p, rescale []float32, first int) {
	width := w.e.tile().mix
	t := &mixTile{wStep: w.stride, xStep: w.wide}
	for i := first * w.Rows; i < w.length; i++ {
		s := mixSegment{x: (i%w.Rows*w.Tokens + first) * w.wide, n: min(i/w.Rows-first+1, w.Block), scale: 1}
		if rescale != nil {
			s.scale = rescale[i]
		}
		t.segs = append(t.segs[:0], s)
		for f := 0; f < w.features; f += width {
			t.v, t.x, t.w = acc[i*w.wide+f:], rows[f:], p[i:]
			w.e.mixTile(w.p.arithmetic(), t)
		}
	}
}

func (w *headWork) forwardOwn(h *Head, acc, v, top, sum, rescale, z []float32) {
	for a := 0; a < w.Tokens; a += w.Block {
		w.ownScores(z, h.K, h.Q, a, float32(math.Inf(-1)))
		w.softmax(top, sum, rescale, z, a*w.Rows)
		w.mixOwn(acc, v, z, rescale, a)
	}
}

// backwardOwn begins the sums of DQ.
func (w *headWork) backwardOwn(h *Head, dq, k, lse, balance, z, slopes []float32) {
	for a := 0; a < w.Tokens; a += w.Block {
		w.ownScores(z, h.K, h.Q, a, float32(math.Inf(-1)))
		w.ownScores(slopes, h.V, h.DO, a, 0)
		for u := range w.Block {
			b := (a + u) * w.Rows
			w.slopes(z[u*w.stride:][b:w.length], slopes[u*w.stride:][b:w.length], lse[b:], balance[b:])
		}
		w.mixOwn(dq, k, slopes, nil, a)
	}
}
