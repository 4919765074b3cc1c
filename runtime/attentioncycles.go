package runtime

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// Cycles of attention. Heads, sequences and groups are alike and touch none of each other's wires, so one
// head of one sequence is run, by the kernel's own layout on the wavelet engine, with a column beside it
// where some have no head. Of its rows only the first are run: every row meets a block of every row, one of them its own; a block costs the same whichever
// row's it is, but for those behind the own one, which meet a query fewer. So from some row on each further
// row adds the same to the run. Runs of growing sequences show from which. Zeros do as values: no cycle
// depends on them.
//
// A row that is slower than the others by a few cycles per block can hide that until the buffers between
// them are full or empty, which takes some hundred cycles in all. A run that is much longer than this
// has it behind it, or it is too little to matter.

const (
	fewestRows    = 6       // the first two, the last and three between them
	settledCycles = 1 << 16 // of a run that is long against what buffers can hide
	settledShare  = 1e-3    // most difference of two rows' additions to such a run,
	settledSlack  = 16      // or cycles, by which odd and even rows differ anyhow
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
		a, err := runHead(ctx, k, s, rows-2, LayoutOptions{Unstalled: true})
		if err != nil {
			return nil, err
		}
		b, err := runHead(ctx, k, s, rows-1, LayoutOptions{Unstalled: true})
		if err != nil {
			return nil, err
		}
		c, err := runHead(ctx, k, s, rows, LayoutOptions{Unstalled: true, Windows: 2 * windowsOf(ctx)}) // cut anew when lengthened
		if err != nil {
			return nil, err
		}
		d0, d1 := int64(b.report.Cycles-a.report.Cycles), int64(c.report.Cycles-b.report.Cycles)
		if missing := settledCycles - int64(c.report.Cycles); missing > 0 {
			rows += int(missing/d1) + 1
			continue
		}
		rows *= 2
		if float64(max(d0-d1, d1-d0)) <= max(settledSlack, settledShare*float64(d1)) {
			p := extend(s, b, c)
			if c.report.counted {
				p.Links = headLinks(s, c, extendLinks(s, b, c), false)
			}
			return wholeWafer(s, p), nil
		}
	}
	r, err := runHead(ctx, k, s, s.SeqRows, LayoutOptions{Windows: windowsOf(ctx)})
	if err != nil {
		return nil, err
	}
	p := r.phase()
	if r.report.counted {
		p.Links = headLinks(s, r, r.report.Links, true)
	}
	return wholeWafer(s, p), nil
}

// runHead runs one head of a sequence of which only so many rows are there. Stalls of a whole sequence do not follow from
// those of some rows, which go without.
func runHead(ctx context.Context, k compiler.Kernel, s *compiler.Space, rows int, o LayoutOptions) (*headRun, error) {
	one := *s
	one.Groups, one.Sequences, one.SeqRows, one.Columns = 1, 1, rows, s.HeadColumns
	if s.AllHeads() < s.Columns {
		one.Columns++
	}
	one.Model.Heads, one.Model.DModel = 1, s.Model.HeadWidth()
	l, err := k.Layout(&one, 1, rows)
	if err != nil {
		return nil, err
	}
	r, err := RunLayout(ctx, l, s.Target, o)
	if err != nil {
		return nil, fmt.Errorf("%s, one head of %d rows: %w", k.Name(), rows, err)
	}
	return &headRun{rows, r}, nil
}

// phase is the run as a report of its own columns and rows.
func (r *headRun) phase() *PhaseReport {
	return &PhaseReport{
		Cycles: int64(r.report.Cycles), FMACs: r.report.FMACs, Hops: r.report.Hops,
		Grid: Grid{PeriodX: r.report.Layout.Width, PeriodY: r.rows, Cells: r.report.PEs, Wavelets: r.report.Routed.in(), Windows: r.report.Windows},
	}
}

// alike is the row of a run of fewer rows that a row of a whole sequence is like, and what it does more.
type alike struct {
	row     int
	shorter int // the same row of a run one row shorter: of the difference it does
	times   int // so many times more
	before  int // and so many times more the difference of rows mid and mid-1
	mid     int
}

// alikeIn says so of row y, for a run of short of the rows: the first rows are like its first, the last like
// its last, and those between do the same whichever they are, for every row before and every row behind.
func alikeIn(y, short, rows int) alike {
	m := alike{row: y, shorter: y, times: rows - short, mid: short / 2}
	switch {
	case y >= rows-(short-m.mid):
		m.row = y - m.times
		m.shorter = m.row - 1
	case y >= m.mid:
		m.row, m.shorter, m.before = m.mid-1, m.mid-1, y-(m.mid-1)
	}
	return m
}

