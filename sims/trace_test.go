package sims

import (
	"testing"

	"cs2sim.dev/runtime"
	"cs2sim.dev/sims/trace"
)

// TestTraces: what a run's folder tells of where the cycles went is what results.json tells, on both
// engines.
func TestTraces(t *testing.T) {
	for _, fidelity := range []runtime.Fidelity{runtime.Stream, runtime.Wavelet} {
		curves := smallCurves(t)[:1]
		curves[0].Config.Fidelity = fidelity
		results, err := Simulate(t.Context(), curves, Options{})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := trace.Write(dir, Version, Traces(results)...); err != nil {
			t.Fatal(err)
		}
		got, err := trace.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Runs) != len(results[0].Points) {
			t.Fatalf("%d runs of %d points", len(got.Runs), len(results[0].Points))
		}
		for i, p := range results[0].Points {
			r := got.Runs[i]
			if r.Totals() != p.Report.States || r.Cycles != int64(p.Report.Cycles) || len(r.Memory) == 0 {
				t.Errorf("%s, %s: %v in %d cycles in the trace, %v in %d in the results", fidelity, r.Name, r.Totals(), r.Cycles, p.Report.States, p.Report.Cycles)
			}
			for y := range p.Report.Height {
				for x := range p.Report.Width {
					report := p.Report
					report.Column = p.Columns
					if a, b := r.Kinds[0].At(x, y), report.At(x, y); a != b {
						t.Fatalf("PE %d,%d: %v in the trace, %v in the report", x, y, a, b)
					}
				}
			}
		}
	}
}
