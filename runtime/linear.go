package runtime

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
)

// linearPhase streams a matrix of MemoryX.
type linearPhase struct {
	m *Store
	k *compiler.Linear
	p *compiler.Program // of the whole wafer

	plan *linearPlan // of values
}

func newLinearPhase(m *Store, k *compiler.Linear) (*linearPhase, error) {
	s := m.Space
	p, err := k.Program(s, s.Groups, s.Rows())
	if err != nil {
		return nil, err
	}
	return &linearPhase{m: m, k: k, p: p}, nil
}

// weights are what MemoryX has to stream now: which values are 0 changes from step to step.
func (f *linearPhase) weights() *matrix {
	k := f.k
	return f.m.matrix(streamedUse{param: k.Param, bias: k.Bias, rows: k.Rows, transposed: k.Transposed, x: k.X, y: k.Y})
}

func (f *linearPhase) feed(l *compiler.Layout) { l.Ingress[0].Next = newMemoryX(f.p, f.weights()).next }

func (f *linearPhase) collect(out []EdgeData) error {
	if len(out) > 0 {
		return fmt.Errorf("linear %s: %d edge outputs, it has none", f.k.Param, len(out))
	}
	return nil
}

// cycles folds rows and groups, see streamEngine.
func (f *linearPhase) cycles(ctx context.Context) (*PhaseReport, error) {
	w := f.weights()
	e := newFoldedEngine(f.p, w, w.nonZeros())
	e.rowEvents, e.most, e.countLinks = maxKernelEvents, windowsOf(ctx), traced(ctx)
	if err := e.run(ctx, nil); err != nil {
		return nil, err
	}
	r := e.report()
	c := f.p.Mapping.Columns
	return &PhaseReport{
		Cycles: int64(r.Cycles), FMACs: r.FMACs, Hops: r.Hops, EdgeIn: r.EdgeWavelets, Links: e.links(),
		Grid: Grid{PeriodX: c, PeriodY: 1, Cells: r.Column[:c:c], Skew: r.RowSkew, Wavelets: r.Wavelets[:c:c], Windows: r.Windows},
	}, nil
}
