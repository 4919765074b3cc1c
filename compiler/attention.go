package compiler

import (
	"math"

	"cs2sim.dev/pe"
)

// Causal attention, forward. The keys and values of a row come down the rows of its sequence
// like weights, a wavelet per feature; row 0 sends first, then row 1, and each row meets the keys of the
// rows above it and its own. Per block of keys:
//
//	score     a key's wavelet adds it times the row's queries to the key's scores, over this column's features
//	chain     behind each key its scores are summed over the head's columns, and come back to all
//	softmax   every column exponentiates its share of the keys under the running maximum, the
//	          probabilities go round, older sums are rescaled meanwhile
//	mix       a value's wavelet adds it times its probabilities to the outputs
//
// An exponential costs as much as twenty FMACs, therefore the shares. All-to-all within a head would
// take less from the datapaths than the way over its last column, but a bus with turns
// for every block.

// Name is the kernel's word in tables and traces.
func (k *Attention) Name() string { return "attention" }

// ScoreScale is 1/sqrt(features of a head).
func (s *Space) ScoreScale() float32 { return float32(1 / math.Sqrt(float64(s.Model.HeadWidth()))) }

// HeadShares are the keys of a block by the column of a head that computes their exponentials:
// column c those of [shares[c], shares[c+1]). The last entry is the block's keys.
func (s *Space) HeadShares() []int { return spread(keyBlock(s.Tokens), s.HeadColumns) }

// Scratch is what the kernel needs beside its tiles.
func (k *Attention) Scratch(s *Space) Scratch {
	t, keys := s.Tokens, keyBlock(s.Tokens)
	n := Scratch{
		T: 2 * t * pe.F32.Words(),
		S: keys*t*(pe.F32.Words()+s.Type().Words()) + t*pe.F32.Words(),
	}
	if s.Type() != pe.F32 {
		n.T += widest(k.O.Bounds) * t * pe.F32.Words()
	}
	return n
}

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *Attention) Layout(s *Space, groups, rows int) (*Layout, error) {
	if err := wholeSequences(k, s, groups, rows); err != nil {
		return nil, err
	}
	b := NewBuilder(k.Name(), s.Target, groups*s.Columns, rows)
	routeKeys(b, s, groups, rows)
	routeHead(b, s, groups, rows)
	for place := range s.HeadColumns {
		r, w := k.role(b, s, newHead(s, k.Q.Features(place), place))
		for x := range s.headColumns(groups) {
			if x%s.Columns%s.HeadColumns != place {
				continue
			}
			b.Place(r, Area{x, 0, x + 1, rows})
			for y := range rows {
				b.Param(At(x, y), w.blocks, y%s.SeqRows+1)
			}
		}
	}
	placeSpare(b, s, groups, rows)
	return b.Build()
}

// attentionArrays are what the forward kernel works on. Scores and probabilities lie apart from
// queries, sums of values and statistics, which are read beside them.
type attentionArrays struct {
	q, o, lse     Array
	scores, probs Array // [keys][tokens]
	top, sum      Array // running maximum of the raw scores, and sum of exponentials, per token
	rescale       Array // per token: the maximum before the block, then what it costs older sums
	acc           Array // [features][tokens] sums of values
}

func (k *Attention) arrays(r *Role, s *Space, h *head) *attentionArrays {
	t := s.Tokens
	a := &attentionArrays{q: k.Q.array(r, t), o: k.O.array(r, t), lse: k.LSE.array(r, t)}
	at := k.at
	place := func(name string, typ pe.Type, base *int, n int) Array {
		x := r.Fixed(name, typ, *base, n)
		*base += x.Words
		return x
	}
	a.scores = place("scores", pe.F32, &at.S, h.block())
	a.probs = place("probabilities", h.typ, &at.S, h.block())
	a.rescale = place("rescale", pe.F32, &at.S, t)
	a.top = place("maximum", pe.F32, &at.T, t)
	a.sum = place("sum", pe.F32, &at.T, t)
	a.acc = a.o
	if h.typ != pe.F32 {
		a.acc = place("sums of values", pe.F32, &at.T, widest(k.O.Bounds)*t)
	}
	return a
}

