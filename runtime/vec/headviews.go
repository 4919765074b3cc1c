package vec

// panels copies a tensor to the panels of dense tiles: [queries/width][features][width].
func (w *headWork) panels(v View) []float32 {
	to := w.take(w.features * w.stride)
	for f := range w.features {
		w.feature(w.tmp, v, f)
		w.panel(to, f, w.tmp)
	}
	return to
}

// panel puts a feature, [positions], into panels.
func (w *headWork) panel(to []float32, f int, x []float32) {
	width := w.e.tile().dense
	for q := 0; q < w.length; q += width {
		row := to[q*w.features+f*width:][:width]
		n := copy(row, x[q:w.length])
		clear(row[n:])
	}
}

// feature copies a feature of a tensor to [positions].
func (w *headWork) feature(to []float32, v View, f int) {
	for i := range w.Tokens {
		copy(to[i*w.Rows:(i+1)*w.Rows], v.X[f*v.Feature+i*v.Token:])
	}
}

// order is where a copy of a head's tokens has token i of row y: at i*token + y*row.
type order struct{ token, row int }

// byKey is row after row, byPosition the order of the sequence.
func (w *headWork) byKey() order      { return order{token: 1, row: w.Tokens} }
func (w *headWork) byPosition() order { return order{token: w.Rows, row: 1} }

// rows copies a tensor to [keys][wide], keys in order; what is past the features is 0.
func (w *headWork) rows(v View) []float32 {
	to := w.take(w.length * w.wide)
	w.load(to, w.wide, v, 0, w.features)
	return to
}

// load copies features [lo, hi) of a tensor to [keys][stride], the rest 0.
func (w *headWork) load(to []float32, stride int, v View, lo, hi int) {
	if hi-lo < stride {
		clear(to[:w.length*stride])
	}
	for i := range w.Tokens {
		w.e.transposed(to[i*stride:], w.Tokens*stride, v.X[lo*v.Feature+i*v.Token:], v.Feature, hi-lo, w.Rows)
	}
}

// store copies [tokens][stride] to a tensor.
func (w *headWork) store(v View, from []float32, stride int, o order) {
	for i := range w.Tokens {
		w.e.transposed(v.X[i*v.Token:], v.Feature, from[i*o.token*stride:], o.row*stride, w.Rows, w.features)
	}
}

// transposed sets dst[c*dstStride+r] = src[r*srcStride+c] for the rows and columns given.
func (i Impl) transposed(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	lanes := i.tile().lanes
	whole := 0
	if i == AVX512 && rows < lanes {
		i, lanes = AVX2, AVX2.tile().lanes
	}
	if i != Generic {
		whole = cols / lanes * lanes
	}
	r := 0
	for ; whole > 0 && r+lanes <= rows; r += lanes {
		i.transpose(&transposeTile{dst: dst[r:], src: src[r*srcStride:], dstStride: dstStride, srcStride: srcStride, n: whole})
		for q := r; q < r+lanes; q++ {
			for c := whole; c < cols; c++ {
				dst[c*dstStride+q] = src[q*srcStride+c]
			}
		}
	}
	for ; r < rows; r++ {
		for c := range cols {
			dst[c*dstStride+r] = src[r*srcStride+c]
		}
	}
}
