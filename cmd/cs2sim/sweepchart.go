package main

import (
	"fmt"
	"slices"

	"cs2sim.dev/plots"
	"cs2sim.dev/sims"
)

const (
	maxLines = 12 // that a reader can tell apart
	maxTicks = 12 // that do not run into each other
)

// sweepChart draws the speedups of a sweep; ok is false if there is nothing to draw.
func sweepChart(axes []sims.Axis, results []sims.Result) (chart plots.LineChart, ok bool) {
	key, lines := sims.SweepLines(axes, results)
	chart = plots.LineChart{
		Title:  "Simulated speedup",
		XLabel: "Theoretical speedup 1 / (1 − sparsity)",
		YLabel: "Speedup over dense (×)",
	}
	if key != "" && len(lines) > 0 {
		chart.XLabel = key
		if k, err := sims.FindKey(key); err == nil && k.Unit != "" && k.Unit != "fraction" {
			chart.XLabel += " (" + k.Unit + ")"
		}
		values := places(lines)
		chart.LogX = values[0] > 0 && values[len(values)-1] > 20*values[0] // a linear axis would crowd the lower ones
		if len(values) <= maxTicks && !chart.LogX {
			for _, v := range values {
				chart.XTicks = append(chart.XTicks, plots.Tick{Value: v, Label: fmt.Sprintf("%.4g", v)})
			}
		}
	}
	if len(lines) > maxLines {
		chart.Subtitle = fmt.Sprintf("the last %d of %d curves; sweep.csv has all", maxLines, len(lines))
		lines = lines[len(lines)-maxLines:]
	}
	for _, l := range lines {
		chart.Series = append(chart.Series, plots.Series{Name: l.Name, X: l.X, Y: l.Y, Style: plots.LineStyle{Marker: true}})
	}
	return chart, len(lines) > 0
}

// places lists where the lines have points, in order, each once.
func places(lines []sims.Line) (all []float64) {
	for _, l := range lines {
		all = append(all, l.X...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
