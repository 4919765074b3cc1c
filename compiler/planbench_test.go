package compiler

import (
	"testing"

	"cs2sim.dev/model"
)

// BenchmarkPlanGPT is the search for the mapping of GPT-3 XL's training step on the whole wafer.
func BenchmarkPlanGPT(b *testing.B) {
	cfg, err := model.Preset("gpt3-xl")
	if err != nil {
		b.Fatal(err)
	}
	t, err := Preset("wse2")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, candidates, err := PlanGPT(cfg, t, model.Mixed, GPTOptions{Train: true, Sequences: 512})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(candidates)), "plans/op")
	}
}
