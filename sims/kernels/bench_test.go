package kernels

import (
	"testing"

	"cs2sim.dev/pe"
)

// BenchmarkReduce has the wavelet engine's speed in its own units. An element of a tensor instruction counts as
// one PE instruction.
func BenchmarkReduce(b *testing.B) {
	for _, c := range []struct {
		name string
		k    kernel
	}{
		{"chain512x8192", Reduce{PEs: 512, Elements: 8192}},
		{"tree512x512", Reduce{Algorithm: TreeReduce, PEs: 512, Elements: 512}},
		{"twophase512x4096", Reduce{Algorithm: TwoPhaseReduce, PEs: 512, Elements: 4096}},
		{"chain2d64x64x512", Reduce2D{Width: 64, Height: 64, Elements: 512}},
		{"broadcast64x64x512", Broadcast2D{Width: 64, Height: 64, Elements: 512}},
		{"ring64x4096", AllReduce{Algorithm: RingAllReduce, PEs: 64, Elements: 4096}},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := wse2(b)
			var hops, steps int64
			for b.Loop() {
				r := mustRun(b, c.k, m)
				hops += r.Report.Hops
				steps += r.Report.States[pe.Compute]
			}
			b.ReportMetric(float64(hops)/b.Elapsed().Seconds(), "wavelet-hops/s")
			b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "PE-instructions/s")
		})
	}
}
