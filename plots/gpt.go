package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"cs2sim.dev/sims"
)

// reader takes columns out of a table and keeps the first error.
type reader struct {
	t   sims.Table
	err error
}

func (r *reader) cells(name string, kind sims.Kind) (out []any) {
	for i, c := range r.t.Columns {
		if c.Name != name || c.Kind != kind {
			continue
		}
		for _, row := range r.t.Rows {
			out = append(out, row[i])
		}
		return out
	}
	if r.err == nil {
		r.err = fmt.Errorf("table %q has no %s column %q", r.t.Name, kind, name)
	}
	return make([]any, len(r.t.Rows))
}

func (r *reader) texts(name string) []string {
	out := make([]string, len(r.t.Rows))
	for i, v := range r.cells(name, sims.Text) {
		out[i], _ = v.(string)
	}
	return out
}

func (r *reader) numbers(name string) []float64 {
	out := make([]float64, len(r.t.Rows))
	for i, v := range r.cells(name, sims.Number) {
		out[i], _ = v.(float64)
	}
	return out
}

// StepTime draws where the time of an update of one model goes over its sparsities, on its fewest systems, beside the time
// an update would take if it shrank as its FLOPs. The table is Results.Breakdown.
func StepTime(t sims.Table, model string) (StackedBars, error) {
	fail := func(err error) (StackedBars, error) { return StackedBars{}, fmt.Errorf("step time figure: %w", err) }
	rows, sparsity, err := modelRows(t, model)
	if err != nil {
		return fail(err)
	}
	part := t
	part.Rows = rows
	r := reader{t: part}
	chart := StackedBars{
		Title:    "Time of one update of " + model + ", by where it goes",
		Subtitle: "pre-training; the update is simulated, the line is the dense update scaled by the FLOPs of the paper",
		XLabel:   "Weight sparsity", YLabel: "Time per update (ms)",
	}
	for _, s := range sparsity {
		chart.Categories = append(chart.Categories, percentLabel(s))
	}
	for _, c := range t.Columns {
		if !strings.HasPrefix(c.Name, "part_") {
			continue
		}
		values := r.numbers(c.Name)
		if slices.Max(values) > 0 {
			chart.Layers = append(chart.Layers, Layer{c.Title, values})
		}
	}
	chart.Lines = []BarLine{{"FLOP-proportional", r.numbers("flop_proportional_ms")}}
	if r.err != nil {
		return fail(r.err)
	}
	return chart, nil
}

// modelRows are a model's rows on its fewest systems in the order of the sparsity.
func modelRows(t sims.Table, model string) (rows [][]any, sparsity []float64, err error) {
	r := reader{t: t}
	models, all, systems := r.texts("model"), r.numbers("sparsity"), r.numbers("systems")
	if r.err != nil {
		return nil, nil, r.err
	}
	fewest := math.Inf(1)
	for i, m := range models {
		if m == model {
			fewest = min(fewest, systems[i])
		}
	}
	var order []int
	for i, m := range models {
		if m == model && systems[i] == fewest {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		return nil, nil, fmt.Errorf("no rows of model %q", model)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[a], all[b]) })
	for _, i := range order {
		rows, sparsity = append(rows, t.Rows[i]), append(sparsity, all[i])
	}
	return rows, sparsity, nil
}

// SPDFSpeedup draws FLOP speedup and machine speedup of pre-training over dense for every model.
// The table is Results.Answer.
func SPDFSpeedup(t sims.Table) (LineChart, error) {
	fail := func(err error) (LineChart, error) { return LineChart{}, fmt.Errorf("speedup figure: %w", err) }
	r := reader{t: t}
	models, task := r.texts("model"), r.texts("task")
	if r.err != nil {
		return fail(r.err)
	}
	chart := LineChart{
		Title: "Sparse pre-training over dense: what the FLOPs promise and what the machine gives", Subtitle: "pre-training alone, on the fewest systems of the run",
		XLabel: "Weight sparsity (%)", YLabel: "Speedup over dense (×)",
	}
	seen := map[string]bool{}
	for _, m := range models {
		if seen[m] {
			continue
		}
		seen[m] = true
		only := t
		only.Rows = nil
		for i, row := range t.Rows {
			if models[i] == m && task[i] == "pre-training alone" {
				only.Rows = append(only.Rows, row)
			}
		}
		rows, sparsity, err := modelRows(only, m)
		if err != nil {
			return fail(err)
		}
		only.Rows = rows
		r := reader{t: only}
		x := []float64{0}
		for _, s := range sparsity {
			x = append(x, 100*s)
		}
		for _, c := range []struct {
			column, name string
			style        LineStyle
		}{
			{"flop_speedup", m + ", FLOPs", LineStyle{Stroke: Dashed, Marker: true}},
			{"machine_speedup", m + ", machine", LineStyle{Stroke: Solid, Marker: true}},
		} {
			chart.Series = append(chart.Series, Series{Name: c.name, X: x, Y: append([]float64{1}, r.numbers(c.column)...), Style: c.style})
		}
		if r.err != nil {
			return fail(r.err)
		}
	}
	if len(chart.Series) == 0 {
		return fail(errors.New("no sparse rows"))
	}
	return chart, nil
}
