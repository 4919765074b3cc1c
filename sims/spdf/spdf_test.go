package spdf

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cs2sim.dev/model"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/train"
	"cs2sim.dev/sims/train/oracle"
)

// runFile is an experiment of a second.
const runFile = `
experiment = "spdf"
[model]
layers = 1
d_model = 16
heads = 2
d_ff = 32
vocabulary = 256
sequence_length = 48
precision = "fp32"
[data]
text = "text.txt"
pairs = "pairs.tsv"
test_pairs = "test.tsv"
tokenizer = "bytes"
[pretrain]
steps = 8
batch = 2
warmup = 2
validate_every = 4
validate_batches = 1
[finetune]
steps = 6
batch = 2
warmup = 1
validate_every = 2
patience = 2
[decode]
max_new_tokens = 4
limit = 2
[spdf]
sparsities = [0.0, 0.5]
checkpoint_every = 3
`

// folder has a run file with its data; edits are old, new pairs.
func folder(t *testing.T, edits ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"run.toml":  strings.NewReplacer(edits...).Replace(runFile),
		"text.txt":  strings.Repeat("One potato, two potatoes, three potatoes, four. ", 40),
		"pairs.tsv": "name : A | food : X\tA has X.\nname : B | food : X\tB has X.\nname : A | food : Y\tA has Y.\nname : C\tC.\nname : D\tD is.\n",
		"test.tsv":  "name : B | food : Y\tB has Y.\nname : B | food : Y\tY is at B.\nname : C | food : X\tC has X.\nname : E\tE.\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func prepare(t *testing.T, dir string) (*Experiment, error) {
	t.Helper()
	s, err := sims.Load(filepath.Join(dir, "run.toml"))
	if err != nil {
		return nil, err
	}
	c, err := s.Base()
	if err != nil {
		return nil, err
	}
	return Prepare(c)
}

