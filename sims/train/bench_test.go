package train_test

import (
	"context"
	"fmt"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime"
	"cs2sim.dev/sims/train"
)

// BenchmarkStep is the host time of one training step, values and cycles, of the model of
// examples/spdf-tiny.toml.
func BenchmarkStep(b *testing.B) {
	c := model.Config{Name: "tiny", Layers: 2, DModel: 64, Heads: 4, DFF: 256, Vocabulary: 512, SequenceLength: 72}
	batch := model.Batch{B: 8, T: 72}
	for i := range batch.B * batch.T {
		batch.Tokens, batch.Targets = append(batch.Tokens, int32(i*31%512)), append(batch.Targets, int32(i*37%512))
	}
	target, err := compiler.Preset("wse2")
	if err != nil {
		b.Fatal(err)
	}
	for _, sparsity := range []float64{0, 0.75} {
		b.Run(fmt.Sprintf("sparsity %v", sparsity), func(b *testing.B) {
			p, err := model.InitParams(c, 1)
			if err != nil {
				b.Fatal(err)
			}
			masks, err := p.Layout.DrawMasks(model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity, Seed: 1})
			if err == nil {
				err = p.SetMasks(masks)
			}
			m := train.NewMachine(train.MachineOptions{
				Target: target, Precision: model.Mixed, Fidelity: runtime.Stream, Batch: batch.B, ColumnsPerHead: 2, Tokens: 24,
			})
			if err == nil {
				err = m.Load(p)
			}
			if err != nil {
				b.Fatal(err)
			}
			grads := make([]float32, p.Layout.Size)
			step := func() {
				if _, _, err := m.Loss(context.Background(), batch, 1024, grads); err != nil {
					b.Fatal(err)
				}
			}
			step() // compiles, and simulates the cycles
			for b.Loop() {
				step()
			}
			flops := 8 * c.ForwardFLOPs(72, 1-sparsity).Training()
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
