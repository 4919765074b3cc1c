package runtime

import (
	"context"

	"cs2sim.dev/compiler"
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
		err := eachUnpacked(s, r.k.X, c, o, func(y, f, i int, v float32) {
			x[f*s.HostTokens()+s.HostIndex(g, i, y)] = v
		})
		if err != nil {
			return err
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
