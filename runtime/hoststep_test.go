//go:build unix

package runtime

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
)

// hostStep is a training step whose time on the host is measured: large enough that arithmetic, not
// the walk over phases, takes the time.
func hostStep(t testing.TB, sparsity float64) *Trainer {
	cfg := model.Config{Name: "host", Layers: 6, DModel: 384, Heads: 6, DFF: 1536, Vocabulary: 256, SequenceLength: 256}
	const columnsPerHead, tokens, sequences = 8, 8, 8
	m := machine(t, fields{{"width", 48}, {"height", 256}})
	s, err := compiler.NewSpace(cfg, m, model.Mixed, compiler.Spread{HeadColumns: columnsPerHead, Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	step, err := compiler.NewStep(s, compiler.StepOptions{Train: true, Save: true, Chunks: 1, RunAhead: 8})
	if err != nil {
		t.Fatal(err)
	}
	p, err := model.InitParams(cfg, 7)
	if err != nil {
		t.Fatal(err)
	}
	if sparsity > 0 {
		masks, err := p.Layout.DrawMasks(model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.SetMasks(masks); err != nil {
			t.Fatal(err)
		}
	}
	store := NewStore(s, p)
	store.LossScale = 1024
	w := wholeStep{cfg: cfg, sequences: sequences}
	store.Batch = w.batch()
	tr, err := NewTrainer(step, store, Stream)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// flops of a training step: two per FMAC of the matrices' weights in the mask and of attention's
// causal pairs, three passes (attention's backward: five products for the forward's two).
func (t *Trainer) flops() float64 {
	c, s := t.store.Space.Model, t.store
	weights := 0
	for _, x := range s.Layout.Tensors {
		switch mask := s.Pattern(x.Name); {
		case x.Name == "wpe" || x.Cols == 1 || x.Rows == 1:
		case mask != nil:
			weights += len(mask.Col)
		default:
			weights += x.Len()
		}
	}
	tokens, pairs := s.Batch.B*s.Batch.T, s.Batch.B*s.Batch.T*(s.Batch.T+1)/2
	return 2*3*float64(weights)*float64(tokens) + 2*7*float64(c.Layers*c.DModel)*float64(pairs)
}

// values computes the values of one step.
func (t *Trainer) values(tb testing.TB) {
	for _, p := range t.phases {
		if err := p.values(t.host); err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkHostStep is the host's time for the values of one training step, forward and backward,
// of a GPT with 6 layers of width 384 and 8 sequences of 256 tokens, on two threads.
func BenchmarkHostStep(b *testing.B) {
	const threads = 2
	for _, sparsity := range []float64{0, 0.75} {
		b.Run(fmt.Sprintf("sparsity=%v", sparsity), func(b *testing.B) {
			tr := hostStep(b, sparsity)
			tr.host.vectors = newHostVectors(threads)
			tr.values(b) // plans
			if tr.store.Loss < 4 || tr.store.Loss > 7 {
				b.Fatalf("loss %v of 256 tokens drawn alike", tr.store.Loss)
			}
			began := cpuSeconds(b)
			for b.Loop() {
				tr.values(b)
			}
			n := float64(b.N)
			b.ReportMetric(tr.flops()*n/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			b.ReportMetric(1e3*(cpuSeconds(b)-began)/n, "CPU-ms/step")
			b.ReportMetric(load(), "load")
		})
	}
	b.Run("pytorch", func(b *testing.B) {
		const python = "/usr/bin/python3"
		if err := exec.Command(python, "-c", "import torch").Run(); err != nil {
			b.Skip("no comparison: " + python + " has no torch")
		}
		for b.Loop() { // the script measures itself
		}
		out, err := exec.Command(python, "testdata/hoststep.py", strconv.Itoa(threads)).Output()
		if err != nil {
			b.Fatal(err)
		}
		var wall, cpu float64
		var blas string
		if _, err := fmt.Sscan(string(out), &wall, &cpu, &blas); err != nil {
			b.Fatalf("testdata/hoststep.py says %q: %v", out, err)
		}
		b.Logf("PyTorch with %s", blas)
		b.ReportMetric(1e9*wall, "ns/op")
		b.ReportMetric(hostStep(b, 0).flops()/wall/1e9, "GFLOP/s")
		b.ReportMetric(1e3*cpu, "CPU-ms/step")
		b.ReportMetric(load(), "load")
	})
}

// load is the machine's average over the last minute, NaN where it has none to read.
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// cpuSeconds is what the process has used, by the kernel's account; 0 where there is none.
func cpuSeconds(tb testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
