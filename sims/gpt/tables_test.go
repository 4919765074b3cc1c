package gpt

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"cs2sim.dev/sims"
	"github.com/google/go-cmp/cmp"
)

// curvesOf loads a run file's text.
func curvesOf(t *testing.T, text string) []sims.Curve {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.toml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := sims.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	curves, err := s.Curves()
	if err != nil {
		t.Fatal(err)
	}
	return curves
}

// madeUp is a step whose accounts close, of cycles that shrink with the sparsity.
func madeUp(c *Case) *Step {
	s := &Step{
		Key: c.Job.Key(), Model: c.Model.Name, Masks: c.Job.Masks.String(), Width: 10, Height: 4, Used: 36, Switch: 5, Tail: 70,
		Mapping: compiler.GPTCandidate{Groups: 3, Sequences: 5, Tokens: 2, ColumnsPerHead: 1, Columns: 3, Chunks: 1}, Density: 1 - c.Job.Masks.Sparsity,
	}
	add := func(op, kernel string, pass compiler.Pass, part Part, cycles int64, fmacs, edge int64) {
		p := Phase{Op: op, Kernel: kernel, Pass: pass, Part: part, Cycles: cycles, FMACs: fmacs, EdgeIn: edge, Hops: 7 * edge}
		left := s.Used * cycles
		for i, st := range []pe.State{pe.Compute, pe.Overhead, pe.RingAdd, pe.WaitWeight, pe.BlockedOut} {
			p.States[st] = left / int64(2+i)
			left -= p.States[st]
		}
		p.States[pe.Idle] += left
		s.Phases = append(s.Phases, p)
		s.Cycles += cycles + s.Switch
	}
	sparse := int64(1e4 * s.Density)
	add("attn.q", "linear", compiler.Forward, "", sparse, 100*sparse, 9*sparse)
	add("attn.q", "linear", compiler.Recompute, "", sparse, 100*sparse, 9*sparse)
	add("attn", "attention", compiler.Forward, PartAttention, 900, 90000, 0)
	add("attn.q", "weight gradient", compiler.Backward, "", sparse, 100*sparse, 20*sparse)
	add("lm_head", "linear", compiler.Forward, PartVocabulary, 400, 40000, 900)
	for _, p := range s.Phases {
		s.States.Add(p.States, 1)
	}
	s.States[pe.Overhead] += int64(len(s.Phases)) * s.Switch * s.Used
	s.States[pe.Idle] += (int64(s.Width*s.Height) - s.Used) * s.Cycles
	return s
}

