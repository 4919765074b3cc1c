package runtime

import (
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// TestRingTiming follows one output row of four tokens cycle by cycle, by hand, on wse2:
//
//	 3       the weight is there (hop 1, ramp 2); FMAC 2 + 2 cycles
//	 7       command: task switch 10, jump 1; the ring instruction is issued in cycle 18
//	18..23   its start, ahead of the task's other scalar cycles
//	24..27   the first column of the ring sends an element a cycle
//	30..33   the next works on them if it is one hop away: result 1, ramp 2, hop 1, ramp 2
//
// and with run-ahead the end command (10 + 1 cycles) fills the cycles the ring leaves.
func TestRingTiming(t *testing.T) {
	for _, c := range []struct {
		name              string
		columns, runAhead int
		cycles            fabric.Cycle
		waits             int64 // of the storing column, for partial sums
	}{
		// 24..27 jump, slot, flag, output; 28 end; ring 30..33; end goes on 34..41, halt 42.
		{"two columns", 2, 1, 43, 0},
		// the task waits for its ring instruction: 30..33, then 34..37, end 38..47, halt 48.
		{"two columns, no run-ahead", 2, 0, 49, 6},
		// column 1 to 0 is one hop, 0 to 2 two: 24, 30, 37..40; end 28..36 and 41, halt 42.
		{"three columns", 3, 1, 43, 0},
	} {
		m := machine(t, fields{{"width", float64(c.columns)}, {"height", 1}})
		g := model.MatMul("m", 4, c.columns, 1, model.MaskSpec{Kind: model.MaskUnstructured}, 1, model.Mixed)
		p := compile(t, g, m, compiler.Options{Groups: 1, RunAhead: c.runAhead})
		for _, f := range []Fidelity{Wavelet, Stream} {
			r := run(t, p, f)
			if r.Cycles != c.cycles {
				t.Errorf("%s, %s engine: %d cycles, want %d", c.name, f, r.Cycles, c.cycles)
			}
			store := r.Column[c.columns-1]
			want := pe.StateCycles{}
			want[pe.Compute], want[pe.RingAdd] = 2, 4
			want[pe.Overhead] = 2 + 10 + 5 + 6 + 10 + 1
			want[pe.WaitWeight], want[pe.WaitPsum] = 3, c.waits
			if store != want {
				t.Errorf("%s, %s engine: storing column %v, want %v", c.name, f, store, want)
			}
		}
	}
}
