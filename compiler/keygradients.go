package compiler

import (
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// keyGradients is the part of backward attention that forms the gradients of keys and values and sums
// them over the rows of a sequence.
type keyGradients struct {
	*head
	row  keyRow
	a    *backwardArrays
	w    *keyWalk
	ring int // slots of the ring

	slot      Reg // of the key being formed: beyond the ring for those of the own row
	collected Reg // own keys whose sums have come
}

// sums is what a slot holds: a key's value's features, then its own.
func (g *keyGradients) sums(slot Reg, first int) pe.Operand {
	return pe.Indexed(pe.F32, g.a.waiting.From(first).Base, int(slot), 2*g.features*pe.F32.Words())
}

// form makes those of a key and its value, sums over the row's queries of products with the features
// of each. What rows beyond formed is added, and the sum passed on towards the row that owns the key. The own
// row's stay. It uses the wavelet's registers.
func (g *keyGradients) form(t *Task) {
	n, w := g.features, g.w
	zero := pe.Constant(g.typ, 0)
	t.FMul(2*n, g.sums(g.slot, 0), zero, zero) // at the rate of products
	Calc(t, pe.IMul, Value, w.queries, n)
	add := func(first int, tile, weights Array) {
		sum, x, p := g.sums(g.slot, first), w.met(tile), w.score(weights)
		sum.Inner = n
		x.Stride, x.Inner, x.Outer = g.tokens, n, 1
		p.Fixed, p.Inner, p.Outer = true, n, 1
		t.FMac(0, sum, x, p).Count(Value)
	}
	add(0, g.a.do, g.a.probs)
	add(n, g.a.q, g.a.dscores)

	if w.rows == 1 {
		key := w.met(g.a.dv)
		g.pass(t.FMov(2*n, g.bothTiles(key), g.sums(g.slot, 0)))
		t.Add(g.slot, 1, g.ring)
		return
	}
	// The terms of the rows beyond come first, so that a chain adds towards the key's row.
	on := func(out, in fabric.Color, more bool) {
		if more {
			g.pass(t.FAdd(2*n, pe.Out(pe.F32, out), pe.In(pe.F32, in), g.sums(g.slot, 0)))
		} else {
			g.pass(t.FMov(2*n, pe.Out(pe.F32, out), g.sums(g.slot, 0)))
		}
		t.Add(g.slot, 1, g.ring)
	}
	JumpIf(t, g.slot, pe.GE, g.ring, "own")
	if !g.row.last {
		if !g.row.first {
			JumpIf(t, w.ahead, pe.GE, 1, "north")
		}
		on(g.row.south(), g.row.above(), !g.row.first)
		t.Jump("formed")
		t.Label("north")
	}
	if !g.row.first {
		on(g.row.north(), g.row.below(), !g.row.last)
		t.Jump("formed")
	}
	t.Label("own")
	t.Add(g.slot, 1, g.ring+g.tokens)
	t.Label("formed")
}

func (g *keyGradients) pass(i *Instr) *Instr {
	return i.As(pe.RingAdd, pe.WaitPsum).On(gradientThread)
}

// bothTiles makes an operand on the gradients of values go on with those of keys: one instruction for both,
// in which the key's features lie a run of tokens apart.
func (g *keyGradients) bothTiles(key pe.Operand) pe.Operand {
	key.Stride, key.Inner, key.Outer = g.tokens, g.features, (g.a.dk.Base-g.a.dv.Base)/g.typ.Words()
	return key
}

// collect adds what other rows formed to the own row's, key after key in the own turn: the chain from the
// south to that from the north, and both to the own. Then next may pass on again what it forms; in the last
// row, whose turn ends the kernel, finish follows.
func (g *keyGradients) collect(t, next, finish *Task) {
	n, own := 2*g.features, g.sums(g.collected, g.ring*2*g.features)
	key := g.bothTiles(g.a.dv.By(g.collected, 1))
	var add func() *Instr
	switch above, below := pe.In(pe.F32, g.row.above()), pe.In(pe.F32, g.row.below()); {
	case g.row.first:
		add = func() *Instr { return t.FAdd(n, key, below, own) }
	case g.row.last:
		add = func() *Instr { return t.FAdd(n, key, above, own) }
	default:
		both := g.a.waiting.All()
		g.pass(t.FAdd(n, both, below, above))
		add = func() *Instr { return t.FAdd(n, key, both, own) }
	}
	JumpIf(t, g.collected, pe.EQ, g.tokens-1, "last")
	g.pass(add()).ThenActivate(t)
	t.Add(g.collected, 1, 0)
	t.Jump("end")
	t.Label("last")
	if last := g.pass(add()); g.row.last {
		last.ThenActivate(finish)
	} else {
		last.ThenUnblock(next)
	}
	t.Label("end")
}
