package runtime

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cs2sim.dev/compiler"
)

// TestTraced: windows and links are there if asked for, also of phases whose cycles are known, and change nothing.
func TestTraced(t *testing.T) {
	for name, w := range steps() {
		s, err := compiler.NewSpace(w.cfg, machine(t, fields{{"width", float64(w.width)}, {"height", float64(w.height)}}), w.precision, compiler.Spread{HeadColumns: w.perHead, Tokens: w.tokens})
		if err != nil {
			t.Fatal(err)
		}
		step, err := compiler.NewStep(s, compiler.StepOptions{Train: true, Save: w.save, Chunks: w.chunks, RunAhead: 8})
		if err != nil {
			t.Fatal(err)
		}
		store := NewStore(s, w.params(t))
		store.Batch, store.LossScale = w.batch(), w.scale()
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
