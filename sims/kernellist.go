package sims

import (
	"cs2sim.dev/pe"
	"cs2sim.dev/sims/kernels"
)

// Kernels lists what `cs2sim validate NAME` runs. Adding one is an entry here.
func Kernels() []Kernel {
	return []Kernel{
		{
			Name: "reduce", Doc: "1-D reduce: the fp32 sum of all PEs' vectors, at PE 0",
			Params: []Param{
				{Name: "algorithm", Words: []string{"chain"}, Default: "chain", Doc: "who adds to whom"},
				{Name: "pes", Default: "512", Min: 1, Max: maxSize, Axis: AcrossX, Doc: "PEs in the row"},
				elements("1024", "of every PE's vector"),
			},
			program: func(a Args) program {
				return kernels.Chain{PEs: a.Int("pes"), Elements: a.Int("elements")}
			},
		},
		{
			Name: "fmac", Doc: "One tensor instruction y += a*x on one PE, memory to memory",
			Params: []Param{
				elements("1028", "of x and y"),
				{Name: "conflict", Switch: true, Default: "false", Doc: "x is y itself: every step reads one bank twice"},
				{Name: "load-descriptors", Switch: true, Default: "false", Doc: "load the descriptors inside the timed region"},
				{Name: "precision", Words: []string{"fp32", "fp16", "mixed"}, Default: "fp32", Doc: "format of y, and of x and a; mixed is fp32 and fp16"},
			},
			check: func(a Args) *InputError {
				if a.On("conflict") && a.Word("precision") == "mixed" {
					return &InputError{File: "--precision", Value: "mixed", Want: "must be fp32 or fp16 with --conflict: x is y itself, of one format"}
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
		},
	}
}

// maxSize bounds every size; the machine's SRAM and sides bound them closer.
const maxSize = 1 << 20

func elements(standard, doc string) Param {
	return Param{Name: "elements", Default: standard, Min: 1, Max: maxSize, SRAM: true, Doc: "elements " + doc}
}
