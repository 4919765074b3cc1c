package runtime

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// folding runs the one row of a kernel's layout for one group on the wavelet engine and
// unfolds it over rows and groups. What makes rows differ is only when wavelets reach them: a
// later row is the same row again, with what it gets from the north held back.
type folding struct {
	s   *compiler.Space
	k   compiler.Kernel
	ph  phase
	hop int64
}

func newFolding(s *compiler.Space, k compiler.Kernel, ph phase) *folding {
	return &folding{s, k, ph, int64(s.Target.Get("hop_cycles"))}
}

// rowRun is one run of the row.
type rowRun struct {
	*LayoutReport
	passed [][]fabric.Cycle // per edge input: when the border router sent its wavelets on
}

// row runs it; hold says, per edge input and wavelet, before which cycle none enters (nil: free).
func (f *folding) row(ctx context.Context, hold [][]fabric.Cycle) (*rowRun, error) {
	l, err := f.k.Layout(f.s, 1, 1)
	if err != nil {
		return nil, err
	}
	f.ph.feed(l)
	if hold != nil {
		l.InRate = 0 // the link paced the first row; now it is part of hold
		for i := range l.In {
			l.In[i].Earliest = hold[i]
		}
	}
	r := &rowRun{passed: make([][]fabric.Cycle, len(l.In))}
	w := &passing{r, map[place]int{}}
	for i := range l.In {
		w.inputs[place{l.In[i].At, l.In[i].Color, l.In[i].Port}] = i
	}
	r.LayoutReport, err = RunLayout(ctx, l, f.s.Target, LayoutOptions{Observer: w})
	return r, err
}

// passing notes when border routers send on what enters.
type passing struct {
	r      *rowRun
	inputs map[place]int
}

type place struct {
	at    fabric.Coord
	color fabric.Color
	port  fabric.Port
}

func (p *passing) Forwarded(t fabric.Cycle, at fabric.Coord, in fabric.Port, _ fabric.PortSet, w fabric.Wavelet) {
	if i, ok := p.inputs[place{at, w.Color, in}]; ok {
		p.r.passed[i] = append(p.r.passed[i], t)
	}
}

// streamed holds back the wavelets of a multicast down the columns until they reach row y,
// when the first row has sent them on as in r.
func (f *folding) streamed(r *rowRun, y int) [][]fabric.Cycle {
	hold := make([][]fabric.Cycle, len(r.passed))
	for i, at := range r.passed {
		for _, t := range at { // at the router of row y in t + y hops, one hop after it entered
			hold[i] = append(hold[i], t+fabric.Cycle(f.hop*int64(y-1)))
		}
	}
	return hold
}

// unfold counts a row's work for all rows and groups, and its cells up to the given end.
func (f *folding) unfold(r *rowRun, end int64) *PhaseReport {
	n := int64(f.s.Groups * f.s.Rows())
	p := &PhaseReport{Cycles: end, FMACs: n * r.FMACs, Hops: n * r.Hops}
	p.Grid = Grid{PeriodX: f.s.Columns, PeriodY: 1, Cells: append([]pe.StateCycles(nil), r.PEs...)}
	for i := range p.Grid.Cells {
		p.Grid.Cells[i][pe.Idle] += end - int64(r.Cycles)
	}
	return p
}

// late moves cycles of row y's PEs from idle at the end to waiting.
func (g *Grid) late(y int, cycles int64, wait pe.State) {
	g.Shift[y][wait] += cycles
	g.Shift[y][pe.Idle] -= cycles
}

// downColumns is the report of a kernel whose rows differ in nothing but the delay of what is
// multicast down the columns. A row that still works when its wavelets arrive is not late; from
// some row on each is as late as its hops.
func (f *folding) downColumns(ctx context.Context) (*PhaseReport, error) {
	first, err := f.row(ctx, nil)
	if err != nil {
		return nil, err
	}
	rows := f.s.Rows()
	end := int64(first.Cycles)
	if rows > 1 {
		last, err := f.row(ctx, f.streamed(first, rows-1))
		if err != nil {
			return nil, err
		}
		end = max(end, int64(last.Cycles))
	}
	p := f.unfold(first, end)
	p.EdgeIn = first.In
	p.Hops += int64(f.s.Groups) * int64(rows-1) * first.In
	slack := f.hop*int64(rows-1) - (end - int64(first.Cycles))
	p.Grid.Shift = make([]pe.StateCycles, rows)
	for y := range rows {
		p.Grid.late(y, max(0, f.hop*int64(y)-slack), pe.WaitWeight)
	}
	return p, nil
}
