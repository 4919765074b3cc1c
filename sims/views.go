package sims

import (
	"fmt"
	"math"
	"slices"

	"cs2sim.dev/pe"
)

// Summary is the part of the results a person reads first: speedups and where the cycles went.
func (r Results) Summary() Table {
	names := []string{
		"sparsity", "theoretical_speedup", "published_speedup", "simulated_speedup", "error_percent",
		"cycles", "pe_utilization",
	}
	for _, s := range pe.States() {
		if s != pe.Compute { // that share is the utilization
			names = append(names, "cycles_"+s.Name())
		}
	}
	return r.Results.Select(append(names, "check_entries", "check_mismatches")...)
}

// VariantSummary sets the simulated speedups of the variants side by side, one row per sparsity of
// the run. It has no columns but the first two without variants.
func (r Results) VariantSummary() Table {
	t := r.Speedups()
	names := []string{"sparsity", "simulated_speedup"}
	for _, c := range t.Columns[len(r.Results.Columns):] {
		names = append(names, c.Name)
	}
	t = t.Select(names...)
	t.Title = "simulated speedup"
	return t
}

// HasSpeedups tells whether any finished point has a speedup: not before the dense point is finished.
func (r Results) HasSpeedups() bool {
	at := r.Results.column("simulated_speedup")
	return at >= 0 && slices.ContainsFunc(r.Results.Rows, func(row []any) bool {
		v, ok := row[at].(float64)
		return ok && !math.IsNaN(v)
	})
}

// Speedups is the results table with a further column ending in _speedup for each variant: the table
// of the speedup figure. A variant's sparsities that the run does not have are left out.
func (r Results) Speedups() Table {
	t := Table{Name: r.Results.Name, Title: r.Results.Title, Columns: append([]Column(nil), r.Results.Columns...)}
	for _, row := range r.Results.Rows {
		t.Rows = append(t.Rows, append([]any(nil), row...))
	}
	if r.Variants == nil {
		return t
	}
	name, sparsity, speedup := r.Variants.column("variant"), r.Variants.column("sparsity"), r.Variants.column("simulated_speedup")
	own := t.column("sparsity")
	if name < 0 || sparsity < 0 || speedup < 0 || own < 0 {
		return t
	}
	at := map[string]int{} // column of a variant
	for _, row := range r.Variants.Rows {
		variant := row[name].(string)
		i, ok := at[variant]
		if !ok {
			i = len(t.Columns)
			at[variant] = i
			t.Columns = append(t.Columns, Column{fmt.Sprintf("variant%d_speedup", len(at)), variant, "", Number, "%.2f"})
			for k := range t.Rows {
				t.Rows[k] = append(t.Rows[k], math.NaN())
			}
		}
		for _, mine := range t.Rows {
			if mine[own] == row[sparsity] {
				mine[i] = row[speedup]
			}
		}
	}
	return t
}

// MappingLine says in words how the layer lies on the machine.
func (p *Point) MappingLine() string {
	m := p.Mapping
	return fmt.Sprintf("%d token groups of %d columns x %d rows, %d tokens per PE, up to %d input features per column, run-ahead %d",
		m.Groups, m.Columns, m.Rows, m.Tokens, m.Features, m.RunAhead)
}
