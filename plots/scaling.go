package plots

import (
	"fmt"
	"math"
	"slices"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/gpt"
)

// Scaling draws one kind of scaling over systems: of strong scaling the speedup, of weak scaling, which
// is far from no system's share, the efficiency. The table is Results.Scaling.
func Scaling(t sims.Table, kind string) (LineChart, error) {
	fail := func(err error) (LineChart, error) { return LineChart{}, fmt.Errorf("scaling figure: %w", err) }
	r := reader{t: t}
	models, kinds := r.texts("model"), r.texts("scaling")
	sparsity, systems := r.numbers("sparsity"), r.numbers("systems")
	y, label := r.numbers("speedup"), "Speedup (×)"
	if kind == gpt.WeakScaling {
		y, label = r.numbers("efficiency_percent"), "Efficiency (%)"
	}
	if r.err != nil {
		return fail(r.err)
	}
	chart := LineChart{
		Title: "Strong scaling: the same batch on more systems", Subtitle: "throughput of pre-training over that on the fewest systems",
		XLabel: "Systems", YLabel: label, LogX: true, LogY: kind == gpt.StrongScaling,
	}
	if kind == gpt.WeakScaling {
		chart.Title = "Weak scaling: as many sequences on every system"
		chart.Subtitle = "throughput of pre-training per system over that on the fewest systems"
	}
	var ticks []float64
	for i := range t.Rows {
		if kinds[i] != kind {
			continue
		}
		name := models[i] + ", " + percentLabel(sparsity[i])
		k := slices.IndexFunc(chart.Series, func(s Series) bool { return s.Name == name })
		if k < 0 {
			k = len(chart.Series)
			chart.Series = append(chart.Series, Series{Name: name, Style: LineStyle{Marker: true}})
		}
		chart.Series[k].X, chart.Series[k].Y = append(chart.Series[k].X, systems[i]), append(chart.Series[k].Y, y[i])
		ticks = append(ticks, systems[i])
	}
	if len(chart.Series) == 0 {
		return fail(fmt.Errorf("no rows of %s scaling", kind))
	}
	slices.Sort(ticks)
	ticks = slices.Compact(ticks)
	ideal := Series{Name: "ideal", Style: LineStyle{Stroke: Dashed, Muted: true}}
	for _, n := range ticks {
		at := n / ticks[0]
		if kind == gpt.WeakScaling {
			at = 100
		}
		ideal.X, ideal.Y = append(ideal.X, n), append(ideal.Y, at)
		chart.XTicks = append(chart.XTicks, Tick{n, fmt.Sprintf("%.0f", n)})
	}
	chart.Series = append([]Series{ideal}, chart.Series...)
	return chart, nil
}

// Throughput draws simulated against published sequences per second. The table is Results.Results; ok is false without
// published rows.
func Throughput(t sims.Table) (chart LineChart, ok bool, err error) {
	r := reader{t: t}
	models, simulated, real := r.texts("model"), r.numbers("sequences_per_second"), r.numbers("published_sequences_per_second")
	if r.err != nil {
		return chart, false, r.err
	}
	a := Series{Name: "simulated", Style: LineStyle{Stroke: Solid, Marker: true}}
	b := Series{Name: "published, CS-2", Style: LineStyle{Stroke: Dotted, Marker: true}}
	for i := range t.Rows {
		if math.IsNaN(real[i]) {
			continue
		}
		x := float64(len(a.X))
		a.X, a.Y = append(a.X, x), append(a.Y, simulated[i])
		b.X, b.Y = append(b.X, x), append(b.Y, real[i])
		chart.XTicks = append(chart.XTicks, Tick{x, fmt.Sprintf("%s\n%+.1f %%", models[i], 100*(simulated[i]/real[i]-1))})
	}
	chart.Title, chart.Subtitle = "Dense GPT training on one system", "global batch 256, 2,048 tokens; published: arXiv 2409.00287"
	chart.XLabel, chart.YLabel, chart.LogY = "Model, and the error of the simulation", "Sequences per second", true
	chart.Series = []Series{b, a}
	return chart, len(a.X) > 0, nil
}
