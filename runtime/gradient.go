package runtime

import (
	"context"
	"fmt"
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// gradientPhase forms the gradient of a matrix of MemoryX, and of its bias.
type gradientPhase struct {
	m *Store
	k *compiler.WeightGrad

	w    *matrix // outputs: features on the bus; inputs: the columns' own
	mask *model.Pattern

	plan *gradientPlan // of values
}

func newGradientPhase(m *Store, k *compiler.WeightGrad) (*gradientPhase, error) {
	return &gradientPhase{m: m, k: k}, nil
}

// positions are the mask's, whatever the weights there are.
func (f *gradientPhase) positions() *matrix {
	mask, _ := f.m.positions(f.k.Param)
	if f.w == nil || mask != f.mask {
		u := streamedUse{param: f.k.Param, rows: f.k.Rows, transposed: !f.k.ByDY(), zeros: true}
		if f.k.ByDY() { // else the bias is a feature of the bus
			u.bias = f.k.Bias
		}
		u.y, u.x = f.k.Sides()
		f.w, f.mask = f.m.matrix(u), mask
	}
	return f.w
}

func (f *gradientPhase) stream() *gradStream {
	return newGradStream(f.k, f.positions(), f.m.Space.Tokens)
}

// bias is the gradient of the bias, nil if there is none.
func (f *gradientPhase) bias() []float32 {
	if f.k.Bias == "" {
		return nil
	}
	return f.m.Grad(f.k.Bias)
}

func (f *gradientPhase) feed(l *compiler.Layout) { l.Ingress[0].Next = f.stream().next() }

// each visits the sums of one column in the order in which they leave it.
func (f *gradientPhase) each(c int, sum func(to *float32) error) error {
	s := f.stream()
	grad, bias := f.m.Grad(f.k.Param), f.bias()
	var bits []uint64
	for j := range s.features {
		bits = s.row(j, bits)
		hi := s.w.inBounds[c+1]
		for k := nextBit(bits, s.w.inBounds[c], hi); k < hi; k = nextBit(bits, k+1, hi) {
			var to *float32
			if j == s.biasRow {
				to = &bias[k]
			} else {
				to = &grad[s.w.at(j, k)]
			}
			if err := sum(to); err != nil {
				return err
			}
		}
		if s.ownsBias(j, c) {
			if err := sum(&bias[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect adds the groups' sums in ascending order, and them to what earlier micro-batches gave.
func (f *gradientPhase) collect(out []EdgeData) error {
	s := f.m.Space
	for c := range s.Columns {
		n := 0
		err := f.each(c, func(to *float32) error {
			var sum float32
			for g := range s.Groups {
				from := out[g*s.Columns+c]
				if n >= len(from.Arrivals) {
					return fmt.Errorf("weight gradient %s: %s: %d sums left, there are more positions", f.k.Param, from.Name, n)
				}
				v := math.Float32frombits(from.Arrivals[n].Wavelet.Data)
				if g == 0 {
					sum = v
				} else {
					sum += v
				}
			}
			*to += sum
			n++
			return nil
		})
		if err != nil {
			return err
		}
		for g := range s.Groups {
			if from := out[g*s.Columns+c]; len(from.Arrivals) != n {
				return fmt.Errorf("weight gradient %s: %s: %d sums left, want %d", f.k.Param, from.Name, len(from.Arrivals), n)
			}
		}
	}
	return nil
}

// maxKernelEvents is less than a second of one core: a step has dozens of kernels.
const maxKernelEvents = 1e6

// cycles simulates one PE row of one group, the last, and unfolds it. The rows north of it do the
// same, each later by what a sum takes to the next row; what waits for no sum, by a hop. Small
// rows are simulated wavelet by wavelet, others by recurrences.
func (f *gradientPhase) cycles(ctx context.Context) (*PhaseReport, error) {
	if f.m.Params == nil {
		defer func() { f.w = nil }() // the bits of all masks of a model would not fit in memory
	}
	l, err := f.oneRow()
	if err != nil {
		return nil, err
	}
	if f.events() < maxKernelEvents {
		return f.byWavelet(ctx, l)
	}
	return f.byRecurrence(ctx, l)
}

// oneRow is the layout of one PE row of one group, with its share of the I/O link.
func (f *gradientPhase) oneRow() (*compiler.Layout, error) {
	s := f.m.Space
	l, err := f.k.Layout(s, 1, 1)
	if err != nil {
		return nil, err
	}
	f.feed(l)
	wires := s.Target.Fabric(s.Target.Width(), s.Target.Height())
	l.OutRate /= float64(s.Groups) // every group sends as much
	// A row can be behind the one south of it by the positions on the way between them, which are
	// fewer than the sums there could be.
	for i := range l.Out {
		l.Out[i].Hold = (s.Rows() - 1) * (wires.BufferDepth + wires.HopCycles - 1 + wires.QueueWords + wires.RampCycles)
	}
	return l, nil
}

// events estimates the wavelets of one row, as if dense: positions, features and sums.
func (f *gradientPhase) events() int64 {
	features, columns := int64(f.k.Features()), int64(f.m.Space.Columns)
	return features*int64(f.positions().in)*2 + features*int64(f.m.Space.Tokens)*columns*2
}

func (f *gradientPhase) byWavelet(ctx context.Context, l *compiler.Layout) (*PhaseReport, error) {
	one, err := RunLayout(ctx, l, f.m.Space.Target, LayoutOptions{CountOnly: true, Unstalled: true, Windows: windowsOf(ctx)})
	if err != nil {
		return nil, err
	}
	r := f.unfold(one.PEs, one.Windows, one.Routed, one.EdgeOut, int64(one.Cycles), int64(one.LastOut))
	if one.counted {
		r.Links = f.links(l, one.Routed)
	}
	return r, nil
}

func (f *gradientPhase) byRecurrence(ctx context.Context, l *compiler.Layout) (*PhaseReport, error) {
	e := newGradientFold(f, l, windowsOf(ctx))
	if err := e.run(ctx); err != nil {
		return nil, err
	}
	end, out := e.finish()
	var cells []pe.StateCycles
	in := newRouted(len(e.cols))
	for i := range e.cols {
		cells = append(cells, e.cols[i].states)
		in.up[i] = e.bus[i].sums
		in.down[i] = e.bus[i].sums + int64(f.k.Features()+1)
		in.across[i] = int64(f.k.Features())*int64(f.m.Space.Tokens) - e.values(i)
	}
	r := f.unfold(cells, e.samples.windows(cells, end), in, e.total, end, out)
	if traced(ctx) {
		r.Links = f.links(l, in)
	}
	return r, nil
}

// unfold makes the report of the wafer from one row's: its PEs, their windows, the positions it has, its cycles,
// and the cycle in which the last sum left it.
func (f *gradientPhase) unfold(cells []pe.StateCycles, windows []Window, in *routed, positions, cycles, out int64) *PhaseReport {
	s := f.m.Space
	wires := s.Target.Fabric(s.Target.Width(), s.Target.Height())
	rows, groups, columns, tokens := int64(s.Rows()), int64(s.Groups), int64(s.Columns), int64(s.Tokens)
	features, above := int64(f.k.Features()), rows-1
	link := int64(1 + wires.RampCycles + wires.HopCycles + wires.RampCycles) // from a sum's use to its use in the next row
	end := max(out+link*above, cycles+int64(wires.HopCycles)*above)
	late := end - cycles
	// Where the link is behind, the rows wait for it one after the other, the first to the end.
	idle := int64(0)
	if above > 0 {
		idle = cells[0][pe.Idle]
		for _, c := range cells {
			idle = min(idle, c[pe.Idle])
		}
	}
	r := &PhaseReport{
		Cycles: end,
		FMACs:  positions * tokens * rows * groups,
		EdgeIn: positions + columns*(features+1), EdgeOut: positions * groups,
		Grid: Grid{PeriodX: s.Columns, PeriodY: 1, Skew: -(late + idle) / max(1, above), Wavelets: in.multicast(s.Rows())},
	}
	r.Hops = groups * (rows*(features*tokens*(columns-1)+positions) + above*r.EdgeIn)
	for _, c := range cells {
		c[pe.WaitWeight] += late + idle
		c[pe.Idle] -= idle
		r.Grid.Cells = append(r.Grid.Cells, c)
	}
	r.Grid.Windows = staggered(windows, idle, end, r.Grid.Cells, r.Grid.Skew)
	return r
}
