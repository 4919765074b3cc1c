package compiler

import (
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// Name is the kernel's word in tables and traces.
func (k *GELU) Name() string { return "gelu" }

// Scratch is what the kernel needs beside its tiles.
func (k *GELU) Scratch(s *Space) Scratch { return Scratch{} }

// Layout is the program of the first rows PE rows of the first groups token groups: one
// instruction over the whole tile.
func (k *GELU) Layout(s *Space, groups, rows int) (*Layout, error) {
	b := stepLayout(k, s, groups, rows)
	r := newColumnRole(b, s, "gelu")
	x, y := k.X.array(r.Role, s.Tokens), k.Y.array(r.Role, s.Tokens)
	run := r.Local("gelu")
	r.Start(run)
	value, _ := geluOps(s.Model.Activation)
	run.Special(value, 1, y.All(), x.All()).Count(r.elements).LoadDSDs()
	run.Halt()
	r.placeAll(b, s, k.X, groups, rows)
	return b.Build()
}

// geluOps are the instructions of a form of GELU and of its derivative.
func geluOps(a model.Activation) (value, slope pe.Op) {
	if a == model.GELUErf {
		return pe.FGELUErf, pe.FGELUErfSlope
	}
	return pe.FGELU, pe.FGELUSlope
}

// placeAll runs the role on every PE of the first rows of the first groups.
func (r *columnRole) placeAll(b *Builder, s *Space, t *Tile, groups, rows int) {
	for x := range groups * s.Columns {
		r.place(b, Area{x, 0, x + 1, rows}, t.Features(x%s.Columns), s.Tokens)
	}
}
