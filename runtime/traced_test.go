package runtime

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTraced: windows and links are there if asked for, also of phases whose cycles are known, and change nothing.
func TestTraced(t *testing.T) {
	for name, w := range steps() {
		step, store := w.make(t)
		tr, err := NewTrainer(step, store, Stream)
		if err != nil {
			t.Fatal(err)
		}
		run := func(traced bool) *StepReport {
			tr.Trace = traced
			r, err := tr.Run(context.Background(), false, nil)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		plain, traced, again := run(false), run(true), run(false)
		windows := 0
		for i, p := range traced.Phases {
			if bare := plain.Phases[i]; bare.Links != nil || bare.Grid.Windows != nil || p.Links == nil {
				t.Errorf("%s, phase %d: links %t unasked, %t asked for, %d windows unasked", name, i, bare.Links != nil, p.Links != nil, len(bare.Grid.Windows))
			}
			windows += len(p.Grid.Windows)
			if again.Phases[i] != p {
				t.Errorf("%s, phase %d: known, and simulated again", name, i)
			}
			same := *p
			same.Links, same.Grid.Windows = nil, nil
			if d := cmp.Diff(plain.Phases[i], &same); d != "" {
				t.Errorf("%s, phase %d: %s", name, i, d)
			}
		}
		if windows == 0 {
			t.Errorf("%s: no windows", name)
		}
	}
}
