package sims

import (
	"bytes"
	"fmt"

	"cs2sim.dev/runtime"
)

// Trace is the pprof profile of all finished points: simulated PE-cycles under the frames
// experiment and sparsity > layer > kernel > state. Gzipped, the same bytes for the same points.
func Trace(results []Result) ([]byte, error) {
	var samples []runtime.Sample
	for _, r := range results {
		for _, p := range r.Points {
			if p == nil {
				continue
			}
			report := p.Report
			report.Column = p.Columns
			name := p.Input.name()
			if r.Curve.Name != baseName {
				name += ", " + r.Curve.Name
			}
			samples = append(samples, runtime.Sample{
				Experiment: name,
				Layer:      fmt.Sprintf("layer %d x %d", p.Input.Rows, p.Input.Cols),
				Kernel:     "linear forward " + string(p.Input.Precision),
				Sparsity:   p.Input.Sparsity,
				Report:     &report,
			})
		}
	}
	var b bytes.Buffer
	if err := runtime.Profile(samples).Write(&b); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	return b.Bytes(), nil
}

// name is the experiment and the sparsity, as one frame.
func (in Input) name() string { return fmt.Sprintf("matmul at sparsity %.4g %%", 100*in.Sparsity) }
