package runtime

import (
	"context"
	"sync/atomic"
	"testing"
)

// TestPartial: while a step is simulated, what is told of it are its first phases as they end up, ever more
// of them, one call at a time; and of all its kernels' phases the windows close.
func TestPartial(t *testing.T) {
	for name, w := range steps() {
		step, store := w.make(t)
		for _, threads := range []int{1, 3} {
			tr, err := NewTrainer(step, store, Stream)
			if err != nil {
				t.Fatal(err)
			}
			tr.Trace = true
			var parts []*StepReport
			var inside atomic.Int32
			tr.Partial = func(n int, report func() *StepReport) {
				if inside.Add(1) > 1 {
					t.Errorf("%s: two calls at a time", name)
				}
				r := report()
				if len(r.Phases) != n || len(parts) > 0 && n <= len(parts[len(parts)-1].Phases) || n >= len(step.Phases) {
					t.Errorf("%s: %d phases after another %d times", name, n, len(parts))
				}
				parts = append(parts, r)
				inside.Add(-1)
			}
			whole, err := tr.Cost(context.Background(), threads, nil)
			if err != nil {
				t.Fatal(err)
			}
			if threads == 1 && len(parts) < 3 { // several may end in any order, attention late
				t.Errorf("%s, %d threads: told %d times", name, threads, len(parts))
			}
			for _, r := range parts {
				cycles := int64(0)
				for i, p := range r.Phases {
					if p != whole.Phases[i] {
						t.Fatalf("%s: phase %d is another in the end", name, i)
					}
					cycles += p.Cycles + r.Switch
				}
				if all := int64(step.Space.Target.Width() * step.Space.Target.Height()); r.Cycles != cycles || r.States.Total() != all*cycles {
					t.Errorf("%s: %d phases of %d cycles sum to %d", name, len(r.Phases), cycles, r.States.Total())
				}
			}
			cut := map[string]int{}
			for i, p := range whole.Phases {
				p.Grid.closed(t, step.Phases[i].Name, step.Space.Rows(), p.Cycles)
				if len(p.Grid.Windows) > 1 {
					cut[step.Phases[i].Kernel.Name()]++
				}
			}
			if cut["linear"] == 0 || cut["weight gradient"] == 0 || cut["attention"]+cut["attention backward"] == 0 {
				t.Errorf("%s: kernels with windows are %v", name, cut)
			}
		}
	}
}
