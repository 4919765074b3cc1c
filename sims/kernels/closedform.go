package kernels

import (
	"math/bits"

	"cs2sim.dev/compiler"
)

// The closed forms here are cross-checks of the simulated cycles and nothing else.

// Terms are what the cycles of one phase of a collective follow from in the spatial model of
// Luczynski et al. (HPDC 2024, arXiv 2404.15888, section "performance model"), in which a ramp takes
// T_R cycles and a hop one:
//
//	T = max(Contention, Energy/Links + Distance) + (2 T_R + 1) Depth
//
// With P PEs and B elements the paper states from it: chain B + (2 T_R + 2)(P - 1), broadcast
// B + P + 2 T_R. The terms of the other algorithms are counted here the same way.
type Terms struct {
	Contention float64 // wavelets the busiest PE receives or sends
	Energy     float64 // hops of all wavelets
	Links      float64 // links in use
	Distance   float64 // hops of the longest path
	Depth      float64 // PEs one after the other on it, the first not counted
}

// Cycles applies the model.
func (m Terms) Cycles(rampCycles int) float64 {
	if m.Links == 0 {
		return 0
	}
	return max(m.Contention, m.Energy/m.Links+m.Distance) + float64(2*rampCycles+1)*m.Depth
}

// ClosedForm is the cycles of phases one after the other on machine t, and before them the machine's start: launch, task
// switch, and the start of one tensor instruction that sends, with descriptor load.
func ClosedForm(t compiler.Target, phases []Terms) float64 {
	core := t.Core()
	sum := float64(core.LaunchCycles + core.TaskSwitchCycles)
	for _, m := range phases {
		if m.Links > 0 {
			sum += float64(core.TensorStartCycles + core.DescriptorLoadCycles + core.OutputLoadCycles)
			break
		}
	}
	for _, m := range phases {
		sum += m.Cycles(int(t.Get("ramp_cycles")))
	}
	return sum
}

// model counts the terms of a reduce over n PEs.
func (r *reducer) model(n, elements int) Terms {
	p, b := float64(n), float64(elements)
	m := Terms{Links: p - 1, Distance: p - 1, Contention: b}
	for i := 1; i < n; i++ {
		m.Energy += b * float64(i-r.parent(i))
	}
	groups := (n + r.group - 1) / r.group
	switch rounds := float64(bits.Len(uint(n - 1))); {
	case n == 1:
		return Terms{}
	case r.algorithm == StarReduce:
		m.Contention, m.Depth = b*(p-1), 1
	case r.algorithm == TreeReduce:
		m.Contention, m.Depth = b*rounds, rounds
	case r.algorithm == TwoPhaseReduce:
		if groups > 1 && r.group > 1 {
			m.Contention = 2 * b
		}
		m.Depth = float64(min(r.group, n) - 1 + groups - 1)
	default:
		m.Depth = p - 1
	}
	return m
}

// Model is the terms of the reduce.
func (k Reduce) Model() []Terms { return k.grid().Model()[:1] }

// Model is the terms along x, then along y; the rows work at the same time.
func (k Reduce2D) Model() []Terms {
	a, _ := ParseAlgorithm(string(k.Algorithm))
	x := (&reducer{algorithm: a, group: GroupOf(k.Group, k.Width)}).model(k.Width, k.Elements)
	x.Energy *= float64(k.Height)
	x.Links *= float64(k.Height)
	return []Terms{x, (&reducer{algorithm: a, group: GroupOf(k.Group, k.Height)}).model(k.Height, k.Elements)}
}

// Model is the terms of the broadcast.
func (k Broadcast) Model() []Terms { return k.grid().Model() }

// Model is the terms of the broadcast.
func (k Broadcast2D) Model() []Terms {
	links := float64(k.Width*k.Height - 1)
	if links == 0 {
		return nil
	}
	b := float64(k.Elements)
	return []Terms{{Contention: b, Energy: b * links, Links: links, Distance: float64(k.Width + k.Height - 2), Depth: 1}}
}

// Model is the terms of the ring, T = 2 (P-1) B/P + 4 P - 6 + 2 (P-1)(2 T_R + 1), or of reduce and broadcast. In the ring
// every PE passes 2 (P-1) chunks of B/P; the path of a chunk twice around crosses the long way back twice and leaves out
// two short hops. The model lets a PE receive and send in one cycle.
func (k AllReduce) Model() []Terms {
	if k.Algorithm != RingAllReduce {
		return append(Reduce{k.Reduce, k.Group, k.PEs, k.Elements, k.FP16, false}.Model(), Broadcast{k.PEs, k.Elements, k.FP16}.Model()...)
	}
	p, b := float64(k.PEs), float64(k.Elements)
	if p == 1 {
		return nil
	}
	return []Terms{{Contention: 2 * (p - 1) * b / p, Energy: 4 * (p - 1) * (p - 1) * b / p, Links: 2 * (p - 1), Distance: 4*p - 6, Depth: 2 * (p - 1)}}
}
