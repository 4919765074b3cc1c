package runtime

import (
	"context"
	"fmt"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
)

// BenchmarkPhase is one masked phase of GPT-3 XL's training step on the whole wafer.
func BenchmarkPhase(b *testing.B) {
	cfg, err := model.Preset("gpt3-xl")
	if err != nil {
		b.Fatal(err)
	}
	cfg.Layers, cfg.Activation = 1, model.GELUTanh
	t, err := compiler.Preset("wse2")
	if err != nil {
		b.Fatal(err)
	}
	space, err := compiler.NewSpace(cfg, t, model.Mixed, compiler.Spread{HeadColumns: 11, Tokens: 34})
	if err != nil {
		b.Fatal(err)
	}
	step, err := compiler.NewStep(space, compiler.StepOptions{Train: true, Chunks: 8, RunAhead: 16})
	if err != nil {
		b.Fatal(err)
	}
	layout, err := model.NewLayout(cfg)
	if err != nil {
		b.Fatal(err)
	}
	specs := make([]model.MaskSpec, len(layout.Tensors))
	for i, x := range layout.Tensors {
		if x.Kind == model.KindLinear {
			specs[i] = model.TensorMask(model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: 0.5, Seed: 1}, x.Name)
		}
	}
	store, err := NewShapeStore(space, layout, specs)
	if err != nil {
		b.Fatal(err)
	}
	seen := map[string]bool{}
	for _, ph := range step.Phases {
		name := fmt.Sprintf("%s %s", ph.Name, ph.Kernel.Name())
		if l, ok := ph.Kernel.(*compiler.Linear); ok && l.Transposed {
			name += " transposed"
		}
		if seen[name] || ph.Name != "h.0.mlp.fc" && ph.Name != "h.0.attn" {
			continue
		}
		seen[name] = true
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p, err := newPhase(store, ph.Kernel)
				if err != nil {
					b.Fatal(err)
				}
				r, err := p.cycles(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(r.Cycles), "cycles")
			}
		})
	}
}
