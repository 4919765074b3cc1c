package kernels

import "cs2sim.dev/compiler"

// Expect is about how many cycles a kernel takes, for a progress display and nothing else.
func (k GEMM) Expect(t compiler.Target) float64 {
	nb := float64(k.block())
	return float64(k.Mesh) * nb * nb * (nb/perCycle(k.Precision, t) + 9)
}

func (k GEMV) Expect(t compiler.Target) float64 {
	nb := float64(k.block())
	return nb*(nb/perCycle(k.Precision, t)+9) + float64(7*k.Mesh)
}

func (k SpMM) Expect(compiler.Target) float64 {
	return 1600 + float64(k.NNZ)*(39+1.2*float64(k.M))
}

func (k Stencil) Expect(compiler.Target) float64 {
	return float64(k.Steps) * (60*float64(k.NZ) + 1500)
}

func (k Reduce) Expect(t compiler.Target) float64      { return ClosedForm(t, k.Model()) }
func (k Reduce2D) Expect(t compiler.Target) float64    { return ClosedForm(t, k.Model()) }
func (k Broadcast) Expect(t compiler.Target) float64   { return ClosedForm(t, k.Model()) }
func (k Broadcast2D) Expect(t compiler.Target) float64 { return ClosedForm(t, k.Model()) }
func (k AllReduce) Expect(t compiler.Target) float64   { return ClosedForm(t, k.Model()) }

func (k FMac) Expect(compiler.Target) float64 { return float64(k.Elements) }

func perCycle(precision string, t compiler.Target) float64 {
	switch core := t.Core(); precision {
	case "fp16":
		return float64(core.FP16PerCycle)
	case "mixed":
		return float64(core.MixedPerCycle)
	}
	return 1
}