func casesOfRun(t *testing.T, curves []sims.Curve) []Case {
	t.Helper()
	cases, err := Cases(curves)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func madeUpOutcomes(t *testing.T, curves []sims.Curve) []Outcome {
	steps := map[string]*Step{}
	cases := casesOfRun(t, curves)
	cases = append(cases, WeakCases(cases)...)
	for i := range cases {
		s := madeUp(&cases[i])
		steps[s.Key] = s
	}
	return Outcomes(cases, steps)
}

const paperRun = `experiment = "gpt"
[gpt]
models = ["gpt3-xl", "gpt2-small"]
`

func TestCasesOfThePaper(t *testing.T) {
	cases := casesOfRun(t, curvesOf(t, paperRun))
	if len(cases) != 2*3*5 {
		t.Fatalf("%d cases, want 2 models x 3 sparsities x 5 phases", len(cases))
	}
	xl := cases[5] // 50 %
	if xl.Phase() != "pretrain" || xl.Sparsity != 0.5 || xl.Batch != 512 || math.Abs(xl.FLOPs()/1e18-141.87) > 0.005 {
		t.Errorf("pre-training of GPT-3 XL at 50 %%: %s, batch %d, %.2f exaFLOPs", xl.Phase(), xl.Batch, xl.FLOPs()/1e18)
	}
	if e2e := cases[6]; e2e.Phase() != "finetune-e2e" || e2e.Length() != 512 || e2e.Job.Masks.Sparsity != 0 || math.Abs(e2e.FLOPs()/1e18-0.5278) > 0.0001 {
		t.Errorf("E2E after 50 %%: %+v", e2e.Phase())
	}
	if n := len(Jobs(cases)); n != 2*(3+1) {
		t.Errorf("%d steps to simulate, want three of pre-training and one of fine-tuning per model", n)
	}
	if got := cases[15].Updates(); got != math.Ceil(2.5e9/2048/256) {
		t.Errorf("GPT-2 Small takes %v updates", got)
	}
}

// Everything in the tables follows from the steps, closes, and survives JSON.
func TestTables(t *testing.T) {
	curves := curvesOf(t, paperRun+"systems = [1, 2]\n[[variant]]\nname = \"row-balanced\"\nset = { \"gpt.mask\" = \"row_balanced\" }\n")
	all := madeUpOutcomes(t, curves)
	r := NewResults(curves, all)
	if !r.Complete || r.Variants == nil || r.Scaling == nil || r.SwarmX == nil || r.Sensitivity != nil {
		t.Fatal("tables are missing or too many")
	}
	if n := len(r.Results.Rows); n != 2*2*3*5 {
		t.Errorf("%d rows of results", n)
	}
	head, _, _ := strings.Cut(string(r.Results.CSV()), "\n")
	for _, name := range strings.Split("model,sparsity,phase,systems,micro_batch,cycles_per_step,sequences_per_second,pe_utilization,flop_utilization,exaflops,hours", ",") {
		if !strings.Contains(","+head+",", ","+name+",") {
			t.Errorf("results.csv has no column %s", name)
		}
	}
	head, _, _ = strings.Cut(string(r.Breakdown.CSV()), "\n")
	if want := "part_weights_x_activations_ms,part_instruction_starts_ms,"; !strings.Contains(head, want) {
		t.Errorf("columns of breakdown.csv do not name the parts: %s", head)
	}
	for i := range all {
		u, sum := all[i].Update, 0.0
		for _, v := range u.Breakdown() {
			sum += v
		}
		if math.Abs(sum-float64(u.Cycles)) > 1e-6*float64(u.Cycles) {
			t.Errorf("parts sum to %v, the update takes %d", sum, u.Cycles)
		}
		if want := int64(u.MicroSteps)*u.Step.Cycles + u.Step.Tail + u.SwarmX; u.Cycles != want || (u.SwarmX > 0) != (u.Systems > 1) {
			t.Errorf("update of %d cycles, want %d", u.Cycles, want)
		}
	}
	sum := map[any]float64{}
	for _, row := range r.Excess.Rows {
		key := [3]any{row[0], row[1], row[2]}
		if row[3] == "all" {
			if e := row[6].(float64); math.Abs(e-sum[key]) > 1e-9*math.Abs(e)+1e-9 {
				t.Errorf("excesses sum to %v, all is %v", sum[key], e)
			}
			continue
		}
		sum[key] += row[6].(float64)
	}
	for _, row := range r.Answer.Rows {
		if flop, machine := row[6].(float64), row[7].(float64); row[2] == 0.75 && row[0] == "gpt3-xl" && (flop < 2.4 || flop > 2.5 || machine <= 1) {
			t.Errorf("75 %%, %v: FLOP speedup %v, machine speedup %v", row[3], flop, machine)
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Results
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(again)); diff != "" {
		t.Errorf("results.json read back (-wrote +read):\n%s", diff)
	}
}

func TestRunKeepsWhatIsFinished(t *testing.T) {
	cases := casesOfRun(t, curvesOf(t, paperRun))
	have := map[string]*Step{}
	jobs := Jobs(cases)
	for _, c := range jobs[:3] {
		s := madeUp(c)
		have[s.Key] = s
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	steps, err := Run(ctx, jobs, Options{Have: have})
	if !errors.Is(err, context.Canceled) || len(steps) != 0 {
		t.Errorf("cancelled run: %d steps, error %v", len(steps), err)
	}
	if steps, err = Run(context.Background(), jobs[:3], Options{Have: have}); err != nil || len(steps) != 3 {
		t.Errorf("run with everything finished: %d steps, error %v", len(steps), err)
	}
}

func TestKeys(t *testing.T) {
	cases := casesOfRun(t, curvesOf(t, paperRun))
	a, b := cases[0].Job, cases[0].Job
	b.Model.Name = "another name"
	if a.Key() != b.Key() {
		t.Error("a name changes the key")
	}
	b.Sequences++
	if a.Key() == b.Key() {
		t.Error("the number of sequences does not change the key")
	}
	machine, err := a.Machine.With("hop_cycles", 2)
	if err != nil {
		t.Fatal(err)
	}
	b = a
	b.Machine = machine
	if a.Key() == b.Key() {
		t.Error("the machine does not change the key")
	}
}
