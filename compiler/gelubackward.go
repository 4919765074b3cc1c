package compiler

import "cs2sim.dev/pe"

// Name is the kernel's word in tables and traces.
func (k *GELUBackward) Name() string { return "gelu backward" }

// Scratch is what the kernel needs beside its tiles: the slope at a feature's tokens, in fp32.
func (k *GELUBackward) Scratch(s *Space) Scratch {
	return Scratch{S: s.Tokens * pe.F32.Words()}
}

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *GELUBackward) Layout(s *Space, groups, rows int) (*Layout, error) {
	b, t := stepLayout(k, s, groups, rows), s.Tokens
	r := newColumnRole(b, s, "gelu backward")
	f := r.Reg("feature", 0)
	x, dy, dx := k.X.array(r.Role, t), k.DY.array(r.Role, t), k.DX.array(r.Role, t)
	slope := r.Fixed("slope", pe.F32, k.at.S, t)
	run := r.Local("gelu backward")
	r.Start(run)
	JumpIf(run, f, pe.GE, r.features, "end")
	run.Label("feature")
	_, op := geluOps(s.Model.Activation)
	run.Special(op, t, slope.All(), x.By(f, t))
	run.FMul(t, dx.By(f, t), dy.By(f, t), slope.All())
	run.Add(f, 1, 0)
	JumpIf(run, f, pe.LT, r.features, "feature")
	run.Label("end")
	run.Halt()
	r.placeAll(b, s, k.X, groups, rows)
	return b.Build()
}
