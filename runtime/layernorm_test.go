package runtime

import (
	"testing"

	"cs2sim.dev/compiler"
	"pgregory.net/rapid"
)

func TestLayerNorm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		k := &compiler.LayerNorm{Gain: "ln_f.w", Bias: "ln_f.b", X: b.feat("x"), Y: b.feat("y"), Mean: b.stat("mean"), RStd: b.stat("rstd")}
		in := NewHost(b.space)
		b.fill(in, k.X, func() float64 { return 1 + b.rnd.NormFloat64() })
		b.try(k, in, 0)
	})
}

func TestLayerNormBackward(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		k := &compiler.LayerNormBackward{Gain: "ln_f.w", Bias: "ln_f.b", X: b.feat("x"), DY: b.feat("dy"), DX: b.feat("dx"), Mean: b.stat("mean"), RStd: b.stat("rstd")}
		switch b.rnd.IntN(3) {
		case 0:
			k.Add = b.feat("add")
		case 1:
			k.Add = k.DX
		}
		in := NewHost(b.space)
		for _, x := range []*compiler.Tile{k.X, k.DY, k.DX} {
			b.fill(in, x, b.rnd.NormFloat64)
		}
		if k.Add != nil {
			b.fill(in, k.Add, b.rnd.NormFloat64)
		}
		in.setRows(k.Mean, b.perToken(b.rnd.NormFloat64))
		in.setRows(k.RStd, b.perToken(b.rnd.ExpFloat64))
		// The gradients of rows below take the datapath when they come, which in the row that is
		// run is while it waits; and the last group's turn on the link is not an equal share.
		turn := int64(float64(b.space.Groups) / b.space.Target.IORate())
		b.try(k, in, int64(2*b.widest(b.space.Feat))+turn)
	})
}
