package compiler

import (
	"math"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Entries of the control wavelets that end a key, by the part of the block they end it in.
const (
	endOfKey   uint16 = 1 + iota // its scores
	endOfValue                   // its values
	endOfAgain                   // the key's second pass, of the backward kernel
)

// KeyOrder is which of a block's keys is the j-th on its way: the last, the first, the last but one, and
// so on. The row that sends them also meets them, the last key with few of its queries and the first with all:
// in this order it falls behind the rows below for a key at a time, which the buffers
// between them make up for.
func KeyOrder(j, keys int) int {
	if j%2 == 0 {
		return keys - 1 - j/2
	}
	return j / 2
}

// keyOrder sets Index to the KeyOrder of the number in a register.
func (h *head) keyOrder(t *Task, j Reg) {
	Calc(t, pe.And, Value, j, 1)
	Calc(t, pe.Shr, Index, j, 1)
	JumpIf(t, Value, pe.NE, 0, "low")
	Calc(t, pe.ISub, Index, h.keys-1, Index)
	t.Label("low")
}

// part is one pass over the keys of a block: a row sends every key of it as a wavelet per feature and
// a control wavelet.
type part struct {
	tile  Array
	entry uint16
}

// sendTasks make a row send its keys, block after block and part after part. The
// first of the returned tasks starts it. The last control wavelet turns the next row's router from receiving
// to sending. A microthread sends, so that the PE can work on its own keys meanwhile: they
// come back to it over its own ramp, and where they do not fit yet, it waits without holding
// up the task that takes them.
func (h *head) sendTasks(r *Role, parts []part) *Task {
	base, count := r.Reg("block sent", 0), r.Reg("keys sent of the part", 0)
	tasks := make([]*Task, len(parts))
	for i := range parts {
		tasks[i] = r.Local([3]string{"send keys", "send values", "send keys again"}[i])
	}
	for i, p := range parts {
		t, next := tasks[i], tasks[(i+1)%len(parts)]
		h.keyOrder(t, count)
		Calc(t, pe.IAdd, Index, Index, base)
		column := p.tile.By(Index, 1)
		column.Stride = h.tokens
		t.FMov(h.features, pe.Out(h.typ, keysSouth), column).As(pe.RingAdd, pe.WaitWeight).On(sendThread)
		end := func(switches ...fabric.SwitchCommand) *Instr {
			entry := pe.Constant(pe.F32, math.Float32frombits(uint32(p.entry)))
			return t.FMov(1, pe.Out(pe.F32, keysSouth), entry).As(pe.RingAdd, pe.WaitWeight).On(sendThread).AsControl(switches...)
		}
		t.Add(count, 1, h.keys)
		JumpIf(t, count, pe.NE, 0, "more")
		if i == len(parts)-1 {
			t.Add(base, h.keys, 0)
			JumpIf(t, base, pe.EQ, h.tokens, "last")
		}
		end().ThenActivate(next)
		t.Jump("end")
		if i == len(parts)-1 {
			t.Label("last")
			end(fabric.SwitchStay, fabric.SwitchAdvance)
			t.Jump("end")
		}
		t.Label("more")
		end().ThenActivate(t)
		t.Label("end")
	}
	return tasks[0]
}

// routeKeys lays color 11 down the rows of every sequence. A row passes on what comes from
// above until its turn.
func routeKeys(b *Builder, s *Space, groups, rows int) {
	b.l.Colors = append(b.l.Colors, ColorUse{keysSouth, "keys south", "keys and values of one row after the other, down the rows of a sequence"})
	ramp, north := fabric.Ports(fabric.Ramp), fabric.Ports(fabric.North)
	for y := range rows {
		tx := fabric.Ports(fabric.South, fabric.Ramp)
		if y%s.SeqRows == s.SeqRows-1 {
			tx = ramp
		}
		route := fabric.Route{Positions: []fabric.Position{{Rx: north, Tx: tx}, {Rx: ramp, Tx: tx}}}
		if y%s.SeqRows == 0 {
			route = fabric.Static(ramp, tx)
		}
		for _, a := range s.headAreas(groups, y, y+1) {
			b.Route(keysSouth, a, route)
		}
	}
}

// keyWalk is where the triggered tasks stand in a block. Of a foreign row all queries meet every
// key; of the own row query i meets keys 0 to i.
type keyWalk struct {
	h       *head
	queries Reg // that meet the key
	feature Reg // element of a query tile: feature after feature, from the first query that meets the key
	element Reg // of the block's scores, [keys in their order][tokens]
	key     Reg // of the block, in order
	own     Reg // 1 on the own row's keys
	fresh   Reg // 0: a score's first product overwrites
	blocks  Reg // rows still to come, the own one included
	passed  Reg // keys of the row before the block
}

func newKeyWalk(h *head, r *Role) *keyWalk {
	return &keyWalk{
		h: h, queries: r.Reg("queries", 0), feature: r.Reg("feature", 0), element: r.Reg("element", 0), key: r.Reg("key", 0),
		own: r.Reg("own", 0), fresh: r.Reg("fresh", 0), blocks: r.Reg("blocks", 0), passed: r.Reg("keys passed", 0),
	}
}

// enter begins a block: a foreign row's with ready at once, the own row's with its sending and
// then, while the first keys are on their way, with task masks.
func (w *keyWalk) enter(begin, send, masks *Task, ready func(*Task)) {
	JumpIf(begin, w.blocks, pe.NE, 1, "foreign")
	Mov(begin, w.own, 1)
	JumpIf(begin, w.passed, pe.NE, 0, "sending")
	begin.Activate(send)
	begin.Label("sending")
	begin.Activate(masks)
	begin.Jump("end")
	begin.Label("foreign")
	ready(begin)
	begin.Label("end")
}

// reset goes to the block's first key.
func (w *keyWalk) reset(t *Task) {
	Mov(t, w.key, 0)
	Mov(t, w.fresh, 0)
	Mov(t, w.feature, 0)
	Mov(t, w.element, 0)
	Mov(t, w.queries, w.h.tokens)
	JumpIf(t, w.own, pe.EQ, 0, "reset")
	Calc(t, pe.IAdd, w.feature, w.passed, w.h.keys-1)
	Mov(t, w.element, w.feature)
	Calc(t, pe.ISub, w.queries, w.h.tokens, w.feature)
	t.Label("reset")
}

// next goes to the next key, and jumps to label "end" unless the part is over. The task's
// opening instruction has advanced key.
func (w *keyWalk) next(t *Task) {
	JumpIf(t, w.own, pe.NE, 0, "next own")
	t.Add(w.element, w.h.tokens, 0)
	t.Add(w.feature, -w.h.tile(), 0)
	t.Label("next")
	Mov(t, w.fresh, 0)
	JumpIf(t, w.key, pe.NE, w.h.keys, "end")
}

// nextOwn is the part of next that only the own row's keys need, behind all other code.
func (w *keyWalk) nextOwn(t *Task) {
	t.Jump("end")
	t.Label("next own")
	w.h.keyOrder(t, w.key)
	Calc(t, pe.IAdd, w.feature, Index, w.passed)
	Calc(t, pe.ISub, w.queries, w.h.tokens, w.feature)
	Calc(t, pe.IMul, w.element, w.key, w.h.tokens)
	Calc(t, pe.IAdd, w.element, w.element, w.feature)
	t.Jump("next")
	t.Label("end")
}

// leave ends a block: begin takes the next one, done ends the kernel.
func (w *keyWalk) leave(t *Task, begin, done *Task) {
	t.Add(w.passed, w.h.keys, w.h.tokens)
	JumpIf(t, w.passed, pe.NE, 0, "again")
	t.Add(w.blocks, -1, 0)
	JumpIf(t, w.blocks, pe.EQ, 0, "done")
	t.Label("again")
	t.Activate(begin)
	t.Jump("end")
	t.Label("done")
	t.Activate(done)
}

// row is the run of a block at the key, which the instruction then moves on.
func (w *keyWalk) row(x Array) pe.Operand {
	o := x.By(w.key, w.h.tokens)
	o.Advance = 1
	return o
}

// unmoved is the same operand once more in an instruction, which moves it on once.
func unmoved(o pe.Operand) pe.Operand {
	o.Advance = 0
	return o
}

// triggered is a data task that does dst += wavelet * x for the queries that meet the key, x and dst at
// the walk's feature or element, of which the one at feature moves on.
func (w *keyWalk) triggered(r *Role, name string, dst, x pe.Operand) (*Task, *Instr) {
	t := r.Data(name, keysSouth).Triggered()
	if w.h.typ == pe.F32 {
		t.Wide()
	}
	return t, t.FMac(0, dst, x, pe.Register(w.h.typ, int(Value))).Count(w.queries)
}

// byFeature and byElement are an array at the walk's place.
func (w *keyWalk) byFeature(x Array) pe.Operand {
	o := x.By(w.feature, 1)
	o.Advance = w.h.tokens
	return o
}

func (w *keyWalk) byElement(x Array) pe.Operand { return x.By(w.element, 1) }