func reference(e *Experiment) (train.Engine, error) {
	return oracle.New(e.shape, e.config.Model.Precision)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestExperiment(t *testing.T) {
	e, err := prepare(t, folder(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	stages, err := e.Run(context.Background(), Options{Threads: 2, Dir: dir, engine: reference})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range stages {
		names = append(names, s.Name())
		if !s.Complete || s.Training.Step == 0 || !(s.Loss > 0) || s.FLOPs != e.flops(s.ID, s.Training.Step) {
			t.Errorf("%v: %+v", s.ID, s)
		}
		if s.Kind != Pretrain && (len(s.Generated) != 2 || len(s.Distances) != 6) {
			t.Errorf("%v: %d texts, %d distances", s.ID, len(s.Generated), len(s.Distances))
		}
	}
	want := []string{"s0.0000-1-pretrain", "s0.0000-1-dense", "s0.5000-1-pretrain", "s0.5000-1-dense", "s0.5000-1-sparse"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	// Of fine-tunings no checkpoint stays, of pre-trainings the last.
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 || !slices.ContainsFunc(left, func(f string) bool { return filepath.Base(f) == stages[2].LastCheckpoint() }) {
		t.Error(left, err)
	}
	r := e.Results(stages, "")
	if len(r.Results.Rows) != 3 || len(r.Summary.Rows) != 3 || len(r.Cost.Rows) != 5 || len(r.Cosine.Rows) != 18 || len(r.Baselines.Rows) != 3 || len(r.Texts.Rows) != 2+6 {
		t.Errorf("%s", asJSON(t, r))
	}
	if speedup := r.Results.Rows[2][12].(float64); !(speedup > 1 && speedup < 2) {
		t.Errorf("FLOPs of dense over half-sparse training: %v", speedup)
	}
	var again Results
	if err := json.Unmarshal([]byte(asJSON(t, r)), &again); err != nil {
		t.Error(err)
	}
}

// TestInterrupted: stopped anywhere and resumed, in as many pieces as it takes, an experiment
// gives the same bytes on any number of threads.
func TestInterrupted(t *testing.T) {
	run := filepath.Join(folder(t))
	e, err := prepare(t, run)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := e.Run(context.Background(), Options{Threads: 1, Dir: t.TempDir(), engine: reference})
	if err != nil {
		t.Fatal(err)
	}
	for _, every := range []int64{1, 2, 5, 9} {
		dir, have, pieces := t.TempDir(), map[string]Stage{}, 0
		for {
			ctx, cancel := context.WithCancel(context.Background())
			var steps atomic.Int64
			e, err := prepare(t, run)
			if err != nil {
				t.Fatal(err)
			}
			stages, err := e.Run(ctx, Options{
				Threads: 1 + int(every%2), Dir: dir, Resume: true, Have: have, engine: reference,
				Done: func(s Stage, _ File) error {
					var kept Stage // as it comes back from a file
					if err := json.Unmarshal([]byte(asJSON(t, s)), &kept); err != nil {
						return err
					}
					have[s.Key] = kept
					return nil
				},
				Step: func(func() []Stage) {
					if steps.Add(1) == every+2 { // more than one per chain that has nothing left to train
						cancel()
					}
				},
				Note: func(text string) { t.Error(text) },
			})
			cancel()
			if err == nil {
				if d := cmp.Diff(asJSON(t, whole), asJSON(t, stages)); d != "" {
					t.Errorf("every %d steps: %s", every, d)
				}
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if pieces++; pieces > 200 {
				t.Fatal("it never ends")
			}
		}
		if pieces == 0 {
			t.Errorf("every %d steps: was not interrupted", every)
		}
	}
}

// TestLostWeights: without the checkpoint of a pre-training, it is done again.
func TestLostWeights(t *testing.T) {
	e, err := prepare(t, folder(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	whole, err := e.Run(context.Background(), Options{Dir: dir, engine: reference})
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]Stage{}
	for _, s := range whole {
		if s.Kind == Pretrain {
			have[s.Key] = s
		}
	}
	damaged := filepath.Join(dir, whole[0].LastCheckpoint())
	if err := os.Truncate(damaged, 1000); err != nil {
		t.Fatal(err)
	}
	var notes []string
	stages, err := e.Run(context.Background(), Options{Dir: dir, Resume: true, Have: have, engine: reference, Note: func(s string) { notes = append(notes, s) }})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(asJSON(t, whole), asJSON(t, stages)); d != "" {
		t.Error(d)
	}
	if all := strings.Join(notes, "\n"); !strings.Contains(all, damaged) || !strings.Contains(all, "is damaged or cut off") || !strings.Contains(all, "done again") {
		t.Error(all)
	}
}

func TestBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		edits []string
		files map[string]string
		want  string
	}{
		"no text key":    {edits: []string{`text = "text.txt"`, ""}, want: "data.text: is missing, must be the path of a file"},
		"no such text":   {edits: []string{"text.txt", "nope.txt"}, want: "run.toml:12: data.text: "},
		"empty text":     {files: map[string]string{"text.txt": ""}, want: "run.toml:12: data.text: "},
		"short text":     {files: map[string]string{"text.txt": "too short"}, want: "sequences of length 48 need at least 49"},
		"no tabs":        {files: map[string]string{"pairs.tsv": "no tab here\n"}, want: "pairs.tsv:1: has 0 tabs"},
		"long prompt":    {files: map[string]string{"test.tsv": strings.Repeat("x", 60) + "\ty\n"}, want: "must be at most model.sequence_length 48"},
		"vocabulary":     {edits: []string{"vocabulary = 256", "vocabulary = 100"}, want: "run.toml:8: model.vocabulary: value 100: is less than the 256 tokens"},
		"too many bpe":   {edits: []string{`"bytes"`, `"bpe"`, "vocabulary = 256", "vocabulary = 9999"}, want: "model.vocabulary: value 9999: "},
		"heads":          {edits: []string{"heads = 2", "heads = 3"}, want: "must be a multiple of heads"},
		"warmup":         {edits: []string{"warmup = 2", "warmup = 8"}, want: "pretrain.steps: value 8: schedule steps is 8, must be above the warmup of 8"},
		"rates":          {edits: []string{"warmup = 2", "warmup = 2\nlearning_rate = 1e-4\nmin_learning_rate = 1e-3"}, want: "pretrain.min_learning_rate: value 0.001: "},
		"foreign key":    {edits: []string{"[spdf]", "[matmul]\nrows = 3\n[spdf]"}, want: "matmul.rows: is a key of experiment matmul, must be left out of spdf"},
		"gpt2 files":     {edits: []string{`"bytes"`, `"gpt2"`}, want: "needs data.encoder and data.merges"},
		"mask":           {edits: []string{"0.5]", "0.9999]"}, want: "leaves no non-zero"},
		"no weights":     {edits: []string{"[data]", "weights = \"nope.safetensors\"\n[data]"}, want: "model.weights: value \"nope.safetensors\": there is no such file"},
		"no config":      {edits: []string{"[data]", "hf_config = \"nope.json\"\n[data]"}, want: "model.hf_config: value \"nope.json\": there is no such file"},
		"broken config":  {edits: []string{"[data]", "hf_config = \"c.json\"\n[data]"}, files: map[string]string{"c.json": `{"model_type":"bert"}`}, want: `model_type is "bert"`},
		"broken weights": {edits: []string{"[data]", "weights = \"w\"\n[data]"}, files: map[string]string{"w": "short"}, want: "run.toml:11: model.weights: "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, c.edits...)
			for file, text := range c.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			_, err := prepare(t, dir)
			if err == nil {
				t.Fatal("is accepted")
			}
			text := strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
			if !strings.Contains(text, c.want) {
				t.Errorf("%s\nmust have %q", text, c.want)
			}
			if input := (*sims.InputError)(nil); !errors.As(err, &input) {
				t.Errorf("%T, must be an InputError", err)
			}
		})
	}
}

func TestBadWeights(t *testing.T) {
	dir := folder(t, "[data]", "weights = \"w\"\n[data]")
	path := filepath.Join(dir, "w")
	shape := model.Config{Layers: 1, DModel: 16, Heads: 2, DFF: 32, Vocabulary: 256, SequenceLength: 48}
	stored := func(c model.Config) []byte {
		p, err := model.InitParams(c, 1)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := model.WriteHFWeights(&b, p, "F32"); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	whole := stored(shape)
	if err := os.WriteFile(path, whole, 0o666); err != nil {
		t.Fatal(err)
	}
	e, err := prepare(t, dir)
	if err != nil || e.start == nil {
		t.Fatal(err, "the weights are not read")
	}
	nan := slices.Clone(whole)
	binary.LittleEndian.PutUint32(nan[len(nan)-4:], math.Float32bits(float32(math.NaN())))
	wider, deeper := shape, shape
	wider.Vocabulary, deeper.Layers = 300, 2
	for want, data := range map[string][]byte{
		"must be finite":               nan,
		"has shape [300 16], must be":  stored(wider),
		"is not a parameter of":        stored(deeper),
		"truncated":                    whole[:len(whole)-9],
		"a safetensors file has at le": whole[:5],
	} {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := prepare(t, dir); err == nil || !strings.Contains(err.Error(), "run.toml:11: model.weights: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nmust have %q", err, want)
		}
	}
}

func TestCosineDistance(t *testing.T) {
	for _, c := range []struct {
		a, b []float32
		want float64
	}{
		{[]float32{1, 2, 3}, []float32{1, 2, 3}, 0},
		{[]float32{1, 0}, []float32{0, 5}, 1},
		{[]float32{1, -2}, []float32{-2, 4}, 2},
		{[]float32{1, 0}, []float32{1, 1}, 1 - math.Sqrt(0.5)},
	} {
		if got := cosineDistance(c.a, c.b); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v, %v: %v, must be %v", c.a, c.b, got, c.want)
		}
	}
}
