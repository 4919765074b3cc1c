package runtime

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// gelu and geluBackward run compiler.GELU and compiler.GELUBackward: every PE by itself.
type gelu struct {
	m *Store
	k *compiler.GELU
}

func (g *gelu) feed(*compiler.Layout)    {}
func (g *gelu) collect([]EdgeData) error { return nil }

func (g *gelu) values(h *Host) error {
	y := h.Tensor(g.k.Y)
	for i, v := range h.Tensor(g.k.X) {
		y[i] = pe.Round(g.k.Y.Type, pe.GELU(v))
	}
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
	dy, dx := h.Tensor(g.k.DY), h.Tensor(g.k.DX)
	for i, v := range h.Tensor(g.k.X) {
		dx[i] = pe.Round(g.k.DX.Type, float32(dy[i]*pe.GELUSlope(v)))
	}
	return nil
}

func (g *geluBackward) cycles(ctx context.Context) (*PhaseReport, error) {
	return newFolding(g.m.Space, g.k, g).alike(ctx)
}
