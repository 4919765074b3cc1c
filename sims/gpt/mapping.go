package gpt

import (
	"fmt"

	"cs2sim.dev/sims"
)

// Title names the case's step: its tasks of fine-tuning share one.
func (c *Case) Title() string {
	phase := "pre-training"
	if c.Task != "" {
		phase = "fine-tuning"
	}
	systems := "1 system"
	if c.Systems > 1 {
		systems = fmt.Sprintf("each of %d systems", c.Systems)
	}
	return fmt.Sprintf("%s, %s, %s, %d tokens, %d sequences per update on %s", c.Model.Name, phase, c.Job.Masks, c.Length(), c.Job.Sequences, systems)
}

// MappingTable heads the mappings of a run's steps; Case.MappingRow is a row of it.
func MappingTable() sims.Table {
	return sims.Table{Name: "mapping", Title: "mappings", Columns: []sims.Column{
		text("model", "model"),
		text("phase", "phase"),
		text("masks", "masks"),
		number("systems", "systems", "", "%.0f"),
		number("micro_batch", "micro batch", "sequences", "%.0f"),
		number("micro_steps", "micro steps", "per update", "%.0f"),
		number("groups", "groups", "", "%.0f"),
		number("columns", "columns", "per group", "%.0f"),
		number("columns_per_head", "columns", "per head", "%.0f"),
		number("tokens_per_pe", "tokens", "per PE", "%.0f"),
		number("sequences", "sequences", "stacked", "%.0f"),
		text("activations", "activations"),
		number("chunks", "vocabulary", "chunks", "%.0f"),
		number("run_ahead", "run-ahead", "rows", "%.0f"),
		number("peak_bytes", "SRAM peak", "bytes", "%.0f"),
		number("estimate", "estimated cycles", "per sequence", "%.0f"),
		number("refused", "better ones", "do not fit", "%.0f"),
	}}
}

// MappingRow is the case's row of MappingTable.
func (c *Case) MappingRow(p *Plan) []any {
	m := p.Chosen()
	phase := "pretrain"
	if c.Task != "" {
		phase = "finetune"
	}
	return []any{
		c.Model.Name, phase, c.Job.Masks.String(), float64(c.Systems), float64(m.MicroBatch()), float64(ceilDiv(c.Job.Sequences, m.MicroBatch())),
		float64(m.Groups), float64(m.Columns), float64(m.ColumnsPerHead), float64(m.Tokens), float64(m.Sequences), m.Activations(), float64(m.Chunks),
		float64(p.Step.Plan.RunAhead), float64(p.Step.Plan.Peak), m.Objective, float64(len(p.Candidates) - 1),
	}
}
