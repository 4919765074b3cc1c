package gpt

import (
	"math"
	"strings"
	"testing"
)

// scaledRun is the tiny run on several systems with further lines in [machine].
func scaledRun(systems, machine string) string {
	text := strings.Replace(tinyRun, "[gpt]\n", "[gpt]\nsparsities = [0.0]\nsystems = "+systems+"\n", 1)
	return strings.Replace(text, "[machine]\n", "[machine]\n"+machine, 1)
}

// at is the outcome on so many systems.
func at(t *testing.T, all []Outcome, weak bool, systems int) *Outcome {
	t.Helper()
	for i := range all {
		if o := &all[i]; o.Weak == weak && o.Systems == systems {
			return o
		}
	}
	t.Fatalf("no outcome on %d systems", systems)
	return nil
}

// TestSwarmXAsFastAsTheEdge: with such links no phase of a step waits for the tree, so that of weak
// scaling only the turnaround is lost.
func TestSwarmXAsFastAsTheEdge(t *testing.T) {
	all := simulate(t, scaledRun("[1, 2, 48]", ""), 1)
	one := at(t, all, true, 1).Update
	if one.SwarmX != 0 || one.Tree.Levels() != 0 {
		t.Errorf("one system: %d levels, %d cycles of SwarmX", one.Tree.Levels(), one.SwarmX)
	}
	for _, n := range []int{2, 48} {
		u := at(t, all, true, n).Update
		e := u.Exposed()
		if u.Step != one.Step || e.Broadcast != 0 || math.Abs(e.Reduction-u.Turnaround.Reduction/u.Machine.Get("clock_hz")) > 1e-12 {
			t.Errorf("%d systems: another step than one, or %+v exposed", n, e)
		}
		if u.SwarmX <= 0 || u.Cycles != one.Cycles+u.SwarmX {
			t.Errorf("%d systems: an update of %d cycles, %d of them SwarmX; on one %d", n, u.Cycles, u.SwarmX, one.Cycles)
		}
	}
}

// TestSwarmXBandwidth: one mapping behind ever slower links: phases bound by I/O stretch, what they
// stretch by is what is exposed, and one system knows nothing of it.
func TestSwarmXBandwidth(t *testing.T) {
	last := int64(0)
	var edge *Step
	for _, link := range []string{"1.2e12", "6e10", "2e10", "5e9"} {
		text := scaledRun("[1, 2]", "swarmx_bits_per_second = "+link+"\n") + "[mapping]\ncolumns_per_head = 2\ntokens_per_pe = 8\n"
		all := simulate(t, text, 1)
		one, two := at(t, all, true, 1).Update, at(t, all, true, 2).Update
		if edge == nil {
			edge = one.Step
		}
		if one.Step.Cycles != edge.Cycles || one.SwarmX != 0 {
			t.Errorf("%s bit/s: one system takes %d cycles, %d of SwarmX; must take %d and none", link, one.Step.Cycles, one.SwarmX, edge.Cycles)
		}
		s := two.Step
		if s.Cycles < last || s.BroadcastWait+s.ReductionWait != s.Cycles-edge.Cycles {
			t.Errorf("%s bit/s: %d cycles, %d and %d exposed; on one system %d, with the wider link %d", link, s.Cycles, s.BroadcastWait, s.ReductionWait, edge.Cycles, last)
		}
		last = s.Cycles
		// No phase can be faster than its link.
		for _, p := range s.Phases {
			if least := float64(max(p.EdgeIn, p.EdgeOut)) / two.Machine.StreamRate(2); p.Shared && float64(p.Cycles) < 0.99*least {
				t.Errorf("%s bit/s: %s %s takes %d cycles, its link %.0f", link, p.Op, p.Kernel, p.Cycles, least)
			}
		}
		if link == "5e9" && (s.BroadcastWait == 0 || s.ReductionWait == 0 || s.Cycles < 2*edge.Cycles) {
			t.Errorf("%s bit/s: only %d and %d cycles exposed of %d", link, s.BroadcastWait, s.ReductionWait, s.Cycles)
		}
	}
}

// TestSwarmXTraffic: every system gets the weights of each of its micro-batches and returns their gradients,
// MemoryX sends and receives them once, and the systems' sequences are those of the batch.
func TestSwarmXTraffic(t *testing.T) {
	all := simulate(t, scaledRun("[1, 2, 3, 5, 7, 64]", ""), 1)
	for i := range all {
		o := &all[i]
		u, s := o.Update, o.Update.Step
		held, steps, most := 0, int64(0), 0
		for n := range o.Systems {
			sequences := o.Batch / o.Systems
			if n < o.Batch%o.Systems {
				sequences++
			}
			held += sequences
			own := ceilDiv(sequences, s.Mapping.MicroBatch())
			steps, most = steps+int64(own), max(most, own)
		}
		if held != o.Batch || u.AllSteps != steps || u.MicroSteps != most {
			t.Errorf("%d sequences on %d systems: %d micro-batches, %d on the fullest; want %d and %d", o.Batch, o.Systems, u.AllSteps, u.MicroSteps, steps, most)
		}
		weights, gradients, tables := int64(0), int64(0), int64(0)
		for _, p := range s.Phases {
			switch {
			case strings.HasPrefix(p.Kernel, "linear"), p.Kernel == "weight gradient", strings.HasPrefix(p.Kernel, "layernorm"):
				weights, gradients = weights+p.EdgeIn, gradients+p.EdgeOut
			case p.Shared:
				t.Errorf("%s %s is not a system's own", p.Op, p.Kernel)
			}
		}
		if o.Systems > 1 {
			tables = (96 + 32) * 32
		}
		x := u.Traffic()
		if x.Down != 4*(weights*int64(most)+tables) || x.Up != 4*(gradients*int64(most)+tables) {
			t.Errorf("%d systems: MemoryX sends %d bytes and receives %d", o.Systems, x.Down, x.Up)
		}
		if x.SystemsDown != 4*(weights*steps+int64(o.Systems)*tables) || x.SystemsUp != 4*(gradients*steps+int64(o.Systems)*tables) {
			t.Errorf("%d systems: they receive %d bytes and send %d", o.Systems, x.SystemsDown, x.SystemsUp)
		}
	}
}
