package runtime

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime/vec"
)

// linearPhase streams a matrix of MemoryX.
type linearPhase struct {
	m       *Store
	k       *compiler.Linear
	p       *compiler.Program // of the whole wafer
	w       *matrix
	version int // of the positions in w
}

func newLinearPhase(m *Store, k *compiler.Linear) (*linearPhase, error) {
	s := m.Space
	p, err := k.Program(s, s.Groups, s.Rows())
	if err != nil {
		return nil, err
	}
	return &linearPhase{m: m, k: k, p: p, version: -1}, nil
}

// weights are what MemoryX has to stream now: which values are 0 changes from step to step.
func (f *linearPhase) weights() *matrix {
	k := f.k
	if _, version := f.m.sent(k.Param); version != f.version {
		f.version = version
		f.w = f.m.matrix(streamedUse{param: k.Param, bias: k.Bias, rows: k.Rows, transposed: k.Transposed, x: k.X, y: k.Y})
	}
	return f.w
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
	e.rowEvents = maxKernelEvents
	if err := e.run(ctx, nil); err != nil {
		return nil, err
	}
	r := e.report()
	c := f.p.Mapping.Columns
	return &PhaseReport{
		Cycles: int64(r.Cycles), FMACs: r.FMACs, Hops: r.Hops, EdgeIn: r.EdgeWavelets,
		Grid: Grid{PeriodX: c, PeriodY: 1, Cells: r.Column[:c:c], Skew: r.RowSkew},
	}, nil
}

// values works on the tokens of all PEs at once, each in the order its PE has: for every output
// the products of a column in ascending input, then the columns along the ring.
func (f *linearPhase) values(h *Host) error {
	tokens := h.Space.HostTokens()
	x, y := h.Tensor(f.k.X), h.Tensor(f.k.Y)
	var add []float32
	if f.k.Add != nil {
		add = h.Tensor(f.k.Add)
	}
	host := hostVectors()
	psum, ring := make([]float32, tokens), make([]float32, tokens)
	var bits []uint64
	p, w := f.p, f.weights()
	for _, j := range p.Stream.Rows {
		bits = w.row(j, bits)
		owner, first := p.OwnerOf(j), 0
		if len(p.Ring) > 1 {
			first = p.RingStart(owner)
		}
		clear(ring)
		for n := range p.Ring {
			c := p.Ring[(first+n)%len(p.Ring)]
			loaded := false
			hi := p.InBounds[c+1]
			for k := nextBit(bits, p.InBounds[c], hi); k < hi; k = nextBit(bits, k+1, hi) {
				if v, in := w.value(j, k), x[k*tokens:][:tokens]; loaded {
					host.Axpy(psum, v, in)
				} else {
					host.Scale(psum, v, in)
				}
				loaded = true
			}
			if b := w.value(j, biasInput); c == owner && b != 0 {
				addScalar(psum, b, loaded)
				loaded = true
			}
			switch {
			case !loaded: // the ring passes by
			case n == 0:
				copy(ring, psum)
			default:
				host.Add(ring, ring, psum)
			}
		}
		f.round(host, ring)
		if add != nil { // may be y itself
			host.Add(ring, add[j*tokens:][:tokens], ring)
			f.round(host, ring)
		}
		copy(y[j*tokens:][:tokens], ring)
	}
	return nil
}

// round rounds an output as the owner does.
func (f *linearPhase) round(host vec.Impl, v []float32) {
	if f.k.Y.Type == pe.F16 {
		host.Round16(v, v)
	}
}

// addScalar is psum = w, or psum += w.
func addScalar(psum []float32, w float32, accumulate bool) {
	for i := range psum {
		if !accumulate {
			psum[i] = 0
		}
		psum[i] += w
	}
}
