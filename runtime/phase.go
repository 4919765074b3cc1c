package runtime

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// phase is one kernel of a training step with the MemoryX it talks to. The wavelet engine runs
// the kernel's layout between feed and collect; the stream engine computes the same values in
// the same order (values) and the cycles of the folded machine (cycles).
type phase interface {
	// feed attaches MemoryX to the edge inputs of the kernel's layout.
	feed(l *compiler.Layout)
	// collect takes what left over the edge.
	collect(out []EdgeData) error
	// values does the arithmetic of all PEs on the host's tensors, and what MemoryX does.
	values(h *Host) error
	// cycles is what the phase costs on the whole wafer.
	cycles(ctx context.Context) (*PhaseReport, error)
}

// PhaseReport is what one phase did on the used rectangle of Groups*Columns x Rows PEs.
type PhaseReport struct {
	Cycles  int64 // from the launch of the kernel to quiescence
	FMACs   int64 // by all PEs, padding included
	Hops    int64 // router to router
	EdgeIn  int64 // wavelets over the I/O link, multicast counted once
	EdgeOut int64
	Grid    Grid
	Links   *LinkTable // nil: not asked for
}

// Grid holds the cycles by state of every PE of the used rectangle by classes that do the same:
// PE (x, y) is in the cell (x % PeriodX, y % PeriodY), each sums to the phase's cycles. Row y starts
// Skew*y cycles later than its cell says: it waits for weights longer and is idle less at the end.
//
// With Spare > 0 the cells start over in every group of Columns PEs, whose last Spare PEs do
// not repeat: they are all in a cell of their own behind the others of their row.
type Grid struct {
	PeriodX, PeriodY int
	Columns, Spare   int
	Cells            []pe.StateCycles // [PeriodY][Stride]
	Skew             int64
	Wavelets         []int64          // [PeriodY rows, or all rows][Stride] into the PE's router from other routers or the edge; nil: not counted
	Shift            []pe.StateCycles // per row, added to its PEs' cells: what waits longer is idle less; nil: nothing
	ShiftLast        []pe.StateCycles // the same for the last column of each period alone
	Windows          []Window         // of the phase's time; nil: not cut, or not asked for
}

// Stride is how many cells a row has.
func (g *Grid) Stride() int {
	if g.Spare > 0 {
		return g.PeriodX + 1
	}
	return g.PeriodX
}

// column is the cell of column x.
func (g *Grid) column(x int) int {
	if g.Spare > 0 {
		if x %= g.Columns; x >= g.Columns-g.Spare {
			return g.PeriodX
		}
	}
	return x % g.PeriodX
}

// At is the cycles by state of the PE in column x and row y.
func (g *Grid) At(x, y int) pe.StateCycles {
	s := g.Cells[y%g.PeriodY*g.Stride()+g.column(x)]
	s[pe.WaitWeight] += g.Skew * int64(y)
	s[pe.Idle] -= g.Skew * int64(y)
	if g.Shift != nil {
		s.Add(g.Shift[y], 1)
	}
	if g.ShiftLast != nil && x%g.PeriodX == g.PeriodX-1 {
		s.Add(g.ShiftLast[y], 1)
	}
	return s
}

// Routed is how many wavelets entered the router of the PE in column x and row y; -1 if that was
// not counted.
func (g *Grid) Routed(x, y int) int64 {
	if g.Wavelets == nil {
		return -1
	}
	rows := len(g.Wavelets) / g.Stride()
	return g.Wavelets[y%rows*g.Stride()+g.column(x)]
}

// Sum adds up width x height PEs.
func (g *Grid) Sum(width, height int) (sum pe.StateCycles) {
	members := make([]int64, g.Stride()) // columns of each cell
	for x := range width {
		members[g.column(x)]++
	}
	for cy := range min(g.PeriodY, height) {
		ny := int64((height - cy + g.PeriodY - 1) / g.PeriodY)
		for cx, nx := range members {
			sum.Add(g.Cells[cy*g.Stride()+cx], nx*ny)
		}
	}
	late := g.Skew * int64(width) * int64(height) * int64(height-1) / 2
	sum[pe.WaitWeight] += late
	sum[pe.Idle] -= late
	if g.Shift != nil {
		for _, r := range g.Shift[:height] {
			sum.Add(r, int64(width))
		}
	}
	if g.ShiftLast != nil {
		for _, r := range g.ShiftLast[:height] {
			sum.Add(r, int64(width/g.PeriodX))
		}
	}
	return sum
}

// newPhase binds a kernel to MemoryX.
func newPhase(m *Store, k compiler.Kernel) (phase, error) {
	switch k := k.(type) {
	case *compiler.LayerNorm:
		return &layerNorm{m, k}, nil
	case *compiler.LayerNormBackward:
		return &layerNormBackward{m, k}, nil
	case *compiler.GELU:
		return &gelu{m, k}, nil
	case *compiler.GELUBackward:
		return &geluBackward{m, k}, nil
	case *compiler.Embed:
		return &embed{m, k}, nil
	case *compiler.EmbedBackward:
		return &embedBackward{m, k}, nil
	case *compiler.Readout:
		return &readout{m, k}, nil
	case *compiler.LossChunk:
		return &lossChunk{m, k}, nil
	case *compiler.LossReduce:
		return &lossReduce{m, k}, nil
	case *compiler.LossBackward:
		return &lossBackward{m, k}, nil
	case *compiler.Attention:
		return &attention{m.Space, k}, nil
	case *compiler.AttentionBackward:
		return &attentionBackward{m.Space, k}, nil
	case *compiler.Linear:
		return newLinearPhase(m, k)
	case *compiler.WeightGrad:
		return newGradientPhase(m, k)
	}
	return nil, fmt.Errorf("runtime: no phase for kernel %s", k.Name())
}
