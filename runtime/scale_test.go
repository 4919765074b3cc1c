package runtime

import (
	"context"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// TestWaferScale folds every kernel at the size of GPT-3 XL and 175B. Cycles need no values, so
// the store has none.
func TestWaferScale(t *testing.T) {
	if testing.Short() {
		t.Skip("a second of host time")
	}
	for _, c := range []struct {
		name                    string
		perHead, tokens, chunks int
	}{{"gpt3-xl", 4, 16, 8}, {"gpt3-175b", 7, 3, 1}} {
		cfg, err := model.Preset(c.name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := compiler.NewSpace(cfg, machine(t, nil), model.Mixed, compiler.Spread{HeadColumns: c.perHead, Tokens: c.tokens})
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{t: t, space: s}
		feat, ff, stat := b.feat, func(name string) *compiler.Tile { return b.tile(name, s.FF, s.Type()) }, b.stat
		bounds := []int{0}
		for c2 := range s.Columns {
			bounds = append(bounds, bounds[c2]+(s.Vocab[c2+1]-s.Vocab[c2])/c.chunks)
		}
		z, rows := b.tile("logits", bounds, pe.F32), make([]int, bounds[s.Columns])
		for _, k := range []compiler.Kernel{
			&compiler.LayerNorm{Gain: "ln_f.w", Bias: "ln_f.b", X: feat("x"), Y: feat("y"), Mean: stat("mean"), RStd: stat("rstd")},
			&compiler.LayerNormBackward{Gain: "ln_f.w", Bias: "ln_f.b", X: feat("x"), DY: feat("dy"), DX: feat("dx"), Add: feat("add"), Mean: stat("mean"), RStd: stat("rstd")},
			&compiler.GELU{X: ff("x"), Y: ff("y")},
			&compiler.GELUBackward{X: ff("x"), DY: ff("dy"), DX: ff("dx")},
			&compiler.Embed{Y: feat("y")},
			&compiler.EmbedBackward{DY: feat("dy")},
			&compiler.LossChunk{Logits: z, Rows: rows, Max: stat("max"), Sum: stat("sum"), Target: stat("target")},
			&compiler.LossReduce{Max: stat("max"), Sum: stat("sum"), Target: stat("target"), LSE: stat("lse"), Weight: stat("weight")},
			&compiler.LossBackward{Logits: z, Rows: rows, LSE: stat("lse"), Weight: stat("weight"), DLogits: b.tile("dlogits", bounds, s.Type())},
		} {
			b.plan(k)
			ph, err := newPhase(&Store{Space: s, LossScale: 1}, k)
			if err != nil {
				t.Fatal(err)
			}
			p, err := ph.cycles(context.Background())
			if err != nil {
				t.Fatalf("%s, %s: %v", c.name, k.Name(), err)
			}
			b.wholeGrid(k.Name(), p)
			link := float64(p.EdgeIn+p.EdgeOut) / s.Target.IORate()
			if float64(p.Cycles) < link {
				t.Errorf("%s, %s: %d cycles, the I/O link alone takes %.0f", c.name, k.Name(), p.Cycles, link)
			}
			t.Logf("%s, %-18s %8d cycles, I/O link %8.0f", c.name, k.Name(), p.Cycles, link)
		}
	}
}
