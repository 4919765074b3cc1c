package trace

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// Step is a report of a training step and what to call it.
type Step struct {
	Experiment string  // outermost frame: pretrain, finetune
	Name       string  // "pretrain 75 %"; tells it from the others of a trace
	Sparsity   float64 // of the masked matrices
	Report     *runtime.StepReport
}

// maxStepCells bounds the cells of one step: some 20 bytes each in the file.
const maxStepCells = 1 << 20

// Run makes the run of one micro-batch: a barrier and a phase for each phase of the report.
func (s Step) Run() *Run {
	step := s.Report.Step
	sp := step.Space
	r := &Run{
		Experiment: Clean(s.Experiment), Name: Clean(s.Name), Sparsity: s.Sparsity, Machine: MachineOf(sp.Target), Cycles: s.Report.Cycles,
		Place: Place{
			Width: sp.Groups * sp.Columns, Height: sp.Rows(), Groups: sp.Groups, Columns: sp.Columns,
			Tokens: sp.Tokens, SeqRows: sp.SeqRows, Features: sp.Feat,
		},
	}
	r.Machine.Name = Clean(r.Machine.Name)
	var grids []*runtime.PhaseReport
	kinds := map[*runtime.PhaseReport]int{}
	for _, p := range s.Report.Phases {
		if _, ok := kinds[p]; !ok {
			kinds[p] = len(grids)
			grids = append(grids, p)
		}
	}
	limit, every := limitFor(grids, sp.Groups, maxStepCells), everyFor(gridWindows(grids, sp.Groups), maxWindowCells)
	r.Kinds = make([]Kind, len(grids), len(grids)+1)
	together(len(grids), func(i int) {
		k := &r.Kinds[i]
		*k = r.kind(&grids[i].Grid, grids[i].Cycles, limit)
		k.merge(every)
	})
	var links []*runtime.LinkTable
	for _, g := range grids {
		links = append(links, g.Links)
	}
	r.setLinks(links)
	r.Kinds = append(r.Kinds, r.barrier(s.Report.Switch))
	at := int64(0)
	for i, p := range s.Report.Phases {
		ph := step.Phases[i]
		one := Phase{
			Name: Clean(ph.Name), Layer: ph.Layer, LayerName: layerName(ph.Layer), Op: Clean(opOf(ph)), Pass: string(ph.Pass),
			Kernel: SwitchKernel, Start: at, Cycles: s.Report.Switch, Kind: len(grids),
		}
		r.Phases = append(r.Phases, one)
		at += one.Cycles
		one.Start, one.Cycles, one.Kernel, one.Kind = at, p.Cycles, Clean(ph.Kernel.Name()), kinds[p]
		one.FMACs, one.Hops, one.EdgeIn, one.EdgeOut = p.FMACs, p.Hops, p.EdgeIn, p.EdgeOut
		r.Phases = append(r.Phases, one)
		at += one.Cycles
	}
	if len(s.Report.Phases) < len(step.Phases) {
		r.Of = 2 * len(step.Phases)
	}
	// A region is taken from the barrier before its first phase on.
	for _, m := range step.Plan.Places {
		if first, last := 2*m.First, min(2*m.Last+1, len(r.Phases)-1); first <= last {
			r.Memory = append(r.Memory, Region{Clean(m.Name), 2 * m.Base, 2 * m.Words, first, last})
		}
	}
	r.code(sp.Target)
	return r
}

// limitFor is the most cells a grid may have so that all of them have no more than so many: the
// largest ones give way.
func limitFor(grids []*runtime.PhaseReport, groups, cells int) int {
	var sizes []int
	for _, g := range grids {
		sizes = append(sizes, cellsOf(&g.Grid, groups))
	}
	return limitOf(sizes, cells)
}

// cellsOf is how many cells a grid has at most; beside spare columns every group has its own.
func cellsOf(g *runtime.Grid, groups int) int {
	if g.Spare > 0 {
		return len(g.Cells) * groups
	}
	return len(g.Cells)
}

// limitOf is the most one may have so that all together have no more than so many.
func limitOf(sizes []int, cells int) int {
	slices.Sort(sizes)
	for i, n := range sizes {
		if rest := len(sizes) - i; n > cells/rest {
			return cells / rest
		}
		cells -= n
	}
	return math.MaxInt
}

// code is what every kernel's program takes at the bottom of SRAM.
func (r *Run) code(t compiler.Target) {
	if last := len(r.Phases) - 1; last >= 0 {
		r.Memory = append([]Region{{"code, stack, descriptors", 0, int(t.Get("code_bytes")), 0, last}}, r.Memory...)
	}
}

// layerName sorts as the layers do.
func layerName(layer int) string {
	if layer < 0 {
		return "outside of blocks"
	}
	return fmt.Sprintf("block %02d", layer)
}

