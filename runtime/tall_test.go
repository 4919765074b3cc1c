package runtime

import (
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// TestTallColumns tries every kernel where rows differ: later rows starve for parameters,
// gradients pass while rows still work, blocks come long after the work. With a slow link the
// losses of the groups do not all leave at once.
func TestTallColumns(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds of wavelets")
	}
	cfg := model.Config{Name: "tall", Layers: 1, Heads: 2, DModel: 28, DFF: 50, Vocabulary: 40, SequenceLength: 90}
	for _, c := range []struct {
		tokens int
		io     float64 // wavelets per cycle
		hop    float64
		buffer float64
	}{{1, 34, 1, 4}, {2, 2, 2, 4}, {3, 34, 1, 1}} {
		m := machine(t, fields{{"width", 8}, {"height", 180}, {"hop_cycles", c.hop}, {"buffer_depth", c.buffer}})
		m = machineWith(t, m, "io_bits_per_second", m.Get("clock_hz")*32*c.io)
		b := newBench(t, cfg, m, model.Mixed, compiler.Spread{HeadColumns: 2, Tokens: c.tokens}, 1)
		in := NewHost(b.space)
		fill := func(x *compiler.Tile) *compiler.Tile { b.fill(in, x, b.rnd.NormFloat64); return x }
		positive := func(x *compiler.Tile) *compiler.Tile { b.fill(in, x, b.rnd.ExpFloat64); return x }
		z := fill(b.tile("logits", b.space.Vocab, pe.F32))
		for _, k := range []compiler.Kernel{
			&compiler.LayerNorm{Gain: "ln_f.w", Bias: "ln_f.b", X: fill(b.feat("x")), Y: b.feat("y"), Mean: b.stat("mean"), RStd: b.stat("rstd")},
			&compiler.LayerNormBackward{Gain: "ln_f.w", Bias: "ln_f.b", X: fill(b.feat("x")), DY: fill(b.feat("dy")), DX: b.feat("dx"), Add: fill(b.feat("add")), Mean: b.stat("mean"), RStd: b.stat("rstd")},
			&compiler.LossChunk{Logits: z, Max: fill(b.stat("max")), Sum: positive(b.stat("sum")), Target: b.stat("target")},
			&compiler.LossReduce{Max: fill(b.stat("max")), Sum: positive(b.stat("sum")), Target: b.stat("target"), LSE: b.stat("lse"), Weight: b.stat("weight")},
			&compiler.LossBackward{Logits: z, LSE: b.stat("lse"), Weight: b.stat("weight"), DLogits: b.tile("dlogits", b.space.Vocab, b.space.Type())},
		} {
			b.tryTall(k, in)
		}
		// Blocks of a few wavelets fit between a PE and the edge, and the wait for room is too short to be exact.
		wide := cfg
		wide.DModel *= 2
		b = newBench(t, wide, m, model.Mixed, compiler.Spread{HeadColumns: 2, Tokens: c.tokens}, 1)
		in = NewHost(b.space)
		b.tryTall(&compiler.Embed{Y: b.feat("y")}, in)
		b.tryTall(&compiler.EmbedBackward{DY: fill(b.feat("dy"))}, in)
	}
}

// tryTall also compares which rows wait for what, within 2 % of all cycles.
func (b *bench) tryTall(k compiler.Kernel, in *Host) {
	b.t.Helper()
	r := b.try(k, in, 0)
	sum := r.report.Grid.Sum(b.space.Groups*b.space.Columns, b.space.Rows())
	for s, got := range sum {
		if d := got - r.run.States[s]; max(d, -d) > sum.Total()/50 {
			b.t.Errorf("%s: %d cycles in %s folded, %d run", k.Name(), got, pe.State(s).Name(), r.run.States[s])
		}
	}
}
