package runtime

import (
	"context"
	"fmt"
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// gradientPhase forms the gradient of a matrix of MemoryX, and of its bias.
type gradientPhase struct {
	m    *Store
	k    *compiler.WeightGrad
	w    *matrix // outputs: features on the bus; inputs: the columns' own
	grad []float32
	bias []float32 // nil: none
}

func newGradientPhase(m *Store, k *compiler.WeightGrad) (*gradientPhase, error) {
	u := streamedUse{param: k.Param, bias: k.Bias, rows: k.Rows, transposed: !k.ByDY(), zeros: true}
	u.y, u.x = k.Sides()
	f := &gradientPhase{m: m, k: k, w: m.matrix(u)}
	if m.Params != nil {
		f.grad = m.Grad(k.Param)
		if k.Bias != "" {
			f.bias = m.Grad(k.Bias)
		}
	}
	return f, nil
}

func (f *gradientPhase) feed(l *compiler.Layout) {
	l.Ingress[0].Next = newGradStream(f.k, f.w, f.m.Space.Tokens).stream()
}

// each visits the sums of one column in the order in which they leave it.
func (f *gradientPhase) each(c int, sum func(to *float32) error) error {
	s := newGradStream(f.k, f.w, f.m.Space.Tokens)
	var bits []uint64
	for j := range s.features {
		bits = s.row(j, bits)
		hi := f.w.inBounds[c+1]
		for k := nextBit(bits, f.w.inBounds[c], hi); k < hi; k = nextBit(bits, k+1, hi) {
			to := &f.bias
			at := k
			if j != s.biasRow {
				to, at = &f.grad, f.w.at(j, k)
			}
			if err := sum(&(*to)[at]); err != nil {
				return err
			}
		}
		if s.ownsBias(j, c) {
			if err := sum(&f.bias[j]); err != nil {
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

// values forms each sum in the order of the machine: over a PE's tokens, then up the column
// from the last row, then over the groups.
func (f *gradientPhase) values(h *Host) error {
	sent, own := f.k.Sides()
	tokens := h.Space.HostTokens()
	x, a := h.Tensor(sent), h.Tensor(own)
	dot := newTokenDot(h.Space)
	var bits []uint64
	for j := range f.w.out {
		xj := x[j*tokens:][:tokens]
		bits = f.w.row(j, bits)
		for k := nextBit(bits, 0, f.w.in); k < f.w.in; k = nextBit(bits, k+1, f.w.in) {
			f.grad[f.w.at(j, k)] += dot.sum(a[k*tokens:][:tokens], xj)
		}
	}
	if f.bias == nil {
		return nil
	}
	ones := make([]float32, tokens)
	for i := range ones {
		ones[i] = 1
	}
	dy := h.Tensor(f.k.DY)
	for j := range f.bias {
		f.bias[j] += dot.sum(ones, dy[j*tokens:][:tokens])
	}
	return nil
}

// tokenDot is the dot product of two features over all token places, in the machine's order.
type tokenDot struct {
	groups, tokens, rows int
	rowSums              []float32
}

func newTokenDot(s *compiler.Space) *tokenDot {
	return &tokenDot{s.Groups, s.Tokens, s.Rows(), make([]float32, s.Rows())}
}

func (d *tokenDot) sum(a, b []float32) (sum float32) {
	for g := range d.groups {
		for i := range d.tokens {
			at := (g*d.tokens + i) * d.rows
			product(d.rowSums, a[at:], b[at:], i > 0)
		}
		column := d.rowSums[d.rows-1]
		for y := d.rows - 2; y >= 0; y-- {
			column += d.rowSums[y]
		}
		if g == 0 {
			sum = column
		} else {
			sum += column
		}
	}
	return sum
}

// product is sums = a*b, or sums += a*b, element by element.
func product(sums, a, b []float32, accumulate bool) {
	a, b = a[:len(sums)], b[:len(sums)]
	for i := range sums {
		p := float32(a[i] * b[i])
		if accumulate {
			p = sums[i] + p
		}
		sums[i] = p
	}
}

// cycles simulates one PE row of one group, the last, and unfolds it. The rows north of it do the
// same, each later by what a sum takes to the next row; what waits for no sum, by a hop.
func (f *gradientPhase) cycles(ctx context.Context) (*PhaseReport, error) {
	s := f.m.Space
	l, err := f.k.Layout(s, 1, 1)
	if err != nil {
		return nil, err
	}
	f.feed(l)
	wires := s.Target.Fabric(s.Target.Width(), s.Target.Height())
	l.OutRate /= float64(s.Groups) // every group sends as much
	above := s.Rows() - 1
	for i := range l.Out {
		l.Out[i].Hold = above * (wires.BufferDepth + wires.RampCycles + 1 + wires.BufferDepth + wires.HopCycles - 1 + wires.QueueWords + wires.RampCycles)
	}
	one, err := RunLayout(ctx, l, s.Target, LayoutOptions{CountOnly: true})
	if err != nil {
		return nil, err
	}
	link := int64(1 + wires.RampCycles + wires.HopCycles + wires.RampCycles) // from a sum's use to its use in the next row
	end := max(int64(one.LastOut)+link*int64(above), int64(one.Cycles)+int64(wires.HopCycles*above))
	late := end - int64(one.Cycles)
	rows, groups := int64(s.Rows()), int64(s.Groups)
	r := &PhaseReport{
		Cycles: end,
		FMACs:  one.FMACs * rows * groups,
		EdgeIn: one.EdgeIn, EdgeOut: one.EdgeOut * groups,
		Grid: Grid{PeriodX: s.Columns, PeriodY: 1, Skew: -late / max(1, int64(above))},
	}
	bus := one.Hops - one.EdgeOut
	r.Hops = groups * (rows*(bus+one.EdgeOut) + int64(above)*one.EdgeIn)
	for _, c := range one.PEs {
		c[pe.WaitWeight] += late
		r.Grid.Cells = append(r.Grid.Cells, c)
	}
	return r, nil
}
