package gpt

import (
	"math"
	"testing"

	"cs2sim.dev/model"
	"cs2sim.dev/sims"
	"pgregory.net/rapid"
)

func smallLayout(t interface{ Fatal(...any) }, layers int) *model.Layout {
	l, err := model.NewLayout(model.Config{
		Name: "small", Layers: layers, DModel: 32, Heads: 2, DFF: 128, Vocabulary: 64, SequenceLength: 16, Activation: model.GELUTanh,
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// nonZeros of the masked matrices, and their weights.
func nonZeros(t interface{ Fatal(...any) }, l *model.Layout, specs []model.MaskSpec) (kept, all int64) {
	for i, x := range l.Tensors {
		if x.Kind != model.KindLinear {
			if specs[i].Kind != "" {
				t.Fatal(x.Name, "is masked")
			}
			continue
		}
		n := int64(x.Len())
		all += n
		if specs[i].Kind != "" {
			var err error
			if n, err = specs[i].NonZeros(x.Rows, x.Cols); err != nil {
				t.Fatal(err)
			}
		}
		kept += n
	}
	return kept, all
}

// However the zeros are spread over matrices and blocks, there are as many of them.
func TestMasksKeepTheSparsity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layers := rapid.IntRange(1, 4).Draw(t, "layers")
		m := Masks{
			Kind: model.MaskUnstructured, Sparsity: rapid.Float64Range(0.01, 0.9).Draw(t, "sparsity"), Seed: 1,
			Distribution: rapid.SampledFrom([]string{sims.DistributionUniform, sims.DistributionErdosRenyi}).Draw(t, "distribution"),
		}
		relative := rapid.Float64Range(0.2, 5)
		if rapid.Bool().Draw(t, "by matrix") {
			m.Matrices = rapid.SliceOfN(relative, 6, 6).Draw(t, "matrices")
		}
		if rapid.Bool().Draw(t, "by block") {
			m.Layers = rapid.SliceOfN(relative, layers, layers).Draw(t, "blocks")
		}
		l := smallLayout(t, layers)
		specs, err := m.Specs(l)
		if err != nil {
			t.Fatal(err)
		}
		kept, all := nonZeros(t, l, specs)
		want := (1 - m.Sparsity) * float64(all)
		if math.Abs(float64(kept)-want) > float64(6*layers) { // each matrix rounds
			t.Fatalf("%d non-zeros of %d, want %.0f", kept, all, want)
		}
	})
}

func TestMasksOrder(t *testing.T) {
	l := smallLayout(t, 2)
	m := Masks{Kind: model.MaskUnstructured, Sparsity: 0.8, Distribution: sims.DistributionErdosRenyi, Layers: []float64{1, 2}}
	d, err := m.densities(l)
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) float64 { return d[l.Index(name)] }
	if square, tall := at("h.0.attn.q.w"), at("h.0.mlp.fc.w"); square <= tall {
		t.Errorf("density %v of 32 x 32 is not above %v of 128 x 32", square, tall)
	}
	if a, b := at("h.0.mlp.fc.w"), at("h.1.mlp.fc.w"); math.Abs(b-2*a) > 1e-12 {
		t.Errorf("blocks have densities %v and %v, must be 1 to 2", a, b)
	}
	if at("wte") != 1 {
		t.Error("the embedding is masked")
	}
}

func TestMasksOfEveryKind(t *testing.T) {
	l := smallLayout(t, 1)
	for _, m := range []Masks{
		{}, {Kind: model.MaskRowBalanced, Sparsity: 0.5}, {Kind: model.MaskNM, Sparsity: 0.75, NMGroup: 4},
		{Kind: model.MaskBlock, Sparsity: 0.5, BlockRows: 8, BlockCols: 8},
	} {
		specs, err := m.Specs(l)
		if err != nil {
			t.Errorf("%v: %v", m, err)
			continue
		}
		if kept, all := nonZeros(t, l, specs); kept != int64((1-m.Sparsity)*float64(all)) {
			t.Errorf("%v: %d non-zeros of %d", m, kept, all)
		}
	}
	if _, err := (Masks{Kind: model.MaskBlock, Sparsity: 0.5, BlockRows: 5, BlockCols: 8}).Specs(l); err == nil {
		t.Error("blocks of 5 rows are accepted in a matrix of 32")
	}
}
