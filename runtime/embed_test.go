package runtime

import (
	"math"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

func TestEmbed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		near := b.link()
		if core := b.space.Target.Core(); b.space.Target.IORate() < float64(b.space.Groups*b.space.Columns) {
			// Until the PEs are ready, ports that are not held up take the turns of those that are.
			near += int64(core.LaunchCycles + core.TaskSwitchCycles + core.TensorStartCycles + core.DescriptorLoadCycles)
		}
		b.try(&compiler.Embed{Y: b.feat("y")}, NewHost(b.space), near)
	})
}

func TestEmbedBackward(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		k := &compiler.EmbedBackward{DY: b.feat("dy")}
		in := NewHost(b.space)
		b.fill(in, k.DY, b.rnd.NormFloat64)
		b.try(k, in, b.link())
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

// link is how far folded turns may be off in cycles: a wavelet of the link and a rounding.
func (b *bench) link() int64 { return 1 + int64(math.Ceil(1/b.space.Target.IORate())) }
