package compiler

import (
	"math"

	"cs2sim.dev/pe"
)

// Causal attention, forward. The keys and values of a row go to all rows of its sequence like weights, a
// wavelet per feature: at first every row's to itself, then row 0's to the others, row 1's, and so on. Each
// row meets all of them with those of its queries that come later in the sequence: as tokens are dealt out
// to the rows in turn, half of them on average, on every row (Striped Attention, arXiv 2311.09431). Per
// block of keys:
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

// Scratch is what the kernel needs beside its tiles.
func (k *Attention) Scratch(s *Space) Scratch {
	t := s.Tokens
	n := Scratch{
		T: 2 * t * pe.F32.Words(),
		S: pairs(t, s.KeyBlock())*(pe.F32.Words()+s.Type().Words()) + t*pe.F32.Words(),
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
				w.place(b, x, y)
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
	scores, probs Array // of a block, key after key
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
	r := stepRole(b, s, h.name("attention"), 4, 4, 2*keysAtOnce)
	a, w := k.arrays(r, s, &h), newKeyWalk(&h, r, s.SeqRows)
	start, begin, softmax, sent, finish := r.Local("start"), r.Local("begin"), r.Local("softmax"), r.Local("sent"), r.Local("finish")
	send := h.sendTasks(r, []part{{k.K.array(r, s.Tokens), endOfKey}, {k.V.array(r, s.Tokens), endOfValue}}, sent)
	scored, mixed := r.Control("end of key", keyBus, endOfKey).Triggered(), r.Control("end of value", keyBus, endOfValue).Triggered()
	score, product := w.triggered(r, "score", w.score(a.scores), w.byFeature(a.q))
	product.OverwriteWhileZero(w.fresh)
	mix, _ := w.triggered(r, "mix", w.byFeature(a.acc), w.score(a.probs))
	r.Start(start)

	never := float32(math.Inf(-1))
	start.Block(score)
	start.Block(mix)
	start.FMov(h.tile(), a.acc.All(), pe.Constant(pe.F32, 0))
	start.FMov(h.tokens, a.top.All(), pe.Constant(pe.F32, never))
	start.FMov(h.tokens, a.sum.All(), pe.Constant(pe.F32, 0))
	start.Activate(send)
	start.Activate(begin)

	begin.FMov(h.tokens, a.rescale.All(), a.top.All())
	w.reset(begin)
	begin.Unblock(score)

	if h.alone() {
		scored.FMax(0, w.met(a.top), w.met(a.top), w.score(a.scores)).Count(w.queries)
		w.lastKey(scored, "last")
	} else {
		h.chain(scored, 0, w.score(a.scores)).Count(w.queries)
		k.takeScores(scored, &h, a, w, softmax)
	}
	w.next(scored)
	scored.Jump("end")
	scored.Label("last")
	scored.Block(score)
	if h.alone() {
		scored.Activate(softmax)
	}
	scored.Label("end")

	k.softmax(softmax, &h, a, w, mix)

	// As products with 1, fp16 probabilities are added at the rate of FMACs.
	mixed.FMac(0, w.met(a.sum), w.score(a.probs), pe.Constant(h.typ, 1)).Count(w.queries)
	w.lastKey(mixed, "last")
	w.next(mixed)
	mixed.Jump("end")
	mixed.Label("last")
	mixed.Block(mix)
	w.leave(mixed, begin, finish, func() { mixed.Activate(send) })
	mixed.Label("end")

	JumpIf(sent, w.left, pe.NE, 0, "end") // not yet the last row's
	sent.Activate(finish)
	sent.Label("end")

	finish.Special(pe.FRecip, h.tokens, a.rescale.All(), a.sum.All())
	finish.FMul(h.tile(), a.o.All(), a.acc.All(), h.repeated(a.rescale.All()))
	finish.Special(pe.FLog, h.tokens, a.lse.All(), a.sum.All())
	finish.FMac(h.tokens, a.lse.All(), a.top.All(), pe.Constant(pe.F32, h.scale))
	finish.Halt()
	return r, w
}

// takeScores receives a key's scores while later ones are formed: an own key's are kept, another's
// only raise the maximum. Behind the last key the softmax begins.
func (k *Attention) takeScores(t *Task, h *head, a *attentionArrays, w *keyWalk, softmax *Task) {
	keep := func() *Instr { return h.receive(t, 0, w.score(a.scores)).Count(w.queries) }
	raise := func() *Instr {
		return t.FMax(0, w.met(a.top), pe.In(pe.F32, headWest), w.met(a.top)).Count(w.queries).As(pe.RingAdd, pe.WaitPsum).On(receiveThread)
	}
	w.lastKey(t, "last scores")
	first, end := h.own[0], h.own[1]
	if h.owns() {
		if first > 0 {
			JumpIf(t, w.key, pe.LT, first, "other")
		}
		if end < h.keys {
			JumpIf(t, w.key, pe.GE, end, "other")
		}
		keep()
		t.Jump("taken")
		t.Label("other")
	}
	raise()
	t.Jump("taken")
	t.Label("last scores")
	last := raise
	if h.owns() && end == h.keys {
		last = keep
	}
	last().ThenActivate(softmax)
	t.Jump("last")
	t.Label("taken")
}

// softmax turns the own keys' scores into probabilities and sends them round; the older sums
// are rescaled to the new maximum while they are on their way.
func (k *Attention) softmax(t *Task, h *head, a *attentionArrays, w *keyWalk, mix *Task) {
	scale := pe.Constant(pe.F32, h.scale)
	if h.owns() {
		if !h.alone() {
			w.eachOwn(t, "raise", func() {
				t.FMax(0, w.query(a.top), unmoved(w.query(a.top)), w.score(a.scores)).Count(w.queries)
			})
		}
		w.eachOwn(t, "subtract", func() {
			t.FSub(0, w.score(a.scores), w.score(a.scores), w.query(a.top)).Count(w.queries)
		})
		w.scores(t, Value, 0, h.own[0])
		w.scores(t, Index, h.own[0], h.own[1])
		own := a.scores.By(Value, 1)
		t.FMul(0, own, own, scale).Count(Index)
		t.Special(pe.FExp, 0, a.probs.By(Value, 1), own).Count(Index)
	}
	if !h.alone() {
		h.share(t, w, a.probs).ThenUnblock(mix)
	}
	r := a.rescale.All()
	t.FSub(h.tokens, r, r, a.top.All())
	t.FMul(h.tokens, r, r, scale)
	t.Special(pe.FExp, h.tokens, r, r)
	t.FMul(h.tile(), a.acc.All(), a.acc.All(), h.repeated(r))
	t.FMul(h.tokens, a.sum.All(), a.sum.All(), r)
	w.reset(t)
	if h.alone() {
		t.Unblock(mix)
	}
}
