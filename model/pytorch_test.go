package model

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"cs2sim.dev/model/safetensors"
)

// The shapes and the counter formula of testdata/make_fixtures.py.

func tinyConfig() Config {
	return Config{Name: "tiny", Layers: 2, DModel: 12, Heads: 3, DFF: 40, Vocabulary: 23, SequenceLength: 9}
}

func oddConfig() Config {
	return Config{Name: "odd", Layers: 3, DModel: 120, Heads: 5, DFF: 480, Vocabulary: 1003, SequenceLength: 77}
}

// counter is number index of the fixture's stream of a name, 16 bits.
func counter(name string, index int) int {
	h := uint32(0x811c9dc5)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 0x01000193
	}
	x := uint32(index)*0x9e3779b1 + h
	x = (x ^ x>>16) * 0x85ebca6b
	x = (x ^ x>>13) * 0xc2b2ae35
	return int(x >> 16)
}

func fixtureBatch(c Config, b, t, seed int) Batch {
	name := string(rune('0' + seed))
	batch := Batch{B: b, T: t}
	for i := range b * t {
		batch.Tokens = append(batch.Tokens, int32(counter("tokens"+name, i)%c.Vocabulary))
		batch.Targets = append(batch.Targets, int32(counter("targets"+name, i)%c.Vocabulary))
		batch.Weights = append(batch.Weights, float32(counter("weights"+name, i)%5)/4)
	}
	return batch
}

// fixture is an open file of testdata.
type fixture struct {
	*safetensors.File
	t testing.TB
}

func openFixture(t testing.TB, name string) fixture {
	t.Helper()
	f, closer, err := safetensors.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closer.Close() })
	return fixture{f, t}
}

func (f fixture) get(name string) []float32 {
	f.t.Helper()
	v, err := f.Read(name)
	if err != nil {
		f.t.Fatal(err)
	}
	return v
}

// params reads an arena of c from the tensors of a prefix, HuggingFace's names.
func (f fixture) params(c Config, prefix string) *Params {
	f.t.Helper()
	p := mustParams(f.t, c)
	for _, t := range hfTensors(c) {
		p.copyHF(t, f.get(prefix+t.name), true)
	}
	return p
}

