package model

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestAdamWByHand(t *testing.T) {
	a := AdamW{Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: 0.1}
	const rate = 0.01
	u, still := a.Update(1, rate, true), a.Update(1, rate, false)
	var m, v float32
	// After one step m/(1-beta1) = g and v/(1-beta2) = g^2: the step is rate*sign(g).
	if w := u.One(2, -0.5, &m, &v); math.Abs(float64(w)-(2*(1-rate*0.1)+rate)) > 1e-6 {
		t.Errorf("weight is %v", w)
	}
	if math.Abs(float64(m)+0.05) > 1e-8 || math.Abs(float64(v)-0.0025) > 1e-9 {
		t.Errorf("moments are %v and %v, want -0.05 and 0.0025", m, v)
	}
	m, v = 0, 0
	if w := still.One(2, -0.5, &m, &v); math.Abs(float64(w)-(2+rate)) > 1e-6 {
		t.Errorf("without decay the weight is %v", w)
	}
}

func TestDecaysMatricesOnly(t *testing.T) {
	p, err := InitParams(tinyConfig(), 3)
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(p.Values)
	if err := DefaultAdamW().Apply(p, make([]float32, p.Layout.Size), NewAdamState(p.Layout.Size), 0.5); err != nil {
		t.Fatal(err)
	}
	for i, tensor := range p.Layout.Tensors {
		v, old := p.Layout.View(p.Values, i), p.Layout.View(before, i)
		factor := float32(1)
		if strings.HasSuffix(tensor.Name, ".w") && !strings.Contains(tensor.Name, "ln_") || strings.HasPrefix(tensor.Name, "w") {
			factor = 1 - 0.5*0.1
		}
		for k := range v {
			if v[k] != old[k]*factor {
				t.Fatalf("%s[%d] goes from %v to %v without gradient, want a factor of %v", tensor.Name, k, old[k], v[k], factor)
			}
		}
	}
}

func TestSchedule(t *testing.T) {
	s := Schedule{Peak: 1, Min: 0.1, Warmup: 4, Steps: 14, Decay: DecayCosine}
	for step, want := range map[int]float64{0: 0.25, 3: 1, 4: 1, 9: 0.55, 14: 0.1, 99: 0.1} {
		if got := s.At(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("cosine rate of update %d is %v, want %v", step, got, want)
		}
	}
	s.Decay = DecayLinear
	for step, want := range map[int]float64{1: 0.5, 4: 1, 6: 0.82, 14: 0.1, 20: 0.1} {
		if got := s.At(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("linear rate of update %d is %v, want %v", step, got, want)
		}
	}
	if s.Decay = DecayConstant; s.At(1) != 0.5 || s.At(1000) != 1 {
		t.Errorf("constant rates are %v and %v", s.At(1), s.At(1000))
	}
	for want, bad := range map[string]Schedule{
		"peak is 0":     {Decay: DecayConstant},
		"peak is NaN":   {Peak: math.NaN(), Decay: DecayConstant},
		"warmup is -1":  {Peak: 1, Warmup: -1, Decay: DecayConstant},
		`decay is "up"`: {Peak: 1, Decay: "up"},
		"min is 2":      {Peak: 1, Min: 2, Steps: 3, Decay: DecayLinear},
		"steps is 5":    {Peak: 1, Warmup: 5, Steps: 5, Decay: DecayCosine},
	} {
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, must say %q", bad, err, want)
		}
	}
	for want, bad := range map[string]AdamW{
		"beta1 is 1":          {Beta1: 1, Epsilon: 1},
		"beta2 is -1":         {Beta2: -1, Epsilon: 1},
		"epsilon is 0":        {},
		"weight_decay is NaN": {Epsilon: 1, WeightDecay: math.NaN()},
	} {
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, must say %q", bad, err, want)
		}
	}
}

func TestLossScale(t *testing.T) {
	s := &LossScale{Scale: 8, Interval: 2}
	var got []float32
	for _, overflow := range []bool{true, false, false, false, true, false, false} {
		if err := s.Update(overflow); err != nil {
			t.Fatal(err)
		}
		got = append(got, s.Scale)
	}
	if want := []float32{4, 4, 8, 8, 4, 4, 8}; !slices.Equal(got, want) {
		t.Errorf("scales are %v, want %v", got, want)
	}
	for range 17 {
		if err := s.Update(true); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Update(true); err == nil || !strings.Contains(err.Error(), "diverged") {
		t.Errorf("at scale %v: %v, must fail", s.Scale, err)
	}
}

func tinyTrainer(t *testing.T, precision Precision) *Trainer {
	t.Helper()
	c := tinyConfig()
	p, err := InitParams(c, 11)
	if err != nil {
		t.Fatal(err)
	}
	return &Trainer{
		Reference: mustReference(t, c, precision), Params: p, State: NewAdamState(p.Layout.Size),
		Optimizer: DefaultAdamW(), ClipNorm: 1,
		Schedule: Schedule{Peak: 1e-2, Min: 1e-3, Warmup: 2, Steps: 40, Decay: DecayLinear},
	}
}

// TestOverflowSkips: at a scale far too large gradients overflow fp16; the scale falls
// until they do not, and until then nothing moves.
func TestOverflowSkips(t *testing.T) {
	trainer := tinyTrainer(t, Mixed)
	trainer.Scale = &LossScale{Scale: 1 << 24, Interval: 3}
	b := fixtureBatch(tinyConfig(), 2, 7, 0)
	before := slices.Clone(trainer.Params.Values)
	skipped := 0
	for {
		report, err := trainer.Step(b)
		if err != nil {
			t.Fatal(err)
		}
		if !report.Skipped {
			break
		}
		skipped++
		if !slices.Equal(before, trainer.Params.Values) || trainer.State.Steps != 0 {
			t.Fatal("a skipped step changed the parameters")
		}
		if trainer.Scale.Scale != report.LossScale/2 {
			t.Fatalf("scale is %v after an overflow at %v", trainer.Scale.Scale, report.LossScale)
		}
	}
	if skipped == 0 || trainer.State.Steps != 1 {
		t.Errorf("%d steps skipped, %d made", skipped, trainer.State.Steps)
	}
	scale := trainer.Scale.Scale
	for range 2 {
		if _, err := trainer.Step(b); err != nil {
			t.Fatal(err)
		}
	}
	if trainer.Scale.Scale != 2*scale {
		t.Errorf("scale is %v after three good steps at %v, must have doubled", trainer.Scale.Scale, scale)
	}
	// Without loss scaling the same overflow is an error.
	alone := tinyTrainer(t, FP32)
	alone.Params.Values[0] = float32(math.Inf(1))
	if _, err := alone.Step(b); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("infinite weight: %v", err)
	}
	if err := alone.Params.CheckFinite(); err == nil || !strings.Contains(err.Error(), "wte[0][0] is +Inf") {
		t.Errorf("%v, must name wte[0][0]", err)
	}
}

