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