// extend lengthens run b to all rows of a sequence; a is one row shorter.
func extend(s *compiler.Space, a, b *headRun) *PhaseReport {
	n, short, rows := b.report.Layout.Width, b.rows, s.SeqRows
	p := &PhaseReport{
		Cycles: int64(b.report.Cycles) + int64(rows-short)*int64(b.report.Cycles-a.report.Cycles),
		FMACs:  extendPairs(a.report.FMACs, b.report.FMACs, short, rows),
		Hops:   extendPairs(a.report.Hops, b.report.Hops, short, rows),
		Grid:   Grid{PeriodX: n, PeriodY: rows, Cells: make([]pe.StateCycles, n*rows), Wavelets: make([]int64, n*rows)},
	}
	at := func(r *headRun, y, c int) pe.StateCycles { return r.report.PEs[y*n+c] }
	in := func(r *headRun, y, c int) int64 { return r.report.Routed.across[y*n+c] }
	for y := range rows {
		m := alikeIn(y, short, rows)
		for c := range n {
			cell, step, more := at(b, m.row, c), at(b, m.row, c), at(b, m.mid, c)
			step.Add(at(a, m.shorter, c), -1)
			more.Add(at(b, m.mid-1, c), -1)
			cell.Add(step, int64(m.times))
			cell.Add(more, int64(m.before))
			p.Grid.Cells[y*n+c] = fit(cell, p.Cycles)
			p.Grid.Wavelets[y*n+c] = in(b, m.row, c) + int64(m.times)*(in(b, m.row, c)-in(a, m.shorter, c)) + int64(m.before)*(in(b, m.mid, c)-in(b, m.mid-1, c))
		}
	}
	p.Grid.Windows = extendWindows(b, p)
	return p
}

// fit makes a PE's states sum to the cycles: waits vary by a few cycles from block to block, and
// what is extended of them need not add up. Where they are too long all are cut alike.
func fit(cell pe.StateCycles, cycles int64) pe.StateCycles {
	var busy, waits int64
	cell[pe.Idle] = 0
	for i, n := range cell {
		if pe.State(i).Busy() {
			busy += n
		} else {
			cell[i] = max(n, 0)
			waits += cell[i]
		}
	}
	if room := cycles - busy; waits > room {
		for i, n := range cell {
			if !pe.State(i).Busy() {
				cell[i] = n * room / waits
			}
		}
	}
	cell[pe.Idle] = cycles - cell.Total()
	return cell
}

// extendWindows cuts the time of a lengthened run. A row begins as that of run b does which it was made from, ends
// as that one ends, and does in between, evenly, what it has more.
func extendWindows(b *headRun, p *PhaseReport) []Window {
	n, rows, run := p.Grid.PeriodX, p.Grid.PeriodY, b.report
	if len(run.Windows) == 0 {
		return nil
	}
	s := newSampler(len(p.Grid.Cells), mostOfStep).lasting(p.Cycles - 1)
	if s == nil {
		return nil
	}
	more := p.Cycles - int64(run.Cycles)
	for y := range rows {
		from := alikeIn(y, b.rows, rows).row
		for c := range n {
			i, like := y*n+c, from*n+c
			var begun pe.StateCycles
			now := int64(0)
			for k := range run.Windows {
				begun.Add(run.Windows[k].Cells[like], 1)
				now += run.Windows[k].Cycles
				at := begun
				if 2*now > int64(run.Cycles) {
					at.Add(p.Grid.Cells[i], 1)
					at.Add(run.PEs[like], -1)
					s.reach(i, now+more, &at)
				} else {
					s.reach(i, now, &at)
				}
			}
		}
	}
	return s.windows(p.Grid.Cells, p.Cycles)
}

// extendPairs lengthens a count that is a number per row and another per pair of rows: a is the
// count of n-1 rows, b that of n.
func extendPairs(a, b int64, n, rows int) int64 {
	pairs := func(n int) int64 { return int64(n) * int64(n-1) / 2 }
	perPair := (int64(n)*(b-a) - b) / pairs(n)
	perRow := (b - a) - int64(n-1)*perPair
	return int64(rows)*perRow + pairs(rows)*perPair
}

// wholeWafer counts one head for all, and the column beside it for all that have none.
func wholeWafer(s *compiler.Space, p *PhaseReport) *PhaseReport {
	n := int64(s.Model.Heads) * int64(s.Sequences) * int64(s.Groups)
	p.FMACs *= n
	p.Hops *= n
	if s.AllHeads() < s.Columns {
		p.Grid.PeriodX = s.HeadColumns
		p.Grid.Columns, p.Grid.Spare = s.Columns, s.Columns-s.AllHeads()
	}
	return p
}
