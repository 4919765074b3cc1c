package gpt

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// Part is a reason for which a step takes time.
type Part string

// The parts of a step, in the order in which they are stacked. All are in cycles of one update;
// they sum to Update.Cycles.
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

// Breakdown says where the cycles of an update went, by part in the order of Parts. A phase of a
// block matrix is divided as its PEs' cycles by state are; all other phases count whole.
func (u *Update) Breakdown() []float64 {
	at := map[Part]float64{}
	s, times := u.Step, float64(u.MicroSteps)
	for _, p := range s.Phases {
		at[PartSwitch] += times * float64(s.Switch)
		if p.Part != "" {
			at[p.Part] += times * float64(p.Cycles)
			continue
		}
		for _, st := range pe.States() {
			at[statePart(st, p.Kernel)] += times * float64(p.States[st]) / float64(s.Used)
		}
	}
	at[PartUpdate] += float64(s.Tail)
	at[PartSwarmX] += float64(u.SwarmX)
	var out []float64
	for _, p := range Parts() {
		out = append(out, at[p])
	}
	return out
}

func statePart(s pe.State, kernel string) Part {
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
		if kernel == (&compiler.WeightGrad{}).Name() {
			return PartReturn
		}
	}
	return PartImbalance
}
