package main

import (
	"cs2sim.dev/plots"
	"cs2sim.dev/sims/gpt"
)

// gptFigures are all figures of a gpt run; they come from results.json alone.
func gptFigures(r gpt.Results) (files []file, err error) {
	draw := func(name string, f figure, problem error) {
		if err != nil {
			return
		}
		var more []file
		if more, err = render(name, f, problem); err == nil {
			files = append(files, more...)
		}
	}
	for _, m := range r.Models() {
		bars, problem := plots.StepTime(r.Breakdown, m)
		draw("step-"+m, bars, problem)
		for _, s := range r.Sparsities(m) {
			roof, problem := plots.Roofline(r, m, s)
			draw("roofline-"+m+"-"+gpt.PercentName(s), roof, problem)
		}
	}
	if len(r.Answer.Rows) > 0 {
		chart, problem := plots.SPDFSpeedup(r.Answer)
		draw("speedup", chart, problem)
	}
	if r.Scaling != nil {
		for _, kind := range []string{gpt.StrongScaling, gpt.WeakScaling} {
			chart, problem := plots.Scaling(*r.Scaling, kind)
			draw("scaling-"+kind, chart, problem)
		}
	}
	if chart, ok, problem := plots.Throughput(r.Results); problem != nil || ok {
		draw("throughput", chart, problem)
	}
	return files, err
}
