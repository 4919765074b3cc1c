package compiler

import (
	"math"

	"cs2sim.dev/model"
)

// stepEstimate is the closed form the search for a GPT's mapping ranks by; no result comes from
// it. It counts the datapath's work on the busiest PE and the I/O link, kernel by kernel.
type stepEstimate struct {
	s       *Space
	density float64
	fmac    float64 // one data-triggered FMAC or dot product over the PE's tokens
	issue   float64 // a tensor instruction's start
	command float64 // a control task around one instruction
	exp     float64
	io      float64
	t, h    float64 // tokens, features of d_model on the fullest column
}

// estimateStep is cycles of one micro-batch, forward, and backward if train.
func estimateStep(s *Space, density float64, o StepOptions) float64 {
	core := s.Target.Core()
	rate := core.MixedPerCycle
	if s.Precision == model.FP32 {
		rate = core.FP32PerCycle
	}
	e := stepEstimate{
		s: s, density: density,
		fmac:    float64(core.TriggerStartCycles + ceilDiv(s.Tokens, rate)),
		issue:   float64(core.TensorStartCycles),
		command: float64(core.TaskSwitchCycles + core.TensorStartCycles + 4*core.ScalarCycles),
		exp:     float64(core.ExpElementCycles),
		io:      s.Target.IORate(),
		t:       float64(s.Tokens), h: float64(widest(s.Feat)),
	}
	m := s.Model
	d, f, v := m.DModel, m.DFF, m.Vocabulary
	block := 4*e.linear(d, d, density) + e.linear(d, f, density) + e.linear(f, d, density) + e.attention(false)
	head := e.linear(d, v, 1)
	total := float64(m.Layers)*block + head + e.embedding()
	if !o.Train {
		return total
	}
	if !o.Save {
		total += float64(m.Layers) * (block - e.linear(f, d, density))
	}
	back := 4*(e.linear(d, d, density)+e.gradient(d, d, density)) + e.attention(true)
	back += e.linear(f, d, density) + e.linear(d, f, density) + 2*e.gradient(d, f, density)
	total += float64(m.Layers) * back
	if o.Chunks > 1 {
		total += head
	}
	return total + e.linear(v, d, 1) + e.gradient(v, d, 1) + e.embedding()
}

// linear is a matrix of so many inputs and outputs.
func (e *stepEstimate) linear(in, out int, density float64) float64 {
	c := float64(e.s.Columns)
	n := math.Ceil(float64(in)/c) * density
	work := n*e.fmac + e.command + e.t
	edge := (float64(in)*density + c) / e.io
	return float64(out) * max(work, n+1, edge)
}

// gradient is the weight gradient of a matrix; its narrower side is broadcast.
func (e *stepEstimate) gradient(a, b int, density float64) float64 {
	c := float64(e.s.Columns)
	rows, in := float64(min(a, b)), float64(max(a, b))
	n := math.Ceil(in/c) * density
	work := n*(e.fmac+1) + e.t + 2*e.command
	edge := in * density * float64(e.s.Groups) / e.io
	return rows * max(work, n+1, edge)
}

// attention is the last row of a sequence, which sees all keys. Beside keys and values, a block
// of keys costs some passes over its scores, and task switches and waits for the head's other
// columns that do not depend on its size: as much as simulations of some ten mappings have shown.
func (e *stepEstimate) attention(backward bool) float64 {
	keys := float64(keyBlock(e.s.Tokens))
	rows := float64(e.s.SeqRows)
	blocks, scores := rows*e.t/keys, keys*e.t
	share := e.exp / float64(e.s.HeadColumns)
	if !backward {
		return rows*2*e.t*e.h*e.fmac + blocks*(scores*(7+share)+75*e.command)
	}
	return rows*5*e.t*e.h*e.fmac + blocks*(scores*(10+share)+62*e.command)
}

// embedding is every PE's tile over the edge.
func (e *stepEstimate) embedding() float64 {
	return float64(e.s.Model.DModel) * float64(e.s.HostTokens()) / e.io
}
