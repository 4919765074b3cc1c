package vec

// The arguments of the tile kernels. The assembly reads them by offset: keep the
// order of the fields as asm has it.

// maxTileRows bounds the outputs of a dense tile.
const maxTileRows = 6

// tileSize is the shape of an implementation's tiles.
type tileSize struct {
	rows   int // outputs of a dense tile
	dense  int // tokens of a dense tile
	sparse int // tokens of a sparse tile
	lanes  int // PE rows of a gradient tile, and positions of its blocks
	mix    int // features of a mix tile
}

func (i Impl) tile() tileSize {
	return [...]tileSize{
		Generic: {rows: 4, dense: 64, sparse: 64, lanes: 8, mix: 64},
		AVX2:    {rows: 3, dense: 16, sparse: 32, lanes: 8, mix: 32},
		AVX512:  {rows: 6, dense: 32, sparse: 128, lanes: 16, mix: 64},
	}[i]
}

// segment is one partial sum of a dense tile, in elements.
type segment struct {
	w int // of the first weight in each row
	x int // of the first input in the panel
	n int // inputs
}

// denseTile adds partial sums to the sums of tileSize.rows outputs:
//
//	for each segment: psum = -0; for i ascending: psum += w[r][seg.w+i*wStep] * x[seg.x+i*width:]; v[r] += psum
type denseTile struct {
	v       []float32 // [rows][vStride], the first width of each row
	x       []float32 // [inputs][width]
	segs    []segment
	w       [maxTileRows][]float32
	vStride int
	wStep   int
}

// tileRow is an output of a sparse tile.
type tileRow struct {
	v    int32 // its sum, in elements
	segs int32 // its partial sums, at least one
}

// sparseTile adds partial sums to the sums of outputs:
//
//	for each row, each of its segments: psum = -0; for the next count weights: psum += w * x[off:]; v += psum
type sparseTile struct {
	v     []float32
	x     []float32 // [inputs][width]
	rows  []tileRow
	count []int32   // [segments] weights, at least one
	off   []int32   // [weights] input, in elements of x
	w     []float32 // [weights]
}

// quad is four gradient positions of one output, in elements of the tiles.
type quad struct {
	dy int32
	x  [4]int32
}

// dotTile adds the dot products of one block of PE rows to the chains of positions:
//
//	for each position, each lane from the last: p = -0; for i ascending: p += dy[i*lanes+lane] * x[i*lanes+lane]; s += p
type dotTile struct {
	s     []float32 // [4 * quads]
	dy    []float32 // [outputs][n][lanes]
	x     []float32 // [inputs][n][lanes]
	quads []quad    // a multiple of lanes/4
	n     int       // tokens of a PE
}

// mixSegment is a run of weighted rows of a mix tile, in elements.
type mixSegment struct {
	w     int     // of the first weight
	x     int     // of the first row
	n     int     // rows; may be none
	scale float32 // of the sums before them
}

// mixTile adds weighted rows to running sums:
//
//	for each segment: v *= scale; for i ascending: v += w[seg.w+i*wStep] * x[seg.x+i*xStep:]
type mixTile struct {
	v     []float32 // [width]
	x     []float32
	w     []float32
	segs  []mixSegment
	wStep int
	xStep int
}

func (a *mixTile) generic(width int) {
	v := a.v[:width]
	for _, s := range a.segs {
		for f := range v {
			v[f] = float32(v[f] * s.scale)
		}
		for i := range s.n {
			fused.addProducts(v, a.x[s.x+i*a.xStep:], a.w[s.w+i*a.wStep])
		}
	}
}

// transposeTile sets dst[c*dstStride+r] = src[r*srcStride+c] for lanes rows r and n
// columns c, n a multiple of lanes. With a negative dstStride it writes before dst,
// in the same array.
type transposeTile struct {
	dst       []float32
	src       []float32
	dstStride int // may be negative
	srcStride int
	n         int
}

// mapArgs is dst[i] = f(a[i], b[i], s).
type mapArgs struct {
	dst, a, b []float32
	s         float32
}

// arithmetic is how a tile accumulates.
type arithmetic uint8

const (
	fused   arithmetic = iota // exact products: one rounding, fused or not
	twice                     // product and sum rounded
	halfway                   // sum rounded to fp16 as well
)

func (p Precision) arithmetic() arithmetic { return arithmetic(p) }

// addProducts is the addition of every tile in plain Go. The conversion forbids a
// fused multiply-add where it would change the result.
func (m arithmetic) addProducts(psum, x []float32, w float32) {
	x = x[:len(psum)]
	if m == halfway {
		for t := range psum {
			psum[t] = Half(psum[t] + float32(w*x[t]))
		}
		return
	}
	for t := range psum {
		psum[t] += float32(w * x[t])
	}
}

func (m arithmetic) addSums(v, psum []float32) {
	v = v[:len(psum)]
	for t := range psum {
		v[t] += psum[t]
		if m == halfway {
			v[t] = Half(v[t])
		}
	}
}

// genericTile is the tile of plain Go.
const genericTile = 64

func (a *denseTile) generic(m arithmetic, rows int) {
	var psum [genericTile]float32
	for _, s := range a.segs {
		for r := range rows {
			fill(psum[:], negZero)
			for i := range s.n {
				m.addProducts(psum[:], a.x[s.x+i*genericTile:], a.w[r][s.w+i*a.wStep])
			}
			m.addSums(a.v[r*a.vStride:], psum[:])
		}
	}
}

func (a *sparseTile) generic(m arithmetic) {
	var psum [genericTile]float32
	seg, n := 0, 0
	for _, row := range a.rows {
		for range row.segs {
			fill(psum[:], negZero)
			for range a.count[seg] {
				m.addProducts(psum[:], a.x[a.off[n]:], a.w[n])
				n++
			}
			seg++
			m.addSums(a.v[row.v:], psum[:])
		}
	}
}

func (a *dotTile) generic(lanes int) {
	for q, quad := range a.quads {
		for i, x := range quad.x {
			s := &a.s[4*q+i]
			for lane := lanes - 1; lane >= 0; lane-- {
				p := negZero
				for o := lane; o < a.n*lanes; o += lanes {
					p += float32(a.dy[int(quad.dy)+o] * a.x[int(x)+o])
				}
				*s += p
			}
		}
	}
}
