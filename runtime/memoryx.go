package runtime

import (
	"math"
	"math/bits"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// weights are a matrix as MemoryX streams it: what is 0 is not sent.
type weights interface {
	// row is the inputs of output j that have a weight, as a bitset. It may be in dst's array,
	// which must be nil or what row returned before.
	row(j int, dst []uint64) []uint64
	// counts is how many weights each column gets for output j, its owner's bias included.
	counts(j int, dst []int32)
	// value is the weight of output j at input k, or at biasInput; 0 if there is none.
	value(j, k int) float32
}

// biasInput stands for the run of ones.
const biasInput = -1

// synthetic is the weights of a layer that has no parameters: those of its node, under a mask.
type synthetic struct {
	p    *compiler.Program
	mask *model.Mask
	bits []uint64
}

func (s *synthetic) row(j int, dst []uint64) []uint64 { return s.mask.Row(j, dst) }

func (s *synthetic) counts(j int, dst []int32) {
	s.bits = s.mask.Row(j, s.bits)
	model.RangeCounts(s.bits, s.p.InBounds, dst)
}

func (s *synthetic) value(j, k int) float32 {
	if k == biasInput {
		return 0
	}
	return s.p.Node.Weight(j, k)
}

// memoryX holds the weights of a layer off the wafer and produces each column's stream:
// per output row the non-zero weights in ascending input order, then, for its owner, the bias,
// then the command.
type memoryX struct {
	p       *compiler.Program
	weights weights
	rows    []cachedRow // rows lately asked for, by j modulo len: columns are never far apart
	cursors []cursor    // per column
}

type cachedRow struct {
	j     int
	bits  []uint64
	owner int
	bias  float32
}

func newMemoryX(p *compiler.Program, w weights) *memoryX {
	m := &memoryX{p: p, weights: w, rows: make([]cachedRow, p.Mapping.RunAhead+8)}
	for i := range m.rows {
		m.rows[i].j = -1
	}
	for c := range p.Mapping.Columns {
		m.cursors = append(m.cursors, cursor{column: c, next: p.InBounds[c]})
	}
	return m
}

func (m *memoryX) row(j int) *cachedRow {
	r := &m.rows[j%len(m.rows)]
	if r.j != j {
		*r = cachedRow{j: j, bits: m.weights.row(j, r.bits), owner: m.p.OwnerOf(j), bias: m.weights.value(j, biasInput)}
	}
	return r
}

// cursor is a place in one column's stream.
type cursor struct {
	column  int
	at      int    // in Stream.Rows; past the last, End is next
	next    int    // input from which to look for the next weight; past the column's after the bias
	pending uint32 // second wavelet of a 32-bit weight
	half    bool
	done    bool
}

// next is the next wavelet of a column's stream and the row it belongs to.
func (m *memoryX) next(column int) (w fabric.Wavelet, row int, ok bool) {
	c := &m.cursors[column]
	row = c.at
	switch {
	case c.done:
		return w, row, false
	case c.half:
		c.half, w.Data = false, c.pending
		return w, row, true
	case c.at == len(m.p.Stream.Rows):
		c.done = true
		w.Control, w.Data = true, fabric.Pack(compiler.CommandEnd, 0)
		return w, row, true
	}
	lo, hi := m.p.InBounds[c.column], m.p.InBounds[c.column+1]
	j := m.p.Stream.Rows[c.at]
	r := m.row(j)
	k := nextBit(r.bits, c.next, hi)
	var value float32
	index := k - lo
	switch {
	case k < hi:
		value = m.weights.value(j, k)
		c.next = k + 1
	case c.next <= hi && r.bias != 0 && r.owner == c.column:
		value, index = r.bias, m.p.Stream.BiasIndex
		c.next = hi + 1
	default:
		w.Control, w.Data = true, fabric.Pack(m.p.Command(r.owner, c.column), 0)
		c.at, c.next = c.at+1, lo
		return w, row, true
	}
	if m.p.Stream.WordsPerWeight == 2 {
		w.Data = uint32(index)
		c.pending, c.half = math.Float32bits(value), true
		return w, row, true
	}
	w.Data = fabric.Pack(uint16(pe.Bits(pe.F16, value)), uint16(index))
	return w, row, true
}

// nextBit is the first set bit in [from, to), or to.
func nextBit(row []uint64, from, to int) int {
	for from < to {
		if w := row[from/64] >> (from % 64); w != 0 {
			return min(from+bits.TrailingZeros64(w), to)
		}
		from = (from/64 + 1) * 64
	}
	return to
}
