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
	link := newTurns(s.Target.IORate(), f.portCycles(), s.Groups, all)
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
	p.Links = f.rowLinks(first, rowsOwn)
	p.Grid.Wavelets = first.Routed.unfold(rows, func(int) int { return 0 }, func(y int) int { return rows - 1 - y })
	for y := range rows {
		for c := range columns {
			at := first.PEs[c]
			blocked := int64(0)
			if room, under := f.underWay(y, link.per(columns) > 1); n[c] > room {
				k := max(0, int64(y+1)*n[c]-1-under)
				blocked = max(0, out(c, k)-first.end(c))
			}
			at[pe.BlockedOut] += blocked
			at[pe.Idle] += p.Cycles - int64(first.Cycles) - blocked
			p.Grid.Cells[y*columns+c] = at
		}
	}
	return p
}

// underWay is how many wavelets of row y's PE its own router and the next hold before the rows
// above have sent theirs, and how many are between the PE and the edge when its last is sent:
// full buffers behind a slow link, else one per hop beyond those two.
func (f *folding) underWay(y int, slow bool) (room, all int64) {
	c := f.s.Target.Fabric(1, 1)
	buffer := int64(c.BufferDepth + c.HopCycles - 1)
	edge := int64(c.QueueWords + c.HopCycles)
	room = int64(c.BufferDepth + c.RampCycles + 1)
	switch {
	case y == 0 && slow:
		return room + edge, room + edge
	case y == 0:
		return room, 0
	case slow:
		return room + buffer, room + int64(y)*buffer + edge
	}
	return room + buffer, room + buffer + int64(y-1)*f.hop
}
