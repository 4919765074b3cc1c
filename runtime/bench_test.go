package runtime

import (
	"context"
	"fmt"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
)

// BenchmarkStream is one 12,288 x 12,288 layer on the whole wafer; the row recurrences visit
// every column of every output row once, and drawing the mask takes most of the rest.
func BenchmarkStream(b *testing.B) {
	for _, sparsity := range []float64{0, 0.75, 0.9} {
		b.Run(fmt.Sprintf("12k,sparsity=%v", sparsity), func(b *testing.B) {
			g := model.MatMul("m", 301056, 12288, 12288, model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity, Seed: 1}, 1, model.Mixed)
			p := compile(b, g, machine(b, nil), compiler.Options{Groups: 8, RunAhead: 64})
			b.ReportAllocs()
			cells, peCycles := 0.0, 0.0
			for b.Loop() {
				r := run(b, p, Stream)
				cells += 12288 * float64(p.Mapping.Columns)
				peCycles += float64(r.States.Total())
			}
			b.ReportMetric(cells/b.Elapsed().Seconds(), "column-rows/s")
			b.ReportMetric(peCycles/b.Elapsed().Seconds(), "PE-cycles/s")
		})
	}
}

// BenchmarkWavelet is the linear kernel, values included, on a 64 x 64 mesh: PE steps and
// vector arithmetic bound it, not the routers.
func BenchmarkWavelet(b *testing.B) {
	m := machine(b, fields{{"width", 64}, {"height", 64}})
	g := model.MatMul("m", 64*16, 512, 64, model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: 0.75, Seed: 1}, 1, model.Mixed)
	p := compile(b, g, m, compiler.Options{Groups: 1, RunAhead: 8})
	mask, err := model.NewMask(p.Node.Out, p.Node.In, p.Node.Mask)
	if err != nil {
		b.Fatal(err)
	}
	hops, peCycles := 0.0, 0.0
	for b.Loop() {
		b.StopTimer()
		e, err := newWaveletEngine(p, mask)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		end, err := e.run(context.Background(), nil)
		if err != nil {
			b.Fatal(err)
		}
		hops += float64(e.mesh.Stats().Hops)
		peCycles += float64(end) * float64(e.mesh.Size())
	}
	b.ReportMetric(hops/b.Elapsed().Seconds(), "hops/s")
	b.ReportMetric(peCycles/b.Elapsed().Seconds(), "PE-cycles/s")
}
