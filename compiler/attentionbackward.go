package compiler

import (
	"fmt"
	"math"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Causal attention, backward. The blocks of keys come down the rows as in the forward kernel, each in
// three parts: its keys form the scores again, its values the gradients of the probabilities, and with
// both summed over the head's columns and turned into gradients of scores, its keys once more
// the gradients of queries. Behind each of the last, the gradients of that key and its value are formed
// over the row's queries and summed up the rows of the sequence, from the last row to the key's own,
// while later keys are met.

// Name is the kernel's word in tables and traces.
func (k *AttentionBackward) Name() string { return "attention backward" }

// maxGradientBytes bounds the gradients of keys and values that wait in SRAM for the sums
// of the rows below. A row runs ahead of those by as many keys.
const maxGradientBytes = 4096

// gradientsWaiting is how many keys' gradients wait: so many that no row of a sequence waits
// for the last one's, if they fit, and at least two.
func gradientsWaiting(s *Space, h *head) int {
	most := maxGradientBytes / (2 * h.features * pe.F32.Words() * 2)
	n := 2
	for rows := ceilDiv(s.Model.SequenceLength, s.Tokens); n < most && freeRows(s, h, n) < rows; n++ {
	}
	return n
}

// freeRows is how long a sequence may be, in rows, for no row to wait until the gradients of the
// rows below have come up to it: they pass a row in the time of a wavelet from PE to PE, and a row
// runs ahead by the keys whose gradients wait, at the least the cycles of their products and, of whole
// blocks, of the wavelets before them.
func freeRows(s *Space, h *head, waiting int) int {
	f, core := s.Target.Fabric(s.Target.Width(), s.Target.Height()), s.Target.Core()
	cost := func(n int) int {
		in := pe.Instr{Op: pe.FMac, N: n, Dst: pe.Memory(pe.F32, 0), A: pe.Memory(h.typ, 0), B: pe.Memory(h.typ, 0)}
		in.Dst.Fixed, in.B.Fixed = true, true
		c := core.Cost(&in, true)
		return c.Start + c.Steps
	}
	ahead := waiting*2*cost(h.tile()) + waiting/h.keys*h.keys*3*h.features*cost(1)
	return ahead / (1 + f.HopCycles + 2*f.RampCycles)
}

// FreeRows is the longest sequence, in rows, of which no row waits for the gradients of those below.
func (k *AttentionBackward) FreeRows(s *Space) int {
	rows := math.MaxInt
	for place := range s.HeadColumns {
		h := newHead(s, k.Q.Features(place), place)
		rows = min(rows, freeRows(s, &h, gradientsWaiting(s, &h)))
	}
	return rows
}

// Scratch is what the kernel needs beside its tiles.
func (k *AttentionBackward) Scratch(s *Space) Scratch {
	var n Scratch
	for place := range s.HeadColumns {
		h := newHead(s, k.Q.Features(place), place)
		t := 2 * h.tokens * pe.F32.Words()
		t += ceilDiv(h.keys, h.columns) * h.tokens * pe.F32.Words()
		sums := h.block() * 2 * (pe.F32.Words() + h.typ.Words())
		sums += (gradientsWaiting(s, &h) + 1) * 2 * h.features * pe.F32.Words()
		n.T, n.S = max(n.T, t), max(n.S, sums)
	}
	return n
}

// keyRow is what the code of a row depends on: its place in the chain of gradients that goes up
// the rows of a sequence.
type keyRow struct {
	sends, receives bool
	odd             bool // parity of the row: the color it sends on
}

func newKeyRow(y, seqRows int) keyRow {
	y %= seqRows
	return keyRow{sends: y > 0, receives: y < seqRows-1, odd: y%2 == 1}
}

// out and in are the colors of a row's gradients and of those from below.
func (r keyRow) out() fabric.Color {
	if r.odd {
		return keysNorth2
	}
	return keysNorth
}

func (r keyRow) in() fabric.Color { return keyRow{odd: !r.odd}.out() }

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *AttentionBackward) Layout(s *Space, groups, rows int) (*Layout, error) {
	if err := wholeSequences(k, s, groups, rows); err != nil {
		return nil, err
	}
	if !k.DQ.Sums {
		return nil, fmt.Errorf("%s: the place of tile %s has no room for its sums", k.Name(), k.DQ.Name)
	}
	b := NewBuilder(k.Name(), s.Target, groups*s.Columns, rows)
	routeKeys(b, s, groups, rows)
	routeHead(b, s, groups, rows)
	routeGradients(b, s, groups, rows)
	type seat struct {
		place int
		row   keyRow
	}
	roles, walks := map[seat]*Role{}, map[seat]*keyWalk{}
	for y := range rows {
		for x := range s.headColumns(groups) {
			at := seat{x % s.Columns % s.HeadColumns, newKeyRow(y, s.SeqRows)}
			if roles[at] == nil {
				roles[at], walks[at] = k.role(b, s, newHead(s, k.Q.Features(at.place), at.place), at.row)
			}
			b.Place(roles[at], At(x, y))
			b.Param(At(x, y), walks[at].blocks, y%s.SeqRows+1)
		}
	}
	placeSpare(b, s, groups, rows)
	return b.Build()
}

