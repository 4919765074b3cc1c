package trace

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

func target(t testing.TB, width, height float64) compiler.Target {
	t.Helper()
	m, err := compiler.Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		key   string
		value float64
	}{{"width", width}, {"height", height}} {
		if m, err = m.With(f.key, f.value); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// drawn are reports of the shapes that kernels give: classes of columns with a skew, of columns
// and rows, rows that are later piece by piece, every PE by itself.
type drawn struct {
	r     *rand.Rand
	space *compiler.Space
}

func (d drawn) cell(cycles int64) (s pe.StateCycles) {
	left := cycles - 16000 // what rows can be late
	for st := pe.Compute; st < pe.NumStates; st++ {
		s[st] = d.r.Int64N(left/2 + 1)
		left -= s[st]
	}
	s[pe.Idle] = left + 16000
	return s
}

func (d drawn) report(shape int) *runtime.PhaseReport {
	rows, columns := d.space.Rows(), d.space.Columns
	p := &runtime.PhaseReport{Cycles: 20000 + d.r.Int64N(1000), FMACs: d.r.Int64N(1e6), Hops: d.r.Int64N(1e6), EdgeIn: d.r.Int64N(1e5), EdgeOut: d.r.Int64N(1e5)}
	g := runtime.Grid{PeriodX: columns, PeriodY: 1}
	switch shape {
	case 0: // linear
		g.Skew = 1
	case 1: // attention: heads alike, rows of a sequence not
		g.PeriodY = d.space.SeqRows
	case 2: // down the columns and up again
		g.Shift, g.ShiftLast = make([]pe.StateCycles, rows), make([]pe.StateCycles, rows)
		for y := range rows {
			late, up := int64(max(0, y-2)), int64(7*(rows-1-y))
			g.Shift[y] = Late{late, max(0, up-20)}.times(1)
			g.ShiftLast[y] = Late{0, up}.times(1)
		}
	case 4: // weight gradient: rows later and later upwards, and the first and last route other wavelets
		g.Skew = -7
		for y := range rows {
			for range columns {
				n := int64(1000)
				if y == 0 || y == rows-1 {
					n = 900
				}
				g.Wavelets = append(g.Wavelets, n)
			}
		}
	case 3: // the wavelet engine
		g.PeriodX, g.PeriodY = d.space.Groups*columns, rows
	}
	for y := range g.PeriodY {
		for x := range g.PeriodX {
			if c := d.space.HeadColumns; shape == 1 && x >= c { // as the first head
				g.Cells = append(g.Cells, g.Cells[y*g.PeriodX+x-c])
				continue
			}
			g.Cells = append(g.Cells, d.cell(p.Cycles))
		}
	}
	if shape == 4 { // what the first row waits is the last window
		for i := range g.Cells {
			g.Cells[i][pe.Idle] -= int64(rows-1) * 7
			g.Cells[i][pe.WaitWeight] += int64(rows-1) * 7
		}
	}
	if shape != 2 {
		g.Windows = d.windows(&g, p.Cycles, int64(rows-1)*g.Skew)
	}
	p.Grid = g
	d.links(p)
	return p
}

// windows cuts the life of every cell, in which each state comes twice and idleness last, at the same
// cycles; a skew of rows is the last window.
func (d drawn) windows(g *runtime.Grid, cycles, stagger int64) []runtime.Window {
	const n = 12
	late := pe.StateCycles{pe.Idle: stagger}
	if stagger < 0 {
		stagger = -stagger
		late = pe.StateCycles{pe.WaitWeight: stagger}
	}
	cuts := []int64{0}
	for i := range n - 1 {
		cuts = append(cuts, (cycles-stagger)*int64(i+1)/n+d.r.Int64N(100))
	}
	cuts = append(cuts, cycles-stagger)
	out := make([]runtime.Window, n)
	for i := range out {
		out[i] = runtime.Window{Cycles: cuts[i+1] - cuts[i], Cells: make([]pe.StateCycles, len(g.Cells))}
	}
	for c, cell := range g.Cells {
		cell.Add(late, -1)
		now := int64(0)
		spend := func(st pe.State, left int64) {
			for i := range out {
				if k := min(left, cuts[i+1]-now); k > 0 {
					out[i].Cells[c][st] += k
					now, left = now+k, left-k
				}
			}
		}
		for half := range int64(2) {
			for st := pe.Compute; st < pe.NumStates; st++ {
				spend(st, (cell[st]+half)/2)
			}
		}
		spend(pe.Idle, cell[pe.Idle])
	}
	if stagger > 0 {
		last := runtime.Window{Cycles: stagger, Skew: g.Skew, Cells: make([]pe.StateCycles, len(g.Cells))}
		for c := range last.Cells {
			last.Cells[c] = late
		}
		out = append(out, last)
	}
	return out
}

// step is a report with phases of several layers, those of the same shape alike.
func step(t testing.TB, m compiler.Target, layers int, seed uint64, sparsity float64) Step {
	t.Helper()
	cfg := model.Config{Name: "small", Layers: layers, DModel: 24, Heads: 3, DFF: 40, Vocabulary: 33, SequenceLength: 10}
	s, err := compiler.NewSpace(cfg, m, model.Mixed, compiler.Spread{HeadColumns: 2, Tokens: 3})
	if err != nil {
		t.Fatal(err)
	}
	d := drawn{rand.New(rand.NewPCG(seed, 1)), s}
	r := &runtime.StepReport{Step: &compiler.Step{Space: s, Train: true}, Switch: 500}
	width, height := s.Groups*s.Columns, s.Rows()
	used, all := int64(width)*int64(height), int64(m.Width())*int64(m.Height())
	do := func(name string, layer int, pass compiler.Pass, k compiler.Kernel, p *runtime.PhaseReport) {
		r.Step.Phases = append(r.Step.Phases, compiler.Phase{Name: name, Layer: layer, Pass: pass, Kernel: k})
		r.Phases = append(r.Phases, p)
		r.Cycles += p.Cycles + r.Switch
		r.States.Add(p.Grid.Sum(width, height), 1)
	}
	attention := d.report(1)
	do("embed", -1, compiler.Forward, &compiler.Embed{}, d.report(3))
	for l := range layers {
		do(fmt.Sprintf("h.%d.mlp.fc", l), l, compiler.Forward, &compiler.Linear{}, d.report(0))
		do(fmt.Sprintf("h.%d.attn", l), l, compiler.Forward, &compiler.Attention{}, attention)
	}
	do("loss", -1, compiler.Forward, &compiler.LossReduce{}, d.report(2))
	for l := layers - 1; l >= 0; l-- {
		do(fmt.Sprintf("h.%d.attn", l), l, compiler.Recompute, &compiler.Attention{}, attention)
		do(fmt.Sprintf("h.%d.mlp.fc", l), l, compiler.Backward, &compiler.WeightGrad{}, d.report(4))
	}
	last := len(r.Phases) - 1
	r.Step.Plan.Places = []compiler.Placed{{Name: "ones", Base: 4000, Words: 8, Last: last}, {Name: "x.0", Base: 5000, Words: 64, First: 1, Last: last - 1}}
	r.States[pe.Overhead] += r.Switch * int64(len(r.Phases)) * used
	r.States[pe.Idle] += (all - used) * r.Cycles
	return Step{Experiment: "pretrain", Name: fmt.Sprintf("pretrain %g %%", 100*sparsity), Sparsity: sparsity, Report: r}
}

// steps are a dense and a sparse one on a machine that is larger than what they use.
func steps(t testing.TB) []Step {
	m := target(t, 15, 11)
	return []Step{step(t, m, 2, 1, 0), step(t, m, 2, 2, 0.75)}
}

func runs(t testing.TB) (out []*Run) {
	for _, s := range steps(t) {
		out = append(out, s.Run())
	}
	return out
}
