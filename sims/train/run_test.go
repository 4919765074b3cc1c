package train_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cs2sim.dev/model"
	"cs2sim.dev/model/text"
	"cs2sim.dev/sims/train"
	"cs2sim.dev/sims/train/oracle"
)

var shape = model.Config{Name: "tiny", Layers: 1, DModel: 8, Heads: 2, DFF: 16, Vocabulary: 256, SequenceLength: 12}

const sample = "one potato, two potatoes, three potatoes, four; five potatoes, six potatoes, seven potatoes, more. "

func newOracle(t *testing.T, p model.Precision) *oracle.Oracle {
	t.Helper()
	e, err := oracle.New(shape, p)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func newParams(t *testing.T, sparsity float64) *model.Params {
	t.Helper()
	p, err := model.InitParams(shape, 7)
	if err != nil {
		t.Fatal(err)
	}
	masks, err := p.Layout.DrawMasks(model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity, Seed: 3})
	if err == nil {
		err = p.SetMasks(masks)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newPlan(t *testing.T, steps int) train.Plan {
	t.Helper()
	s, err := text.NewStream(text.Bytes().Encode(sample), shape.SequenceLength, shape.Vocabulary)
	if err != nil {
		t.Fatal(err)
	}
	return train.Plan{
		Steps: steps, Source: train.TextSource{Stream: s, Seed: 5, Size: 2},
		Validation: train.TextValidation(s, 2, 2), ValidateEvery: 4, CheckpointEvery: 3,
		Schedule:  model.Schedule{Peak: 1e-2, Warmup: 2, Steps: steps, Decay: model.DecayCosine},
		Optimizer: model.DefaultAdamW(), Clip: 1,
	}
}

// TestResume: stopped at any step, by a save or by ctx, and resumed from the file, a training
// ends with the same bytes.
func TestResume(t *testing.T) {
	const steps = 11
	run := func(dir string, stop int) *train.State {
		t.Helper()
		store := train.Checkpoints{Dir: dir, Name: "run", Key: "k"}
		p := newParams(t, 0.5)
		s, problems, err := store.Newest(p)
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		if s == nil {
			s = train.NewState(p, model.Mixed)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		hooks := train.Hooks{Save: store.Save, Step: func(s *train.State) {
			if s.Step == stop {
				cancel()
			}
		}}
		plan := newPlan(t, steps)
		plan.Patience = 100
		err = train.Run(ctx, newOracle(t, model.Mixed), plan, s, hooks)
		if stop > 0 != errors.Is(err, context.Canceled) {
			t.Fatalf("stop %d: %v", stop, err)
		}
		return s
	}
	want := run(t.TempDir(), 0)
	if want.Step != steps || len(want.Steps) != steps || len(want.Validations) != 4 {
		t.Fatalf("%d steps, %d records, %d validations", want.Step, len(want.Steps), len(want.Validations))
	}
	for stop := 1; stop < steps-2; stop += 3 {
		dir := t.TempDir()
		run(dir, stop)
		if s := run(dir, stop+2); s.Step != stop+2 {
			t.Fatalf("step %d, must be %d", s.Step, stop+2)
		}
		got := run(dir, 0)
		if !slices.Equal(got.Params.Values, want.Params.Values) || !slices.Equal(got.Adam.V, want.Adam.V) {
			t.Errorf("stopped at %d: other parameters", stop)
		}
		if d := cmp.Diff(want.Progress, got.Progress); d != "" {
			t.Errorf("stopped at %d: %s", stop, d)
		}
	}
}

// TestMaskedTraining: masked weights stay 0, and move once they are dense.
func TestMaskedTraining(t *testing.T) {
	p := newParams(t, 0.75)
	e := newOracle(t, model.FP32)
	s := train.NewState(p, model.FP32)
	if err := train.Run(context.Background(), e, newPlan(t, 12), s, train.Hooks{}); err != nil {
		t.Fatal(err)
	}
	if first, last := s.Validations[0].Loss, s.Last().Loss; !(last < first-0.5) {
		t.Errorf("loss from %.3f to %.3f, must fall", first, last)
	}
	zeros := func() (n int64) {
		for i, x := range p.Layout.Tensors {
			if x.Kind != model.KindLinear {
				continue
			}
			for _, v := range p.Layout.View(p.Values, i) {
				if v == 0 {
					n++
				}
			}
		}
		return n
	}
	masked := p.Sparsity().Zeros
	if n := zeros(); n != masked {
		t.Errorf("%d zeros, must be the %d masked ones", n, masked)
	}
	p.Densify()
	if err := train.Run(context.Background(), e, newPlan(t, 3), train.NewState(p, model.FP32), train.Hooks{}); err != nil {
		t.Fatal(err)
	}
	if n := zeros(); n > masked/100 {
		t.Errorf("%d of %d masked weights are still 0 after dense steps", n, masked)
	}
}

// TestEarlyStop: at a rate that ruins the model training stops, and the best parameters are kept.
func TestEarlyStop(t *testing.T) {
	p := newParams(t, 0)
	plan := newPlan(t, 60)
	plan.Schedule = model.Schedule{Peak: 0.5, Warmup: 30, Steps: 60, Decay: model.DecayConstant}
	plan.ValidateEvery, plan.Patience = 2, 3
	s := train.NewState(p, model.FP32)
	e := newOracle(t, model.FP32)
	if err := train.Run(context.Background(), e, plan, s, train.Hooks{}); err != nil {
		t.Fatal(err)
	}
	if !s.Stopped || s.Step == plan.Steps || s.Worse != 3 {
		t.Fatalf("stopped %v at step %d after %d worse validations", s.Stopped, s.Step, s.Worse)
	}
	loss, _, err := train.MeanLoss(context.Background(), e, plan.Validation)
	if err != nil {
		t.Fatal(err)
	}
	if loss != s.BestLoss {
		t.Errorf("loss is %v, must be that of the best validation, %v", loss, s.BestLoss)
	}
}

// overflow breaks the gradients at some steps, as an fp16 overflow does.
type overflow struct {
	*oracle.Oracle
	at    []int
	calls int
}

func (o *overflow) Loss(ctx context.Context, b model.Batch, scale float32, grads []float32) (float32, train.Work, error) {
	loss, work, err := o.Oracle.Loss(ctx, b, scale, grads)
	if grads != nil {
		if slices.Contains(o.at, o.calls) {
			grads[3] = float32(math.Inf(1))
		}
		o.calls++
	}
	return loss, work, err
}

func TestOverflow(t *testing.T) {
	s := train.NewState(newParams(t, 0), model.Mixed)
	e := &overflow{Oracle: newOracle(t, model.Mixed), at: []int{2, 3}}
	if err := train.Run(context.Background(), e, newPlan(t, 6), s, train.Hooks{}); err != nil {
		t.Fatal(err)
	}
	if s.Skipped() != 2 || s.Updates != 4 || s.Scale.Scale != 1<<14 || !s.Steps[2].Skipped || s.Steps[5].Skipped {
		t.Errorf("%d skipped, %d updates, scale %v: %+v", s.Skipped(), s.Updates, s.Scale.Scale, s.Steps)
	}
	if s.Steps[4].Rate != s.Steps[2].Rate {
		t.Errorf("rate %v after two skipped steps, must be %v still", s.Steps[4].Rate, s.Steps[2].Rate)
	}
}
