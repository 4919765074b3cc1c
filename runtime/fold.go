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

	apart bool // what enters is for one group alone, and all of them share the link
}

func newFolding(s *compiler.Space, k compiler.Kernel, ph phase) *folding {
	return &folding{s: s, k: k, ph: ph, hop: int64(s.Target.Get("hop_cycles"))}
}

// portCycles is how often a line of routers takes a wavelet: a buffer's slots are full again a
// hop and a cycle after they were freed.
func (f *folding) portCycles() float64 {
	slots := f.s.Target.Get("buffer_depth") + float64(f.hop) - 1
	return max(1, float64(f.hop+1)/slots)
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
	l.OutRate /= float64(f.s.Groups) // all of them send
	if f.apart {
		l.InRate /= float64(f.s.Groups)
	}
	if hold != nil {
		l.InRate = 0 // the link paced the first row; now it is part of hold
		for i := range l.In {
			l.In[i].Earliest = hold[i]
		}
	}
	r := &rowRun{passed: make([][]fabric.Cycle, len(l.In))}
	w := &passing{r, map[entrance]int{}}
	for i := range l.In {
		w.inputs[entrance{l.In[i].At, l.In[i].Color, l.In[i].Port}] = i
	}
	r.LayoutReport, err = RunLayout(ctx, l, f.s.Target, LayoutOptions{Observer: w})
	return r, err
}

// passing notes when border routers send on what enters.
type passing struct {
	r      *rowRun
	inputs map[entrance]int
}

// entrance is where an edge input comes in.
type entrance struct {
	at    fabric.Coord
	color fabric.Color
	port  fabric.Port
}

// Saw implements fabric.Observer.
func (p *passing) Saw(e fabric.Event) {
	if e.Kind != fabric.Forwarded {
		return
	}
	if i, ok := p.inputs[entrance{e.At, e.Wavelet.Color, e.In}]; ok {
		p.r.passed[i] = append(p.r.passed[i], e.Cycle)
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

// skew is how much later rows work on what is multicast down the columns.
type skew struct {
	first *rowRun
	end   int64   // the last row's work
	late  []int64 // per row
}

// end is when the PE of a column has nothing left to do, workEnd when all have.
func (r *rowRun) end(c int) int64 { return int64(r.Cycles) - r.PEs[c][pe.Idle] }

func (r *rowRun) workEnd() (end int64) {
	for c := range r.PEs {
		end = max(end, r.end(c))
	}
	return end
}

// skewed runs the first row and the last. A row that still works when its wavelets arrive is
// not late; from some row on each is as late as its hops.
func (f *folding) skewed(ctx context.Context) (*skew, error) {
	first, err := f.row(ctx, nil)
	if err != nil {
		return nil, err
	}
	rows := f.s.Rows()
	k := &skew{first: first, end: first.workEnd(), late: make([]int64, rows)}
	if rows == 1 {
		return k, nil
	}
	last, err := f.row(ctx, f.streamed(first, rows-1))
	if err != nil {
		return nil, err
	}
	k.end = max(first.workEnd(), last.workEnd())
	slack := f.hop*int64(rows-1) - (k.end - first.workEnd())
	for y := range rows {
		k.late[y] = max(0, f.hop*int64(y)-slack)
	}
	return k, nil
}

// downColumns is the report of a kernel whose rows differ in nothing but that delay.
func (f *folding) downColumns(ctx context.Context) (*PhaseReport, error) {
	k, err := f.skewed(ctx)
	if err != nil {
		return nil, err
	}
	return f.unfold(k, k.end), nil
}

// unfold counts a row's work for all rows and groups, and its cells up to the given end.
func (f *folding) unfold(k *skew, end int64) *PhaseReport {
	rows, r := f.s.Rows(), k.first
	n := int64(f.s.Groups * rows)
	p := &PhaseReport{Cycles: end, FMACs: n * r.FMACs, Hops: n * r.Hops, EdgeIn: r.EdgeIn}
	p.Hops += int64(f.s.Groups*(rows-1)) * r.EdgeIn
	p.Links = f.rowLinks(r, sameForAll)
	p.Grid = Grid{PeriodX: f.s.Columns, PeriodY: 1, Cells: append([]pe.StateCycles(nil), r.PEs...), Wavelets: r.Routed.multicast(rows)}
	for i := range p.Grid.Cells {
		p.Grid.Cells[i][pe.Idle] += end - int64(r.Cycles)
	}
	p.Grid.Shift = make([]pe.StateCycles, rows)
	for y, late := range k.late {
		wait(p.Grid.Shift, y, late, pe.WaitWeight)
	}
	return p
}

// wait turns cycles of row y's PEs from idle at the end into waiting.
func wait(shift []pe.StateCycles, y int, cycles int64, as pe.State) {
	shift[y][as] += cycles
	shift[y][pe.Idle] -= cycles
}

// chainHop is what one more row adds to a chain up the column: the result leaves the datapath,
// passes the ramp, a link and the ramp.
func (f *folding) chainHop() int64 {
	return 1 + 2*int64(f.s.Target.Get("ramp_cycles")) + f.hop
}

// upColumns is the report of a kernel whose PEs add to a chain from the last row to the first
// and over the edge. The one row of the run is the last: the chain starts there, as late as
// that row is, and takes chainHop to every row above, all of which have begun before. Its
// elements come one by one and go ahead of other work.
func (f *folding) upColumns(k *skew) *PhaseReport {
	rows, r := f.s.Rows(), k.first
	var out, free, sent int64 // when the run's last sum left, when it would with a free link, how many did
	for _, o := range r.Out {
		n := int64(len(o.Arrivals))
		free = max(free, int64(o.Arrivals[0].Cycle)+n-1)
		out, sent = max(out, int64(o.Arrivals[n-1].Cycle)), sent+n
	}
	late, hops := k.late[rows-1], int64(rows-1)*f.chainHop()
	p := f.unfold(k, max(k.end, out+late+hops))
	p.EdgeOut = int64(f.s.Groups) * sent
	work := r.workEnd()
	for y := range rows {
		through := free // a slow link is felt by the rows next to the edge; here by the first
		if y == 0 {
			through = out
		}
		through += late + hops - int64(y)*f.chainHop() - f.edgeHop()
		wait(p.Grid.Shift, y, max(0, through-work-k.late[y]), pe.WaitPsum)
	}
	return p
}

// edgeHop is from a sum's cycle on the datapath of the first row to beyond the edge.
func (f *folding) edgeHop() int64 { return 1 + int64(f.s.Target.Get("ramp_cycles")) + f.hop }

// alike is the report of a kernel in which nothing comes from the north: all rows do the same.
func (f *folding) alike(ctx context.Context) (*PhaseReport, error) {
	first, err := f.row(ctx, nil)
	if err != nil {
		return nil, err
	}
	return f.unfold(&skew{first: first, late: make([]int64, f.s.Rows())}, int64(first.Cycles)), nil
}

// chainEnd is when the sums have left the first row, if the chain up the column ends a row's work.
func (k *skew) chainEnd(f *folding) int64 {
	rows := int64(len(k.late))
	end := k.first.workEnd()
	for _, o := range k.first.Out {
		for _, a := range o.Arrivals {
			end = max(end, int64(a.Cycle))
		}
	}
	return end + k.late[rows-1] + (rows-1)*f.chainHop()
}
