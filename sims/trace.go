package sims

import (
	"fmt"

	"cs2sim.dev/runtime"
	"cs2sim.dev/sims/trace"
)

// Traces are the runs of all finished points, in the order of the curves: where their cycles went.
func Traces(results []Result) (runs []*trace.Run) {
	for _, r := range results {
		for _, p := range r.Points {
			if p != nil {
				runs = append(runs, r.Curve.Trace(p))
			}
		}
	}
	return runs
}

// TracePoint is the trace of a point of any of the curves.
func TracePoint(curves []Curve, p *Point) *trace.Run {
	for i := range curves {
		for _, in := range curves[i].inputs() {
			if in.FileName() == p.Input.FileName() {
				return curves[i].Trace(p)
			}
		}
	}
	return curves[0].Trace(p)
}

// Trace is where the cycles of one point went.
func (c *Curve) Trace(p *Point) *trace.Run {
	report := p.Report
	report.Column, report.Wavelets, report.Windows = p.Columns, p.Routed, p.Windows
	report.Links = (*runtime.LinkTable)(p.Links)
	name := p.Input.name()
	if c.Name != baseName {
		name += ", " + c.Name
	}
	return trace.Point{
		Experiment: "matmul", Name: name, Sparsity: p.Input.Sparsity,
		Layer:   fmt.Sprintf("layer %d x %d", p.Input.Rows, p.Input.Cols),
		Kernel:  "linear " + string(p.Input.Precision),
		Machine: c.Config.Machine, Mapping: p.Mapping, Features: p.Mapping.Bounds(p.Input.Cols), Memory: p.Memory, Report: &report,
	}.Run()
}

// name is the experiment and the sparsity, as one frame.
func (in Input) name() string { return fmt.Sprintf("matmul at sparsity %.4g %%", 100*in.Sparsity) }
