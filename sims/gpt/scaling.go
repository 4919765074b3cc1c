package gpt

import (
	"slices"

	"cs2sim.dev/sims"
)

// Kinds of scaling.
const (
	StrongScaling = "strong"
	WeakScaling   = "weak"
)

// scalingTable is the throughput over the number of systems. Strong: the batch stays, each system
// gets fewer sequences and another mapping. Weak: the batch grows with the systems, and every
// system's step is that of the fewest systems of the run.
func scalingTable(all []Outcome) sims.Table {
	t := sims.Table{Name: "scaling", Title: "pre-training on several systems", Columns: []sims.Column{
		text("model", "model"),
		number("sparsity", "sparsity", "", "%.2f"),
		text("scaling", "scaling"),
		number("systems", "systems", "", "%.0f"),
		number("batch", "batch", "sequences", "%.0f"),
		number("micro_steps", "micro steps", "per update", "%.0f"),
		number("sequences_per_second", "sequences per second", "", "%.4g"),
		number("speedup", "speedup", "", "%.2f"),
		number("efficiency_percent", "efficiency", "%", "%.1f"),
		number("exposed_percent", "optimiser and SwarmX", "%", "%.2f"),
	}}
	for i := range all {
		base := &all[i]
		if base.Task != "" || base.Update == nil || !base.Listed || base.Systems != fewest(all) {
			continue
		}
		var alike []*Outcome
		for k := range all {
			o := &all[k]
			if o.Task == "" && o.Update != nil && o.Model.Name == base.Model.Name && o.Sparsity == base.Sparsity {
				alike = append(alike, o)
			}
		}
		slices.SortFunc(alike, func(a, b *Outcome) int { return a.Systems - b.Systems })
		add := func(kind string, u *Update) {
			speedup := u.SequencesPerSecond() / base.Update.SequencesPerSecond()
			ideal := float64(u.Systems) / float64(base.Systems)
			t.Rows = append(t.Rows, []any{
				base.Model.Name, base.Sparsity, kind, float64(u.Systems), float64(u.Batch), float64(u.MicroSteps), u.SequencesPerSecond(),
				speedup, 100 * speedup / ideal, 100 * float64(u.Step.Tail+u.SwarmX) / float64(u.Cycles),
			})
		}
		for _, o := range alike {
			add(StrongScaling, o.Update)
		}
		for _, o := range alike {
			batch := ceilDiv(base.Batch, base.Systems) * o.Systems
			add(WeakScaling, newUpdate(base.Update.Step, base.Job.Machine, batch, o.Systems))
		}
	}
	return t
}

func fewest(all []Outcome) int {
	n := all[0].Systems
	for _, o := range all {
		n = min(n, o.Systems)
	}
	return n
}
