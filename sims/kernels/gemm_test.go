package kernels

import (
	"context"
	"strings"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"

	"pgregory.net/rapid"
)

// TestGEMMValues: any n on any mesh in any precision, as plain loops in the same order.
func TestGEMMValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := GEMM{
			Algorithm: rapid.SampledFrom([]string{"cannon", "summa"}).Draw(t, "algorithm"),
			N:         rapid.IntRange(1, 20).Draw(t, "n"), Mesh: rapid.IntRange(1, 6).Draw(t, "mesh"),
			Precision: rapid.SampledFrom([]string{"fp32", "mixed", "fp16"}).Draw(t, "precision"),
		}
		r, err := k.Run(context.Background(), preset(t))
		if err != nil {
			t.Fatalf("%+v: %v", k, err)
		}
		if r.Mismatches > 0 {
			t.Errorf("%+v: %d wrong values", k, r.Mismatches)
		}
		again, err := k.Run(context.Background(), preset(t))
		if err != nil || again.Report.States != r.Report.States || again.Spread != r.Spread {
			t.Errorf("%+v: another result the second time: %v", k, err)
		}
	})
}

func TestGEMVValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := GEMV{
			N: rapid.IntRange(1, 40).Draw(t, "n"), Mesh: rapid.IntRange(1, 6).Draw(t, "mesh"),
			Precision: rapid.SampledFrom([]string{"fp32", "mixed", "fp16"}).Draw(t, "precision"),
		}
		r, err := k.Run(context.Background(), preset(t))
		if err != nil {
			t.Fatalf("%+v: %v", k, err)
		}
		if r.Mismatches > 0 {
			t.Errorf("%+v: %d wrong values", k, r.Mismatches)
		}
	})
}

// TestProductsBounds: what a PE's datapath does, to the element. Cannon moves every block on itself,
// two in and two out per step; SUMMA leaves that to the routers, and a step takes two blocks in, or
// out at the sender. So SUMMA takes fewer cycles although it overlaps nothing: microthreads hide
// waiting, they share the datapath.
func TestProductsBounds(t *testing.T) {
	cycles := map[string]int64{}
	for _, algorithm := range []string{"cannon", "summa"} {
		k := GEMM{Algorithm: algorithm, N: 100, Mesh: 8}
		r, err := k.Run(context.Background(), wse2(t))
		if err != nil {
			t.Fatal(err)
		}
		nb := int64(k.block())
		fmacs, moved := nb*nb*nb*8, 4*nb*nb*7
		if algorithm == "summa" {
			moved = 2 * nb * nb * 8
		}
		if r.Report.FMACs != 64*fmacs || r.Report.States[pe.Compute] != 64*(fmacs+moved) || r.Mismatches > 0 {
			t.Errorf("%+v: %d FMACs, %d elements; want %d and %d per PE; %d wrong values", k, r.Report.FMACs, r.Report.States[pe.Compute], fmacs, fmacs+moved, r.Mismatches)
		}
		if starts := nb * nb * 8 * 8; r.Cycles < fmacs+moved+starts || r.Cycles > (fmacs+moved+starts)*11/10 {
			t.Errorf("%+v: %d cycles, want %d for elements, starts and loops, and up to a tenth more", k, r.Cycles, fmacs+moved+starts)
		}
		cycles[algorithm] = r.Cycles
	}
	if cycles["cannon"] <= cycles["summa"] {
		t.Errorf("cannon %d cycles, summa %d", cycles["cannon"], cycles["summa"])
	}
	fast, err := GEMM{Algorithm: "cannon", N: 100, Mesh: 8, Precision: "fp16"}.Run(context.Background(), wse2(t))
	if err != nil || fast.Cycles >= cycles["cannon"] {
		t.Errorf("fp16: %v cycles, fp32 %d; %v", fast.Cycles, cycles["cannon"], err)
	}
}

func TestProductsRefused(t *testing.T) {
	type kernel interface {
		Run(context.Context, compiler.Target) (*Result, error)
	}
	for want, k := range map[string]kernel{
		"gemm: n = 0 on a mesh of 4":                 GEMM{Algorithm: "summa", Mesh: 4},
		`gemm: algorithm "strassen", must be cannon`: GEMM{Algorithm: "strassen", N: 4, Mesh: 2},
		`gemm: precision "int8", must be fp32`:       GEMM{Algorithm: "summa", N: 4, Mesh: 2, Precision: "int8"},
		`SRAM: "c" does not fit`:                     GEMM{Algorithm: "cannon", N: 100, Mesh: 2},
		"gemv: n = 3 on a mesh of 0":                 GEMV{N: 3},
		`gemv: precision "bf16"`:                     GEMV{N: 3, Mesh: 1, Precision: "bf16"},
		"layout stencil: 751 x 1 PEs":                Stencil{NZ: 1, Width: 751, Height: 1},
		`SRAM: "a" does not fit`:                     GEMV{N: 1000, Mesh: 2},
		"stencil: columns of 0 cells":                Stencil{},
		`SRAM: "parts" does not fit: 49212 bytes`:    Stencil{NZ: 4090},
	} {
		if _, err := k.Run(context.Background(), wse2(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", k, err, want)
		}
	}
}
