package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"cs2sim.dev/sims/gpt"
)

// Roofline draws the FLOP/s of every kernel of a model's step over its arithmetic intensity, under the
// wafer's roofs, on the fewest systems of the run. Kernels of less than half a percent of the step are left out.
func Roofline(results gpt.Results, model string, sparsity float64) (LineChart, error) {
	t, machine, precision := results.Kernels, results.Machine, results.Precision
	fail := func(err error) (LineChart, error) { return LineChart{}, fmt.Errorf("roofline: %w", err) }
	rows, at, err := modelRows(t, model)
	if err != nil {
		return fail(err)
	}
	t.Rows = rows
	r := reader{t: t}
	kernel, pass, op := r.texts("kernel"), r.texts("pass"), r.texts("op")
	rate, intensity, share := r.numbers("flops_per_second"), r.numbers("flops_per_byte"), r.numbers("share_percent")
	if r.err != nil {
		return fail(r.err)
	}
	const leastShare = 0.5
	var points []Series
	var local []string
	lo, hi := math.Inf(1), 0.0
	for i := range t.Rows {
		if at[i] != sparsity || rate[i] <= 0 || share[i] < leastShare {
			continue
		}
		name := kernel[i]
		if op[i] == "lm_head" {
			name += ", vocabulary"
		}
		if pass[i] == gpt.PassRecompute {
			continue // as forward
		}
		if math.IsNaN(intensity[i]) {
			local = append(local, fmt.Sprintf("%s %.2g", name, rate[i]/1e15))
			continue
		}
		lo, hi = min(lo, intensity[i]), max(hi, intensity[i])
		k := slices.IndexFunc(points, func(s Series) bool { return s.Name == name })
		if k < 0 {
			k = len(points)
			points = append(points, Series{Name: name, Style: LineStyle{Stroke: NoLine, Marker: true}})
		}
		points[k].X, points[k].Y = append(points[k].X, intensity[i]), append(points[k].Y, rate[i]/1e15)
	}
	if len(points) == 0 {
		return fail(fmt.Errorf("no kernels of %s at sparsity %v with I/O", model, sparsity))
	}
	bandwidth := machine.Get("io_bits_per_second") / 8 // each way
	peak := gpt.Peak(machine, precision)
	full := gpt.Peak(machine, "fp16")
	lo, hi = min(lo, peak/bandwidth)/3, max(hi, full/bandwidth)*3
	roof := func(name string, limit float64, stroke Stroke) Series {
		return Series{Name: name, X: []float64{limit / bandwidth, hi}, Y: []float64{limit / 1e15, limit / 1e15}, Style: LineStyle{Stroke: stroke, Muted: true}}
	}
	chart := LineChart{
		Title:    fmt.Sprintf("Roofline of %s at %s sparsity", model, percentLabel(sparsity)),
		Subtitle: "FLOPs of all PEs, padding included, over bytes on the busier way of the I/O link",
		XLabel:   "Arithmetic intensity (FLOPs per byte of I/O)", YLabel: "PFLOP/s", LogX: true, LogY: true,
	}
	if len(local) > 0 {
		chart.Subtitle += "; without I/O, in PFLOP/s: " + strings.Join(local, ", ")
	}
	chart.Series = append(chart.Series, Series{Name: "I/O link", X: []float64{lo, full / bandwidth}, Y: []float64{lo * bandwidth / 1e15, full / 1e15}, Style: LineStyle{Stroke: Solid, Muted: true}})
	chart.Series = append(chart.Series, roof("SRAM: y += a x in fp16", full, Dotted))
	if peak != full {
		chart.Series = append(chart.Series, roof("datapath, "+precision, peak, Dashed))
	}
	chart.Series = append(chart.Series, points...)
	return chart, nil
}
