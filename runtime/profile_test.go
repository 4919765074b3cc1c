package runtime

import (
	"bytes"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"github.com/google/pprof/profile"
)

func smallReport(t *testing.T, sparsity float64) *Report {
	m := machine(t, fields{{"width", 23}, {"height", 11}})
	g := model.MatMul("m", 140, 60, 50, model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity, Seed: 4}, 1, model.Mixed)
	return run(t, compile(t, g, m, compiler.Options{Groups: 2, RunAhead: 4}), Stream)
}

// TestProfileTellsTheReport: the profile, written and read back, sums to the reports by state.
func TestProfileTellsTheReport(t *testing.T) {
	dense, sparse := smallReport(t, 0), smallReport(t, 0.8)
	p := Profile([]Sample{{"run 0%", "m", "linear", 0, dense}, {"run 80%", "m", "linear", 0.8, sparse}})
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	back, err := profile.ParseData(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := back.CheckValid(); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, s := range back.Sample {
		got[s.Location[0].Line[0].Function.Name] += s.Value[0]
		if len(s.Location) != 4 || s.Location[3].Line[0].Function.Name[:3] != "run" {
			t.Fatalf("stack %v, want state, kernel, layer, experiment", s.Location)
		}
		if s.Label["columns"] == nil || s.Label["rows"] == nil {
			t.Fatalf("labels %v", s.Label)
		}
	}
	for _, st := range pe.States() {
		if want := dense.States[st] + sparse.States[st]; got[st.Name()] != want {
			t.Errorf("%s: profile has %d cycles, reports %d", st.Name(), got[st.Name()], want)
		}
	}
}

// TestBandsAddUp: bands of any cut sum to the report's states.
func TestBandsAddUp(t *testing.T) {
	r := smallReport(t, 0.5)
	for _, step := range []int{1, 3, 7, 23} {
		var sum pe.StateCycles
		for x := 0; x < r.Width; x += step {
			for y := 0; y < r.Height; y += step {
				sum.Add(r.Band(x, min(x+step, r.Width), y, min(y+step, r.Height)), 1)
			}
		}
		if sum != r.States {
			t.Errorf("bands of %d: %v, report %v", step, sum, r.States)
		}
	}
}
