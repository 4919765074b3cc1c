package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
)

// matrix is a parameter of MemoryX with the outputs and inputs of a kernel that streams it.
// Of a store without values only the positions are known.
type matrix struct {
	out, in             int
	inBounds, outBounds []int
	values              []float32 // nil: none
	at                  func(j, k int) int
	bias                []float32 // of the outputs
	biased              bool

	// Positions: all, or a bitset.
	bits   []uint64 // [out][stride]
	stride int
	count  int64 // of bits, 0 if not known
	owner  int   // of the last output asked for
}

// streamedUse says which part of a parameter is streamed.
type streamedUse struct {
	param, bias string
	rows        []int // parameter row of each feature on that side; nil: the same
	transposed  bool
	x, y        *compiler.Tile // inputs and outputs
	zeros       bool           // positions whose value is 0 count too: a gradient has any
}

// matrix makes a parameter ready to stream.
func (m *Store) matrix(u streamedUse) *matrix {
	l := m.Layout
	t := l.Tensors[l.Index(u.param)]
	x := &matrix{out: u.y.Total(), in: u.x.Total(), inBounds: u.x.Bounds, outBounds: u.y.Bounds, biased: u.bias != ""}
	pattern, drawn := m.positions(u.param)
	row := func(r int) int {
		if u.rows != nil {
			return u.rows[r]
		}
		return r
	}
	x.at = func(j, k int) int { return row(j)*t.Cols + k }
	if u.transposed {
		x.at = func(j, k int) int { return row(k)*t.Cols + j }
	}
	if m.Params != nil {
		x.values, _, _ = m.Tensor(u.param)
		if u.bias != "" && !u.zeros {
			x.bias, _, _ = m.Tensor(u.bias)
		}
	}
	check := x.values
	if u.zeros {
		check = nil
	}
	switch {
	case check == nil && pattern == nil && drawn == nil: // dense
	case check == nil && drawn != nil && u.rows == nil:
		x.bits, x.stride = m.bits.of(drawn, u.transposed)
		x.count = drawn.NonZeros()
	default:
		x.mark(t.Cols, u, row, pattern, drawn, check)
	}
	return x
}

// mark writes the positions out as a bitset. Where values are given, those that are 0 have none.
func (x *matrix) mark(cols int, u streamedUse, row func(int) int, pattern *model.Pattern, drawn *model.Mask, values []float32) {
	x.stride = (x.in + 63) / 64
	x.bits = make([]uint64, x.out*x.stride)
	rows := x.out
	if u.transposed {
		rows = x.in
	}
	var bits []uint64
	for r := range rows {
		at := row(r) * cols
		set := func(c int) {
			if values != nil && values[at+c] == 0 {
				return
			}
			j, k := r, c
			if u.transposed {
				j, k = c, r
			}
			x.bits[j*x.stride+k>>6] |= 1 << (k & 63)
		}
		switch {
		case pattern != nil:
			for _, c := range pattern.Row(row(r)) {
				set(int(c))
			}
		case drawn != nil:
			bits = drawn.Row(row(r), bits)
			for c := nextBit(bits, 0, cols); c < cols; c = nextBit(bits, c+1, cols) {
				set(c)
			}
		default:
			for c := range cols {
				set(c)
			}
		}
	}
}

func (x *matrix) row(j int, dst []uint64) []uint64 {
	if x.bits != nil {
		return x.bits[j*x.stride:][:x.stride]
	}
	dst = dst[:0]
	for k := 0; k < x.in; k += 64 {
		dst = append(dst, ^uint64(0)>>max(0, 64-(x.in-k)))
	}
	return dst
}

func (x *matrix) counts(j int, dst []int32) {
	switch {
	case x.bits != nil:
		model.RangeCounts(x.bits[j*x.stride:][:x.stride], x.inBounds, dst)
	default:
		for c := range dst {
			dst[c] = int32(x.inBounds[c+1] - x.inBounds[c])
		}
	}
	if x.value(j, biasInput) != 0 {
		dst[x.ownerOf(j)]++
	}
}

// ownerOf is the column that owns output j; outputs come in order, so it is near the last one's.
func (x *matrix) ownerOf(j int) int {
	for x.outBounds[x.owner] > j {
		x.owner--
	}
	for x.outBounds[x.owner+1] <= j {
		x.owner++
	}
	return x.owner
}

// value is 1 in a store without values: any that is sent.
func (x *matrix) value(j, k int) float32 {
	switch {
	case k != biasInput && x.values == nil:
		return 1
	case k != biasInput:
		return x.values[x.at(j, k)]
	case !x.biased:
		return 0
	case x.bias == nil:
		return 1
	}
	return x.bias[j]
}

// known is the number of positions as far as it takes no counting, without biases; else 0.
func (x *matrix) known() int64 {
	if x.bits == nil && x.values == nil {
		return int64(x.out) * int64(x.in)
	}
	return x.count
}

// nonZeros is the number of positions, biases included.
func (x *matrix) nonZeros() (n int64) {
	if known := x.known(); x.values == nil && known > 0 {
		if x.biased {
			known += int64(x.out)
		}
		return known
	}
	counts := make([]int32, len(x.inBounds)-1)
	for j := range x.out {
		x.counts(j, counts)
		for _, c := range counts {
			n += int64(c)
		}
	}
	return n
}
