package runtime

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// Cycles of attention. Heads, sequences and groups are alike and touch none of each other's wires, so one
// head of one sequence is run, by the kernel's own layout on the wavelet engine. Of its rows only the
// first are run: every row meets the blocks of those above it and then its own, a block costs the same
// whichever row's it is, so that from some row on each further row adds the same to the run. Runs of
// growing sequences show from which. Zeros do as values: no cycle depends on them.
//
// A row that is slower than the others by a few cycles per block can hide that until the buffers between
// them are full or empty, which takes some hundred cycles in all. A run that is much longer than this
// has it behind it, or it is too little to matter.

const (
	fewestRows    = 6       // the first two, the last and three between them
	settledCycles = 1 << 16 // of a run that is long against what buffers can hide
	settledShare  = 1e-3    // most difference of two rows' additions to such a run
)

// headRun is a run of one head of a short sequence.
type headRun struct {
	rows   int
	report *LayoutReport
}

// attentionCycles runs sequences of growing length until two rows add the same, or the whole
// sequence has run. Beyond free rows what comes up from the last row holds up the first: rows are not alike.
func attentionCycles(ctx context.Context, k compiler.Kernel, s *compiler.Space, free int) (*PhaseReport, error) {
	for rows := fewestRows; rows < s.SeqRows && s.SeqRows <= free; {
		a, err := runHead(ctx, k, s, rows-2)
		if err != nil {
			return nil, err
		}
		b, err := runHead(ctx, k, s, rows-1)
		if err != nil {
			return nil, err
		}
		c, err := runHead(ctx, k, s, rows)
		if err != nil {
			return nil, err
		}
		d0, d1 := int64(b.report.Cycles-a.report.Cycles), int64(c.report.Cycles-b.report.Cycles)
		if missing := settledCycles - int64(c.report.Cycles); missing > 0 {
			rows += int(missing/d1) + 1
			continue
		}
		rows *= 2
		if float64(max(d0-d1, d1-d0)) <= settledShare*float64(d1) {
			return wholeWafer(s, extend(s, b, c)), nil
		}
	}
	r, err := runHead(ctx, k, s, s.SeqRows)
	if err != nil {
		return nil, err
	}
	return wholeWafer(s, r.phase(s.HeadColumns())), nil
}

// runHead runs one head of a sequence of which only so many rows are there.
func runHead(ctx context.Context, k compiler.Kernel, s *compiler.Space, rows int) (*headRun, error) {
	one, n := *s, s.HeadColumns()
	one.Groups, one.Sequences, one.SeqRows, one.Columns = 1, 1, rows, n
	one.Model.Heads, one.Model.DModel = 1, s.Model.HeadWidth()
	one.Feat = s.Feat[:n+1]
	l, err := k.Layout(&one, 1, rows)
	if err != nil {
		return nil, err
	}
	r, err := RunLayout(ctx, l, s.Target, LayoutOptions{Windows: mostOfStep})
	if err != nil {
		return nil, fmt.Errorf("%s, one head of %d rows: %w", k.Name(), rows, err)
	}
	return &headRun{rows, r}, nil
}

// phase is the run as a report of its own columns and rows.
func (r *headRun) phase(columns int) *PhaseReport {
	return &PhaseReport{
		Cycles: int64(r.report.Cycles), FMACs: r.report.FMACs, Hops: r.report.Hops,
		Grid: Grid{PeriodX: columns, PeriodY: r.rows, Cells: r.report.PEs, Wavelets: r.report.Routed.in(), Windows: r.report.Windows},
	}
}

