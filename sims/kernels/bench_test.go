package kernels

import (
	"context"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// bench reports how fast the wavelet engine runs a kernel: hops, and cycles in which a datapath worked.
func bench(b *testing.B, k interface {
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
	b.ReportMetric(float64(hops)/b.Elapsed().Seconds(), "hops/s")
	b.ReportMetric(float64(work)/b.Elapsed().Seconds(), "PE-elements/s")
}

func BenchmarkStencil(b *testing.B) { bench(b, Stencil{NZ: 100, Width: 16, Height: 16, Steps: 3}) }
func BenchmarkCannon(b *testing.B)  { bench(b, GEMM{Algorithm: "cannon", N: 256, Mesh: 16}) }
func BenchmarkSUMMA(b *testing.B)   { bench(b, GEMM{Algorithm: "summa", N: 256, Mesh: 16}) }
func BenchmarkGEMV(b *testing.B)    { bench(b, GEMV{N: 512, Mesh: 16}) }