// TestSparsePretrainDenseFinetune lives through SPDF's three steps: a masked weight and
// its moments stay exactly 0, then move once dense, and the loss falls throughout.
func TestSparsePretrainDenseFinetune(t *testing.T) {
	for _, precision := range []Precision{FP32, Mixed} {
		trainer := tinyTrainer(t, precision)
		trainer.Scale = &LossScale{Scale: 1 << 10, Interval: 100}
		p := trainer.Params
		m, err := p.Layout.DrawMasks(MaskSpec{Kind: MaskUnstructured, Sparsity: 0.75, Seed: 4})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.SetMasks(m); err != nil {
			t.Fatal(err)
		}
		b := fixtureBatch(tinyConfig(), 2, 7, 0)
		train := func(steps int) (first, last float32) {
			for i := range steps {
				report, err := trainer.Step(b)
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = report.Loss
				}
				last = report.Loss
			}
			return first, last
		}
		first, last := train(20)
		if !(last < first-0.3) {
			t.Errorf("%s: sparse loss goes from %v to %v in 20 steps", precision, first, last)
		}
		checkMaskedZero(t, p, p.Values)
		checkMaskedZero(t, p, trainer.State.M)
		checkMaskedZero(t, p, trainer.State.V)
		sparse := slices.Clone(p.Values)
		p.Densify()
		first, after := train(20)
		if !(first < last && after < first) {
			t.Errorf("%s: dense loss goes from %v to %v after %v", precision, first, after, last)
		}
		moved, masked := 0, 0
		for i, pattern := range m.Patterns {
			if pattern == nil {
				continue
			}
			old, now := p.Layout.View(sparse, i), p.Layout.View(p.Values, i)
			for k := range old {
				if old[k] == 0 {
					masked++
					if now[k] != 0 {
						moved++
					}
				}
			}
		}
		if moved < masked*9/10 {
			t.Errorf("%s: %d of %d newly active weights moved", precision, moved, masked)
		}
	}
}

func TestBatchErrors(t *testing.T) {
	c := tinyConfig()
	r := mustReference(t, c, FP32)
	p := mustParams(t, c)
	for want, change := range map[string]func(*Batch){
		"0 sequences":                            func(b *Batch) { b.B = 0 },
		"sequence_length is 9":                   func(b *Batch) { b.B, b.T = 1, 14 },
		"13 tokens":                              func(b *Batch) { b.Tokens = b.Tokens[1:] },
		"sequence 1, position 2: token is 23":    func(b *Batch) { b.Tokens[9] = 23 },
		"token is -1":                            func(b *Batch) { b.Tokens[0] = -1 },
		"sequence 0, position 3: target is 1000": func(b *Batch) { b.Targets[3] = 1000 },
		"weight is NaN":                          func(b *Batch) { b.Weights[5] = float32(math.NaN()) },
		"weight is -1":                           func(b *Batch) { b.Weights[5] = -1 },
		"no token of weight above 0":             func(b *Batch) { clear(b.Weights) },
		"total is -2":                            func(b *Batch) { b.Total = -2 },
		"1 weights":                              func(b *Batch) { b.Weights = b.Weights[:1] },
	} {
		b := fixtureBatch(c, 2, 7, 0)
		change(&b)
		if _, err := r.Forward(p, b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, must say %q", err, want)
		}
		if _, err := (&Trainer{Reference: r, Params: p, State: NewAdamState(p.Layout.Size)}).Step(b); err == nil && b.Total == 0 {
			t.Errorf("%s: the trainer takes it", want)
		}
	}
	b := fixtureBatch(c, 2, 7, 0)
	b.Targets[1] = -100 // not read: its weight is 0
	if _, err := r.Forward(p, b); err != nil {
		t.Error(err)
	}
	if _, err := NewReference(c, FP16); err == nil {
		t.Error("a reference of fp16 accumulation is made, its rounding points are not stated")
	}
	pass, err := r.Forward(p, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := pass.Backward(1, nil); err == nil {
		t.Error("a backward pass into no arena succeeds")
	}
	small := &Params{Layout: p.Layout, Values: p.Values[1:]}
	if _, err := r.Forward(small, b); err == nil {
		t.Error("too few parameters are taken")
	}
}