// extend lengthens run b to all rows of a sequence; a is one row shorter.
func extend(s *compiler.Space, a, b *headRun) *PhaseReport {
	n, short, rows := s.HeadColumns(), b.rows, s.SeqRows
	p := &PhaseReport{
		Cycles: int64(b.report.Cycles) + int64(rows-short)*int64(b.report.Cycles-a.report.Cycles),
		FMACs:  extendPairs(a.report.FMACs, b.report.FMACs, short, rows),
		Hops:   extendPairs(a.report.Hops, b.report.Hops, short, rows),
		Grid:   Grid{PeriodX: n, PeriodY: rows, Cells: make([]pe.StateCycles, n*rows), Wavelets: make([]int64, n*rows)},
	}
	in := func(r *headRun, y, c int) int64 { return r.report.Routed.across[y*n+c] }
	at := func(r *headRun, y, c int) pe.StateCycles { return r.report.PEs[y*n+c] }
	for y := range rows {
		for c := range n {
			var cell, step pe.StateCycles
			var entered, more int64
			times := 0 // rows beyond the one run
			switch {
			case y == rows-1: // the last row ends chains
				cell, step, times = at(b, short-1, c), at(a, short-2, c), rows-short
				entered, more = in(b, short-1, c), in(a, short-2, c)
			case y >= short-1:
				cell, step, times = at(b, short-2, c), at(b, short-3, c), y-(short-2)
				entered, more = in(b, short-2, c), in(b, short-3, c)
			default:
				cell, entered = at(b, y, c), in(b, y, c)
			}
			if times > 0 {
				last := cell
				cell.Add(last, int64(times))
				cell.Add(step, -int64(times))
			}
			p.Grid.Wavelets[y*n+c] = entered + int64(times)*(entered-more)
			for i := range cell { // waits vary by a few cycles from block to block
				cell[i] = max(cell[i], 0)
			}
			cell[pe.Idle] = 0
			cell[pe.Idle] = p.Cycles - cell.Total()
			p.Grid.Cells[y*n+c] = cell
		}
	}
	p.Grid.Windows = extendWindows(b, n, p)
	return p
}

// extendWindows cuts the time of a lengthened run. A row does what that of the run did which it was made
// from, and then, evenly, what it has beyond that; then it is idle.
func extendWindows(b *headRun, n int, p *PhaseReport) []Window {
	rows, run := p.Grid.PeriodY, b.report
	s := newSampler(len(p.Grid.Cells), mostOfStep)
	if s == nil || len(run.Windows) == 0 {
		return nil
	}
	for s.every*int64(s.most) < p.Cycles {
		s.every *= 2
	}
	for y := range rows {
		from := y
		switch {
		case y == rows-1:
			from = b.rows - 1
		case y >= b.rows-1:
			from = b.rows - 2
		}
		for c := range n {
			i, like := y*n+c, from*n+c
			cell := p.Grid.Cells[i]
			s.next[i] = s.every
			if s.every >= p.Cycles {
				continue
			}
			var at pe.StateCycles
			now, work := int64(0), cell.Total()-cell[pe.Idle]
			for k := range run.Windows {
				next := at
				next.Add(run.Windows[k].Cells[like], 1)
				next[pe.Idle] = 0
				end := next.Total()
				if end > work {
					break
				}
				if end > now {
					s.reach(i, end, next)
				}
				at, now = next, end
			}
			if last := minus(cell, pe.StateCycles{pe.Idle: cell[pe.Idle]}); work > now {
				s.reach(i, work, last)
			}
		}
	}
	return s.windows(p.Grid.Cells, p.Cycles)
}

// extendPairs lengthens a count that is a number per row and another per pair of rows, the
// later of which meets the earlier one's keys: a is the count of n-1 rows, b that of n.
func extendPairs(a, b int64, n, rows int) int64 {
	pairs := func(n int) int64 { return int64(n) * int64(n-1) / 2 }
	perPair := (int64(n)*(b-a) - b) / pairs(n)
	perRow := (b - a) - int64(n-1)*perPair
	return int64(rows)*perRow + pairs(rows)*perPair
}

// wholeWafer counts one head for all.
func wholeWafer(s *compiler.Space, p *PhaseReport) *PhaseReport {
	n := int64(s.Model.Heads) * int64(s.Sequences) * int64(s.Groups)
	p.FMACs *= n
	p.Hops *= n
	return p
}
