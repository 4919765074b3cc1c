package runtime

import (
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// logits is a tile of logits of some tokens of the vocabulary, whose columns may hold none.
func (b *bench) logits() (*compiler.Tile, []int) {
	s := b.space
	if b.rnd.IntN(2) == 0 {
		return b.tile("logits", s.Vocab, pe.F32), nil
	}
	bounds, rows := []int{0}, []int(nil)
	for c := range s.Columns {
		for v := s.Vocab[c]; v < s.Vocab[c+1]; v++ {
			if b.rnd.IntN(2) == 0 {
				rows = append(rows, v)
			}
		}
		bounds = append(bounds, len(rows))
	}
	return b.tile("logits", bounds, pe.F32), rows
}

func TestLossChunk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		z, rows := b.logits()
		k := &compiler.LossChunk{Logits: z, Rows: rows, Max: b.stat("max"), Sum: b.stat("sum"), Target: b.stat("target"), First: b.rnd.IntN(2) == 0}
		in := NewHost(b.space)
		for _, x := range []*compiler.Tile{z, k.Max, k.Target} {
			b.fill(in, x, func() float64 { return 3 * b.rnd.NormFloat64() })
		}
		b.fill(in, k.Sum, func() float64 { return 1 + b.rnd.ExpFloat64() })
		b.try(k, in, b.link())
	})
}

func TestLossReduce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		k := &compiler.LossReduce{Max: b.stat("max"), Sum: b.stat("sum"), Target: b.stat("target"), LSE: b.stat("lse"), Weight: b.stat("weight")}
		in := NewHost(b.space)
		b.fill(in, k.Max, func() float64 { return 3 * b.rnd.NormFloat64() })
		b.fill(in, k.Target, b.rnd.NormFloat64)
		b.fill(in, k.Sum, func() float64 { return 1 + b.rnd.ExpFloat64() })
		b.try(k, in, b.link())
	})
}

func TestLossBackward(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBench(t, rt)
		z, rows := b.logits()
		k := &compiler.LossBackward{Logits: z, Rows: rows, LSE: b.stat("lse"), Weight: b.stat("weight"), DLogits: b.tile("dlogits", z.Bounds, b.space.Type())}
		in := NewHost(b.space)
		b.fill(in, z, b.rnd.NormFloat64)
		in.setRows(k.LSE, b.perToken(b.rnd.NormFloat64))
		in.setRows(k.Weight, b.perToken(b.rnd.NormFloat64))
		b.try(k, in, b.link())
	})
}
