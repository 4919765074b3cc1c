package kernels

import (
	"context"
	"testing"

	"cs2sim.dev/compiler"
)

// BenchmarkLoops is kernels whose PEs loop over short instructions, tensor and scalar alike: hops and
// instructions begun per second of one core.
func BenchmarkLoops(b *testing.B) {
	for _, c := range []struct {
		name string
		run  func(context.Context, compiler.Target) (*Result, error)
	}{
		{"coo=200PEs", SpMM{Format: "coo", NNZ: 127, M: 68, PEs: 200}.Run},
		{"csc=200PEs", SpMM{Format: "csc", NNZ: 128, M: 68, PEs: 200}.Run},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := wse2(b)
			b.ReportAllocs()
			hops, instructions := 0.0, 0.0
			for b.Loop() {
				r, err := c.run(context.Background(), m)
				if err != nil {
					b.Fatal(err)
				}
				hops += float64(r.Report.Hops)
				instructions += float64(r.Report.Instrs)
			}
			b.ReportMetric(hops/b.Elapsed().Seconds(), "hops/s")
			b.ReportMetric(instructions/b.Elapsed().Seconds(), "PE-instructions/s")
		})
	}
}
