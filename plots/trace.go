package plots

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"cs2sim.dev/sims/trace"
)

// WaferMap shows a quantity of every PE of the program rectangle over the phases from first to
// last of a run; PEs not in use are grey.
func WaferMap(r *trace.Run, first, last int, q trace.Quantity) (HeatMap, error) {
	values, err := r.Map(first, last, q)
	if err != nil {
		return HeatMap{}, fmt.Errorf("wafer map: %w", err)
	}
	w, h := r.Place.Width, r.Place.Height
	return HeatMap{
		Title:    q.Label(),
		Subtitle: r.Name + ", " + phaseRange(r, first, last),
		XLabel:   "PE column", YLabel: "PE row", ValueLabel: q.Label(),
		Width: r.Machine.Width, Height: r.Machine.Height,
		At: func(x, y int) float64 {
			if x >= w || y >= h {
				return math.NaN()
			}
			return values[y*w+x]
		},
	}, nil
}

// phaseRange says in words which phases they are.
func phaseRange(r *trace.Run, first, last int) string {
	p := r.Phases[first]
	switch {
	case first == last:
		return fmt.Sprintf("phase %d: %s of %s, %s cycles", first, p.Frame(), p.Name, groupDigits(strconv.FormatInt(p.Cycles, 10)))
	case first == 0 && last == len(r.Phases)-1:
		return fmt.Sprintf("all %d phases, %s cycles", len(r.Phases), groupDigits(strconv.FormatInt(r.Cycles, 10)))
	}
	return fmt.Sprintf("phases %d to %d", first, last)
}

// utilizationBins are the points of a curve over time: two dots of a PNG each.
const utilizationBins = 600

// UtilizationOverTime shows which share of all PEs was busy, waited, and had nothing to do, and how full
// the I/O link was, over the time of the phases from first to last of a run.
func UtilizationOverTime(r *trace.Run, first, last int) (LineChart, error) {
	if first < 0 || last >= len(r.Phases) || first > last {
		return LineChart{}, fmt.Errorf("utilisation over time: phases %d to %d of %d", first, last, len(r.Phases))
	}
	bins := r.Bins(first, last, utilizationBins)
	if len(bins) == 0 {
		return LineChart{}, fmt.Errorf("utilisation over time: phases %d to %d of run %q last no cycle", first, last, r.Name)
	}
	series := []Series{
		{Name: "busy", Style: LineStyle{Stroke: Solid}}, {Name: "waiting", Style: LineStyle{Stroke: Solid}},
		{Name: "idle or not used", Style: LineStyle{Stroke: Dotted, Muted: true}}, {Name: "I/O link, both ways", Style: LineStyle{Thin: true}},
	}
	milliseconds := 1e3 / r.Machine.ClockHz
	for _, b := range bins {
		cycles := b.To - b.From
		busy, waiting, idle := b.Shares()
		for i, v := range []float64{busy, waiting, idle, b.Edge / cycles / (2 * r.Machine.IORate)} {
			series[i].X = append(series[i].X, b.From*milliseconds, b.To*milliseconds)
			series[i].Y = append(series[i].Y, 100*v, 100*v)
		}
	}
	return LineChart{
		Title: "What the PEs did over time", Subtitle: r.Name + ", " + phaseRange(r, first, last),
		XLabel: "Time (ms)", YLabel: "Share of all PEs, and of the link (%)", Series: series,
	}, nil
}

// loadBins are the bars of a histogram.
const loadBins = 16

// ColumnLoad is the histogram of how busy the used columns were in the phases from first to last,
// and what the busiest one costs the others.
func ColumnLoad(r *trace.Run, first, last int) (StackedBars, error) {
	if first < 0 || last >= len(r.Phases) || first > last {
		return StackedBars{}, fmt.Errorf("column load: phases %d to %d of %d", first, last, len(r.Phases))
	}
	l := r.Load(first, last)
	if l.Mean == 0 {
		return StackedBars{}, fmt.Errorf("column load: no column of run %q was busy", r.Name)
	}
	lo, hi := slices.Min(l.Busy), slices.Max(l.Busy)
	bars := StackedBars{
		Title: "Columns by load",
		Subtitle: fmt.Sprintf("%s, %s: column %d has the most, %.3f times the mean; a PE of mean load is busy %s cycles less",
			r.Name, phaseRange(r, first, last), l.Most, l.Imbalance, groupDigits(strconv.FormatFloat(l.LostCyclesEach, 'f', 0, 64))),
		XLabel: "Busy cycles of a column above or below the mean (%)", YLabel: "Columns",
	}
	bins := loadBins
	if lo == hi {
		bins = 1
	}
	counts := make([]float64, bins)
	for _, b := range l.Busy {
		i := 0
		if hi > lo {
			i = min(bins-1, int(float64(b-lo)/float64(hi-lo)*float64(bins)))
		}
		counts[i]++
	}
	for i := range counts {
		middle := float64(lo) + (float64(i)+0.5)*float64(hi-lo)/float64(bins)
		bars.Categories = append(bars.Categories, fmt.Sprintf("%+.3g", 100*(middle/l.Mean-1)))
	}
	bars.Layers = []Layer{{"columns", counts}}
	return bars, nil
}
