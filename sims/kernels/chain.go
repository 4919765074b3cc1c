package kernels

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// Result is what a kernel took and whether it computed the right thing.
type Result struct {
	Cycles     int64  // as the published measurement counts them
	Mismatches int    // elements that differ from the plain loop in the same order, bit for bit
	Spread     Spread // over PEs, where each is timed by itself
	Report     *runtime.LayoutReport
}

// Chain is a 1-D reduce to PE 0: the last PE sends its vector west, each PE on the way adds its
// own as the elements pass.
type Chain struct {
	PEs, Elements int
}

// Layout builds the program. PE x listens on one of two colors and sends on the other.
func (k Chain) Layout(t compiler.Target) (*compiler.Layout, error) {
	if k.PEs < 1 || k.Elements < 1 {
		return nil, fmt.Errorf("chain reduce: %d PEs and %d elements, must be at least 1 each", k.PEs, k.Elements)
	}
	b := compiler.NewBuilder("chain reduce", t, k.PEs, 1)
	even := b.Color("even", "partial sums that leave PEs of even x")
	odd := b.Color("odd", "partial sums that leave PEs of odd x")
	color := func(x int) fabric.Color { return [2]fabric.Color{even, odd}[x%2] }

	roles := map[string]*compiler.Role{}
	for x := range k.PEs {
		last, first := x == k.PEs-1, x == 0
		name := fmt.Sprintf("first=%t last=%t odd=%d", first, last, x%2)
		r := roles[name]
		if r == nil {
			r = b.Role(name)
			roles[name] = r
			k.program(r, first, last, color(x+1), color(x))
		}
		b.Place(r, compiler.At(x, 0))
		if !first {
			b.Wire(color(x), fabric.Coord{X: x}, fabric.Coord{X: x - 1})
		}
		b.Load(compiler.At(x, 0), r.Named("x"), chainInput(x, k.Elements))
	}
	return b.Build()
}

// program is one task: a single tensor instruction over the whole vector, then the time.
func (k Chain) program(r *compiler.Role, first, last bool, from, to fabric.Color) {
	x := r.Array("x", pe.F32, k.Elements)
	end := r.Reg("end", 0)
	reduce := r.Local("reduce")
	r.Start(reduce)
	switch in, out := pe.In(pe.F32, from), pe.Out(pe.F32, to); {
	case first && last:
	case last:
		reduce.FMov(k.Elements, out, x.All()).LoadDSDs()
	case first:
		reduce.FAdd(k.Elements, x.All(), in, x.All()).LoadDSDs()
	default:
		reduce.FAdd(k.Elements, out, in, x.All()).LoadDSDs()
	}
	reduce.Timestamp("end", end)
	reduce.Halt()
}

// chainInput is small numbers that differ from PE to PE and do not sum exactly.
func chainInput(x, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32((x*37+i*11)%101)/7 - 5
	}
	return v
}

// Run executes the reduce. Cycles end at PE 0 after its last add.
func (k Chain) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	l, err := k.Layout(t)
	if err != nil {
		return nil, err
	}
	r, err := runtime.RunLayout(ctx, l, t, runtime.LayoutOptions{})
	if err != nil {
		return nil, err
	}
	want := chainInput(k.PEs-1, k.Elements)
	for x := k.PEs - 2; x >= 0; x-- {
		for i, v := range chainInput(x, k.Elements) {
			want[i] += v
		}
	}
	end, _ := r.Stamp(0, 0, "end")
	return &Result{Cycles: int64(end), Mismatches: differ(r.Read(0, 0, "x"), want), Report: r}, nil
}
