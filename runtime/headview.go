package runtime

import (
	"math"
	"sync"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// headView is one head of one sequence of one token group on the host: the numbers of a token
// place of all the sequence's rows lie side by side, a run.
type headView struct {
	group, sequence, head int
	rows                  int   // of the sequence
	tokens, keys          int   // of a row; of a block
	columns               []int // bounds of the columns' features within the head
	scale                 float32
	typ                   pe.Type
	space                 *compiler.Space
	parts                 [][]float32 // scores of one column, [tokens][rows]
}

// eachHead visits every head of every sequence, the heads of a sequence at the same time: a
// head reads and writes tensors of tiles, which exist already, in places of its own.
func eachHead(h *Host, tiles []*compiler.Tile, visit func(*headView)) {
	for _, t := range tiles {
		h.Tensor(t)
	}
	s := h.Space
	n, shares := s.HeadColumns(), s.HeadShares()
	for g := range s.Groups {
		for q := range s.Sequences {
			var all sync.WaitGroup
			for hd := range s.Model.Heads {
				v := &headView{
					group: g, sequence: q, head: hd, rows: s.SeqRows, tokens: s.Tokens, keys: shares[n],
					scale: s.ScoreScale(), typ: s.Type(), space: s, parts: newRuns(s.Tokens, s.SeqRows),
				}
				for _, f := range s.Feat[hd*n : hd*n+n+1] {
					v.columns = append(v.columns, f-s.Feat[hd*n])
				}
				all.Go(func() { visit(v) })
			}
			all.Wait()
		}
	}
}

// newRuns returns n runs of zeros.
func newRuns(n, length int) [][]float32 {
	all, runs := make([]float32, n*length), make([][]float32, n)
	for i := range runs {
		runs[i] = all[i*length : (i+1)*length]
	}
	return runs
}

// tile is the head's features of a tile, [features][tokens][rows].
func (v *headView) tile(h *Host, t *compiler.Tile) [][][]float32 {
	width := v.space.Model.HeadWidth()
	return v.view(h, t, v.head*width, width)
}

// stat is a run of tokens of every column of the head, [columns][tokens][rows].
func (v *headView) stat(h *Host, t *compiler.Tile) [][][]float32 {
	n := v.space.HeadColumns()
	return v.view(h, t, v.head*n, n)
}

func (v *headView) view(h *Host, t *compiler.Tile, first, n int) [][][]float32 {
	x, s := h.Tensor(t), v.space
	all := make([][][]float32, n)
	for f := range all {
		all[f] = make([][]float32, v.tokens)
		for i := range all[f] {
			at := (first+f)*s.HostTokens() + s.HostIndex(v.group, i, v.sequence*v.rows)
			all[f][i] = x[at : at+v.rows]
		}
	}
	return all
}

// block is some keys of a row in their order on the way, which the rows from that one on meet.
type block struct {
	row  int
	keys []int
}

func (v *headView) eachBlock(visit func(block)) {
	b := block{keys: make([]int, v.keys)}
	for b.row = range v.rows {
		for first := 0; first < v.tokens; first += v.keys {
			for u := range b.keys {
				b.keys[u] = first + compiler.KeyOrder(u, v.keys)
			}
			visit(b)
		}
	}
}

// from is the first row whose query i meets the block's u-th key.
func (b block) from(u, i int) int {
	if i < b.keys[u] {
		return b.row + 1
	}
	return b.row
}

// products sets z, [keys][tokens][rows], to the products of the block's keys with x: features
// ascending in every column of the head, then the columns. Masked places are left alone.
func (v *headView) products(z [][]float32, b block, keys, x [][][]float32) {
	for u := range v.keys {
		for c := range len(v.columns) - 1 {
			dst := v.parts
			if c == 0 {
				dst = z[u*v.tokens:]
			}
			for i := range v.tokens {
				from := b.from(u, i)
				d := dst[i][from:]
				for f := v.columns[c]; f < v.columns[c+1]; f++ {
					w := keys[f][b.keys[u]][b.row]
					if f == v.columns[c] {
						times(d, x[f][i][from:], w)
					} else {
						axpy(d, x[f][i][from:], w)
					}
				}
				if c > 0 {
					add(z[u*v.tokens+i][from:], d)
				}
			}
		}
	}
}

// scores are the products of keys and queries; those of masked pairs are -Inf.
func (v *headView) scores(z [][]float32, b block, keys, q [][][]float32) {
	v.products(z, b, keys, q)
	for u := range v.keys {
		for i := range b.keys[u] {
			z[u*v.tokens+i][b.row] = float32(math.Inf(-1))
		}
	}
}

// mix adds the block's values times p, [keys][tokens][rows], to acc, [features*tokens][rows].
func (v *headView) mix(acc [][]float32, b block, values [][][]float32, p [][]float32) {
	for f := range values {
		for i := range v.tokens {
			for u := range v.keys {
				from := b.from(u, i)
				axpy(acc[f*v.tokens+i][from:], p[u*v.tokens+i][from:], values[f][b.keys[u]][b.row])
			}
		}
	}
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// times is dst = w*x, axpy dst += w*x; add is dst += x, raise dst = max(dst, x), scaleBy dst *= x.
func times(dst, x []float32, w float32) {
	for i, v := range x {
		dst[i] = float32(v * w)
	}
}

func axpy(dst, x []float32, w float32) {
	for i, v := range x {
		dst[i] += float32(v * w)
	}
}

func add(dst, x []float32) {
	for i, v := range x {
		dst[i] += v
	}
}

func raise(dst, x []float32) {
	for i, v := range x {
		dst[i] = max(dst[i], v)
	}
}

func scaleBy(dst, x []float32) {
	for i, v := range x {
		dst[i] = float32(dst[i] * v)
	}
}

// weigh is dst = e^((x-top)*scale).
func weigh(dst, x, top []float32, scale float32) {
	for i, v := range x {
		dst[i] = pe.Exp(float32((v - top[i]) * scale))
	}
}

func round(t pe.Type, x []float32) {
	if t == pe.F32 {
		return
	}
	for i, v := range x {
		x[i] = pe.Round(t, v)
	}
}
