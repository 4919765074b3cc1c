package runtime

import (
	"context"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// blocks is a kernel that gets one block of wavelets per row and port from the north, row after
// row; the rows take them as they come. The first row may hold up the link until its PEs are
// ready; when a later row's block comes, its PEs wait for it.
type blocks struct {
	*folding
	first, last *rowRun
	turns       *turns
	n           []int64   // wavelets of a block, per port of a group
	early       [][]int64 // per port: when the first wavelets pass the border router
}

// blocks runs the first row and the last, that of the group whose turn is last.
func (f *folding) blocks(ctx context.Context) (*blocks, error) {
	f.apart = true
	b := &blocks{folding: f}
	var err error
	if b.first, err = f.row(ctx, nil); err != nil {
		return nil, err
	}
	rate, groups, rows := f.s.Target.IORate(), f.s.Groups, int64(f.s.Rows())
	var all []int64
	for _, passed := range b.first.passed {
		b.n, all = append(b.n, int64(len(passed))), append(all, rows*int64(len(passed)))
	}
	b.turns = newTurns(rate, f.portCycles(), groups, all)
	for p := range b.n {
		b.early = append(b.early, b.begin(p))
	}
	hold := make([][]fabric.Cycle, len(b.n))
	for p, n := range b.n {
		for j := range n {
			k := (rows-1)*n + j
			at := b.turns.at(groups-1, p, k)
			if rows > 1 {
				at = b.passed(p, k) + f.hop*(rows-2)
			}
			hold[p] = append(hold[p], fabric.Cycle(at))
		}
	}
	b.last, err = f.row(ctx, hold)
	return b, err
}

// begin is when the first wavelets of port p pass the border router, until they do so at a
// constant delay after their turn. A wavelet enters in its turn and when the one its buffer's
// length before it has passed; the turns behind wait too. The first row's block passed as the
// run says, one wavelet follows the other.
func (b *blocks) begin(p int) (pass []int64) {
	own := b.first.passed[p]
	depth := int(b.s.Target.Get("buffer_depth")) + int(b.hop) - 1
	shift, still := int64(0), 0
	for k := 0; k < int(b.n[p])*b.s.Rows() && still <= depth; k++ {
		turn := b.turns.at(b.s.Groups-1, p, int64(k))
		enter := turn + shift
		if k >= depth {
			enter = max(enter, pass[k-depth]+1)
		}
		shift = enter - turn
		at := enter + b.hop
		if k < len(own) {
			at = max(at, int64(own[k]))
		} else {
			at = max(at, pass[k-1]+1)
		}
		pass = append(pass, at)
		if k < len(own) || at-turn != pass[k-1]-b.turns.at(b.s.Groups-1, p, int64(k-1)) {
			still = 0
		} else {
			still++
		}
	}
	return pass
}

// passed is when port p's k-th wavelet passes the border router.
func (b *blocks) passed(p int, k int64) int64 {
	early := b.early[p]
	if k < int64(len(early)) {
		return early[k]
	}
	last := int64(len(early) - 1)
	g := b.s.Groups - 1
	return early[last] + b.turns.at(g, p, k) - b.turns.at(g, p, last)
}

// through is when the block of row y has passed the row's router.
func (b *blocks) through(p, y int) int64 {
	return b.passed(p, int64(y+1)*b.n[p]-1) + b.hop*int64(y)
}

// count sums up what the run of a row counted, and the hops of the blocks to their rows.
func (b *blocks) count(p *PhaseReport) {
	rows, groups := int64(b.s.Rows()), int64(b.s.Groups)
	p.FMACs = groups * rows * b.first.FMACs
	p.EdgeIn = groups * rows * b.first.EdgeIn
	p.Hops = groups*rows*b.first.Hops + groups*rows*(rows-1)/2*b.first.EdgeIn
	n := int(rows)
	p.Grid.Wavelets = b.first.Routed.unfold(n, func(y int) int { return n - y }, func(y int) int { return min(1, n-1-y) })
}

// report is of a kernel with a port for every column, whose PEs do nothing but take their block.
func (b *blocks) report() *PhaseReport {
	rows, columns := b.s.Rows(), b.s.Columns
	p := &PhaseReport{Cycles: max(b.first.workEnd(), b.last.workEnd())}
	p.Grid = Grid{PeriodX: columns, PeriodY: rows, Cells: make([]pe.StateCycles, rows*columns)}
	b.count(p)
	p.Links = b.rowLinks(b.first, sameForAll)
	for y := range rows {
		for c := range columns {
			early := b.through(c, rows-1) - b.through(c, y)
			run := b.last
			if b.last.end(c)-early <= b.first.end(c) { // the block was there when the PE was ready
				run, early = b.first, 0
			}
			at := run.PEs[c]
			at[pe.WaitWeight] -= early
			at[pe.Idle] += early + p.Cycles - int64(run.Cycles)
			p.Grid.Cells[y*columns+c] = at
		}
	}
	return p
}

// skew is that of a kernel with one port per group, whose rows do the same work and then wait
// for their block: a row whose block comes during the work is not late.
func (b *blocks) skew() *skew {
	rows := b.s.Rows()
	k := &skew{first: b.first, end: b.first.workEnd(), late: make([]int64, rows)}
	if rows == 1 {
		k.end = b.last.workEnd() // of the last group
		k.late[0] = max(0, k.end-b.first.workEnd())
		return k
	}
	k.end = max(k.end, b.last.workEnd())
	after := func(y int) int64 { return b.through(0, y) - b.through(0, 0) }
	slack := after(rows-1) - (k.end - b.first.workEnd())
	for y := range rows {
		k.late[y] = max(0, after(y)-slack)
	}
	return k
}

// rowByRow is the report of such a kernel.
func (f *folding) rowByRow(ctx context.Context) (*PhaseReport, error) {
	b, err := f.blocks(ctx)
	if err != nil {
		return nil, err
	}
	k := b.skew()
	p := f.unfold(k, k.end)
	b.count(p)
	return p, nil
}
