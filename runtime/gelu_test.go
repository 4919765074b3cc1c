package runtime

import (
	"strings"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

func TestGELU(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
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

func TestGELUOfAnotherForm(t *testing.T) {
	cfg := model.Config{Name: "erf", Layers: 1, DModel: 2, Heads: 1, DFF: 4, Vocabulary: 3, SequenceLength: 2, Activation: model.GELUErf}
	s, err := compiler.NewSpace(cfg, machine(t, nil), model.Mixed, compiler.Spread{HeadColumns: 1, Tokens: 1})
	if err != nil {
		t.Fatal(err)
	}
	x := &compiler.Tile{Name: "x", Bounds: s.FF, Type: pe.F16}
	for _, k := range []compiler.Kernel{&compiler.GELU{X: x, Y: x}, &compiler.GELUBackward{X: x, DY: x, DX: x}} {
		_, err := k.Layout(s, 1, 1)
		if err == nil || !strings.Contains(err.Error(), `activation is "gelu", the machine computes "gelu_new" only`) {
			t.Errorf("%s: %v", k.Name(), err)
		}
	}
}
