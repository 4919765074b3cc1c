package kernels

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// GEMV is y = A x, A of n x n in blocks on a mesh of P x P: the top row of PEs broadcasts x
// down the columns, every PE multiplies its block, and each row reduces to its first PE.
// Blocks are padded with zeros where P does not divide n.
type GEMV struct {
	N, Mesh   int
	Precision string // "fp32" (also ""), "mixed" or "fp16"
}

func (k GEMV) block() int { return (k.N + k.Mesh - 1) / k.Mesh }

// matrixA and vectorX are the operands; x is the first row of another matrix.
func (k GEMV) matrixA(t pe.Type) matrix { return newMatrix(k.N, k.Mesh, 1, t) }
func (k GEMV) vectorX(t pe.Type) []float32 {
	v := make([]float32, k.block()*k.Mesh)
	for j := range k.N {
		v[j] = entry(0, j, 2, t)
	}
	return v
}

// transposed is a block column by column: a column times an element of x is one FMAC.
func transposed(v []float32, b int) []float32 {
	out := make([]float32, len(v))
	for i := range b {
		for j := range b {
			out[j*b+i] = v[i*b+j]
		}
	}
	return out
}

// Layout builds a role per place: top row or not; first, last or middle column, the latter two by parity.
func (k GEMV) Layout(t compiler.Target) (*compiler.Layout, error) {
	if k.N < 1 || k.Mesh < 1 {
		return nil, fmt.Errorf("gemv: n = %d on a mesh of %d, must be at least 1 each", k.N, k.Mesh)
	}
	src, dst, err := formats(k.Precision)
	if err != nil {
		return nil, fmt.Errorf("gemv: %w", err)
	}
	b := compiler.NewBuilder("gemv", t, k.Mesh, k.Mesh)
	down := b.Color("x", "x, down the columns")
	sums := [2]fabric.Color{b.Color("even", "partial sums that leave PEs of even x"), b.Color("odd", "partial sums that leave PEs of odd x")}
	roles := map[string]*compiler.Role{}
	for py := range k.Mesh {
		for px := range k.Mesh {
			name := fmt.Sprintf("first=%t last=%t odd=%d top=%t bottom=%t", px == 0, px == k.Mesh-1, px%2, py == 0, py == k.Mesh-1)
			r := roles[name]
			if r == nil {
				r = b.Role(name)
				roles[name] = r
				k.program(r, t.Core(), src, dst, px, py, down, sums)
			}
			at := compiler.At(px, py)
			b.Place(r, at)
			if k.Mesh > 1 {
				b.Route(down, at, k.broadcast(py))
			}
			if px > 0 {
				b.Wire(sums[px%2], fabric.Coord{X: px, Y: py}, fabric.Coord{X: px - 1, Y: py})
			}
		}
	}
	if !b.Wanted() {
		return b.Build()
	}
	nb, a, x := k.block(), k.matrixA(src), k.vectorX(src)
	b.LoadEach("a", func(px, py int) []float32 { return transposed(a.block(py, px, nb), nb) })
	b.LoadEach("x", func(px, py int) []float32 {
		if py > 0 {
			return nil // it comes down the column
		}
		return x[px*nb : (px+1)*nb]
	})
	return b.Build()
}

// broadcast is the route of x at a row.
func (k GEMV) broadcast(py int) fabric.Route {
	ramp, south, north := fabric.Ports(fabric.Ramp), fabric.Ports(fabric.South), fabric.Ports(fabric.North)
	switch py {
	case 0:
		return fabric.Static(ramp, south)
	case k.Mesh - 1:
		return fabric.Static(north, ramp)
	}
	return fabric.Static(north, ramp|south)
}

func (k GEMV) program(r *compiler.Role, core pe.Config, src, dst pe.Type, px, py int, down fabric.Color, sums [2]fabric.Color) {
	nb := k.block()
	x, a := r.Array("x", src, nb), r.Array("a", src, nb*nb)
	y := apart(r, core, "y", dst, nb, a, 0)
	j, at, v, clock := r.Reg("j", 0), r.Reg("column", 0), r.Reg("v", 0), r.Reg("clock", 0)
	run := r.Local("run")
	r.Start(run)
	switch {
	case k.Mesh == 1:
	case py == 0:
		run.FMov(nb, pe.Out(src, down), x.All()).LoadDSDs()
	default:
		run.FMov(nb, x.All(), pe.In(src, down)).LoadDSDs()
	}
	column := a.By(at, 1)
	column.Advance = nb
	next := x.By(j, 1)
	next.Advance = 1
	run.Label("column")
	run.Read(v, next)
	run.FMac(nb, y.All(), column, pe.Register(src, int(v)))
	compiler.JumpIf(run, j, pe.LT, nb, "column")
	in, out := pe.In(dst, sums[(px+1)%2]), pe.Out(dst, sums[px%2])
	switch first, last := px == 0, px == k.Mesh-1; {
	case first && last:
	case last:
		run.FMov(nb, out, y.All()).LoadDSDs()
	case first:
		run.FAdd(nb, y.All(), in, y.All()).LoadDSDs()
	default:
		run.FAdd(nb, out, in, y.All()).LoadDSDs()
	}
	run.Timestamp("end", clock)
	run.Halt()
}

// Run executes the product. Cycles end with the last row's sum; the spread is over rows.
func (k GEMV) Run(ctx context.Context, t compiler.Target) (*Result, error) {
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
		end, _ := r.Stamp(0, py, "end")
		out.Spread.add(int64(end), py)
		out.Mismatches += differ(r.Read(0, py, "y"), want[py*nb:(py+1)*nb])
	}
	out.Cycles = out.Spread.Max
	return out, nil
}

// reference is the plain loop in the machine's order: within a block by columns, then over
// blocks from the last to the first.
func (k GEMV) reference(ctx context.Context) ([]float32, error) {
	src, dst, _ := formats(k.Precision)
	a, x, nb := k.matrixA(src), k.vectorX(src), k.block()
	y := make([]float32, a.side)
	for i := range y {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for p := k.Mesh - 1; p >= 0; p-- {
			var part float32
			for j := p * nb; j < (p+1)*nb; j++ {
				part = multiplyAdd(dst, part, a.v[i*a.side+j], x[j])
			}
			if p == k.Mesh-1 {
				y[i] = part
			} else {
				y[i] = pe.Apply(pe.FAdd, dst, 0, y[i], part, false)
			}
		}
	}
	return y, nil
}
