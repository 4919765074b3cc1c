package runtime

import (
	"math"

	"cs2sim.dev/compiler"
)

// supply bounds when weights reach their columns, for machines on which the edge or a column
// link can fall behind the datapaths. The edge sends in output-row order, so a row is through
// when all wavelets up to it have taken their share of the I/O rate; unused rate is lost. A
// column link carries a wavelet per cycle (less with a single buffer) and waits when the
// PE's buffers are full.
type supply struct {
	perWavelet float64 // cycles of the I/O link
	words      int64   // wavelets per weight
	buffers    int64   // wavelets between edge and datapath, as time on the datapath
	wires      *wires

	edge  float64   // the I/O link is busy until here
	links []float64 // per column: so is its link
	last  []int64   // per column: arrival of the row's last weight
	cmd   []int64   // and of its command
	tail  []int64
	hist  []int64
}

// newSupply returns nil where every column can be served as fast as it works.
func newSupply(p *compiler.Program, k *kernelCosts, w *wires) *supply {
	f := p.Target.Fabric(p.Target.Width(), p.Target.Height())
	words := int64(p.Stream.WordsPerWeight)
	fmac := int64(k.fmac.Total())
	columns := len(p.InBounds) - 1
	linkFalls := words*w.num > fmac*w.den
	edgeFalls := float64(columns)*float64(words) > p.Target.IORate()*float64(fmac)
	if !linkFalls && !edgeFalls {
		return nil
	}
	return &supply{
		perWavelet: 1 / p.Target.IORate(),
		words:      words,
		buffers:    fmac * int64(f.BufferDepth+f.HopCycles-1+f.QueueWords+f.RampCycles) / words,
		wires:      w,
		links:      make([]float64, columns),
		last:       make([]int64, columns),
		cmd:        make([]int64, columns),
		tail:       make([]int64, columns),
	}
}

// row sends one output row. Within a row the columns take turns, so a column's k-th wavelet
// goes after everybody's first k-1.
func (s *supply) row(e *streamEngine, counts []int32) {
	gate := int64(math.MaxInt64)
	longest := int64(0)
	for i := range e.cols {
		gate = min(gate, e.cols[i].main)
		longest = max(longest, int64(counts[i])*s.words+1)
	}
	s.edge = max(s.edge, float64(gate-s.buffers))
	// hist[k]: columns whose row has at least k wavelets; then wavelets in the first k turns.
	if int64(cap(s.hist)) < longest+2 {
		s.hist = make([]int64, longest+2)
	}
	hist := s.hist[:longest+2]
	clear(hist)
	for i := range counts {
		hist[int64(counts[i])*s.words+1]++
	}
	for k := longest - 1; k > 0; k-- {
		hist[k] += hist[k+1]
	}
	total := int64(0)
	for k := int64(1); k <= longest; k++ {
		total += hist[k]
		hist[k] = total
	}
	for i := range e.cols {
		n := int64(counts[i]) * s.words
		through := s.edge + float64(hist[n+1])*s.perWavelet
		begin := max(s.links[i], float64(e.cols[i].main-s.buffers))
		s.links[i] = max(begin+float64(s.wires.stretch(n+1)), through)
		s.cmd[i] = int64(math.Ceil(s.links[i])) - 1 + s.wires.firstArrival
		s.last[i] = s.cmd[i] - 1
		s.tail[i] = s.cmd[i]
	}
	s.edge += float64(total) * s.perWavelet
}

func (s *supply) lastWeight(i int) int64 { return s.last[i] }
func (s *supply) command(i int) int64    { return s.cmd[i] }
func (s *supply) end(i int) int64        { return s.tail[i] + 1 }
