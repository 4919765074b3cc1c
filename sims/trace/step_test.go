package trace

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime"
)

// simulated is a training step of a GPT on either engine.
func simulated(t testing.TB, cfg model.Config, m compiler.Target, columns, perHead, tokens int, f runtime.Fidelity, sparsity float64) Step {
	t.Helper()
	s, err := compiler.NewSpace(cfg, m, model.Mixed, compiler.Spread{Columns: columns, HeadColumns: perHead, Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	st, err := compiler.NewStep(s, compiler.StepOptions{Train: true, Chunks: 2, RunAhead: 8})
	if err != nil {
		t.Fatal(err)
	}
	p, err := model.InitParams(cfg, 7)
	if err != nil {
		t.Fatal(err)
	}
	masks, err := p.Layout.DrawMasks(model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetMasks(masks); err != nil {
		t.Fatal(err)
	}
	store := runtime.NewStore(s, p)
	store.LossScale = 1
	store.Batch = model.Batch{B: s.MicroBatch(), T: cfg.SequenceLength}
	for i := range store.Batch.B * store.Batch.T {
		store.Batch.Tokens = append(store.Batch.Tokens, int32(i%cfg.Vocabulary))
		store.Batch.Targets = append(store.Batch.Targets, int32((i+1)%cfg.Vocabulary))
		store.Batch.Weights = append(store.Batch.Weights, 1)
	}
	trainer, err := runtime.NewTrainer(st, store, f)
	if err != nil {
		t.Fatal(err)
	}
	trainer.Trace = true
	r, err := trainer.Run(t.Context(), true, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Step{Experiment: "pretrain", Name: "pretrain on " + string(f), Sparsity: sparsity, Report: r}
}

// TestSimulatedStep: the trace of a real step, on either engine, closes and tells what its report
// tells; what both engines count in every phase, work and wavelets, is the same in both traces.
func TestSimulatedStep(t *testing.T) {
	cfg := model.Config{Name: "odd", Layers: 2, DModel: 15, Heads: 3, DFF: 22, Vocabulary: 19, SequenceLength: 7}
	for _, columns := range []int{6, 9} { // the heads' alone; two groups with columns to spare
		m := target(t, float64(2*columns+1), 9)
		sameTrace(t, simulated(t, cfg, m, columns, 2, 2, runtime.Stream, 0.75), simulated(t, cfg, m, columns, 2, 2, runtime.Wavelet, 0.75))
	}
}

// sameTrace compares what is in the traces of a step on the stream and on the wavelet engine.
func sameTrace(t *testing.T, steps ...Step) {
	t.Helper()
	dir := t.TempDir()
	if err := WriteSteps(dir, "test", steps...); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range steps {
		r := got.Runs[i]
		if r.Totals() != s.Report.States || r.Cycles != s.Report.Cycles {
			t.Errorf("%s: %v in %d cycles, the report says %v in %d", r.Name, r.Totals(), r.Cycles, s.Report.States, s.Report.Cycles)
		}
		for p := range r.Phases {
			used := 0
			for _, g := range r.Live(p) {
				used = max(used, g.Base+g.Bytes)
			}
			if sram := 48 << 10; used == 0 || used > sram {
				t.Errorf("phase %d: memory map ends at byte %d of %d", p, used, sram)
			}
		}
	}
	a, b := got.Runs[0], got.Runs[1]
	for i := range a.Phases {
		p, q := a.Phases[i], b.Phases[i]
		if p.FMACs != q.FMACs || p.Hops != q.Hops || p.Frame() != q.Frame() || p.Name != q.Name {
			t.Errorf("phase %d: %+v by streams, %+v by wavelets", i, p, q)
		}
		if p.EdgeIn != q.EdgeIn || p.EdgeOut != q.EdgeOut {
			t.Errorf("phase %d: %d in and %d out by streams, %d and %d by wavelets", i, p.EdgeIn, p.EdgeOut, q.EdgeIn, q.EdgeOut)
		}
		if d := cmp.Diff(eachLink(b.KindOf(i)), eachLink(a.KindOf(i))); d != "" {
			t.Errorf("phase %d, %s of %s: links by wavelets and by streams: %s", i, p.Frame(), p.Name, d)
		}
		if x, y := Computed(a.KindOf(i).Sum()), Computed(b.KindOf(i).Sum()); x != y {
			t.Errorf("phase %d, %s of %s: %d compute cycles by streams, %d by wavelets", i, p.Frame(), p.Name, x, y)
		}
		if p.Kernel == SwitchKernel {
			continue
		}
		exact, ok := b.waveletRaster(i, i)
		if !ok {
			t.Errorf("phase %d, %s of %s: the wavelet engine did not count wavelets", i, p.Frame(), p.Name)
		}
		if folded, ok := a.waveletRaster(i, i); !ok {
			t.Errorf("phase %d, %s of %s: the stream engine did not count wavelets", i, p.Frame(), p.Name)
		} else {
			if d := cmp.Diff(exact, folded); d != "" {
				t.Errorf("phase %d, %s of %s: wavelets by PE: %s", i, p.Frame(), p.Name, d)
			}
		}
	}
}
