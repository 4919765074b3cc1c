package runtime

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
)

// gelu and geluBackward run compiler.GELU and compiler.GELUBackward: every PE by itself.
type gelu struct {
	m *Store
	k *compiler.GELU
}

func (g *gelu) feed(*compiler.Layout)    {}
func (g *gelu) collect([]EdgeData) error { return nil }

func (g *gelu) values(h *Host) error {
	on, y, x := h.vectors, h.Tensor(g.k.Y), h.Tensor(g.k.X)
	T := g.m.Space.HostTokens()
	on.each(g.k.X.Total(), func(f int) {
		to := y[f*T : (f+1)*T]
		if g.m.Space.Model.Activation == model.GELUErf {
			on.GeluErf(to, x[f*T:(f+1)*T])
		} else {
			on.Gelu(to, x[f*T:(f+1)*T])
		}
		on.store(g.k.Y.Type, to)
	})
	return nil
}

func (g *gelu) cycles(ctx context.Context) (*PhaseReport, error) {
	return newFolding(g.m.Space, g.k, g).alike(ctx)
}

type geluBackward struct {
	m *Store
	k *compiler.GELUBackward
}

func (g *geluBackward) feed(*compiler.Layout)    {}
func (g *geluBackward) collect([]EdgeData) error { return nil }

func (g *geluBackward) values(h *Host) error {
	on, dy, dx, x := h.vectors, h.Tensor(g.k.DY), h.Tensor(g.k.DX), h.Tensor(g.k.X)
	T := g.m.Space.HostTokens()
	on.eachWith(g.k.X.Total(), T, func(f int, slope []float32) {
		to := dx[f*T : (f+1)*T]
		if g.m.Space.Model.Activation == model.GELUErf {
			on.GeluErfGrad(slope, x[f*T:(f+1)*T])
		} else {
			on.GeluGrad(slope, x[f*T:(f+1)*T])
		}
		on.Mul(to, dy[f*T:(f+1)*T], slope)
		on.store(g.k.DX.Type, to)
	})
	return nil
}

func (g *geluBackward) cycles(ctx context.Context) (*PhaseReport, error) {
	return newFolding(g.m.Space, g.k, g).alike(ctx)
}
