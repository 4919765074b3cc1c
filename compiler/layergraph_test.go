package compiler

import (
	"testing"

	"cs2sim.dev/model"
)

// TestStepLowersTheLayerGraph: the phases of a step are the layers the reference walks, forward
// first to last and backward last to first, each reading the tiles its inputs were written to.
// A residual addition is part of the matrix before it.
func TestStepLowersTheLayerGraph(t *testing.T) {
	cfg := model.Config{Name: "graph", Layers: 3, DModel: 8, Heads: 2, DFF: 16, Vocabulary: 24, SequenceLength: 8}
	graph, err := model.NewLayerGraph(cfg, model.MaskSpec{})
	if err != nil {
		t.Fatal(err)
	}
	step, err := NewStep(testSpace(t, cfg, 8, 8, 0, 2, 2, model.Mixed), StepOptions{Train: true, Save: true, Chunks: 1, RunAhead: 4})
	if err != nil {
		t.Fatal(err)
	}
	tile := make([]*Tile, len(graph.Layers)) // of each layer's output
	in := func(l model.Layer, i int) *Tile { return tile[l.Inputs[i]] }
	phases := step.Phases
	next := func(name string, pass Pass) Kernel {
		t.Helper()
		if len(phases) == 0 || phases[0].Name != name || phases[0].Pass != pass {
			t.Fatalf("next is not %s, %s: %+v", name, pass, phases[:min(1, len(phases))])
		}
		k := phases[0].Kernel
		phases = phases[1:]
		return k
	}
	reads := func(name, what string, got, want *Tile) {
		t.Helper()
		if got != want {
			t.Errorf("%s reads %s from %v, want %v", name, what, got, want)
		}
	}
	for i, l := range graph.Layers {
		if l.Op == model.OpResidual { // in the matrix before it
			tile[i] = tile[i-1]
			continue
		}
		switch k := next(l.Name, Forward).(type) {
		case *Embed:
			tile[i] = k.Y
		case *LayerNorm:
			reads(l.Name, "x", k.X, in(l, 0))
			tile[i] = k.Y
		case *Linear:
			reads(l.Name, "x", k.X, in(l, 0))
			if after := graph.Layers[i+1]; after.Op == model.OpResidual {
				reads(l.Name, "the residual stream", k.Add, in(after, 0))
			}
			if k.Param != l.Params[0] && k.Param+".w" != l.Params[0] {
				t.Errorf("%s streams %s, want %s", l.Name, k.Param, l.Params[0])
			}
			tile[i] = k.Y
		case *Attention:
			reads(l.Name, "q", k.Q, in(l, 0))
			reads(l.Name, "k", k.K, in(l, 1))
			reads(l.Name, "v", k.V, in(l, 2))
			tile[i] = k.O
		case *GELU:
			reads(l.Name, "x", k.X, in(l, 0))
			tile[i] = k.Y
		case *LossChunk:
			reads(l.Name, "the logits", k.Logits, in(l, 0))
			next("loss", Forward) // over the columns
		}
	}
	for i := len(graph.Layers) - 1; i >= 0; i-- {
		l := graph.Layers[i]
		if l.Op == model.OpResidual {
			continue
		}
		k := next(l.Name, Backward)
		if w, ok := k.(*WeightGrad); ok {
			reads(l.Name, "the input for the weights' gradient", w.X, in(l, 0))
			delta, ok := next(l.Name, Backward).(*Linear)
			if !ok || !delta.Transposed || delta.X != w.DY {
				t.Errorf("%s: the delta is not of the gradient the weights' is of", l.Name)
			}
		}
	}
	if len(phases) > 0 {
		t.Errorf("phases beyond the graph: %+v", phases)
	}
}
