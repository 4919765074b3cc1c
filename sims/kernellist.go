package sims

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"cs2sim.dev/sims/kernels"
)

// Kernels lists what `cs2sim validate NAME` runs. Adding one is an entry here.
func Kernels() []Kernel {
	return append(rowKernels(), fmac(), spmm(), stencil(), gemv(), gemm())
}

// maxSize bounds every size; the machine's SRAM and sides bound them closer.
const maxSize = 1 << 20

func elements(standard string) Param {
	return Param{Name: "elements", Default: standard, Min: 1, Max: maxSize, SRAM: true, Doc: "elements of every PE's vector"}
}

func side(name string, axis Axes, standard, doc string) Param {
	return Param{Name: name, Default: standard, Min: 1, Max: maxSize, Axis: axis, Doc: doc}
}

// rowKernels are reduce, broadcast and all-reduce over a row or a rectangle of PEs.
func rowKernels() []Kernel {
	var words, both []string
	for _, a := range kernels.Algorithms() {
		words = append(words, string(a))
	}
	for _, a := range kernels.AllReduceAlgorithms() {
		both = append(both, string(a))
	}
	pes := side("pes", AcrossX, "512", "PEs in the row")
	width, height := side("width", AcrossX, "32", "PEs along x"), side("height", AcrossY, "32", "PEs along y")
	algorithm := Param{Name: "algorithm", Words: words, Default: words[0], Doc: "who adds to whom"}
	group := func(only string) Param {
		return Param{Name: "group", Default: "0", Min: 0, Max: maxSize, Only: []string{only}, Doc: "PEs per group; 0: the root of the line's length"}
	}
	number := Param{Name: "precision", Words: []string{"fp32", "fp16"}, Default: "fp32", Doc: "format of the elements"}
	half := func(a Args) bool { return a.Word("precision") == "fp16" }
	return []Kernel{
		{
			Name: "reduce", Doc: "1-D reduce: the sum of all PEs' vectors, at PE 0",
			Params: []Param{
				algorithm, group("algorithm two-phase"), pes, elements("1024"), number,
				{Name: "keep-descriptors", Switch: true, Default: "false", Doc: "descriptors of sources stay loaded after a PE's first instruction"},
			},
			program: func(a Args) program {
				return kernels.Reduce{Algorithm: kernels.Algorithm(a.Word("algorithm")), Group: a.Int("group"), PEs: a.Int("pes"), Elements: a.Int("elements"), FP16: half(a), Keep: a.On("keep-descriptors")}
			},
			chosen: chosenGroup,
		},
		{
			Name: "broadcast", Doc: "1-D broadcast: PE 0's vector floods the row",
			Params: []Param{pes, elements("1024"), number},
			program: func(a Args) program {
				return kernels.Broadcast{PEs: a.Int("pes"), Elements: a.Int("elements"), FP16: half(a)}
			},
		},
		{
			Name: "allreduce", Doc: "1-D all-reduce: the sum of all PEs' vectors, at every PE",
			Params: []Param{
				{Name: "algorithm", Words: both, Default: both[0], Doc: "in a ring by chunks, or to PE 0 and back"},
				{Name: "reduce", Words: words, Default: words[0], Only: []string{"algorithm reduce-broadcast"}, Doc: "who adds to whom"},
				group("reduce two-phase"), side("pes", AcrossX, "64", "PEs in the row"), elements("1024"), number,
			},
			program: func(a Args) program {
				k := kernels.AllReduce{Algorithm: kernels.AllReduceAlgorithm(a.Word("algorithm")), PEs: a.Int("pes"), Elements: a.Int("elements"), FP16: half(a)}
				if a.Word("algorithm") == "reduce-broadcast" {
					k.Reduce, k.Group = kernels.Algorithm(a.Word("reduce")), a.Int("group")
				}
				return k
			},
			chosen: chosenGroup,
		},
		{
			Name: "reduce2d", Doc: "2-D reduce: the sum of all PEs' vectors along x, then along y, at PE (0,0)",
			Params: []Param{algorithm, group("algorithm two-phase"), width, height, elements("256"), number},
			program: func(a Args) program {
				return kernels.Reduce2D{Algorithm: kernels.Algorithm(a.Word("algorithm")), Group: a.Int("group"), Width: a.Int("width"), Height: a.Int("height"), Elements: a.Int("elements"), FP16: half(a)}
			},
		},
		{
			Name: "broadcast2d", Doc: "2-D broadcast: PE (0,0)'s vector floods x, then y",
			Params: []Param{width, height, elements("256"), number},
			program: func(a Args) program {
				return kernels.Broadcast2D{Width: a.Int("width"), Height: a.Int("height"), Elements: a.Int("elements"), FP16: half(a)}
			},
		},
	}
}

func chosenGroup(a Args, _ compiler.Target) map[string]int {
	return map[string]int{"group": kernels.GroupOf(0, a.Int("pes"))}
}

