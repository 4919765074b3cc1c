package gpt

import (
	"math"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// TestEnergyByHand: 1.1e9 busy PE-cycles at 1.1 GHz are a core's second, 0.03 J; 1e12 wavelet hops of 32 bits at
// 0.15 pJ are 4.8 J. Of 10 sequences in micro-batches of 3, three systems get 4, 3 and 3: four
// micro-batches, not three times the two of the fullest.
func TestEnergyByHand(t *testing.T) {
	machine, err := compiler.Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	s := &Step{Cycles: 100, Width: 1, Height: 1, Mapping: compiler.GPTCandidate{Groups: 3, Sequences: 1}, Phases: []Phase{{Hops: 4e11}, {Hops: 6e11}}}
	s.States[pe.Compute], s.States[pe.RingAdd], s.States[pe.Overhead], s.States[pe.Conflict] = 5e8, 3e8, 2e8, 1e8
	s.States[pe.Idle], s.States[pe.WaitWeight], s.States[pe.WaitPsum], s.States[pe.BlockedOut] = 7e9, 7e9, 7e9, 7e9
	for _, c := range []struct {
		systems int
		batches float64
	}{{1, 4}, {2, 4}, {3, 4}, {4, 4}, {10, 10}} {
		if got, want := newUpdate(s, machine, 10, c.systems).Joules(), c.batches*4.83; math.Abs(got-want) > 1e-9 {
			t.Errorf("%d systems: %v J, want %v", c.systems, got, want)
		}
	}
}

// TestUtilizationByHand: 750 x 994 PEs of 2 mixed FMACs a cycle at 1.1 GHz make 3.2802 PFLOP/s; a sequence of GPT-2 Small
// is 1.99e12 FLOPs in the paper's appendix table 2.
func TestUtilizationByHand(t *testing.T) {
	machine, err := compiler.Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	if got := Peak(machine, "mixed"); got != 3.2802e15 {
		t.Errorf("peak is %v FLOP/s, want 3.2802e15", got)
	}
	small, err := model.Preset("gpt2-small")
	if err != nil {
		t.Fatal(err)
	}
	o := Outcome{Case{
		Model: small, Systems: 2, Batch: 256, Total: 1e6, Job: Job{Model: small, Machine: machine, Precision: model.Mixed},
	}, &Update{Seconds: 0.5}}
	if got, want := o.FLOPUtilization(), 256*1.99e12/0.5/(2*3.2802e15); math.Abs(got/want-1) > 0.005 {
		t.Errorf("FLOP utilization is %v, want %v", got, want)
	}
	s := &Step{Cycles: 50, Tail: 10, Width: 4, Height: 5, Mapping: compiler.GPTCandidate{Groups: 2, Sequences: 1}}
	s.States[pe.Compute], s.States[pe.RingAdd] = 300, 700
	if got, want := newUpdate(s, machine, 5, 1).PEUtilization(), 3*300/(20*160.0); got != want {
		t.Errorf("PE utilization is %v, want %v", got, want)
	}
}
