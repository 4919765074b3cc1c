package train_test

import (
	"context"
	"math"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime"
	"cs2sim.dev/sims/train"
)

func newMachine(t *testing.T, p model.Precision, f runtime.Fidelity) *train.Machine {
	t.Helper()
	target, err := compiler.Preset("wse2")
	for key, v := range map[string]float64{"width": 12, "height": 12} {
		if err == nil {
			target, err = target.With(key, v)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return train.NewMachine(train.MachineOptions{Target: target, Precision: p, Fidelity: f, Batch: 4})
}

// TestMachineIsTheReference: losses, gradients and logits of the wafer are those of the plain
// loops but for the order of additions; a batch that is cut into micro-batches is one batch.
func TestMachineIsTheReference(t *testing.T) {
	plan := newPlan(t, 1)
	for _, c := range []struct {
		precision model.Precision
		bound     float64
	}{{model.FP32, 1e-5}, {model.Mixed, 1e-2}} {
		p := newParams(t, 0.5)
		m, o := newMachine(t, c.precision, runtime.Stream), newOracle(t, c.precision)
		for _, e := range []train.Engine{m, o} {
			if err := e.Load(p); err != nil {
				t.Fatal(err)
			}
		}
		b := model.Batch{T: 12}
		for step := range 5 { // ten sequences
			one := plan.Source.Batch(step)
			b.B += one.B
			b.Tokens, b.Targets = append(b.Tokens, one.Tokens...), append(b.Targets, one.Targets...)
		}
		for i := range b.Tokens {
			b.Weights = append(b.Weights, float32(i%3))
		}
		got, want := make([]float32, p.Layout.Size), make([]float32, p.Layout.Size)
		loss, work, err := m.Loss(context.Background(), b, 8, got)
		if err != nil {
			t.Fatal(err)
		}
		exact, _, err := o.Loss(context.Background(), b, 8, want)
		if err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(float64(loss - exact)); d > c.bound {
			t.Errorf("%s: loss %v, reference %v", c.precision, loss, exact)
		}
		if d := distance(got, want); d > c.bound {
			t.Errorf("%s: gradients are %.2g apart", c.precision, d)
		}
		if work.MicroBatches < 2 || work.Cycles == 0 {
			t.Errorf("%s: %+v, the test is of several micro-batches", c.precision, work)
		}
		sequences := [][]int32{{65, 66}, {'p', 'o', 't', 'a', 't', 'o'}, b.Tokens[:12], {1}, {2, 3, 4}, {9}}
		logits, _, err := m.Logits(context.Background(), sequences)
		if err != nil {
			t.Fatal(err)
		}
		exactLogits, _, err := o.Logits(context.Background(), sequences)
		if err != nil {
			t.Fatal(err)
		}
		for i := range logits {
			if d := distance(logits[i], exactLogits[i]); d > c.bound {
				t.Errorf("%s: logits of sequence %d are %.2g apart", c.precision, i, d)
			}
		}
	}
}

// distance is the norm of a-b over that of b.
func distance(a, b []float32) float64 {
	var diff, norm float64
	for i := range b {
		d := float64(a[i]) - float64(b[i])
		diff, norm = diff+float64(d*d), norm+float64(b[i])*float64(b[i])
	}
	return math.Sqrt(diff / norm)
}

// TestEnginesAgree: a training on the wavelet engine has the bytes of one on the stream engine, and
// cycles within 1 %.
func TestEnginesAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("moves every wavelet")
	}
	var states []*train.State
	for _, f := range []runtime.Fidelity{runtime.Stream, runtime.Wavelet} {
		s := train.NewState(newParams(t, 0.5), model.Mixed)
		if err := train.Run(context.Background(), newMachine(t, model.Mixed, f), newPlan(t, 2), s, train.Hooks{}); err != nil {
			t.Fatal(err)
		}
		states = append(states, s)
	}
	a, b := states[0], states[1]
	for i := range a.Params.Values {
		if math.Float32bits(a.Params.Values[i]) != math.Float32bits(b.Params.Values[i]) {
			t.Fatalf("parameter %d is %v by stream, %v by wavelets", i, a.Params.Values[i], b.Params.Values[i])
		}
	}
	if a.Steps[1].Loss != b.Steps[1].Loss || a.Work.FMACs != b.Work.FMACs {
		t.Errorf("stream %+v, wavelets %+v", a.Work, b.Work)
	}
	if d := math.Abs(float64(a.Work.Cycles)/float64(b.Work.Cycles) - 1); d > 0.01 {
		t.Errorf("%d cycles by stream, %d by wavelets: %.2f %% apart", a.Work.Cycles, b.Work.Cycles, 100*d)
	}
}

// TestMachineMasks: on the machine, too, masked weights stay 0 and move once they are dense.
func TestMachineMasks(t *testing.T) {
	p := newParams(t, 0.75)
	m := newMachine(t, model.Mixed, runtime.Stream)
	zeros := func() (n int) {
		i := p.Layout.Index("h.0.mlp.fc.w")
		for _, v := range p.Layout.View(p.Values, i) {
			if v == 0 {
				n++
			}
		}
		return n
	}
	before := zeros()
	if err := train.Run(context.Background(), m, newPlan(t, 3), train.NewState(p, model.Mixed), train.Hooks{}); err != nil {
		t.Fatal(err)
	}
	if n := zeros(); n != before || before != 96 {
		t.Errorf("%d zeros after sparse steps, must be 96", n)
	}
	p.Densify()
	if err := train.Run(context.Background(), m, newPlan(t, 8), train.NewState(p, model.Mixed), train.Hooks{}); err != nil {
		t.Fatal(err)
	}
	if n := zeros(); n > 5 {
		t.Errorf("%d zeros after dense steps", n)
	}
}
