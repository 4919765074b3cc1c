package runtime

import (
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"pgregory.net/rapid"
)

func TestGELU(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		b.space.Model.Activation = rapid.SampledFrom([]model.Activation{model.GELUTanh, model.GELUErf}).Draw(rt, "activation")
		ff := func(name string) *compiler.Tile { return b.tile(name, b.space.FF, b.space.Type()) }
		x, dy := ff("x"), ff("dy")
		in := NewHost(b.space)
		b.fill(in, x, b.rnd.NormFloat64)
		b.fill(in, dy, b.rnd.NormFloat64)
		g := b.try(&compiler.GELU{X: x, Y: ff("y")}, in, 0)
		if p := b.space.Target.Core(); b.widest(b.space.FF) > 0 {
			steps := int64(b.space.Tokens * b.widest(b.space.FF) * p.GELUElementCycles)
			if want := steps + int64(p.LaunchCycles+p.TaskSwitchCycles+p.TensorStartCycles+p.DescriptorLoadCycles+p.ScalarCycles); int64(g.run.Cycles) != want {
				rt.Errorf("%d cycles, want %d", g.run.Cycles, want)
			}
		}
		k := &compiler.GELUBackward{X: x, DY: dy, DX: ff("dx")}
		if b.rnd.IntN(2) == 0 {
			k.DX = dy
		}
		b.try(k, in, 0)
	})
}

// widest is the most features a column has.
func (b *bench) widest(bounds []int) (n int) {
	for c := range len(bounds) - 1 {
		n = max(n, bounds[c+1]-bounds[c])
	}
	return n
}
