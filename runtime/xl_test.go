package runtime

import (
	"context"
	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"testing"
	"time"
)

func TestXL(t *testing.T) {
	cfg := model.Config{Name: "xl", Layers: 1, DModel: 2048, Heads: 16, DFF: 8192, Vocabulary: 50257, SequenceLength: 2048}
	m, _ := compiler.Preset("wse2")
	for _, sp := range []float64{0, 0.75} {
		s, err := compiler.NewSpace(cfg, m, model.Mixed, 4, 16)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(s.Groups, s.Columns, s.Rows())
		st, err := NewTimingStore(s, model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sp, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		ones := &compiler.Tile{Name: "ones", Type: pe.F16, Base: 16384}
		x := &compiler.Tile{Name: "x", Type: pe.F16, Base: 2048, Bounds: s.Feat}
		y := &compiler.Tile{Name: "y", Type: pe.F16, Base: 2048 + 512, Bounds: s.Feat}
		for _, delta := range []bool{false, true} {
			k := &compiler.Linear{Param: "h.0.attn.q.w", Bias: "h.0.attn.q.b", X: x, Y: y, Ones: ones, RunAhead: 12, Transposed: delta}
			if delta {
				k.Bias = ""
			}
			*k.ScratchAt() = compiler.Scratch{S: 18432, T: 10000}
			t0 := time.Now()
			f, err := newPhase(st, k)
			if err != nil {
				t.Fatal(err)
			}
			t1 := time.Now()
			r, err := f.cycles(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			t.Log("linear", sp, delta, r.Cycles, t1.Sub(t0), time.Since(t1))
		}
		for _, kk := range []*compiler.WeightGrad{{Param: "h.0.attn.q.w", Bias: "h.0.attn.q.b", X: x, DY: y, Ones: ones, RunAhead: 12}} {
			*kk.ScratchAt() = compiler.Scratch{S: 18432}
			for _, io := range []float64{1, 4} {
				s.Target, _ = m.With("io_bits_per_second", io*1.2e12)
				t0 := time.Now()
				f, err := newPhase(st, kk)
				if err != nil {
					t.Fatal(err)
				}
				r, err := f.cycles(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				t.Log("grad", sp, io, r.Cycles, r.EdgeOut, time.Since(t0), r.Grid.At(5, 0), r.Grid.At(5, s.Rows()-1))
			}
		}
	}
}
