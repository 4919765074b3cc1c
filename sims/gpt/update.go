package gpt

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// Update is one update of the weights on all systems: the simulated micro-batch as often as the
// fullest system needs it, and what lies between the last gradient and the next update's first weight.
type Update struct {
	Step       *Step
	Machine    compiler.Target
	Tree       *runtime.Tree
	Systems    int
	Batch      int   // sequences, over all systems
	MicroSteps int   // micro-batches one after the other on the fullest system
	AllSteps   int64 // micro-batches of all systems
	Turnaround runtime.Turnaround
	SwarmX     int64 // cycles of the turnaround beyond the optimiser's
	Cycles     int64
	Seconds    float64
}

// newUpdate is that of batch sequences on so many systems. They get as many each, the first of them one
// more where that does not come out even; the fullest decides.
func newUpdate(s *Step, t compiler.Target, batch, systems int) *Update {
	u := &Update{Step: s, Machine: t, Tree: runtime.NewTree(t, systems), Systems: systems, Batch: batch}
	steps := func(sequences int) int { return ceilDiv(sequences, s.Mapping.MicroBatch()) }
	least, more := batch/systems, batch%systems
	u.MicroSteps = steps(ceilDiv(batch, systems))
	u.AllSteps = int64(more)*int64(steps(least+1)) + int64(systems-more)*int64(steps(least))
	u.Turnaround = u.Tree.Turnaround(s.Tables, float64(s.Backlog), runtime.AdamWeightCycles(t))
	if systems > 1 {
		u.SwarmX = int64(u.Turnaround.Latency + u.Turnaround.Reduction)
	}
	u.Cycles = int64(u.MicroSteps)*s.Cycles + s.Tail + u.SwarmX
	u.Seconds = float64(u.Cycles) / t.Get("clock_hz")
	return u
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// SequencesPerSecond is over all systems.
func (u *Update) SequencesPerSecond() float64 { return float64(u.Batch) / u.Seconds }

// PEUtilization is the share of the fullest system's PE-cycles, over the whole rectangle and the whole update, in
// state Compute: datapath steps of tensor instructions but ring adds.
func (u *Update) PEUtilization() float64 {
	s := u.Step
	compute := float64(u.MicroSteps) * float64(s.States[pe.Compute])
	return compute / (float64(s.Width) * float64(s.Height) * float64(u.Cycles))
}

// Joules of all systems: busy PE-cycles at the peak power of a core, and the bits of all wavelets
// on all links. MemoryX, SwarmX, idle cores and cooling are not in it.
func (u *Update) Joules() float64 {
	const waveletBits = 32
	t := u.Machine
	cores := float64(u.Step.busy()) / t.Get("clock_hz") * t.Get("watts_per_core")
	links := float64(u.Step.Hops()) * waveletBits * t.Get("joules_per_bit_hop")
	return float64(u.AllSteps) * (cores + links)
}

// Peak is the FLOP/s of a wafer's datapaths in a precision, a multiply and an add being two.
func Peak(t compiler.Target, p string) float64 {
	return 2 * float64(t.Width()) * float64(t.Height()) * t.Get(p+"_per_cycle") * t.Get("clock_hz")
}
