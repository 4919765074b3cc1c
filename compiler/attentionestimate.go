package compiler

import "cs2sim.dev/model"

// Estimate is what the kernel takes by its code, in cycles; see keyEstimate.
func (k *Attention) Estimate(s *Space) float64 { return newKeyEstimate(s).forward() }

// Estimate is what the kernel takes by its code, in cycles; see keyEstimate.
func (k *AttentionBackward) Estimate(s *Space) float64 { return newKeyEstimate(s).backward() }

// keyEstimate counts what the attention kernels take by their code, for the search: the work of the last
// column of a head, which passes on most, with the keys of a row, as often as there are rows in a sequence,
// and once more while the row itself sends. Between the parts of a block it waits for sums to go over the
// head's columns and back.
type keyEstimate struct {
	t, h, n float64 // tokens, features of the fullest column, columns of a head
	rows    float64 // of a sequence, and one
	blocks  float64 // of a row of keys

	scores  float64 // of a row of keys
	steps   float64 // of AXPYs or dot products over them, one per key
	own     float64 // scores of a row whose exponentials the column computes
	ownKeys float64

	triggered, issue, scalar, task float64 // starts and scalar instructions
	exp                            float64
	pass                           float64 // a part of the blocks
	chained                        float64 // scores: added, and taken from the last column
	shared                         float64 // probabilities: passed on, and taken from the last column
	round                          float64 // over the columns of a head and back
}

func newKeyEstimate(s *Space) *keyEstimate {
	core, net := s.Target.Core(), s.Target.Fabric(s.Target.Width(), s.Target.Height())
	e := &keyEstimate{
		t: float64(s.Tokens), h: float64(widest(s.Head)), n: float64(s.HeadColumns),
		rows: float64(s.SeqRows + 1), blocks: float64(s.Tokens / s.KeyBlock()),
		triggered: float64(core.TriggerStartCycles), issue: float64(core.TensorStartCycles),
		scalar: float64(core.ScalarCycles), task: float64(core.TaskSwitchCycles), exp: float64(core.ExpElementCycles),
	}
	e.scores = e.t * (e.t + 1) / 2
	if rate := float64(core.MixedPerCycle); s.Precision != model.FP32 && rate > 1 {
		e.steps = e.scores/rate + e.t*(rate-1)/rate // the last step of each is not full
	} else {
		e.steps = e.scores / float64(core.FP32PerCycle)
	}
	e.own, e.ownKeys = max(e.scores/e.n, e.t/e.blocks), max(e.t/e.n, e.blocks)
	e.pass = e.h * (e.t*e.triggered + e.steps)
	if e.n == 1 {
		e.chained = e.scores + e.t*e.triggered
		return e
	}
	e.chained, e.shared = 2*e.scores+e.t*e.triggered, 2*e.scores
	e.round = e.n * float64(1+2*net.HopCycles+2*net.RampCycles)
	return e
}

// ownSums is an instruction on each of the own keys.
func (e *keyEstimate) ownSums() float64 { return e.own + e.ownKeys*(e.issue+3*e.scalar) }

func (e *keyEstimate) forward() float64 {
	n := 2*e.pass + e.chained + e.t*(e.issue+9*e.scalar) + e.shared
	n += e.steps + e.t*(e.triggered+7*e.scalar) // denominators
	n += 2*e.ownSums() + e.own*(1+e.exp)        // maxima and differences; scaled, exponentials
	n += e.blocks * (e.t*(e.exp+4) + e.h*e.t)   // rescaled sums
	n += e.blocks * (2*e.task + 14*e.issue + 40*e.scalar + 2*e.round)
	return n * e.rows
}

func (e *keyEstimate) backward() float64 {
	n := 3*e.pass + 2*(e.chained+e.t*7*e.scalar) + 2*e.shared
	n += 2*e.ownSums() + e.own*(5+e.exp)
	n += e.t*(e.triggered+e.h+2*e.issue+12*e.scalar) + 2*e.h*e.steps // gradients of keys and values,
	n += e.t * (e.issue + 2*e.h)                                     // and those of other rows
	n += e.blocks * (3*e.task + 14*e.issue + 60*e.scalar + 3*e.round)
	return n * e.rows
}
