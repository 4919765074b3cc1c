package gpt

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// Part is a reason for which a step takes time.
type Part string

// The parts of a step, in the order in which they are stacked. All are in cycles of the step;
// they sum to StepCycles.
const (
	PartFMAC        Part = "weights x activations" // datapath steps of the block matrices
	PartStart       Part = "instruction starts"    // and task switches and commands, in the block matrices
	PartRing        Part = "ring adds"             // of partial sums
	PartImbalance   Part = "imbalance"             // PEs of the block matrices that wait for others
	PartWeights     Part = "weight wait"           // for the I/O link or the first weight
	PartReturn      Part = "gradient return"       // output blocked on the way to the edge
	PartAttention   Part = "attention"
	PartVocabulary  Part = "vocabulary and loss"
	PartElementwise Part = "norms and GELU"
	PartEmbedding   Part = "embedding I/O"
	PartSwitch      Part = "kernel switch"
	PartUpdate      Part = "optimiser"
	PartSwarmX      Part = "SwarmX"
)

// Parts lists all of them in order.
func Parts() []Part {
	return []Part{PartFMAC, PartStart, PartRing, PartImbalance, PartWeights, PartReturn, PartAttention,
		PartVocabulary, PartElementwise, PartEmbedding, PartSwitch, PartUpdate, PartSwarmX}
}

// Breakdown says where the cycles of one update went. A phase of a block matrix is divided
// as its PEs' cycles by state are; all other phases count whole.
func (r *Result) Breakdown() map[Part]float64 {
	out := map[Part]float64{}
	times := float64(r.MicroSteps)
	s := r.Report.Step.Space
	width, height := s.Groups*s.Columns, s.Rows()
	used := float64(width * height)
	for i, p := range r.Report.Phases {
		out[PartSwitch] += times * float64(r.Report.Switch)
		ph := r.Report.Step.Phases[i]
		if part, whole := wholePart(ph); whole {
			out[part] += times * float64(p.Cycles)
			continue
		}
		states := p.Grid.Sum(width, height)
		for _, st := range pe.States() {
			out[statePart(st, ph.Kernel)] += times * float64(states[st]) / used
		}
	}
	out[PartUpdate] += float64(r.UpdateTail)
	out[PartSwarmX] += float64(r.SwarmX)
	return out
}

// wholePart is the part of a phase that is not divided by state.
func wholePart(ph compiler.Phase) (Part, bool) {
	switch k := ph.Kernel.(type) {
	case *compiler.Linear:
		return PartVocabulary, k.Param == "wte"
	case *compiler.WeightGrad:
		return PartVocabulary, k.Param == "wte"
	case *compiler.Attention, *compiler.AttentionBackward:
		return PartAttention, true
	case *compiler.LossChunk, *compiler.LossReduce, *compiler.LossBackward:
		return PartVocabulary, true
	case *compiler.Embed, *compiler.EmbedBackward:
		return PartEmbedding, true
	}
	return PartElementwise, true
}

func statePart(s pe.State, k compiler.Kernel) Part {
	switch s {
	case pe.Compute:
		return PartFMAC
	case pe.Overhead, pe.Conflict:
		return PartStart
	case pe.RingAdd:
		return PartRing
	case pe.WaitWeight:
		return PartWeights
	case pe.BlockedOut:
		if _, ok := k.(*compiler.WeightGrad); ok {
			return PartReturn
		}
	}
	return PartImbalance
}
