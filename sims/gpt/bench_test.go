package gpt

import (
	"context"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/sims"
)

// benchJob is a step of pre-training on a whole CS-2.
func benchJob(b *testing.B, preset string, layers int, sparsity float64, batch int) Job {
	m, err := model.Preset(preset)
	if err != nil {
		b.Fatal(err)
	}
	if layers > 0 {
		m.Layers = layers
	}
	t, err := compiler.Preset("wse2")
	if err != nil {
		b.Fatal(err)
	}
	j := Job{Model: m, Machine: t, Precision: model.Mixed, Sequences: batch}
	if sparsity > 0 {
		j.Masks = Masks{Sparsity: sparsity, Kind: model.MaskUnstructured, Distribution: sims.DistributionUniform, Seed: 1}
	}
	return j
}

// BenchmarkStep is one step, search for the mapping included: all phases of all blocks, forward and
// backward. "PE-cycles/s" is simulated PE-cycles per second of the host.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name     string
		preset   string
		layers   int
		sparsity float64
		batch    int
	}{
		{"gpt3-xl dense", "gpt3-xl", 0, 0, 512},
		{"gpt3-xl 50%", "gpt3-xl", 0, 0.5, 512},
		{"gpt3-xl 75%", "gpt3-xl", 0, 0.75, 512},
		{"gpt3-175b dense", "gpt3-175b", 0, 0, 256},
	} {
		b.Run(c.name, func(b *testing.B) {
			j := benchJob(b, c.preset, c.layers, c.sparsity, c.batch)
			var s *Step
			for b.Loop() {
				p, err := j.Plan()
				if err != nil {
					b.Fatal(err)
				}
				if s, err = p.Simulate(context.Background(), sims.Threads(0), nil, nil); err != nil {
					b.Fatal(err)
				}
			}
			pes := float64(s.Width) * float64(s.Height)
			b.ReportMetric(pes*float64(s.Cycles)*float64(b.N)/b.Elapsed().Seconds(), "PE-cycles/s")
		})
	}
}
