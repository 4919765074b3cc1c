package runtime

import (
	"context"
	"math"
	"slices"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// wholeStep is one training step of a small GPT on a small mesh.
type wholeStep struct {
	cfg           model.Config
	width, height int
	columns       int // of a group; 0: the heads'
	perHead       int // columns
	tokens        int // per PE
	precision     model.Precision
	sparsity      float64
	save          bool
	kept          int // blocks, without save
	norms         bool
	chunks        int
	sequences     int     // in the batch; fewer than places leaves padding
	threads       int     // of the host
	streamRate    float64 // wavelets per cycle of weights and gradients; 0: the edge's
}

// make compiles the step and fills MemoryX for it.
func (w wholeStep) make(t *testing.T) (*compiler.Step, *Store) {
	t.Helper()
	s, err := compiler.NewSpace(w.cfg, machine(t, fields{{"width", float64(w.width)}, {"height", float64(w.height)}}), w.precision, compiler.Spread{Columns: w.columns, HeadColumns: w.perHead, Tokens: w.tokens})
	if err != nil {
		t.Fatal(err)
	}
	if w.streamRate > 0 {
		s.StreamRate = w.streamRate
	}
	step, err := compiler.NewStep(s, compiler.StepOptions{Train: true, Save: w.save, Kept: w.kept, Norms: w.norms, Chunks: w.chunks, RunAhead: 8})
	if err != nil {
		t.Fatal(err)
	}
	store := NewStore(s, w.params(t))
	store.Batch, store.LossScale = w.batch(), w.scale()
	return step, store
}

// run runs the step on one engine and returns MemoryX and the report.
func (w wholeStep) run(t *testing.T, f Fidelity) (*Store, *StepReport) {
	t.Helper()
	step, store := w.make(t)
	tr, err := NewTrainer(step, store, f)
	if err != nil {
		t.Fatal(err)
	}
	tr.Threads, tr.Trace = w.threads, true
	r, err := tr.Run(context.Background(), true, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store, r
}

func (w wholeStep) scale() float32 {
	if w.precision == model.Mixed {
		return 1024
	}
	return 1
}

func (w wholeStep) params(t *testing.T) *model.Params {
	t.Helper()
	p, err := model.InitParams(w.cfg, 7)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Values { // away from GPT-2's small start, so that every part matters
		p.Values[i] *= 4
	}
	if w.sparsity > 0 {
		masks, err := p.Layout.DrawMasks(model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: w.sparsity, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.SetMasks(masks); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (w wholeStep) batch() model.Batch {
	b := model.Batch{B: w.sequences, T: w.cfg.SequenceLength}
	for i := range b.B * b.T {
		b.Tokens = append(b.Tokens, int32((i*7+i*i)%w.cfg.Vocabulary))
		b.Targets = append(b.Targets, int32((i*5+3)%w.cfg.Vocabulary))
		b.Weights = append(b.Weights, float32(i%3)) // a third of the tokens without loss
	}
	return b
}

func steps() map[string]wholeStep {
	odd := model.Config{Name: "odd", Layers: 2, DModel: 15, Heads: 3, DFF: 22, Vocabulary: 19, SequenceLength: 7}
	even := model.Config{Name: "even", Layers: 2, DModel: 16, Heads: 2, DFF: 32, Vocabulary: 24, SequenceLength: 8}
	return map[string]wholeStep{
		"mixed, sparse, recomputed, ragged": {odd, 13, 8, 0, 2, 2, model.Mixed, 0.75, false, 0, false, 3, 3, 0, 0},
		"fp32, dense, saved":                {even, 8, 8, 0, 2, 2, model.FP32, 0, true, 0, false, 1, 4, 0, 0},
		"mixed, dense, one column per head": {even, 5, 9, 0, 1, 4, model.Mixed, 0, false, 0, true, 1, 5, 0, 0},
		"mixed, sparse, behind SwarmX":      {even, 8, 8, 0, 2, 2, model.Mixed, 0.5, true, 0, false, 1, 4, 0, 0.5},
		"fp32, sparse, one token per PE":    {odd, 6, 14, 0, 2, 1, model.FP32, 0.5, true, 0, false, 2, 2, 0, 0},
		"mixed, sparse, columns to spare":   {odd, 18, 8, 9, 2, 2, model.Mixed, 0.5, false, 1, true, 2, 3, 0, 0},
		"fp32, dense, columns to spare":     {even, 15, 8, 7, 3, 2, model.FP32, 0, true, 0, false, 1, 4, 0, 0},
	}
}

// TestWholeStep: both engines make the same gradients bit for bit, their cycles are within 1 %,
// and the gradients are those of the reference.
func TestWholeStep(t *testing.T) {
	for name, w := range steps() {
		t.Run(name, func(t *testing.T) {
			a, ra := w.run(t, Wavelet)
			b, rb := w.run(t, Stream)
			for i, v := range a.Grads {
				if math.Float32bits(v) != math.Float32bits(b.Grads[i]) {
					t.Errorf("gradient %s: %v by wavelets, %v by streams", w.tensorAt(a, i), v, b.Grads[i])
					break
				}
			}
			if a.Loss != b.Loss {
				t.Errorf("loss %v by wavelets, %v by streams", a.Loss, b.Loss)
			}
			if d := float64(rb.Cycles)/float64(ra.Cycles) - 1; math.Abs(d) > 0.01 {
				t.Errorf("%d cycles by wavelets, %d by streams: %+.2f %%", ra.Cycles, rb.Cycles, 100*d)
			}
			for i, ph := range ra.Step.Phases {
				x, y := ra.Phases[i], rb.Phases[i]
				if x.FMACs != y.FMACs || x.Hops != y.Hops {
					t.Errorf("phase %d, %s %s of %s: %d FMACs and %d hops by wavelets, %d and %d by streams", i, ph.Kernel.Name(), ph.Pass, ph.Name, x.FMACs, x.Hops, y.FMACs, y.Hops)
				}
			}
			if x, y := ra.States[pe.Compute], rb.States[pe.Compute]; x != y {
				t.Errorf("%d compute cycles by wavelets, %d by streams", x, y)
			}
			w.againstReference(t, b)
		})
	}
}

// TestHostThreads: gradients do not depend on the host's threads.
func TestHostThreads(t *testing.T) {
	w := steps()["mixed, sparse, recomputed, ragged"]
	w.threads = 1
	one, _ := w.run(t, Stream)
	for _, w.threads = range []int{2, 5} {
		if several, _ := w.run(t, Stream); !slices.Equal(one.Grads, several.Grads) || one.Loss != several.Loss {
			t.Errorf("%d threads make other gradients than one", w.threads)
		}
	}
}

func (w wholeStep) tensorAt(s *Store, i int) string {
	for _, t := range s.Layout.Tensors {
		if i < t.Offset+t.Len() {
			return t.Name
		}
	}
	return "?"
}

// againstReference holds loss and gradients against the plain loops. In mixed precision both
// round at the same places but sum in different orders, so a value may fall on the other side of a
// rounding: the bound is that of model's own mixed test.
func (w wholeStep) againstReference(t *testing.T, s *Store) {
	t.Helper()
	ref, err := model.NewReference(w.cfg, w.precision)
	if err != nil {
		t.Fatal(err)
	}
	pass, err := ref.Forward(s.Params, s.Batch)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, s.Layout.Size)
	if err := pass.Backward(s.LossScale, want); err != nil {
		t.Fatal(err)
	}
	tolerance := 1e-4
	if w.precision == model.Mixed {
		tolerance = float64(36*w.cfg.Layers+12) * 0x1p-11
	}
	if d := math.Abs(float64(s.Loss-pass.Loss)) / float64(pass.Loss); d > tolerance {
		t.Errorf("loss %v, the reference has %v", s.Loss, pass.Loss)
	}
	for i, x := range s.Layout.Tensors {
		got, ref := s.Layout.View(s.Grads, i), s.Layout.View(want, i)
		scale, worst := 0.0, 0.0
		for k := range ref {
			scale = max(scale, math.Abs(float64(ref[k])))
			worst = max(worst, math.Abs(float64(got[k]-ref[k])))
		}
		if x.Name[len(x.Name)-len("k.b"):] == "k.b" { // mathematically 0: rounding noise
			continue
		}
		if worst > tolerance*scale {
			t.Errorf("gradient of %s is off by %.3g of its largest value %.3g, allowed %.3g", x.Name, worst, scale, tolerance*scale)
		}
	}
}