// routeGradients lays the chain of gradients up the rows of every sequence.
func routeGradients(b *Builder, s *Space, groups, rows int) {
	if s.SeqRows == 1 {
		return
	}
	b.l.Colors = append(b.l.Colors,
		ColorUse{keysNorth, "keys north, even", "gradients of keys and values from the even rows of a sequence"},
		ColorUse{keysNorth2, "keys north, odd", "the same from the odd rows"})
	ramp := fabric.Ports(fabric.Ramp)
	for y := range rows {
		seat := newKeyRow(y, s.SeqRows)
		for _, row := range s.headAreas(groups, y, y+1) {
			if seat.sends {
				b.Route(seat.out(), row, fabric.Static(ramp, fabric.Ports(fabric.North)))
			}
			if seat.receives {
				b.Route(seat.in(), row, fabric.Static(fabric.Ports(fabric.South), ramp))
			}
		}
	}
}

// backwardArrays are what the backward kernel works on. What is formed per pair of query and
// key lies apart from what is per query and feature, with which it is multiplied.
type backwardArrays struct {
	q, k, v, o, do, lse   Array
	dq, dk, dv            Array
	scores, slopes        Array // [keys][tokens] raw scores, and gradients of probabilities
	probs, dscores        Array // [keys][tokens] in tile format
	waiting               Array // gradients of a key and its value, ring of gradientsWaiting+1
	entropy, balance, exp Array // lse; dO.O per token; exponentials of the own keys
	acc                   Array // [features][tokens] sums of dQ
}

func (k *AttentionBackward) arrays(r *Role, s *Space, h *head) *backwardArrays {
	t := s.Tokens
	a := &backwardArrays{
		q: k.Q.array(r, t), k: k.K.array(r, t), v: k.V.array(r, t), o: k.O.array(r, t), do: k.DO.array(r, t),
		lse: k.LSE.array(r, t), dq: k.DQ.array(r, t), dk: k.DK.array(r, t), dv: k.DV.array(r, t),
	}
	at := k.at
	place := func(name string, typ pe.Type, base *int, n int) Array {
		x := r.Fixed(name, typ, *base, n)
		*base += x.Words
		return x
	}
	a.scores = place("scores", pe.F32, &at.S, h.block())
	a.slopes = place("slopes", pe.F32, &at.S, h.block())
	a.probs = place("probabilities", h.typ, &at.S, h.block())
	a.dscores = place("gradients of scores", h.typ, &at.S, h.block())
	a.waiting = place("waiting gradients", pe.F32, &at.S, (gradientsWaiting(s, h)+1)*2*h.features)
	a.entropy = place("log-sum-exp beside scores", pe.F32, &at.T, t)
	a.balance = place("dO.O", pe.F32, &at.T, t)
	a.exp = place("exponentials", pe.F32, &at.T, ceilDiv(h.keys, h.columns)*t)
	a.acc = a.dq
	if h.typ != pe.F32 {
		a.acc = k.DQ.sums(r, t)
	}
	return a
}

