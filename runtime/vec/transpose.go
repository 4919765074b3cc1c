package vec

import "fmt"

// Transpose sets dst, [cols][rows], to the transposed of src, [rows][cols].
func (e *Engine) Transpose(dst, src []float32, rows, cols int) {
	if len(dst) != rows*cols || len(src) != rows*cols {
		panic(fmt.Sprintf("vec: transposition of %d x %d from %d to %d elements", rows, cols, len(src), len(dst)))
	}
	lanes := e.tile().lanes
	e.Do(ceilDiv(rows, lanes), func(i int) {
		lo, hi := i*lanes, min((i+1)*lanes, rows)
		whole := 0
		if e.Impl != Generic && hi-lo == lanes {
			whole = cols / lanes * lanes
			e.transpose(&transposeTile{dst: dst[lo:], src: src[lo*cols:], dstStride: rows, srcStride: cols, n: whole})
		}
		for r := lo; r < hi; r++ {
			for c := whole; c < cols; c++ {
				dst[c*rows+r] = src[r*cols+c]
			}
		}
	})
}
