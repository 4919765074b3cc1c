package compiler

import (
	"fmt"
	"math"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Causal attention, backward. The blocks of keys come to all rows as in the forward kernel, each in
// three parts: its keys form the scores again, its values the gradients of the probabilities, and with
// both summed over the head's columns and turned into gradients of scores, its keys once more
// the gradients of queries. Behind each of the last, the gradients of that key and its value are formed
// over the row's queries and summed towards the key's own row, up from the last row of the sequence
// and down from the first, while later keys are met.

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
	for rows := s.SeqRows; n < most && freeRows(s, h, n) < rows; n++ {
	}
	return n
}

// gradientSlots are the places of a key's gradients: those that wait, one being formed, and those of the
// own row's keys.
func gradientSlots(s *Space, h *head) int {
	n := gradientsWaiting(s, h) + 1
	if s.SeqRows > 1 {
		n += h.tokens
	}
	return n
}

// freeRows is how long a sequence may be, in rows, for no row to wait until the gradients of the
// rows beyond have come to it: they pass a row in the time of a wavelet from PE to PE, and a row
// runs ahead by the keys whose gradients wait, at the least the cycles of their products. The last keys
// of a block meet the fewest queries; behind them come the wavelets of the next block.
func freeRows(s *Space, h *head, waiting int) int {
	f, core := s.Target.Fabric(s.Target.Width(), s.Target.Height()), s.Target.Core()
	cost := func(n int) int {
		in := pe.Instr{Op: pe.FMac, N: n, Dst: pe.Memory(pe.F32, 0), A: pe.Memory(h.typ, 0), B: pe.Memory(h.typ, 0)}
		in.Dst.Fixed, in.B.Fixed = true, true
		c := core.Cost(&in, true)
		return c.Start + c.Steps
	}
	ahead := 0
	for i := range waiting {
		n := i % h.keys // queries
		ahead += h.features*cost(n) + 2*cost(n*h.features) + 2*h.features
		if i > 0 && n == 0 {
			ahead += 2 * h.features * h.keys * cost(0)
		}
	}
	return ahead / (1 + f.HopCycles + 2*f.RampCycles)
}

// FreeRows is the longest sequence, in rows, of which no row waits for the gradients of those beyond.
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
		t += h.ownScores() * pe.F32.Words()
		sums := h.block() * 2 * (pe.F32.Words() + h.typ.Words())
		sums += gradientSlots(s, &h) * 2 * h.features * pe.F32.Words()
		n.T, n.S = max(n.T, t), max(n.S, sums)
	}
	return n
}

// keyRow is what the code of a row depends on: its place in the chains of gradients along the
// rows of a sequence.
type keyRow struct {
	first, last bool
	odd         bool // parity of the row: the colors it sends on
}

func newKeyRow(y, seqRows int) keyRow {
	y %= seqRows
	return keyRow{first: y == 0, last: y == seqRows-1, odd: y%2 == 1}
}

// north and south are the colors of a row's gradients for the rows above and below.
func (r keyRow) north() fabric.Color {
	if r.odd {
		return keysNorth2
	}
	return keysNorth
}

func (r keyRow) south() fabric.Color {
	if r.odd {
		return keysSouth2
	}
	return keysSouth
}

// above and below are the colors of what comes from the rows there.
func (r keyRow) above() fabric.Color { return keyRow{odd: !r.odd}.south() }
func (r keyRow) below() fabric.Color { return keyRow{odd: !r.odd}.north() }

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
			walks[at].place(b, x, y)
		}
	}
	placeSpare(b, s, groups, rows)
	return b.Build()
}

// routeGradients lays the chains of gradients up and down the rows of every sequence.
func routeGradients(b *Builder, s *Space, groups, rows int) {
	if s.SeqRows == 1 {
		return
	}
	b.l.Colors = append(b.l.Colors,
		ColorUse{keysNorth, "gradients north, even", "gradients of keys and values from the even rows of a sequence to those above"},
		ColorUse{keysNorth2, "gradients north, odd", "the same from the odd rows"},
		ColorUse{keysSouth, "gradients south, even", "gradients of keys and values from the even rows of a sequence to those below"},
		ColorUse{keysSouth2, "gradients south, odd", "the same from the odd rows"})
	ramp := fabric.Ports(fabric.Ramp)
	for y := range rows {
		seat := newKeyRow(y, s.SeqRows)
		for _, row := range s.headAreas(groups, y, y+1) {
			if !seat.first {
				b.Route(seat.north(), row, fabric.Static(ramp, fabric.Ports(fabric.North)))
				b.Route(seat.above(), row, fabric.Static(fabric.Ports(fabric.North), ramp))
			}
			if !seat.last {
				b.Route(seat.south(), row, fabric.Static(ramp, fabric.Ports(fabric.South)))
				b.Route(seat.below(), row, fabric.Static(fabric.Ports(fabric.South), ramp))
			}
		}
	}
}

