package runtime

import (
	"testing"

	"cs2sim.dev/compiler"
	"pgregory.net/rapid"
)

func TestEmbed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		b.try(&compiler.Embed{Y: b.feat("y")}, NewHost(b.space), 3)
	})
}

func TestEmbedBackward(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		k := &compiler.EmbedBackward{DY: b.feat("dy")}
		in := NewHost(b.space)
		b.fill(in, k.DY, b.rnd.NormFloat64)
		b.try(k, in, 0)
	})
}
