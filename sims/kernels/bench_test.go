package kernels

import (
	"context"
	"testing"

	"cs2sim.dev/compiler"
)

// BenchmarkKernels is the wavelet engine on whole programs, layout and check included: wavelet-hops
// and PE-instructions per second of one core.
func BenchmarkKernels(b *testing.B) {
	for _, c := range []struct {
		name string
		run  func(context.Context, compiler.Target) (*Result, error)
	}{
		{"chain=512x8192", Chain{PEs: 512, Elements: 8192}.Run},
		{"two-phase=512x4096", Reduce{Algorithm: TwoPhaseReduce, Group: 32, PEs: 512, Elements: 4096}.Run},
		{"reduce2d=64x64x256", Reduce2D{Width: 64, Height: 64, Elements: 256}.Run},
		{"broadcast2d=64x64x256", Broadcast2D{Width: 64, Height: 64, Elements: 256}.Run},
		{"coo=200PEs", SpMM{Format: "coo", NNZ: 127, M: 68, PEs: 200}.Run},
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