func mustParams(t testing.TB, c Config) *Params {
	t.Helper()
	p, err := NewParams(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustReference(t testing.TB, c Config, p Precision) *Reference {
	t.Helper()
	r, err := NewReference(c, p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mustPass runs forward and backward at a loss scale.
func mustPass(t testing.TB, r *Reference, p *Params, b Batch, scale float32) (*Pass, []float32) {
	t.Helper()
	pass, err := r.Forward(p, b)
	if err != nil {
		t.Fatal(err)
	}
	grads := make([]float32, r.Layout.Size)
	if err := pass.Backward(scale, grads); err != nil {
		t.Fatal(err)
	}
	return pass, grads
}

// patternsOf masks the matrices of p where they are 0.
func patternsOf(p *Params) *Masks {
	m := &Masks{Patterns: make([]*Pattern, len(p.Layout.Tensors))}
	for i, t := range p.Layout.Tensors {
		if t.Kind == KindLinear {
			m.Patterns[i] = PatternOf(p.Layout.View(p.Values, i), t.Rows, t.Cols)
		}
	}
	return m
}

// relative is the largest difference of got and want over the largest magnitude of
// want.
func relative(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var diff, most float64
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if !(d <= diff) { // NaN sticks
			diff = d
		}
		most = max(most, math.Abs(float64(want[i])))
	}
	return diff / most
}

func tinyCase(t testing.TB, name string) (fixture, *Params) {
	f := openFixture(t, name+".safetensors")
	p := f.params(tinyConfig(), "param.")
	if name == "tiny_masked" {
		if err := p.SetMasks(patternsOf(p)); err != nil {
			t.Fatal(err)
		}
	}
	return f, p
}

// TestPyTorch holds logits, loss and every gradient in fp32 to 1e-4 of the tensor's
// largest value. The key bias is left out of that: softmax does not see a shift
// common to all keys, so its gradient is 0 and PyTorch's is rounding noise; it is
// held to 1e-4 of the query bias's.
func TestPyTorch(t *testing.T) {
	for _, name := range []string{"tiny_dense", "tiny_masked"} {
		t.Run(name, func(t *testing.T) {
			f, p := tinyCase(t, name)
			c := tinyConfig()
			pass, grads := mustPass(t, mustReference(t, c, FP32), p, fixtureBatch(c, 2, 7, 0), 1)
			const tolerance = 1e-4
			if e := relative(pass.Logits(), f.get("logits")); !(e <= tolerance) {
				t.Errorf("logits are off by %.1e", e)
			}
			if e := relative([]float32{pass.Loss}, f.get("loss")); !(e <= tolerance) {
				t.Errorf("loss is %v, want %v", pass.Loss, f.get("loss"))
			}
			want := f.params(c, "grad.").Values
			checkGradients(t, p.Layout, grads, want, func(string) float64 { return tolerance })
			if name == "tiny_masked" {
				checkMaskedZero(t, p, grads)
				if s := p.Sparsity().OfLinear(); s < 0.7 || s > 0.8 {
					t.Errorf("sparsity is %v, the fixture is made for 0.75", s)
				}
			}
		})
	}
}

// checkGradients compares arenas tensor by tensor.
func checkGradients(t *testing.T, l *Layout, got, want []float32, tolerance func(name string) float64) {
	t.Helper()
	worst := 0.0
	for i, tensor := range l.Tensors {
		g, w := l.View(got, i), l.View(want, i)
		e := relative(g, w)
		if isKeyBias(tensor.Name) {
			most := 0.0
			for k := range g {
				most = max(most, math.Abs(float64(g[k])-float64(w[k])))
			}
			q := l.ViewOf(want, tensor.Name[:len(tensor.Name)-3]+"q.b")
			e = most / relativeScale(q)
		}
		worst = max(worst, e/tolerance(tensor.Name))
		if !(e <= tolerance(tensor.Name)) {
			t.Errorf("gradient of %s is off by %.2e of its largest, tolerance %.1e", tensor.Name, e, tolerance(tensor.Name))
		}
	}
	t.Logf("worst gradient is at %.3f of its tolerance", worst)
}

func relativeScale(v []float32) float64 {
	most := 0.0
	for _, x := range v {
		most = max(most, math.Abs(float64(x)))
	}
	return most
}

func isKeyBias(name string) bool {
	return len(name) > 3 && name[len(name)-4:] == ".k.b"
}

// checkMaskedZero fails where an arena is not exactly 0 outside p's masks.
func checkMaskedZero(t *testing.T, p *Params, arena []float32) {
	t.Helper()
	kept := append([]float32(nil), arena...)
	p.applyMasks(kept)
	for i := range kept {
		if kept[i] != arena[i] {
			t.Fatalf("element %d is masked and %v, must be exactly 0", i, arena[i])
		}
	}
}

// TestPyTorchAdamW follows ten steps with clipping, warm-up and cosine.
func TestPyTorchAdamW(t *testing.T) {
	for _, name := range []string{"tiny_dense", "tiny_masked"} {
		t.Run(name, func(t *testing.T) {
			f, p := tinyCase(t, name)
			c := tinyConfig()
			trainer := &Trainer{
				Reference: mustReference(t, c, FP32), Params: p, State: NewAdamState(p.Layout.Size),
				Optimizer: DefaultAdamW(), ClipNorm: 0.5,
				Schedule: Schedule{Peak: 1e-2, Min: 1e-3, Warmup: 3, Steps: 9, Decay: DecayCosine},
			}
			losses, norms := f.get("adamw.losses"), f.get("adamw.norms")
			for step := range losses {
				report, err := trainer.Step(fixtureBatch(c, 2, 7, step%2))
				if err != nil {
					t.Fatal(err)
				}
				if e := relative([]float32{report.Loss}, losses[step:step+1]); !(e <= 1e-4) {
					t.Errorf("step %d: loss is %v, want %v", step, report.Loss, losses[step])
				}
				if e := relative([]float32{float32(report.GradNorm)}, norms[step:step+1]); !(e <= 1e-3) {
					t.Errorf("step %d: norm is %v, want %v", step, report.GradNorm, norms[step])
				}
			}
			checkMaskedZero(t, p, p.Values)
			checkMaskedZero(t, p, trainer.State.M)
			checkMaskedZero(t, p, trainer.State.V)
		})
	}
}

// TestPyTorchOddShape loads a GPT-2 file of an odd shape, whose weights a formula
// gives, and compares loss, last logits and the norm of every gradient.
func TestPyTorchOddShape(t *testing.T) {
	c := oddConfig()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	var tensors []safetensors.Tensor
	for _, h := range hfTensors(c) {
		tensors = append(tensors, safetensors.Tensor{
			Name: "transformer." + h.name, Shape: h.shape, Values: counterValues(h, 0.125),
		})
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := safetensors.Write(out, tensors, safetensors.F32, nil); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := ReadHFWeights(path, c)
	if err != nil {
		t.Fatal(err)
	}
	f := openFixture(t, "odd.safetensors")
	pass, grads := mustPass(t, mustReference(t, c, FP32), p, fixtureBatch(c, 1, 77, 0), 1)
	if e := relative([]float32{pass.Loss}, f.get("loss")); !(e <= 1e-5) {
		t.Errorf("loss is %v, want %v", pass.Loss, f.get("loss"))
	}
	if e := relative(pass.Logits()[76*c.Vocabulary:], f.get("logits")); !(e <= 1e-4) {
		t.Errorf("last logits are off by %.1e", e)
	}
	g := &Params{Layout: p.Layout, Values: grads}
	for _, h := range hfTensors(c) {
		values := make([]float32, len(counterValues(h, 1)))
		g.copyHF(h, values, false)
		got := []float32{float32(GlobalNorm(values))}
		if e := relative(got, f.get("norm."+h.name)); !(e <= 1e-4) {
			t.Errorf("gradient of %s has norm %v, want %v", h.name, got, f.get("norm."+h.name))
		}
	}
}

// counterValues is value() of make_fixtures.py.
func counterValues(h hfTensor, scale float32) []float32 {
	n := 1
	for _, s := range h.shape {
		n *= s
	}
	gain := float32(0)
	if kind := h.ours[0]; len(h.shape) == 1 && kind[len(kind)-2:] == ".w" {
		gain = 1
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = gain + float32(counter(h.name, i)-32768)/32768*scale
	}
	return values
}
