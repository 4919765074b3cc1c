package runtime

import (
	"math"
	"math/bits"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// memoryX holds the weights of a layer off the wafer and produces each column's stream:
// per output row the non-zero weights in ascending input order, then the command.
type memoryX struct {
	p    *compiler.Program
	mask *model.Mask
	rows []cachedRow // rows lately asked for, by j modulo len: columns are never far apart
}

type cachedRow struct {
	j    int
	bits []uint64
}

func newMemoryX(p *compiler.Program, mask *model.Mask) *memoryX {
	m := &memoryX{p: p, mask: mask, rows: make([]cachedRow, p.Mapping.RunAhead+8)}
	for i := range m.rows {
		m.rows[i].j = -1
	}
	return m
}

func (m *memoryX) row(j int) []uint64 {
	r := &m.rows[j%len(m.rows)]
	if r.j != j {
		r.bits, r.j = m.mask.Row(j, r.bits), j
	}
	return r.bits
}

// cursor is a place in one column's stream.
type cursor struct {
	column  int
	at      int    // in Stream.Rows; past the last, End is next
	next    int    // input from which to look for the next weight
	slot    int    // wavelets of this row already taken
	pending uint32 // second wavelet of a 32-bit weight
	half    bool
	done    bool
}

func (m *memoryX) start(column int) cursor {
	return cursor{column: column, next: m.p.InBounds[column]}
}

// take returns the next wavelet of the stream and moves on.
func (m *memoryX) take(c *cursor) fabric.Wavelet {
	w := fabric.Wavelet{Color: m.p.Stream.Color}
	c.slot++
	if c.half {
		c.half, w.Data = false, c.pending
		return w
	}
	if c.at == len(m.p.Stream.Rows) {
		c.done = true
		w.Control, w.Data = true, fabric.Pack(compiler.CommandEnd, 0)
		return w
	}
	lo, hi := m.p.InBounds[c.column], m.p.InBounds[c.column+1]
	j := m.p.Stream.Rows[c.at]
	k := nextBit(m.row(j), c.next, hi)
	if k == hi {
		w.Control, w.Data = true, fabric.Pack(m.p.Command(m.p.OwnerOf(j), c.column), 0)
		c.at, c.next, c.slot = c.at+1, lo, 0
		return w
	}
	c.next = k + 1
	value := m.p.Node.Weight(j, k)
	if m.p.Stream.WordsPerWeight == 2 {
		w.Data = uint32(k - lo)
		c.pending, c.half = math.Float32bits(value), true
		return w
	}
	w.Data = fabric.Pack(uint16(pe.Bits(pe.F16, value)), uint16(k-lo))
	return w
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
