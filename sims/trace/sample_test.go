package trace

import (
	"context"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime"
)

// small is a GPT whose step takes a moment at full width of a small machine.
func small() model.Config {
	return model.Config{Name: "small", Layers: 2, DModel: 24, Heads: 3, DFF: 40, Vocabulary: 33, SequenceLength: 10}
}

func target(t testing.TB, width, height float64) compiler.Target {
	t.Helper()
	m, err := compiler.Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		key   string
		value float64
	}{{"width", width}, {"height", height}} {
		if m, err = m.With(f.key, f.value); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// step simulates a training step and gives its report with a name.
func step(t testing.TB, cfg model.Config, m compiler.Target, perHead, tokens int, sparsity float64) Step {
	t.Helper()
	layout, err := model.NewLayout(cfg)
	if err != nil {
		t.Fatal(err)
	}
	specs := make([]model.MaskSpec, len(layout.Tensors))
	for i, x := range layout.Tensors {
		if x.Kind == model.KindLinear && sparsity > 0 {
			specs[i] = model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity, Seed: uint64(i)}
		}
	}
	s, err := compiler.NewSpace(cfg, m, model.Mixed, perHead, tokens)
	if err != nil {
		t.Fatal(err)
	}
	st, err := compiler.NewStep(s, compiler.StepOptions{Train: true, Chunks: 2, RunAhead: 8})
	if err != nil {
		t.Fatal(err)
	}
	trainer, err := runtime.NewTrainer(st, runtime.NewShapeStore(s, layout, specs), runtime.Stream)
	if err != nil {
		t.Fatal(err)
	}
	r, err := trainer.Cost(context.Background(), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	name := "pretrain 0 %"
	if sparsity > 0 {
		name = "pretrain 75 %"
	}
	return Step{Experiment: "pretrain", Name: name, Sparsity: sparsity, Report: r}
}

// steps are a dense and a sparse step of the small model; the machine is larger than what they use.
func steps(t testing.TB) []Step {
	m := target(t, 15, 12)
	return []Step{step(t, small(), m, 2, 3, 0), step(t, small(), m, 2, 3, 0.75)}
}

func runs(t testing.TB) (out []*Run) {
	for _, s := range steps(t) {
		out = append(out, s.Run())
	}
	return out
}
