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

// WeakCases are further cases of a run on several numbers of systems: the pre-training of every model
// and sparsity with as many sequences on every system as on the fewest of the run.
func WeakCases(cases []Case) (all []Case) {
	for _, c := range cases {
		if c.Task != "" || c.Probe != nil || !c.Listed || c.Curve != baseName || len(c.config.GPT.Systems) < 2 {
			continue
		}
		few := slices.Min(c.config.GPT.Systems)
		c.Weak, c.Job.Sequences = true, ceilDiv(c.Batch, few)
		c.Batch = c.Job.Sequences * c.Systems
		all = append(all, c)
	}
	return all
}

// scaled is an outcome with that of the fewest systems of the run, of the same kind of scaling, model
// and sparsity.
type scaled struct {
	*Outcome
	kind string
	base *Outcome
}

// scaledOutcomes are those of pre-training: by model and sparsity, strong before weak, ascending in systems.
// Strong: the batch stays, each system gets fewer sequences and another mapping. Weak: the batch
// grows with the systems.
func scaledOutcomes(strong, weak []Outcome) (all []scaled) {
	for i := range strong {
		base := &strong[i]
		if base.Task != "" || base.Update == nil || !base.Listed || base.Systems != fewest(strong) {
			continue
		}
		for _, of := range []struct {
			kind string
			all  []Outcome
		}{{StrongScaling, strong}, {WeakScaling, weak}} {
			first := len(all)
			for k := range of.all {
				o := &of.all[k]
				if o.Task == "" && o.Update != nil && o.Model.Name == base.Model.Name && o.Sparsity == base.Sparsity {
					all = append(all, scaled{o, of.kind, base})
				}
			}
			slices.SortStableFunc(all[first:], func(a, b scaled) int { return a.Systems - b.Systems })
		}
	}
	return all
}

// scalingTable is the throughput over the number of systems.
func scalingTable(all []scaled) sims.Table {
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
	for _, o := range all {
		u := o.Update
		speedup := u.SequencesPerSecond() / o.base.Update.SequencesPerSecond()
		ideal := float64(u.Systems) / float64(o.base.Systems)
		exposed := u.Exposed()
		t.Rows = append(t.Rows, []any{
			o.Model.Name, o.Sparsity, o.kind, float64(u.Systems), float64(u.Batch), float64(u.MicroSteps), u.SequencesPerSecond(),
			speedup, 100 * speedup / ideal, 100 * exposed.All() / u.Seconds,
		})
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
