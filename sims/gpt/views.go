package gpt

import (
	"math"
	"slices"
	"strconv"

	"cs2sim.dev/sims"
)

// Tables are those of the run that become CSV files, in the order of the files.
func (r Results) Tables() []sims.Table {
	all := []sims.Table{r.Results, r.Answer, r.Breakdown, r.Excess, r.Kernels, r.FLOPs}
	for _, t := range []*sims.Table{r.Scaling, r.SwarmX, r.Sensitivity, r.Variants} {
		if t != nil {
			all = append(all, *t)
		}
	}
	return all
}

// Models of the run that have a finished pre-training.
func (r Results) Models() (models []string) {
	for _, row := range r.Breakdown.Select("model").Rows {
		if m := row[0].(string); !slices.Contains(models, m) {
			models = append(models, m)
		}
	}
	return models
}

// Sparsities are the lowest and the highest at which a model's kernels are listed.
func (r Results) Sparsities(model string) []float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, row := range r.Kernels.Select("model", "sparsity").Rows {
		if row[0] == model {
			lo, hi = min(lo, row[1].(float64)), max(hi, row[1].(float64))
		}
	}
	switch {
	case lo > hi:
		return nil
	case lo == hi:
		return []float64{lo}
	}
	return []float64{lo, hi}
}

// PercentName is a sparsity in the name of a file.
func PercentName(sparsity float64) string {
	return strconv.FormatFloat(math.Round(1e6*sparsity)/1e4, 'f', -1, 64)
}

// VariantSummary is the part of the variants' results a person reads first: pre-training.
func (r Results) VariantSummary() sims.Table {
	t := r.Variants.Select("variant", "model", "sparsity", "phase", "systems", "masks", "micro_batch", "cycles_per_step", "sequences_per_second", "pe_utilization", "hours", "energy_kwh")
	kept := t.Rows[:0:0]
	for _, row := range t.Rows {
		if row[3] == "pretrain" {
			kept = append(kept, row)
		}
	}
	t.Rows = kept
	return t
}

// SweepTable has a column for each varied key and then those of the results, a row per point of the grid,
// model, sparsity and phase. curves are those of the grid, in its order.
func SweepTable(axes []sims.Axis, curves []sims.Curve, all []Outcome) sims.Table {
	t := sims.NewSweepTable(axes)
	for i, c := range curves {
		var own []Outcome
		for _, o := range all {
			if o.Curve == c.Name {
				own = append(own, o)
			}
		}
		part := resultsTable(own)
		if i == 0 {
			t.Columns = append(t.Columns, part.Columns[1:]...) // without the variant
		}
		cells := sims.GridCells(axes, i)
		for _, row := range part.Rows {
			t.Rows = append(t.Rows, append(slices.Clone(cells), row[1:]...))
		}
	}
	return t
}

// SweepSummary is the part of a sweep's table that a person reads first: pre-training.
func SweepSummary(axes []sims.Axis, t sims.Table) sims.Table {
	var names []string
	for _, a := range axes {
		names = append(names, a.Key.Name)
	}
	t = t.Select(append(names, "model", "sparsity", "phase", "systems", "micro_batch", "sequences_per_second", "published_sequences_per_second", "error_percent", "pe_utilization", "hours")...)
	kept := t.Rows[:0:0]
	for _, row := range t.Rows {
		if row[len(names)+2] == "pretrain" {
			kept = append(kept, row)
		}
	}
	t.Rows = kept
	return t
}