// role is the code of a column of a head in a row. A block goes through the tasks begin, score
// and end of key, slope and end of value, probabilities, query and end of key again.
func (k *AttentionBackward) role(b *Builder, s *Space, h head, row keyRow) (*Role, *keyWalk) {
	depth := gradientsWaiting(s, &h)
	r := stepRole(b, s, fmt.Sprintf("%s, %+v", h.name("attention backward"), row), 4, 3, 2, depth)
	a, w := k.arrays(r, s, &h), newKeyWalk(&h, r)
	slot := r.Reg("slot", 0)
	start, begin, probabilities, finish := r.Local("start"), r.Local("begin"), r.Local("probabilities"), r.Local("finish")
	send := h.sendTasks(r, []part{{a.k, endOfKey}, {a.v, endOfValue}, {a.k, endOfAgain}})
	masks := r.Local("masks")
	scored := r.Control("end of key", keysSouth, endOfKey).Triggered()
	sloped := r.Control("end of value", keysSouth, endOfValue).Triggered()
	again := r.Control("end of key again", keysSouth, endOfAgain).Triggered()
	score, product := w.triggered(r, "score", w.byElement(a.scores), w.byFeature(a.q))
	product.OverwriteWhileZero(w.fresh)
	slope, product := w.triggered(r, "slope", w.byElement(a.slopes), w.byFeature(a.do))
	product.OverwriteWhileZero(w.fresh)
	query, _ := w.triggered(r, "query", w.byFeature(a.acc), w.byElement(a.dscores))
	r.Start(start)

	for _, t := range []*Task{score, slope, query} {
		start.Block(t)
	}
	start.FMov(h.tile(), a.acc.All(), pe.Constant(pe.F32, 0))
	start.FMov(h.tokens, a.entropy.All(), a.lse.All())
	// dO.O per token, in place of scores for the while.
	start.FMov(h.tokens, a.scores.All(), pe.Constant(pe.F32, 0))
	start.FMac(h.tile(), h.repeated(a.scores.All()), a.do.All(), a.o.All())
	if h.alone() {
		start.FMov(h.tokens, a.balance.All(), a.scores.All())
		start.Activate(begin)
	} else {
		h.chain(start, h.tokens, a.scores.All())
		h.receive(start, h.tokens, a.balance.All()).ThenActivate(begin)
	}

	ready := func(t *Task) {
		if !h.alone() {
			h.receive(t, h.block(), a.scores.All())
			h.receive(t, h.block(), a.slopes.All()).ThenActivate(probabilities)
		}
		w.reset(t)
		t.Unblock(score)
	}
	w.enter(begin, send, masks, ready)
	masks.FMov(h.block(), a.scores.All(), pe.Constant(pe.F32, float32(math.Inf(-1))))
	masks.FMov(h.block(), a.slopes.All(), pe.Constant(pe.F32, 0))
	ready(masks)

	// What ends a key is work that waits for nothing else: with a head on one column, a step towards
	// the probabilities.
	if row := w.row(a.scores); h.alone() {
		scored.FMul(h.tokens, row, unmoved(row), pe.Constant(pe.F32, h.scale))
	} else {
		h.chain(scored, h.tokens, row)
	}
	w.next(scored)
	scored.Block(score)
	w.reset(scored)
	scored.Unblock(slope)
	w.nextOwn(scored)

	if row := w.row(a.slopes); h.alone() {
		sloped.FSub(h.tokens, row, unmoved(row), a.balance.All())
	} else {
		h.chain(sloped, h.tokens, row)
	}
	w.next(sloped)
	sloped.Block(slope)
	if h.alone() {
		sloped.Activate(probabilities)
	}
	w.nextOwn(sloped)

	k.probabilities(probabilities, &h, a, query)
	w.reset(probabilities)
	if h.alone() {
		probabilities.Unblock(query)
	}

	k.gradients(again, &h, a, w, slot, row)
	again.Add(slot, 1, depth+1)
	w.next(again)
	again.Block(query)
	w.leave(again, begin, finish)
	w.nextOwn(again)

	if h.typ != pe.F32 {
		finish.FMov(h.tile(), a.dq.All(), a.acc.All())
	}
	finish.Halt()
	return r, w
}

