package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// gradStream is what MemoryX sends up the columns for a weight gradient: for every feature on the
// bus the positions each column has of it, each with the place of its sum, then a command.
type gradStream struct {
	k        *compiler.WeightGrad
	w        *matrix // outputs: features on the bus; inputs: the columns' own
	features int
	ahead    int
	sumRow   int
	places   int
	index    int      // of the bias, where it is a position of its own
	biasRow  int      // the feature on the bus that is the ones; -1: none
	extra    []uint64 // positions of the feature behind the last
	lanes    []gradLane
}

// gradLane is a place in one column's stream.
type gradLane struct {
	begun bool
	at    int // feature
	next  int // own feature from which to look for the next position; past the last after the bias
	count int // positions of this feature sent
	sums  int // first place of its sums
}

func newGradStream(k *compiler.WeightGrad, w *matrix, tokens int) *gradStream {
	s := &gradStream{
		k: k, w: w, features: k.Features(), ahead: k.Ahead(), sumRow: k.SumRow(), places: k.SumPlaces(), biasRow: -1,
		lanes: make([]gradLane, len(w.inBounds)-1),
	}
	switch {
	case k.Bias != "" && k.ByDY():
		s.index = k.BiasIndex(tokens)
	case k.Bias != "":
		s.biasRow = w.out
		s.extra = (&matrix{in: w.in}).row(0, nil)
	}
	if s.extra == nil {
		s.extra = make([]uint64, (w.in+63)/64)
	}
	for c := range s.lanes {
		s.lanes[c].next = w.inBounds[c]
	}
	return s
}

// row is the positions of a feature on the bus, as a bitset over the columns' own features.
func (s *gradStream) row(j int, dst []uint64) []uint64 {
	if j < s.w.out {
		return s.w.row(j, dst)
	}
	return s.extra
}

// counts is how many positions each column has of feature j.
func (s *gradStream) counts(j int, dst []int32) {
	switch {
	case j < s.w.out:
		s.w.counts(j, dst)
	case j == s.biasRow:
		for c := range dst {
			dst[c] = int32(s.w.inBounds[c+1] - s.w.inBounds[c])
		}
	default:
		clear(dst)
	}
}

// ownsBias reports whether column c has the bias of feature j as a position.
func (s *gradStream) ownsBias(j, c int) bool {
	return s.biasRow < 0 && s.w.biased && j < s.w.out && s.w.outBounds[c] <= j && j < s.w.outBounds[c+1]
}

// next is the stream of all lanes, as an ingress asks for it.
func (s *gradStream) next() func(lane int) (fabric.Wavelet, int, bool) {
	rows := make([]struct { // lately asked for: lanes are never far apart
		j    int
		bits []uint64
	}, s.ahead+8)
	for i := range rows {
		rows[i].j = -1
	}
	return func(c int) (w fabric.Wavelet, row int, ok bool) {
		l := &s.lanes[c]
		if !l.begun {
			l.begun = true
			return fabric.Wavelet{Control: true, Data: fabric.Pack(compiler.GradBegin, 0)}, 0, true
		}
		if l.at == s.features {
			return w, l.at, false
		}
		row = l.at
		r := &rows[row%len(rows)]
		if r.j != row {
			r.j, r.bits = row, s.row(row, r.bits)
		}
		lo, hi := s.w.inBounds[c], s.w.inBounds[c+1]
		k := nextBit(r.bits, l.next, hi)
		place := uint16(l.sums + l.count)
		switch {
		case k < hi:
			l.next = k + 1
			l.count++
			return fabric.Wavelet{Data: fabric.Pack(place, uint16(k-lo))}, row, true
		case l.next <= hi && s.ownsBias(row, c):
			l.next = hi + 1
			l.count++
			return fabric.Wavelet{Data: fabric.Pack(place, uint16(s.index))}, row, true
		}
		w = fabric.Wavelet{Control: true, Data: fabric.Pack(s.command(row, l.count), uint16(l.count))}
		if l.count > 0 {
			l.sums = (l.sums + s.sumRow) % s.places
		}
		l.at, l.next, l.count = row+1, lo, 0
		return w, row, true
	}
}

// command ends feature j of a column with so many positions.
func (s *gradStream) command(j, count int) uint16 {
	order := compiler.GradSend
	if count == 0 {
		order = compiler.GradNone
	}
	switch {
	case j == s.features-1:
		return order + compiler.GradSendLast - compiler.GradSend
	case j+s.ahead+1 >= s.features:
		return order + compiler.GradSendTail - compiler.GradSend
	}
	return order
}
