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

// part is one pass over the keys of a block: a row sends every key of it as a wavelet per feature and
// a control wavelet.
type part struct {
	tile  Array
	entry uint16
}

// keysAtOnce are sent by one run of a sending task. The microthread holds two instructions for each.
const keysAtOnce = 4

// sendTasks make a row send its keys, block after block and part after part: once to itself, and in its
// turn to all other rows of the sequence. The first of the returned tasks starts it; behind the last key
// sent is activated, if there is one. A microthread sends, so that the PE can work on its own keys
// meanwhile, and where they do not fit yet, it waits without holding up the task that takes them.
//
// The control wavelet behind the last key turns the routers: this row's to the next position, and on its
// way to other rows that of the row below from receiving to sending. The rows above stand at their
// last position already.
func (h *head) sendTasks(r *Role, parts []part, sent *Task) *Task {
	next, limit := r.Reg("next key to send", 0), r.Reg("end of the block sent", h.keys)
	tasks := make([]*Task, len(parts))
	for i := range parts {
		tasks[i] = r.Local([3]string{"send keys", "send values", "send keys again"}[i])
	}
	for i, p := range parts {
		t := tasks[i]
		end := func(switches ...fabric.SwitchCommand) *Instr {
			entry := pe.Constant(pe.F32, math.Float32frombits(uint32(p.entry)))
			return t.FMov(1, pe.Out(pe.F32, keyBus), entry).As(pe.RingAdd, pe.WaitWeight).On(sendThread).AsControl(switches...)
		}
		Mov(t, Value, 0)
		t.Label("next")
		column := p.tile.By(next, 1)
		column.Stride, column.Advance = h.tokens, 1
		t.FMov(h.features, pe.Out(h.typ, keyBus), column).As(pe.RingAdd, pe.WaitWeight).On(sendThread)
		JumpIf(t, next, pe.EQ, limit, "part")
		t.Add(Value, 1, keysAtOnce)
		JumpIf(t, Value, pe.EQ, 0, "pause")
		end()
		t.Jump("next")
		t.Label("pause")
		end().ThenActivate(t)
		t.Jump("end")
		t.Label("part")
		if i < len(parts)-1 {
			t.Add(next, -h.keys, 0)
			end().ThenActivate(tasks[i+1])
		} else {
			t.Add(limit, h.keys, 0)
			JumpIf(t, next, pe.EQ, h.tokens, "last")
			end().ThenActivate(tasks[0])
			t.Jump("end")
			t.Label("last")
			Mov(t, next, 0)
			Mov(t, limit, h.keys)
			if last := end(fabric.SwitchAdvance, fabric.SwitchAdvance); sent != nil {
				last.ThenActivate(sent)
			}
		}
		t.Label("end")
	}
	return tasks[0]
}

// routeKeys lays the bus of keys along the rows of every sequence. A row first sends to itself, all rows at a
// time. Then it passes on what comes from above until its turn, sends, and passes on what comes from
// below. Its own keys do not come back to it: a row that sends and computes would hold up all others.
func routeKeys(b *Builder, s *Space, groups, rows int) {
	b.l.Colors = append(b.l.Colors, ColorUse{keyBus, "keys", "keys and values of one row after the other, to all rows of a sequence"})
	ramp := fabric.Ports(fabric.Ramp)
	for y := range rows {
		above, below := fabric.Ports(fabric.North), fabric.Ports(fabric.South) // neighbours of the same sequence
		if y%s.SeqRows == 0 {
			above = 0
		}
		if y%s.SeqRows == s.SeqRows-1 {
			below = 0
		}
		route := fabric.Static(ramp, ramp)
		if above != 0 {
			route.Positions = append(route.Positions, fabric.Position{Rx: above, Tx: below | ramp})
		}
		if s.SeqRows > 1 {
			route.Positions = append(route.Positions, fabric.Position{Rx: ramp, Tx: above | below})
		}
		if below != 0 {
			route.Positions = append(route.Positions, fabric.Position{Rx: below, Tx: above | ramp})
		}
		for _, a := range s.headAreas(groups, y, y+1) {
			b.Route(keyBus, a, route)
		}
	}
}

// keyWalk is where the triggered tasks stand in a block. With tokens dealt out to the rows in turn, a
// key of slot u meets the query slots from u on, in rows above its own from u+1 on. So the j-th key of a
// block meets the slots from shift+j on, and the scores of a block lie in SRAM one key after the other,
// only those there are. The own block is the first a row meets: every query has a key in it.
type keyWalk struct {
	h       *head
	queries Reg // that meet the key
	feature Reg // element of a query tile: feature after feature, from the first query that meets the key
	element Reg // of the block's scores
	key     Reg // of the block
	fresh   Reg // 0: a score's first product overwrites
	shift   Reg // first query that meets the block's first key
	passed  Reg // keys of the row before the block
	ahead   Reg // blocks of rows to come before the own turn to send, the own block included; from then on at most 0
	left    Reg // blocks of rows still to come
	rows    int // of a sequence
}

