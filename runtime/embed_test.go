package runtime

import (
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
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

func TestReadout(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		k := &compiler.Readout{X: b.tile("logits", b.space.Vocab, pe.F32)}
		in := NewHost(b.space)
		b.fill(in, k.X, b.rnd.NormFloat64)
		r := b.try(k, in, 3)
		b.same("what was read out", r.wave.Read[k.X], r.store.Read[k.X])
		b.same("what was read out", r.store.Read[k.X], in.Tensor(k.X))
	})
}
