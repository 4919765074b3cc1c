package kernels

import (
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// cannon moves blocks of A west and of B north by one PE per step, around the mesh at its
// edge, while the blocks before are multiplied. Blocks are loaded where the first step needs them: block
// (i, i+j) of A and (i+j, j) of B at PE (j, i).
func (k GEMM) cannon(b *compiler.Builder, core pe.Config, src, dst pe.Type) func(px, py int) {
	type ring struct {
		hop    [2]fabric.Color
		around fabric.Color
	}
	var rings [2]ring
	for i, ln := range lines() {
		if k.Mesh == 1 {
			break
		}
		rings[i] = ring{
			[2]fabric.Color{b.Color(ln.name+" even", "blocks that leave even PEs"), b.Color(ln.name+" odd", "blocks that leave odd PEs")},
			b.Color(ln.name+" around", "blocks from the first PE to the last"),
		}
		for other := range k.Mesh {
			for at := 1; at < k.Mesh; at++ {
				b.Wire(rings[i].hop[at%2], ln.place(at, other), ln.place(at-1, other))
			}
			b.Wire(rings[i].around, ln.place(0, other), ln.place(k.Mesh-1, other))
		}
	}
	roles := map[string]*compiler.Role{}
	return func(px, py int) {
		name := ""
		for _, at := range [2]int{px, py} {
			name += fmt.Sprintf("first=%t last=%t odd=%d ", at == 0, at == k.Mesh-1, at%2)
		}
		r := roles[name]
		if r == nil {
			var in, out [2]fabric.Color
			for i, at := range [2]int{px, py} {
				in[i], out[i] = rings[i].hop[(at+1)%2], rings[i].hop[at%2]
				if at == 0 {
					out[i] = rings[i].around
				}
				if at == k.Mesh-1 {
					in[i] = rings[i].around
				}
			}
			r = b.Role(name, 1, 1, 1, 1)
			roles[name] = r
			k.cannonProgram(r, core, src, dst, in, out)
		}
		b.Place(r, compiler.At(px, py))
	}
}

// cannonProgram shifts with four microthreads and multiplies meanwhile; a step ends when all
// five are done.
func (k GEMM) cannonProgram(r *compiler.Role, core pe.Config, src, dst pe.Type, in, out [2]fabric.Color) {
	m := k.blocks(r, core, src, dst)
	free := r.Reg("other block", 0)
	size := m.nb * m.nb
	step, last, next := r.Local("step"), r.Local("last"), r.Local("next")
	if k.Mesh > 1 {
		r.Start(step)
	} else {
		r.Start(last)
	}
	for i, x := range [2]struct {
		block compiler.Array
		use   compiler.Reg
	}{{m.a, m.aUse}, {m.b, m.bUse}} {
		if k.Mesh == 1 {
			break
		}
		compiler.Calc(step, pe.ISub, free, size, x.use)
		receive := step.FMov(size, x.block.By(free, 1), pe.In(src, in[i])).On(1 + 2*i).LoadDSDs()
		send := step.FMov(size, pe.Out(src, out[i]), x.block.By(x.use, 1)).On(2 + 2*i).LoadDSDs()
		for _, c := range []struct {
			*compiler.Instr
			name string
		}{{receive, "received"}, {send, "sent"}} {
			fin := r.Local(c.name + " " + x.block.Name)
			c.ThenActivate(fin)
			m.oneDone(fin, next)
		}
	}
	m.multiply(step)
	m.oneDone(step, next)

	m.swap(next, m.aUse)
	m.swap(next, m.bUse)
	next.Add(m.step, 1, 0)
	compiler.JumpIf(next, m.step, pe.GE, k.Mesh-1, "last")
	next.Activate(step)
	next.Jump("out")
	next.Label("last")
	next.Activate(last)
	next.Label("out")

	m.multiply(last)
	last.Timestamp("end", m.clock)
	last.Halt()
}

// oneDone counts the five parts of a step.
func (m blocks) oneDone(t, next *compiler.Task) {
	t.Add(m.done, 1, 0)
	compiler.JumpIf(t, m.done, pe.LT, 5, "wait")
	compiler.Mov(t, m.done, 0)
	t.Activate(next)
	t.Label("wait")
}