// probabilities turns the own keys' scores and slopes into probabilities and gradients of
// scores, and sends both round.
func (k *AttentionBackward) probabilities(t *Task, h *head, a *backwardArrays, query *Task) {
	n, scale := h.ownKeys(), pe.Constant(pe.F32, h.scale)
	if n > 0 {
		z := a.scores.From(h.before())
		if !h.alone() {
			t.FMul(n, z, z, scale)
		}
		t.FSub(n, z, z, h.repeated(a.entropy.All()))
		t.Special(pe.FExp, n, a.exp.All(), z)
		t.FMov(n, a.probs.From(h.before()), a.exp.All())
	}
	if !h.alone() {
		h.share(t, a.probs)
	}
	if n > 0 {
		x := a.slopes.From(h.before())
		if !h.alone() {
			t.FSub(n, x, x, h.repeated(a.balance.All()))
		}
		t.FMul(n, x, x, a.exp.All())
		t.FMul(n, a.dscores.From(h.before()), x, scale)
	}
	if !h.alone() {
		h.share(t, a.dscores).ThenUnblock(query)
	}
}

// gradients forms those of a key and its value, a dot product over the row's queries per feature,
// and adds them to what the rows below formed: on to the north, or into the tiles of the row that owns the key.
func (k *AttentionBackward) gradients(t *Task, h *head, a *backwardArrays, w *keyWalk, slot Reg, row keyRow) {
	n := h.features
	sums := func(first int) pe.Operand {
		o := pe.Indexed(pe.F32, a.waiting.From(first).Base, int(slot), 2*n*pe.F32.Words())
		o.Fixed, o.Inner, o.Outer = true, h.tokens, 1
		return o
	}
	p := h.repeated(a.probs.By(w.key, h.tokens))
	t.FMac(h.tile(), sums(0), a.do.All(), p).NewSum()
	t.FMac(h.tile(), sums(n), a.q.All(), h.repeated(w.row(a.dscores))).NewSum()

	// The terms of the rows below come first, so that the chain adds from the last row up.
	add := func(dst pe.Operand) {
		x := pe.Indexed(pe.F32, a.waiting.Base, int(slot), 2*n*pe.F32.Words())
		if row.receives {
			t.FAdd(2*n, dst, pe.In(pe.F32, row.in()), x).As(pe.RingAdd, pe.WaitPsum).On(northThread)
		} else {
			t.FMov(2*n, dst, x).As(pe.RingAdd, pe.WaitPsum).On(northThread)
		}
	}
	if row.sends {
		JumpIf(t, w.own, pe.NE, 0, "own")
		add(pe.Out(pe.F32, row.out()))
		t.Jump("added")
		t.Label("own")
	}
	// One instruction for both tiles, in which the key's features lie a run of tokens apart. The
	// walk's feature stands a tile behind the key.
	key := a.dv.From(-h.tile())
	key.Reg, key.Scale, key.Stride = int(w.feature), h.typ.Words(), h.tokens
	key.Inner, key.Outer = n, (a.dk.Base-a.dv.Base)/h.typ.Words()
	add(key)
	t.Label("added")
}