// opOf is the name of a phase within its layer.
func opOf(ph compiler.Phase) string {
	return strings.TrimPrefix(ph.Name, fmt.Sprintf("h.%d.", ph.Layer))
}

// barrier is a kind in which the used PEs are in overhead, all others idle.
func (r *Run) barrier(cycles int64) Kind {
	k := Kind{Cycles: cycles}
	if r.Place.Width > 0 && r.Place.Height > 0 {
		c := Cell{X: whole(0, r.Place.Width), Y: whole(0, r.Place.Height)}
		c.States[pe.Overhead] = cycles
		k.Cells = append(k.Cells, c)
	}
	k.Cells = append(k.Cells, r.unused(cycles)...)
	return k
}

// whole is the run of places from lo to hi-1.
func whole(lo, hi int) Span { return Span{From: lo, Step: 1, Block: 1, Count: hi - lo} }

// window makes a window of a kind from what so many of its cells, the first ones, did; the others were idle.
func (k *Kind) window(cycles int64, used int, cell func(i int) (pe.StateCycles, Late)) Window {
	w := Window{Cycles: cycles, States: make([]pe.StateCycles, len(k.Cells)), Late: make([]Late, len(k.Cells))}
	for i := range k.Cells {
		if i < used {
			w.States[i], w.Late[i] = cell(i)
		} else {
			w.States[i][pe.Idle] = cycles
		}
	}
	return w
}

// unused are the PEs right of and below those in use.
func (r *Run) unused(cycles int64) (cells []Cell) {
	m, p := r.Machine, r.Place
	add := func(x, y Span) {
		if x.Count > 0 && y.Count > 0 {
			c := Cell{X: x, Y: y}
			c.States[pe.Idle] = cycles
			cells = append(cells, c)
		}
	}
	add(whole(p.Width, m.Width), whole(0, m.Height))
	add(whole(0, p.Width), whole(p.Height, m.Height))
	return cells
}

// Point is a report of a single MatMul and what to call it.
type Point struct {
	Experiment, Name, Layer, Kernel string
	Sparsity                        float64
	Machine                         compiler.Target
	Mapping                         compiler.Mapping
	Features                        []int // input features, by column of a group; see Place
	Memory                          []pe.Alloc
	Report                          *runtime.Report // with Column
}

// Run makes the run of one MatMul: a single phase.
func (p Point) Run() *Run {
	rep := p.Report
	m := MachineOf(p.Machine)
	m.Name = Clean(m.Name)
	r := &Run{
		Experiment: Clean(p.Experiment), Name: Clean(p.Name), Sparsity: p.Sparsity, Machine: m, Cycles: int64(rep.Cycles),
		Place: Place{
			Width: p.Mapping.Groups * p.Mapping.Columns, Height: p.Mapping.Rows, Groups: p.Mapping.Groups,
			Columns: p.Mapping.Columns, Tokens: p.Mapping.Tokens, Features: p.Features,
		},
	}
	k := Kind{Cycles: r.Cycles}
	columns := p.Mapping.Columns
	if rep.Column == nil {
		columns = 0
	}
	for c := range columns {
		cell := Cell{X: Span{c, columns, 1, p.Mapping.Groups}, Y: whole(0, rep.Rows), States: rep.Column[c], Wavelets: NotCounted}
		if rep.Wavelets != nil {
			cell.Wavelets = rep.Wavelets[c]
		}
		if cell.States[pe.Idle] < r.Cycles { // holds features; see Report.Band
			cell.Late.Weights = rep.RowSkew
		}
		k.Cells = append(k.Cells, cell)
	}
	used := len(k.Cells)
	k.Cells = append(k.Cells, r.unused(r.Cycles)...)
	for _, w := range rep.Windows {
		k.Windows = append(k.Windows, k.window(w.Cycles, used, func(c int) (pe.StateCycles, Late) {
			if k.Cells[c].Late == (Late{}) {
				return w.Cells[c], Late{}
			}
			return w.Cells[c], Late{Weights: w.Skew}
		}))
	}
	k.merge(everyFor([]windowed{{len(k.Cells), len(k.Windows), k.Cycles}}, maxWindowCells))
	r.Kinds = []Kind{k}
	r.setLinks([]*runtime.LinkTable{rep.Links})
	layer := Clean(p.Layer)
	r.Phases = []Phase{{
		Cycles: r.Cycles, Name: layer, LayerName: layer, Op: "matmul", Pass: string(compiler.Forward), Kernel: Clean(p.Kernel),
		FMACs: rep.FMACs, Hops: rep.Hops, EdgeIn: rep.EdgeWavelets,
	}}
	for _, a := range p.Memory {
		r.Memory = append(r.Memory, Region{Name: Clean(a.Name), Base: 2 * a.Base, Bytes: a.Bytes()})
	}
	return r
}
