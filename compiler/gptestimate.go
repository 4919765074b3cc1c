package compiler

import "cs2sim.dev/model"

// stepEstimate is the closed form the search for a GPT's mapping ranks by; no result comes from
// it. It counts the datapath's work on the busiest PE and the I/O link, kernel by kernel.
type stepEstimate struct {
	s       *Space
	fmac    float64 // one data-triggered FMAC or dot product over the PE's tokens
	issue   float64 // a tensor instruction's start
	command float64 // a control task around one instruction
	io      float64 // wavelets per cycle over the edge
	stream  float64 // of weights and gradients
	t       float64 // tokens

	feat, head, ff, vocab spreadOver
	code                  int // bytes
}

// spreadOver is how many features there are, and how many on the fullest column.
type spreadOver struct{ all, most float64 }

func over(bounds []int) spreadOver {
	return spreadOver{float64(bounds[len(bounds)-1]), float64(widest(bounds))}
}

func newStepEstimate(s *Space) *stepEstimate {
	core := s.Target.Core()
	rate := core.MixedPerCycle
	if s.Precision == model.FP32 {
		rate = core.FP32PerCycle
	}
	return &stepEstimate{
		s:       s,
		fmac:    float64(core.TriggerStartCycles + ceilDiv(s.Tokens, rate)),
		issue:   float64(core.TensorStartCycles),
		command: float64(core.TaskSwitchCycles + core.TensorStartCycles + 4*core.ScalarCycles),
		io:      s.Target.IORate(), stream: s.StreamRate,
		t:    float64(s.Tokens),
		feat: over(s.Feat), head: over(s.Head), ff: over(s.FF), vocab: over(s.Vocab),
		code: s.Target.whole("code_bytes"),
	}
}

// step is cycles of one micro-batch, forward, and backward if train.
func (e *stepEstimate) step(density float64, o StepOptions) float64 {
	layers, attention := float64(e.s.Model.Layers), newKeyEstimate(e.s)
	d, q, f, v := e.feat, e.head, e.ff, e.vocab
	again := e.again(density)
	block := again + e.linear(f, d, density)
	head := e.linear(d, v, 1)
	total := layers*block + head + e.embedding()
	if !o.Train {
		return total
	}
	if !o.Save {
		total += layers * again
	}
	back := 3*e.linear(q, d, density) + e.linear(d, q, density) + 4*e.gradient(d, q, density) + attention.backward()
	back += e.linear(f, d, density) + e.linear(d, f, density) + 2*e.gradient(d, f, density)
	total += layers * back
	if o.Chunks > 1 {
		total += head
	}
	return total + e.linear(v, d, 1) + e.gradient(d, v, 1) + e.embedding()
}

// again is what is computed twice of a block that is not kept.
func (e *stepEstimate) again(density float64) float64 {
	d, q, f := e.feat, e.head, e.ff
	return 3*e.linear(d, q, density) + e.linear(q, d, density) + e.linear(d, f, density) + newKeyEstimate(e.s).forward()
}

// chunk is what one part more of the vocabulary costs: its delta goes round the ring and its weight
// gradient takes the features of d_model off the bus once more.
func (e *stepEstimate) chunk() float64 { return e.feat.all * (2*e.t + 3*e.command) }

// linear is a matrix of inputs and outputs that lie so over the columns.
func (e *stepEstimate) linear(in, out spreadOver, density float64) float64 {
	n := in.most * density
	work := n*e.fmac + e.command + e.t
	edge := (in.all*density + float64(e.s.Columns)) / e.stream
	return out.all * max(work, n+1, edge)
}

// gradient is the weight gradient of a matrix; its narrower side is broadcast.
func (e *stepEstimate) gradient(sent, own spreadOver, density float64) float64 {
	if own.all < sent.all || own.all == sent.all && own.most > sent.most {
		sent, own = own, sent
	}
	n := own.most * density
	work := n*(e.fmac+1) + e.t + 2*e.command
	edge := own.all * density * float64(e.s.Groups) / e.stream
	return sent.all * max(work, n+1, edge)
}

// embedding is every PE's tile over the edge.
func (e *stepEstimate) embedding() float64 {
	return float64(e.s.Model.DModel) * float64(e.s.HostTokens()) / e.io
}

// roughBytes is less than any memory plan needs: what lives beside the residual streams at the
// widest point, and the logits.
func (e *stepEstimate) roughBytes(c GPTCandidate, train bool) int {
	run := e.s.Tokens * e.s.Type().Words() * 2
	feat, head, ff := int(e.feat.most)*run, int(e.head.most)*run, int(e.ff.most)*run
	logits := ceilDiv(int(e.vocab.most), c.Chunks) * e.s.Tokens * 4
	layers := e.s.Model.Layers
	if !train {
		return e.code + max(logits+2*feat, feat+4*head, 2*ff)
	}
	kept := (layers + 1) * feat
	if c.Save {
		kept += layers * (3*feat + 4*head + 2*ff)
	}
	return e.code + kept + max(logits, feat+4*head, 2*ff)
}
