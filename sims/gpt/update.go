package gpt

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// Update is one update of the weights on all systems: the simulated micro-batch as often as the
// batch needs it, what MemoryX does after the last gradient, and the tree of SwarmX.
type Update struct {
	Step       *Step
	Machine    compiler.Target
	Systems    int
	Batch      int // sequences, over all systems
	MicroSteps int // micro-batches one after the other on each system
	SwarmX     int64
	Cycles     int64
	Seconds    float64
}

// newUpdate is that of batch sequences on so many systems, the fullest of which decides.
func newUpdate(s *Step, t compiler.Target, batch, systems int) *Update {
	u := &Update{Step: s, Machine: t, Systems: systems, Batch: batch}
	u.MicroSteps = ceilDiv(ceilDiv(batch, systems), s.Mapping.MicroBatch())
	if systems > 1 {
		u.SwarmX = swarmLatency(t, systems)
	}
	u.Cycles = int64(u.MicroSteps)*s.Cycles + s.Tail + u.SwarmX
	u.Seconds = float64(u.Cycles) / t.Get("clock_hz")
	return u
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// swarmLatency is the tree's latency once down with the first weights and once up with the
// last gradients; in between its links are as wide as a wafer's edge and it streams.
func swarmLatency(t compiler.Target, systems int) int64 {
	levels := 0
	fanout := int(t.Get("swarmx_fanout"))
	for n := 1; n < systems; n *= fanout {
		levels++
	}
	return int64(2 * float64(levels) * t.Get("swarmx_level_seconds") * t.Get("clock_hz"))
}

// SequencesPerSecond is over all systems.
func (u *Update) SequencesPerSecond() float64 { return float64(u.Batch) / u.Seconds }

// PEUtilization is the share of PE-cycles, over the whole rectangle and the whole update, that ran
// steps of tensor instructions.
func (u *Update) PEUtilization() float64 {
	s := u.Step
	compute := float64(u.MicroSteps) * float64(s.States[pe.Compute])
	return compute / (float64(s.Width) * float64(s.Height) * float64(u.Cycles))
}

// Joules of one system: busy PE-cycles at the peak power of a core, and the bits of all wavelets
// on all links. MemoryX, SwarmX, idle cores and cooling are not in it.
func (u *Update) Joules() float64 {
	const waveletBits = 32
	t := u.Machine
	cores := float64(u.Step.busy()) / t.Get("clock_hz") * t.Get("watts_per_core")
	links := float64(u.Step.Hops()) * waveletBits * t.Get("joules_per_bit_hop")
	return float64(u.MicroSteps) * (cores + links)
}

// Peak is the FLOP/s of a wafer's datapaths in a precision, a multiply and an add being two.
func Peak(t compiler.Target, p string) float64 {
	return 2 * float64(t.Width()) * float64(t.Height()) * t.Get(p+"_per_cycle") * t.Get("clock_hz")
}
