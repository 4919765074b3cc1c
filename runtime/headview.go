package runtime

import (
	"math"
	"sync"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// headView is one head of one sequence of one token group on the host. Its tensors are copies in
// which the sequence's positions, padding included, lie side by side: the queries that meet a key are
// those from its own position on. The machine's order of additions per element is kept.
type headView struct {
	host                  *Host
	group, sequence, head int
	length                int   // positions
	tokens, keys          int   // positions of a row; of a block
	columns               []int // bounds of the columns' features within the head
	scale                 float32
	typ                   pe.Type
	part                  []float32 // products of one column
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
					host: h, group: g, sequence: q, head: hd, length: s.SeqRows * s.Tokens,
					tokens: s.Tokens, keys: shares[n], scale: s.ScoreScale(), typ: s.Type(),
					part: make([]float32, s.SeqRows*s.Tokens),
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

// vectors returns n vectors of zeros.
func vectors(n, length int) [][]float32 {
	all, v := make([]float32, n*length), make([][]float32, n)
	for i := range v {
		v[i] = all[i*length : (i+1)*length]
	}
	return v
}

// features is how many the head has.
func (v *headView) features() int { return v.columns[len(v.columns)-1] }

// read copies the head's part of a tile, [features][length]; of a statistic, of every column.
func (v *headView) read(t *compiler.Tile) [][]float32 {
	x := vectors(v.width(t), v.length)
	v.each(t, func(f, i int, run []float32) {
		for y, w := range run {
			x[f][y*v.tokens+i] = w
		}
	})
	return x
}

// write is the reverse of read.
func (v *headView) write(t *compiler.Tile, x [][]float32) {
	v.each(t, func(f, i int, run []float32) {
		for y := range run {
			run[y] = x[f][y*v.tokens+i]
		}
	})
}

func (v *headView) width(t *compiler.Tile) int {
	if t.Bounds == nil {
		return len(v.columns) - 1
	}
	return v.features()
}

// each visits the host's runs of the head: token i of all rows of the sequence.
func (v *headView) each(t *compiler.Tile, do func(f, i int, run []float32)) {
	s, x, n := v.host.Space, v.host.tensors[t], v.width(t)
	for f := range n {
		for i := range v.tokens {
			at := (v.head*n+f)*s.HostTokens() + s.HostIndex(v.group, i, v.sequence*s.SeqRows)
			do(f, i, x[at:at+s.SeqRows])
		}
	}
}

// block is some keys of a row in their order on the way: their positions. All rows from that
// one on meet them, which are the positions from begin on.
type block struct {
	begin int
	keys  []int
}

func (v *headView) eachBlock(visit func(block)) {
	b := block{keys: make([]int, v.keys)}
	for first := 0; first < v.length; first += v.keys {
		b.begin = first / v.tokens * v.tokens
		for u := range b.keys {
			b.keys[u] = first + compiler.KeyOrder(u, v.keys)
		}
		visit(b)
	}
}

// products sets z, [keys][length], to the products of the block's keys with x, [features][length]:
// features ascending in every column of the head, then the columns. Masked places of the
// block's row become masked.
func (v *headView) products(z [][]float32, b block, keys, x [][]float32, masked float32) {
	for u, key := range b.keys {
		fill(z[u][b.begin:key], masked)
		for c := range len(v.columns) - 1 {
			d := z[u][key:]
			if c > 0 {
				d = v.part[key:]
			}
			for f := v.columns[c]; f < v.columns[c+1]; f++ {
				if f == v.columns[c] {
					times(d, x[f][key:], keys[f][key])
				} else {
					axpy(d, x[f][key:], keys[f][key])
				}
			}
			if c > 0 {
				add(z[u][key:], d)
			}
		}
	}
}

// mix adds the block's keys times p, [keys][length], to acc, [features][length].
func (v *headView) mix(acc [][]float32, b block, keys, p [][]float32) {
	for f := range keys {
		for u, key := range b.keys {
			axpy(acc[f][key:], p[u][key:], keys[f][key])
		}
	}
}

// masked is the score of a pair whose key comes after the query.
func masked() float32 { return float32(math.Inf(-1)) }

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// times is dst = w*x, axpy dst += w*x; add is dst += x, raise dst = max(dst, x), scaleBy dst *= x.
func times(dst, x []float32, w float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = float32(v * w)
	}
}

func axpy(dst, x []float32, w float32) {
	for i, v := range x[:len(dst)] {
		dst[i] += float32(v * w)
	}
}

func add(dst, x []float32) {
	for i, v := range x[:len(dst)] {
		dst[i] += v
	}
}

func raise(dst, x []float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = max(dst[i], v)
	}
}

func scaleBy(dst, x []float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = float32(dst[i] * v)
	}
}

// weigh is dst = e^((x-top)*scale).
func weigh(dst, x, top []float32, scale float32) {
	for i, v := range x[:len(dst)] {
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
