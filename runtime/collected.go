package runtime

import "cs2sim.dev/pe"

// collected is the report of a kernel whose PEs send one block each up their column, row after
// row. All begin together and fill the buffers; a block moves on when the one before has passed
// its router, so that the edge takes one wavelet of every column after the other, as fast as
// the link does.
func (f *folding) collected(first *rowRun) *PhaseReport {
	s := f.s
	rows, columns, groups := s.Rows(), s.Columns, int64(s.Groups)
	var n, all []int64
	begin := int64(first.Cycles)
	for _, o := range first.Out {
		n = append(n, int64(len(o.Arrivals)))
		all = append(all, int64(rows*len(o.Arrivals)))
		begin = min(begin, int64(o.Arrivals[0].Cycle))
	}
	link := newTurns(s.Target.IORate(), s.Groups, all)
	link.rested = 1 // while the first wavelets came
	out := func(c int, k int64) int64 { return begin + link.at(s.Groups-1, c, k) }

	p := &PhaseReport{}
	for c := range columns {
		p.Cycles = max(p.Cycles, out(c, all[c]-1))
		p.EdgeOut += groups * all[c]
	}
	p.Hops = groups * first.Hops * int64(rows) * int64(rows+1) / 2
	p.FMACs = groups * int64(rows) * first.FMACs
	p.Grid = Grid{PeriodX: columns, PeriodY: rows, Cells: make([]pe.StateCycles, rows*columns)}
	for y := range rows {
		for c := range columns {
			at := first.PEs[c]
			sent := out(c, max(0, int64(y+1)*n[c]-1-f.underWay(y, link.per(columns) > 1)))
			blocked := max(0, sent-first.end(c))
			at[pe.BlockedOut] += blocked
			at[pe.Idle] += p.Cycles - int64(first.Cycles) - blocked
			p.Grid.Cells[y*columns+c] = at
		}
	}
	return p
}

// underWay is how many wavelets are between the PE of row y and the edge when its last is sent:
// full buffers behind a slow link, else those of its own router and the next, which filled
// while the rows before sent, and one per hop.
func (f *folding) underWay(y int, slow bool) int64 {
	c := f.s.Target.Fabric(1, 1)
	buffer := int64(c.BufferDepth + c.HopCycles - 1)
	ramp := int64(c.BufferDepth + c.RampCycles + 1)
	switch {
	case slow:
		return ramp + int64(y)*buffer + int64(c.QueueWords+c.HopCycles)
	case y == 0:
		return 0
	}
	return ramp + buffer + int64(y-1)*f.hop
}