// backwardArrays are what the backward kernel works on. What is formed per pair of query and
// key lies apart from what is per query and feature, with which it is multiplied.
type backwardArrays struct {
	q, k, v, o, do, lse   Array
	dq, dk, dv            Array
	scores, slopes        Array // raw scores of a block, key after key, and gradients of probabilities
	probs, dscores        Array // the same in tile format
	waiting               Array // gradients of a key and its value: a ring of gradientsWaiting+1, then the own row's keys
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
	a.waiting = place("waiting gradients", pe.F32, &at.S, gradientSlots(s, h)*2*h.features)
	a.entropy = place("log-sum-exp beside scores", pe.F32, &at.T, t)
	a.balance = place("dO.O", pe.F32, &at.T, t)
	a.exp = place("exponentials", pe.F32, &at.T, h.ownScores())
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
	r := stepRole(b, s, fmt.Sprintf("%s, %+v", h.name("attention backward"), row), 4, 3, 2*keysAtOnce, depth)
	g := &keyGradients{
		head: &h, row: row, a: k.arrays(r, s, &h), w: newKeyWalk(&h, r, s.SeqRows),
		ring: depth + 1, slot: r.Reg("slot", 0), collected: r.Reg("keys collected", 0),
	}
	a, w := g.a, g.w
	start, begin, probabilities := r.Local("start"), r.Local("begin"), r.Local("probabilities")
	collect, finish := r.Local("collect"), r.Local("finish")
	send := h.sendTasks(r, []part{{a.k, endOfKey}, {a.v, endOfValue}, {a.k, endOfAgain}}, nil)
	scored := r.Control("end of key", keyBus, endOfKey).Triggered()
	sloped := r.Control("end of value", keyBus, endOfValue).Triggered()
	again := r.Control("end of key again", keyBus, endOfAgain).Triggered()
	score, product := w.triggered(r, "score", w.score(a.scores), w.byFeature(a.q))
	product.OverwriteWhileZero(w.fresh)
	slope, product := w.triggered(r, "slope", w.score(a.slopes), w.byFeature(a.do))
	product.OverwriteWhileZero(w.fresh)
	query, _ := w.triggered(r, "query", w.byFeature(a.acc), w.score(a.dscores))
	r.Start(start)

	for _, t := range []*Task{score, slope, query} {
		start.Block(t)
	}
	start.FMov(h.tile(), a.acc.All(), pe.Constant(pe.F32, 0))
	start.Activate(send)
	if w.rows > 1 {
		Mov(start, g.slot, g.ring)
	}
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

	if !h.alone() {
		w.scores(begin, Value, 0, h.keys)
		h.receive(begin, 0, a.scores.All()).Count(Value)
		h.receive(begin, 0, a.slopes.All()).Count(Value).ThenActivate(probabilities)
		begin.Block(probabilities) // a last key that no query meets ends behind its slopes
	}
	w.reset(begin)
	begin.Unblock(score)

	// What ends a key is work that waits for nothing else: with a head on one column, a step towards
	// the probabilities.
	if own := w.score(a.scores); h.alone() {
		scored.FMul(0, own, own, pe.Constant(pe.F32, h.scale)).Count(w.queries)
	} else {
		h.chain(scored, 0, own).Count(w.queries)
	}
	w.lastKey(scored, "last")
	w.next(scored)
	scored.Jump("end")
	scored.Label("last")
	scored.Block(score)
	w.reset(scored)
	scored.Unblock(slope)
	scored.Label("end")

	if own := w.score(a.slopes); h.alone() {
		sloped.FSub(0, own, own, w.met(a.balance)).Count(w.queries)
	} else {
		h.chain(sloped, 0, own).Count(w.queries)
	}
	w.lastKey(sloped, "last")
	w.next(sloped)
	sloped.Jump("end")
	sloped.Label("last")
	sloped.Block(slope)
	if h.alone() {
		sloped.Activate(probabilities)
	} else {
		sloped.Unblock(probabilities)
	}
	sloped.Label("end")

	k.probabilities(probabilities, &h, a, w, query)

	g.form(again)
	w.lastKey(again, "last")
	w.next(again)
	again.Jump("end")
	again.Label("last")
	again.Block(query)
	w.leave(again, begin, finish, func() {
		again.Activate(send)
		again.Activate(collect)
		again.Block(again) // what it passes on comes behind what is collected
	})
	again.Label("end")
	if w.rows > 1 {
		g.collect(collect, again, finish)
	}

	if h.typ != pe.F32 {
		finish.FMov(h.tile(), a.dq.All(), a.acc.All())
	}
	finish.Halt()
	return r, w
}

// probabilities turns the own keys' scores and slopes into probabilities and gradients of
// scores, and sends both round.
func (k *AttentionBackward) probabilities(t *Task, h *head, a *backwardArrays, w *keyWalk, query *Task) {
	scale := pe.Constant(pe.F32, h.scale)
	own := func(x Array) pe.Operand { return x.By(Value, 1) }
	place := func() {
		w.scores(t, Value, 0, h.own[0])
		w.scores(t, Index, h.own[0], h.own[1])
	}
	subtract := func(x, perQuery Array) {
		w.eachOwn(t, x.Name, func() {
			t.FSub(0, w.score(x), w.score(x), w.query(perQuery)).Count(w.queries)
		})
		place()
	}
	if h.owns() {
		if !h.alone() {
			place()
			t.FMul(0, own(a.scores), own(a.scores), scale).Count(Index)
		}
		subtract(a.scores, a.entropy)
		t.Special(pe.FExp, 0, a.exp.All(), own(a.scores)).Count(Index)
		t.FMov(0, own(a.probs), a.exp.All()).Count(Index)
	}
	if !h.alone() {
		h.share(t, w, a.probs)
	}
	if h.owns() {
		if h.alone() {
			place()
		} else {
			subtract(a.slopes, a.balance)
		}
		t.FMul(0, own(a.slopes), own(a.slopes), a.exp.All()).Count(Index)
		t.FMul(0, own(a.dscores), own(a.slopes), scale).Count(Index)
	}
	if !h.alone() {
		h.share(t, w, a.dscores).ThenUnblock(query)
	}
	w.reset(t)
	if h.alone() {
		t.Unblock(query)
	}
}