func newKeyWalk(h *head, r *Role, seqRows int) *keyWalk {
	return &keyWalk{
		h: h, queries: r.Reg("queries", 0), feature: r.Reg("feature", 0), element: r.Reg("element", 0), key: r.Reg("key", 0), fresh: r.Reg("fresh", 0),
		shift: r.Reg("shift", 0), passed: r.Reg("keys passed", 0), ahead: r.Reg("rows ahead", 0), left: r.Reg("rows left", seqRows),
		rows: seqRows,
	}
}

// place sets what differs from row to row.
func (w *keyWalk) place(b *Builder, x, y int) { b.Param(At(x, y), w.ahead, y%w.rows+1) }

// reset goes to the block's first key.
func (w *keyWalk) reset(t *Task) {
	Mov(t, w.key, 0)
	Mov(t, w.fresh, 0)
	Mov(t, w.element, 0)
	Mov(t, w.feature, w.shift)
	Calc(t, pe.ISub, w.queries, w.h.tokens, w.shift)
}

// scores sets a register to how many scores keys [from, to) of the block have.
func (w *keyWalk) scores(t *Task, d Reg, from, to int) {
	if from == to {
		Mov(t, d, 0)
		return
	}
	Calc(t, pe.IMul, d, w.shift, to-from)
	Calc(t, pe.ISub, d, pairs(w.h.tokens, to)-pairs(w.h.tokens, from), d)
}

// lastKey jumps to a label at the block's last key.
func (w *keyWalk) lastKey(t *Task, label string) { JumpIf(t, w.key, pe.EQ, w.h.keys-1, label) }

// next goes to the next key, behind all features of this one.
func (w *keyWalk) next(t *Task) {
	Calc(t, pe.IAdd, w.element, w.element, w.queries)
	t.Add(w.queries, -1, 0)
	t.Add(w.feature, 1-w.h.tile(), 0)
	t.Add(w.key, 1, 0)
	Mov(t, w.fresh, 0)
}

// eachOwn does something for each of the own keys of a block, with the walk at the key: its operand on
// the queries, the one of query, moves the walk on. It uses Index.
func (w *keyWalk) eachOwn(t *Task, label string, do func()) {
	first, end := w.h.own[0], w.h.own[1]
	w.scores(t, w.element, 0, first)
	Calc(t, pe.IAdd, w.feature, w.shift, first)
	Calc(t, pe.ISub, w.queries, w.h.tokens, w.feature)
	Calc(t, pe.ISub, Index, w.queries, end-first)
	t.Label(label)
	do()
	Calc(t, pe.IAdd, w.element, w.element, w.queries)
	t.Add(w.queries, -1, 0)
	JumpIf(t, w.queries, pe.NE, Index, label)
}

// leave ends a block: begin takes the next one, done ends the kernel, unless the row has just got its turn
// to send, which is then the last thing it does.
func (w *keyWalk) leave(t *Task, begin, done *Task, turn func()) {
	t.Add(w.shift, w.h.keys, 0)
	t.Add(w.passed, w.h.keys, w.h.tokens)
	JumpIf(t, w.passed, pe.NE, 0, "again")
	t.Add(w.shift, -w.h.tokens, 0)
	if w.rows > 1 {
		t.Add(w.ahead, -1, 0)
		JumpIf(t, w.ahead, pe.NE, 0, "row")
		t.Add(w.shift, 1, 0) // rows below come from here on
		turn()
		t.Label("row")
	}
	t.Add(w.left, -1, 0)
	JumpIf(t, w.left, pe.EQ, 0, "done")
	t.Label("again")
	t.Activate(begin)
	t.Jump("end")
	t.Label("done")
	JumpIf(t, w.ahead, pe.EQ, 0, "end")
	t.Activate(done)
}

// score is the key's run of a block of scores.
func (w *keyWalk) score(x Array) pe.Operand { return x.By(w.element, 1) }

// met is the run of a per-query array that meets the key, behind all of its features.
func (w *keyWalk) met(x Array) pe.Operand {
	o := x.From(-w.h.tile())
	o.Reg, o.Scale = int(w.feature), x.Type.Words()
	return o
}

// query is the same run in eachOwn, where it moves on with every key.
func (w *keyWalk) query(x Array) pe.Operand {
	o := x.By(w.feature, 1)
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
	t := r.Data(name, keyBus).Triggered()
	if w.h.typ == pe.F32 {
		t.Wide()
	}
	return t, t.FMac(0, dst, x, pe.Register(w.h.typ, int(Value))).Count(w.queries)
}

// byFeature is a tile at the walk's place.
func (w *keyWalk) byFeature(x Array) pe.Operand {
	o := x.By(w.feature, 1)
	o.Advance = w.h.tokens
	return o
}