func fmac() Kernel {
	return Kernel{
		Name: "fmac", Doc: "One tensor instruction y += a*x on one PE, memory to memory",
		Params: []Param{
			{Name: "elements", Default: "1028", Min: 1, Max: maxSize, SRAM: true, Doc: "elements of x and y"},
			{Name: "conflict", Switch: true, Default: "false", Doc: "x is y itself: every step reads one bank twice"},
			{Name: "load-descriptors", Switch: true, Default: "false", Doc: "load the descriptors inside the timed region"},
			{Name: "precision", Words: []string{"fp32", "fp16", "mixed"}, Default: "fp32", Doc: "format of y, and of x and a; mixed is fp32 and fp16"},
		},
		check: func(a Args) *InputError {
			if a.On("conflict") && a.Word("precision") == "mixed" {
				return &InputError{File: "--precision", Value: tomlString("mixed"), Want: "must be fp32 or fp16 with --conflict: x is y itself, of one format"}
			}
			return nil
		},
		program: func(a Args) program {
			types := map[string][2]pe.Type{"fp32": {pe.F32, pe.F32}, "fp16": {pe.F16, pe.F16}, "mixed": {pe.F32, pe.F16}}[a.Word("precision")]
			return kernels.FMac{
				Elements: a.Int("elements"), Dst: types[0], Src: types[1],
				Conflict: a.On("conflict"), LoadDescriptors: a.On("load-descriptors"),
			}
		},
	}
}

func spmm() Kernel {
	return Kernel{
		Name: "spmm", Doc: "Y += A X on every PE by itself: a software loop over A's non-zeros, fp32",
		Params: []Param{
			{Name: "format", Words: []string{"coo", "csc"}, Default: "coo", Doc: "how A is stored"},
			{Name: "nnz", Default: "127", Min: 1, Max: maxSize, SRAM: true, Doc: "non-zeros stored per PE: those of the fullest PE"},
			{Name: "m", Default: "68", Min: 1, Max: maxSize, SRAM: true, Doc: "columns of X and Y"},
			{Name: "rows", Default: "0", Min: 0, Max: maxSize, SRAM: true, Doc: "rows of A on one PE; 0: chosen"},
			{Name: "cols", Default: "0", Min: 0, Max: maxSize, SRAM: true, Doc: "columns of A on one PE; 0: chosen"},
			{Name: "density-percent", Default: "0", Min: 0, Max: 100, Doc: "of A; 0: such that nnz is about the most of some hundred PEs"},
			{Name: "pes", Default: "16", Min: 1, Max: maxSize, Axis: AcrossX, Doc: "PEs, each with a pattern of its own"},
			{Name: "seed", Default: "0", Min: 0, Max: 1 << 30, Doc: "of the patterns"},
		},
		program: func(a Args) program { return spmmOf(a) },
		chosen: func(a Args, t compiler.Target) map[string]int {
			k, err := spmmOf(a).Sized(t)
			if err != nil {
				return nil // and it did not run
			}
			return map[string]int{"rows": k.Rows, "cols": k.Cols}
		},
	}
}

func spmmOf(a Args) kernels.SpMM {
	return kernels.SpMM{
		Format: a.Word("format"), NNZ: a.Int("nnz"), M: a.Int("m"), Rows: a.Int("rows"), Cols: a.Int("cols"),
		PEs: a.Int("pes"), Density: float64(a.Int("density-percent")) / 100, Seed: uint64(a.Int("seed")),
	}
}

func stencil() Kernel {
	return Kernel{
		Name: "stencil", Doc: "25-point stencil of the wave equation, fp32, a column of nz cells on every PE; cycles of a step",
		Params: []Param{
			{Name: "nz", Default: "1000", Min: 1, Max: maxSize, SRAM: true, Doc: "cells of a PE's column"},
			side("width", AcrossX, "16", "PEs along x; more than 8, so that some are away from the edges"),
			side("height", AcrossY, "16", "PEs along y"),
			{Name: "steps", Default: "3", Min: 1, Max: 1 << 20, Doc: "time steps; all but the first are counted"},
		},
		program: func(a Args) program {
			return kernels.Stencil{NZ: a.Int("nz"), Width: a.Int("width"), Height: a.Int("height"), Steps: a.Int("steps")}
		},
		derive: func(a Args, r *kernels.Result) *Derived {
			return &Derived{"cycles_per_cell", float64(r.Cycles) / float64(a.Int("nz"))} // of the slowest PE
		},
	}
}

// dense are the parameters of dense linear algebra on a square mesh.
func dense(n, mesh, what string) []Param {
	return []Param{
		{Name: "n", Default: n, Min: 1, Max: maxSize, SRAM: true, Doc: what},
		side("mesh", Both, mesh, "PEs along each side of the square"),
		{Name: "precision", Words: []string{"fp32", "mixed", "fp16"}, Default: "fp32", Doc: "format of operands and sums; mixed is fp16 and fp32"},
	}
}

func gemv() Kernel {
	return Kernel{
		Name: "gemv", Doc: "y = A x, A of n x n in blocks on a square mesh: x broadcast down the columns, y reduced along the rows",
		Params: dense("512", "16", "rows and columns of A"),
		program: func(a Args) program {
			return kernels.GEMV{N: a.Int("n"), Mesh: a.Int("mesh"), Precision: a.Word("precision")}
		},
	}
}

func gemm() Kernel {
	return Kernel{
		Name: "gemm", Doc: "C = A B, all n x n in blocks on a square mesh: Cannon's algorithm, or SUMMA",
		Params: append([]Param{
			{Name: "algorithm", Words: []string{"cannon", "summa"}, Default: "cannon", Doc: "blocks move around rings, or are broadcast"},
		}, dense("128", "8", "rows and columns of A, B and C")...),
		program: func(a Args) program {
			return kernels.GEMM{Algorithm: a.Word("algorithm"), N: a.Int("n"), Mesh: a.Int("mesh"), Precision: a.Word("precision")}
		},
	}
}
