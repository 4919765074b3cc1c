package plots

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cs2sim.dev/sims"
)

// CompareSteps draws the time of an update by part in two runs side by side, at the sparsities that both have
// of the first model they share. The tables are Results.Breakdown.
func CompareSteps(a, b sims.Table) (StackedBars, error) {
	fail := func(err error) (StackedBars, error) { return StackedBars{}, fmt.Errorf("comparison figure: %w", err) }
	ra, rb := reader{t: a}, reader{t: b}
	model := ""
	both := rb.texts("model")
	for _, m := range ra.texts("model") {
		if slices.Contains(both, m) {
			model = m
			break
		}
	}
	if err := errors.Join(ra.err, rb.err); err != nil {
		return fail(err)
	}
	if model == "" {
		return fail(errors.New("the runs have no model in common"))
	}
	rowsA, sparsityA, err := modelRows(a, model)
	if err != nil {
		return fail(err)
	}
	rowsB, sparsityB, err := modelRows(b, model)
	if err != nil {
		return fail(err)
	}
	joined := sims.Table{Name: a.Name, Columns: a.Columns}
	chart := StackedBars{Title: "Time of one update of " + model + " in two runs", Subtitle: "pre-training, by where it goes", XLabel: "Weight sparsity, and the run", YLabel: "Time per update (ms)"}
	for i, s := range sparsityA {
		k := slices.Index(sparsityB, s)
		if k < 0 {
			continue
		}
		joined.Rows = append(joined.Rows, rowsA[i], rowsB[k])
		chart.Categories = append(chart.Categories, percentLabel(s)+"\nA", percentLabel(s)+"\nB")
	}
	if len(joined.Rows) == 0 {
		return fail(fmt.Errorf("the runs have no sparsity of %s in common", model))
	}
	r := reader{t: joined}
	for _, c := range a.Columns {
		if !strings.HasPrefix(c.Name, "part_") {
			continue
		}
		if values := r.numbers(c.Name); slices.Max(values) > 0 {
			chart.Layers = append(chart.Layers, Layer{c.Title, values})
		}
	}
	if r.err != nil {
		return fail(r.err)
	}
	return chart, nil
}

// CompareSpeedups draws the simulated speedup of two matmul runs over the theoretical one.
func CompareSpeedups(a, b sims.Table) (LineChart, error) {
	chart := LineChart{
		Title:  "Simulated speedup in two runs",
		XLabel: "Theoretical speedup 1 / (1 − sparsity)", YLabel: "Speedup over dense (×)",
	}
	for i, t := range []sims.Table{a, b} {
		r := reader{t: t}
		s := Series{Name: string(rune('A' + i)), X: r.numbers("theoretical_speedup"), Y: r.numbers("simulated_speedup"), Style: LineStyle{Marker: true}}
		if r.err != nil {
			return LineChart{}, fmt.Errorf("comparison figure: %w", r.err)
		}
		chart.Series = append(chart.Series, s)
	}
	return chart, nil
}
