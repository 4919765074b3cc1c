package kernels

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// summa broadcasts, in step s, the blocks of A in column s along the rows and the blocks of B in
// row s along the columns. One color per matrix serves all senders: each router goes through three
// switch positions (from lower PEs, from its own, from higher ones), moved on by the control wavelet that
// ends a broadcast: at the sender, and at the next one.
func (k GEMM) summa(b *compiler.Builder, core pe.Config, src, dst pe.Type) func(px, py int) {
	var colors [2]fabric.Color
	for i, ln := range lines() {
		if k.Mesh == 1 {
			break
		}
		colors[i] = b.Color(ln.name, "blocks of the sender of the step")
		for other := range k.Mesh {
			for at := range k.Mesh {
				p := ln.place(at, other)
				b.Route(colors[i], compiler.At(p.X, p.Y), k.broadcasts(ln, at))
			}
		}
	}
	r := b.Role("summa")
	column, row := k.summaProgram(r, core, src, dst, colors)
	return func(px, py int) {
		at := compiler.At(px, py)
		b.Place(r, at)
		b.Param(at, column, px)
		b.Param(at, row, py)
	}
}

// broadcasts is the route of a line's color at PE number at.
func (k GEMM) broadcasts(ln line, at int) fabric.Route {
	low, high, ramp := fabric.Ports(ln.towards), fabric.Ports(ln.back), fabric.Ports(fabric.Ramp)
	if at == 0 {
		return fabric.Route{Positions: []fabric.Position{{Rx: ramp, Tx: high}, {Rx: high, Tx: ramp}}}
	}
	if at == k.Mesh-1 {
		return fabric.Route{Positions: []fabric.Position{{Rx: low, Tx: ramp}, {Rx: ramp, Tx: low}}}
	}
	return fabric.Route{Positions: []fabric.Position{{Rx: low, Tx: high | ramp}, {Rx: ramp, Tx: low | high}, {Rx: high, Tx: low | ramp}}}
}

// summaProgram exchanges A, then B, then multiplies. The control wavelet that ends a
// broadcast triggers what follows it.
func (k GEMM) summaProgram(r *compiler.Role, core pe.Config, src, dst pe.Type, colors [2]fabric.Color) (column, row compiler.Reg) {
	m := k.blocks(r, core, src, dst)
	column, row = r.Reg("column", 0), r.Reg("row", 0)
	exchange := [2]*compiler.Task{r.Local("exchange a"), r.Local("exchange b")}
	multiply := r.Local("multiply")
	follows := [2]*compiler.Task{exchange[1], multiply}
	size := m.nb * m.nb
	for i, x := range [2]struct {
		block    compiler.Array
		use, own compiler.Reg
	}{{m.a, m.aUse, column}, {m.b, m.bUse, row}} {
		t := exchange[i]
		if k.Mesh == 1 {
			t.Activate(follows[i])
			continue
		}
		compiler.JumpIf(t, m.step, pe.EQ, x.own, "send")
		compiler.Mov(t, x.use, size)
		t.FMov(size, x.block.From(size), pe.In(src, colors[i])).LoadDSDs()
		t.Jump("out")
		t.Label("send")
		compiler.Mov(t, x.use, 0)
		t.FMov(size, pe.Out(src, colors[i]), x.block.All()).LoadDSDs()
		t.SendControl(colors[i], 0, fabric.SwitchAdvance, fabric.SwitchAdvance)
		t.Activate(follows[i])
		t.Label("out")
		r.Control("end of "+x.block.Name, colors[i], 0).Activate(follows[i])
	}
	r.Start(exchange[0])
	m.multiply(multiply)
	m.finish(multiply, exchange[0], k.Mesh)
	return column, row
}
