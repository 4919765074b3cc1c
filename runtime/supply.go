package runtime

import (
	"math"

	"cs2sim.dev/compiler"
)

// supply bounds when weights reach their columns, for machines on which the edge or a column
// link can fall behind the datapaths. The edge sends in output-row order, so a row is through
// when all wavelets up to it have taken their share of the I/O rate; rate that no column has
// room for is lost. A column link carries a wavelet per cycle (less with a single buffer) and
// waits while the buffers before its PE are full.
type supply struct {
	perWavelet   float64 // cycles of the I/O link
	perUse       float64 // cycles from one weight wavelet's use to the next
	perSend      float64 // cycles between pushes into one column, at least
	words        int64   // wavelets per weight
	slots        int64   // wavelets between edge and datapath
	firstArrival int64

	edge  float64 // the I/O link is busy until here
	turns []int64 // scratch: wavelets of the row in the first k turns
	lanes []lane
}

// lane is one column's link.
type lane struct {
	sent    float64 // last push at the edge
	total   int64   // wavelets up to the current row
	command int64   // arrival of this row's command
	past    []use   // rows lately begun, by row modulo len, which is a power of two
}

// use is when a row's first wavelet, number from of its lane, was used.
type use struct{ from, at int64 }

// calm is the share of the I/O rate that the columns may ask for on average before their
// bursts are felt.
const calm = 0.3

// newSupply serves so many columns at a rate of wavelets per cycle, each of which works fmac cycles on a weight of words wavelets.
// It returns nil where every column can be served as fast as it works.
func newSupply(t compiler.Target, rate float64, columns int, words, fmac int64) *supply {
	f := t.Fabric(t.Width(), t.Height())
	demand := float64(columns) * float64(words) / float64(fmac)
	if 2*words <= fmac && demand < calm*rate {
		return nil
	}
	s := &supply{
		perWavelet:   1 / rate,
		perUse:       float64(fmac) / float64(words),
		words:        words,
		slots:        int64(f.BufferDepth + f.HopCycles - 1 + f.QueueWords + f.RampCycles),
		firstArrival: int64(f.HopCycles + f.RampCycles),
		perSend:      max(1, 1/rate),
		lanes:        make([]lane, columns),
	}
	window := 1 // at least slots+1: every row has a wavelet, so that the one to wait for is in it
	for int64(window) <= s.slots {
		window *= 2
	}
	for i := range s.lanes {
		s.lanes[i].past = make([]use, window)
		s.lanes[i].sent = -s.perSend
	}
	return s
}

// row sends the at-th output row. Within a row the columns take turns from west to east, so a
// column's k-th wavelet goes after everybody's first k-1.
func (s *supply) row(cols []column, at int, counts []int32) {
	gate := math.Inf(1)
	longest := int64(0)
	for i := range s.lanes {
		l := &s.lanes[i]
		l.past[at&(len(l.past)-1)] = use{l.total, cols[i].main}
		gate = min(gate, s.room(l, at, 0))
		longest = max(longest, s.length(counts[i]))
	}
	s.edge = max(s.edge, gate)
	total := s.countTurns(counts, longest)
	for i := range s.lanes {
		l := &s.lanes[i]
		n := s.length(counts[i])
		firstUse := min(s.words, n) - 1
		for k := range min(n, s.slots+1) {
			l.sent = max(l.sent+s.perSend, s.room(l, at, k))
			if k == firstUse { // the row's first use waits for it
				u := &l.past[at&(len(l.past)-1)]
				u.at = max(u.at, int64(l.sent)+s.firstArrival)
			}
		}
		l.sent += float64(max(0, n-s.slots-1)) * s.perSend
		before, turn := s.turns[n-1], s.turns[n]-s.turns[n-1]
		through := float64(before) + float64(turn)*float64(i+1)/float64(len(s.lanes))
		l.sent = max(l.sent, s.edge+through*s.perWavelet-1)
		l.command = int64(math.Ceil(l.sent)) + s.firstArrival
		l.total += n
	}
	s.edge += float64(total) * s.perWavelet
	behind := math.Inf(1) // what no lane could take is lost
	for i := range s.lanes {
		behind = min(behind, s.lanes[i].sent)
	}
	s.edge = max(s.edge, behind+1)
}

// length is the wavelets of a row with n weights.
func (s *supply) length(n int32) int64 { return int64(n)*s.words + 1 }

// creditCycles is how long a use at the PE takes to show as room at the edge, over two buffers.
const creditCycles = 2

// room is when the lane has room for wavelet k of the at-th row: the one slots before it has been used.
func (s *supply) room(l *lane, at int, k int64) float64 {
	x := l.total + k - s.slots
	if x < 0 {
		return 0
	}
	mask := len(l.past) - 1
	for i := at; i >= 0 && i >= at-mask; i-- {
		if u := &l.past[i&mask]; u.from <= x {
			return float64(u.at) + float64(x-u.from)*s.perUse + creditCycles
		}
	}
	return 0
}

// countTurns fills turns[k] with the row's wavelets that go in the first k turns.
func (s *supply) countTurns(counts []int32, longest int64) int64 {
	if int64(cap(s.turns)) < longest+2 {
		s.turns = make([]int64, longest+2)
	}
	s.turns = s.turns[:longest+2]
	clear(s.turns)
	for _, n := range counts {
		s.turns[s.length(n)]++
	}
	for k := longest - 1; k > 0; k-- { // columns with at least k wavelets
		s.turns[k] += s.turns[k+1]
	}
	total := int64(0)
	for k := int64(1); k <= longest; k++ {
		total += s.turns[k]
		s.turns[k] = total
	}
	return total
}

// weight is when column i's last weight of the row arrives, command its command, end the end.
func (s *supply) weight(i int) int64  { return s.lanes[i].command - 1 }
func (s *supply) command(i int) int64 { return s.lanes[i].command }
func (s *supply) end(i int) int64     { return s.lanes[i].command + 1 }