// role is the code of a column of a head. A block goes through the tasks begin, score and end
// of key, softmax, mix and end of value.
func (k *Attention) role(b *Builder, s *Space, h head) (*Role, *keyWalk) {
	r := stepRole(b, s, h.name("attention"), 4, 3, 2)
	a, w := k.arrays(r, s, &h), newKeyWalk(&h, r)
	start, begin, softmax, finish := r.Local("start"), r.Local("begin"), r.Local("softmax"), r.Local("finish")
	send := h.sendTasks(r, []part{{k.K.array(r, s.Tokens), endOfKey}, {k.V.array(r, s.Tokens), endOfValue}})
	masks := r.Local("masks")
	scored, mixed := r.Control("end of key", keysSouth, endOfKey).Triggered(), r.Control("end of value", keysSouth, endOfValue).Triggered()
	score, product := w.triggered(r, "score", w.byElement(a.scores), w.byFeature(a.q))
	product.OverwriteWhileZero(w.fresh)
	mix, _ := w.triggered(r, "mix", w.byFeature(a.acc), w.byElement(a.probs))
	r.Start(start)

	never := float32(math.Inf(-1))
	start.Block(score)
	start.Block(mix)
	start.FMov(h.tile(), a.acc.All(), pe.Constant(pe.F32, 0))
	start.FMov(h.tokens, a.top.All(), pe.Constant(pe.F32, never))
	start.FMov(h.tokens, a.sum.All(), pe.Constant(pe.F32, 0))
	start.Activate(begin)

	ready := func(t *Task) {
		t.FMov(h.tokens, a.rescale.All(), a.top.All())
		if !h.alone() {
			k.takeScores(t, &h, a).ThenActivate(softmax)
		}
		w.reset(t)
		t.Unblock(score)
	}
	w.enter(begin, send, masks, ready)
	masks.FMov(h.block(), a.scores.All(), pe.Constant(pe.F32, never))
	ready(masks)

	if h.alone() {
		scored.FMax(h.tokens, a.top.All(), a.top.All(), w.row(a.scores))
	} else {
		h.chain(scored, h.tokens, w.row(a.scores))
	}
	w.next(scored)
	scored.Block(score)
	if h.alone() {
		scored.Activate(softmax)
	}
	w.nextOwn(scored)

	k.softmax(softmax, &h, a, mix)
	w.reset(softmax)
	if h.alone() {
		softmax.Unblock(mix)
	}

	mixed.FAdd(h.tokens, a.sum.All(), a.sum.All(), w.row(a.probs))
	w.next(mixed)
	mixed.Block(mix)
	w.leave(mixed, begin, finish)
	w.nextOwn(mixed)

	finish.Special(pe.FRecip, h.tokens, a.rescale.All(), a.sum.All())
	finish.FMul(h.tile(), a.o.All(), a.acc.All(), h.repeated(a.rescale.All()))
	finish.Special(pe.FLog, h.tokens, a.lse.All(), a.sum.All())
	finish.FMac(h.tokens, a.lse.All(), a.top.All(), pe.Constant(pe.F32, h.scale))
	finish.Halt()
	return r, w
}

// takeScores receives the block's scores while they are formed: the own keys' are kept, the
// others only raise the maximum.
func (k *Attention) takeScores(t *Task, h *head, a *attentionArrays) (last *Instr) {
	top, in := h.repeated(a.top.All()), pe.In(pe.F32, headWest)
	if n := h.before(); n > 0 {
		last = t.FMax(n, top, in, top).As(pe.RingAdd, pe.WaitPsum).On(receiveThread)
	}
	if n := h.ownKeys(); n > 0 {
		last = h.receive(t, n, a.scores.From(h.before()))
	}
	if n := h.block() - h.before() - h.ownKeys(); n > 0 {
		last = t.FMax(n, top, in, top).As(pe.RingAdd, pe.WaitPsum).On(receiveThread)
	}
	return last
}

// softmax turns the own keys' scores into probabilities and sends them round; the older sums
// are rescaled to the new maximum while they are on their way.
func (k *Attention) softmax(t *Task, h *head, a *attentionArrays, mix *Task) {
	top, scale := h.repeated(a.top.All()), pe.Constant(pe.F32, h.scale)
	if n := h.ownKeys(); n > 0 {
		own := a.scores.From(h.before())
		if !h.alone() {
			t.FMax(n, top, top, own)
		}
		t.FSub(n, own, own, top)
		t.FMul(n, own, own, scale)
		t.Special(pe.FExp, n, a.probs.From(h.before()), own)
	}
	if !h.alone() {
		h.share(t, a.probs).ThenUnblock(mix)
	}
	r := a.rescale.All()
	t.FSub(h.tokens, r, r, a.top.All())
	t.FMul(h.tokens, r, r, scale)
	t.Special(pe.FExp, h.tokens, r, r)
	t.FMul(h.tile(), a.acc.All(), a.acc.All(), h.repeated(r))
	t.FMul(h.tokens, a.sum.All(), a.sum.All(), r)
}
