package model

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLayerGraph(t *testing.T) {
	c := tinyConfig()
	spec := MaskSpec{Kind: MaskUnstructured, Sparsity: 0.75, Seed: 9}
	g, err := NewLayerGraph(c, spec)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range g.Layers[:14] {
		names = append(names, l.Name+" "+string(l.Op))
	}
	want := []string{
		"embed embedding", "h.0.ln_1 layernorm", "h.0.attn.q linear", "h.0.attn.k linear", "h.0.attn.v linear",
		"h.0.attn attention", "h.0.attn.proj linear", "h.0.attn.add residual", "h.0.ln_2 layernorm",
		"h.0.mlp.fc linear", "h.0.mlp.gelu gelu", "h.0.mlp.proj linear", "h.0.mlp.add residual", "h.1.ln_1 layernorm",
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	if n := 1 + 12*c.Layers + 3; len(g.Layers) != n {
		t.Errorf("%d layers, want %d", len(g.Layers), n)
	}
	l, err := NewLayout(c)
	if err != nil {
		t.Fatal(err)
	}
	used, seeds := map[string]int{}, map[uint64]string{}
	for i, layer := range g.Layers {
		if g.Find(layer.Name) != i {
			t.Errorf("%s is not found at %d", layer.Name, i)
		}
		if !slices.Contains(Ops(), layer.Op) {
			t.Errorf("%s has op %q, not one of Ops", layer.Name, layer.Op)
		}
		for _, in := range layer.Inputs {
			if in >= i || g.Layers[in].Out != layer.In {
				t.Errorf("%s reads %s of %d features as %d", layer.Name, g.Layers[in].Name, g.Layers[in].Out, layer.In)
			}
		}
		for _, p := range layer.Params {
			used[p]++
			if l.Index(p) < 0 {
				t.Errorf("%s reads %s, which no layout has", layer.Name, p)
			}
		}
		if layer.Op != OpLinear {
			continue
		}
		tensor := l.Tensors[l.Index(layer.Params[0])]
		if tensor.Rows != layer.Out || tensor.Cols != layer.In {
			t.Errorf("%s is %d x %d, its weights %d x %d", layer.Name, layer.Out, layer.In, tensor.Rows, tensor.Cols)
		}
		if masked := layer.Mask.Kind != ""; masked != (layer.Name != "lm_head") {
			t.Errorf("%s: masked is %v", layer.Name, masked)
		} else if masked {
			if other, ok := seeds[layer.Mask.Seed]; ok {
				t.Errorf("%s and %s share a mask seed", layer.Name, other)
			}
			seeds[layer.Mask.Seed] = layer.Name
		}
	}
	for _, tensor := range l.Tensors {
		want := 1
		if tensor.Name == "wte" {
			want = 2 // embedding and the tied projection
		}
		if used[tensor.Name] != want {
			t.Errorf("%s is read by %d layers, want %d", tensor.Name, used[tensor.Name], want)
		}
	}
	if dense, _ := NewLayerGraph(c, MaskSpec{Kind: MaskUnstructured}); dense.Layers[2].Mask != (MaskSpec{}) {
		t.Error("a mask of sparsity 0 does not leave the graph dense")
	}
	if _, err := NewLayerGraph(c, MaskSpec{Kind: MaskUnstructured, Sparsity: 1}); err == nil {
		t.Error("a mask without non-zeros is accepted")
	}
}
