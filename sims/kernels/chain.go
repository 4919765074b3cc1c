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

// Layout builds the program. PE x sends on one of two colors and listens on the other: at a
// router that both receives and sends, the two must differ.
func (k Chain) Layout(t compiler.Target) (*compiler.Layout, error) {
	if k.PEs < 1 || k.Elements < 1 {
		return nil, fmt.Errorf("chain reduce: %d PEs and %d elements, must be at least 1 each", k.PEs, k.Elements)
	}
	b := compiler.NewBuilder("chain reduce", t, k.PEs, 1)
	colors := [2]fabric.Color{
		b.Color("even", "partial sums that leave PEs of even x"),
		b.Color("odd", "partial sums that leave PEs of odd x"),
	}
	roles := map[string]*compiler.Role{}
	for x := range k.PEs {
		name := k.roleOf(x)
		if roles[name] == nil {
			roles[name] = b.Role(name)
			k.program(roles[name], x, colors[(x+1)%2], colors[x%2])
		}
		b.Place(roles[name], compiler.At(x, 0))
		b.Load(compiler.At(x, 0), roles[name].Named("v"), chainInput(x, k.Elements))
		if x > 0 {
			b.Wire(colors[x%2], fabric.Coord{X: x}, fabric.Coord{X: x - 1})
		}
	}
	return b.Build()
}

// roleOf names what PE x does; PEs of one role share their code.
func (k Chain) roleOf(x int) string {
	switch {
	case x == 0:
		return "root"
	case x == k.PEs-1:
		return "leaf"
	}
	return [2]string{"relay even", "relay odd"}[x%2]
}

// program is one task: a single tensor instruction over the whole vector, then the time.
func (k Chain) program(r *compiler.Role, x int, from, to fabric.Color) {
	n := k.Elements
	v := r.Array("v", pe.F32, n)
	clock := r.Reg("clock", 0)

	reduce := r.Local("reduce")
	r.Start(reduce)
	switch {
	case k.PEs == 1: // the sum is there
	case x == 0:
		reduce.FAdd(n, v.All(), pe.In(pe.F32, from), v.All()).LoadDSDs()
	case x == k.PEs-1:
		reduce.FMov(n, pe.Out(pe.F32, to), v.All()).LoadDSDs()
	default:
		reduce.FAdd(n, pe.Out(pe.F32, to), pe.In(pe.F32, from), v.All()).LoadDSDs()
	}
	reduce.Timestamp("end", clock)
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
	return &Result{Cycles: int64(end), Mismatches: differ(r.Read(0, 0, "v"), want), Report: r}, nil
}
