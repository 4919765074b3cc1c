package runtime

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// readout runs compiler.Readout. MemoryX keeps what comes as a host tensor in Store.Read.
type readout struct {
	m *Store
	k *compiler.Readout
}

func (r *readout) feed(*compiler.Layout) {}

func (r *readout) collect(out []EdgeData) error {
	s, x := r.m.Space, r.kept()
	for column, o := range out {
		g, c := column/s.Columns, column%s.Columns
		n := r.k.X.Features(c) * s.Tokens
		if len(o.Arrivals) != s.Rows()*(n+1) {
			return fmt.Errorf("runtime: %s: %d wavelets, must be %d blocks of %d", o.Name, len(o.Arrivals), s.Rows(), n+1)
		}
		for k, a := range o.Arrivals {
			if y, at := k/(n+1), k%(n+1); at < n { // not the end of the block
				f := r.k.X.First(c) + at/s.Tokens
				x[f*s.HostTokens()+s.HostIndex(g, at%s.Tokens, y)] = pe.Value(r.k.X.Type, a.Wavelet.Data)
			}
		}
	}
	return nil
}

// kept is MemoryX's copy of the tile.
func (r *readout) kept() []float32 {
	if r.m.Read == nil {
		r.m.Read = map[*compiler.Tile][]float32{}
	}
	x := r.m.Read[r.k.X]
	if x == nil {
		x = make([]float32, r.k.X.Total()*r.m.Space.HostTokens())
		r.m.Read[r.k.X] = x
	}
	return x
}

func (r *readout) values(h *Host) error {
	copy(r.kept(), h.Tensor(r.k.X))
	return nil
}

func (r *readout) cycles(ctx context.Context) (*PhaseReport, error) {
	f := newFolding(r.m.Space, r.k, r)
	first, err := f.row(ctx, nil)
	if err != nil {
		return nil, err
	}
	return f.collected(first), nil
}
