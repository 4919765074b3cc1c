package kernels

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// GEMM is C = A B of n x n on a mesh of P x P, a block of each on every PE, padded with zeros
// where P does not divide n.
type GEMM struct {
	Algorithm string // "cannon": blocks move around rings; "summa": blocks are broadcast
	N, Mesh   int
	Precision string // "fp32" (also ""), "mixed" or "fp16"
}

func (k GEMM) block() int { return (k.N + k.Mesh - 1) / k.Mesh }

// blocks are the arrays of a PE: two blocks each of A and B, one in use and one to receive
// into, and one of C; and the registers that tell which.
type blocks struct {
	nb          int
	a, b, c     compiler.Array
	aUse, bUse  compiler.Reg // first element of the blocks in use
	aNext, row  compiler.Reg
	bRow, bEnd  compiler.Reg
	v, step     compiler.Reg
	clock, done compiler.Reg
	src         pe.Type
}

// Layout builds the program of the algorithm.
func (k GEMM) Layout(t compiler.Target) (*compiler.Layout, error) {
	if k.N < 1 || k.Mesh < 1 {
		return nil, fmt.Errorf("gemm: n = %d on a mesh of %d, must be at least 1 each", k.N, k.Mesh)
	}
	src, dst, err := formats(k.Precision)
	if err != nil {
		return nil, fmt.Errorf("gemm: %w", err)
	}
	b := compiler.NewBuilder("gemm "+k.Algorithm, t, k.Mesh, k.Mesh)
	var place func(px, py int)
	skew := 0
	switch k.Algorithm {
	case "cannon":
		place, skew = k.cannon(b, t.Core(), src, dst), 1
	case "summa":
		place = k.summa(b, t.Core(), src, dst)
	default:
		return nil, fmt.Errorf("gemm: algorithm %q, must be cannon or summa", k.Algorithm)
	}
	for py := range k.Mesh {
		for px := range k.Mesh {
			place(px, py)
		}
	}
	if !b.Wanted() {
		return b.Build()
	}
	nb, ar, br := k.block(), newMatrix(k.N, k.Mesh, 1, src), newMatrix(k.N, k.Mesh, 2, src)
	b.LoadEach("a", func(px, py int) []float32 { return ar.block(py, (px+skew*py)%k.Mesh, nb) })
	b.LoadEach("b", func(px, py int) []float32 { return br.block((py+skew*px)%k.Mesh, px, nb) })
	return b.Build()
}

// blocks allocates a role's arrays and registers. Rows of B and C are read together.
func (k GEMM) blocks(r *compiler.Role, core pe.Config, src, dst pe.Type) blocks {
	nb := k.block()
	a, b := r.Array("a", src, 2*nb*nb), r.Array("b", src, 2*nb*nb)
	c := apart(r, core, "c", dst, nb*nb, b, 0)
	return blocks{
		nb: nb, a: a, b: b, c: c, src: src,
		aUse: r.Reg("a in use", 0), bUse: r.Reg("b in use", 0), aNext: r.Reg("element of a", 0), row: r.Reg("row of c", 0),
		bRow: r.Reg("row of b", 0), bEnd: r.Reg("end of b", 0), v: r.Reg("v", 0), step: r.Reg("step", 0),
		clock: r.Reg("clock", 0), done: r.Reg("done", 0),
	}
}

// multiply adds the product of the blocks in use to C: one FMAC of a row of B per element of A.
func (m blocks) multiply(t *compiler.Task) {
	element := m.a.By(m.aNext, 1)
	element.Advance = 1
	bRow := m.b.By(m.bRow, 1)
	bRow.Advance = m.nb
	compiler.Mov(t, m.aNext, m.aUse)
	compiler.Mov(t, m.row, 0)
	compiler.Calc(t, pe.IAdd, m.bEnd, m.bUse, m.nb*m.nb)
	t.Label("row")
	compiler.Mov(t, m.bRow, m.bUse)
	t.Label("element")
	t.Read(m.v, element)
	t.FMac(m.nb, m.c.By(m.row, 1), bRow, pe.Register(m.src, int(m.v)))
	compiler.JumpIf(t, m.bRow, pe.LT, m.bEnd, "element")
	t.Add(m.row, m.nb, 0)
	compiler.JumpIf(t, m.row, pe.LT, m.nb*m.nb, "row")
}

// swap puts the other block of a matrix in use.
func (m blocks) swap(t *compiler.Task, use compiler.Reg) {
	compiler.Calc(t, pe.ISub, use, m.nb*m.nb, use)
}

// finish ends the program if all steps are done, else goes on.
func (m blocks) finish(t, next *compiler.Task, steps int) {
	t.Add(m.step, 1, 0)
	compiler.JumpIf(t, m.step, pe.GE, steps, "end")
	t.Activate(next)
	t.Jump("out")
	t.Label("end")
	t.Timestamp("end", m.clock)
	t.Halt()
	t.Label("out")
}

// Run multiplies. Cycles end at the last PE; the spread is over PEs.
func (k GEMM) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	r, err := execute(ctx, k, t)
	if err != nil {
		return nil, err
	}
	out := &Result{Report: r}
	nb := k.block()
	want, err := k.reference(ctx)
	if err != nil {
		return nil, err
	}
	for py := range k.Mesh {
		for px := range k.Mesh {
			end, _ := r.Stamp(px, py, "end")
			out.Spread.add(int64(end), py*k.Mesh+px)
			out.Mismatches += differ(r.Read(px, py, "c"), want.block(py, px, nb))
		}
	}
	out.Cycles = out.Spread.Max
	return out, nil
}

// reference is the plain loop in the machine's order of blocks.
func (k GEMM) reference(ctx context.Context) (matrix, error) {
	src, dst, _ := formats(k.Precision)
	a, b, nb := newMatrix(k.N, k.Mesh, 1, src), newMatrix(k.N, k.Mesh, 2, src), k.block()
	c := matrix{n: k.N, side: a.side, v: make([]float32, len(a.v))}
	for i := range c.side {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		for j := range c.side {
			first := 0
			if k.Algorithm == "cannon" {
				first = i/nb + j/nb
			}
			var sum float32
			for s := range k.Mesh {
				from := (first + s) % k.Mesh * nb
				for kk := from; kk < from+nb; kk++ {
					sum = multiplyAdd(dst, sum, b.v[kk*b.side+j], a.v[i*a.side+kk])
				}
			}
			c.v[i*c.side+j] = sum
		}
	}
	return c, nil
}

// line is the direction blocks of one matrix move in.
type line struct {
	name          string
	towards, back fabric.Port // to lower coordinates, and to higher ones
	place         func(i, other int) fabric.Coord
}

func lines() [2]line {
	return [2]line{
		{"a", fabric.West, fabric.East, func(i, other int) fabric.Coord { return fabric.Coord{X: i, Y: other} }},
		{"b", fabric.North, fabric.South, func(i, other int) fabric.Coord { return fabric.Coord{X: other, Y: i} }},
	}
}
