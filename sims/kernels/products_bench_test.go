package kernels

import (
	"context"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// benchKernel reports how fast the wavelet engine runs a kernel: hops, and elements of tensor instructions.
func benchKernel(b *testing.B, k interface {
	Run(context.Context, compiler.Target) (*Result, error)
}) {
	var hops, work int64
	for b.Loop() {
		r, err := k.Run(context.Background(), wse2(b))
		if err != nil || r.Mismatches > 0 {
			b.Fatal(r, err)
		}
		hops += r.Report.Hops
		work += r.Report.States[pe.Compute]
	}
	b.ReportMetric(float64(hops)/b.Elapsed().Seconds(), "wavelet-hops/s")
	b.ReportMetric(float64(work)/b.Elapsed().Seconds(), "PE-instructions/s")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/run")
}

func BenchmarkStencil(b *testing.B) {
	benchKernel(b, Stencil{NZ: 100, Width: 16, Height: 16, Steps: 3})
}

// BenchmarkStencil64 is the case the wavelet engine's speed is judged by.
func BenchmarkStencil64(b *testing.B) {
	if testing.Short() {
		b.Skip("runs for minutes")
	}
	benchKernel(b, Stencil{NZ: 1000, Width: 64, Height: 64, Steps: 10})
}
func BenchmarkCannon(b *testing.B) { benchKernel(b, GEMM{Algorithm: "cannon", N: 256, Mesh: 16}) }
func BenchmarkSUMMA(b *testing.B)  { benchKernel(b, GEMM{Algorithm: "summa", N: 256, Mesh: 16}) }
func BenchmarkGEMV(b *testing.B)   { benchKernel(b, GEMV{N: 512, Mesh: 16}) }
