package runtime

import (
	"context"
	"math"
	"slices"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// drawGradient is the gradient of one of the matrices of a step.
func drawGradient(t *rapid.T, b *kernelBench) *compiler.WeightGrad {
	s := b.space
	k := &compiler.WeightGrad{Ones: b.ones, RunAhead: rapid.SampledFrom([]int{0, 1, 2, 5, 12}).Draw(t, "run-ahead")}
	var in, out []int
	switch rapid.SampledFrom([]string{"q", "attn.proj", "fc", "proj", "lm_head"}).Draw(t, "matrix") {
	case "q":
		k.Param, in, out = "h.0.attn.q", s.Feat, s.Head
	case "attn.proj":
		k.Param, in, out = "h.0.attn.proj", s.Head, s.Feat
	case "fc":
		k.Param, in, out = "h.0.mlp.fc", s.Feat, s.FF
	case "proj":
		k.Param, in, out = "h.0.mlp.proj", s.FF, s.Feat
	default:
		k.Param, in = "wte", s.Feat
		out = []int{0}
		for c := range s.Columns {
			for r := s.Vocab[c]; r < s.Vocab[c+1]; r += 2 {
				k.Rows = append(k.Rows, r)
			}
			out = append(out, len(k.Rows))
		}
	}
	if k.Rows == nil {
		k.Bias = k.Param + ".b"
		k.Param += ".w"
	}
	k.X, k.DY = b.tile("x", in, s.Type()), b.tile("dy", out, s.Type())
	b.place(k)
	return k
}

// TestWeightGradKernel: every matrix, in any shape: both engines leave the same gradients bit for
// bit, and count alike. The time of kernels of a few hundred cycles may differ by a cycle per feature
// and sum: in the folded row the last sums come from nowhere, on the wafer at another moment from the south.
func TestWeightGradKernel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newKernelBench(t, drawShape(t))
		k := drawGradient(t, b)
		f := b.phase(k)
		for i := range b.store.Grads { // of an earlier micro-batch
			b.store.Grads[i] = b.value()
		}
		before := slices.Clone(b.store.Grads)
		w, _ := b.onWavelets(k, f)
		machine := slices.Clone(b.store.Grads)
		copy(b.store.Grads, before)
		if err := f.values(b.host); err != nil {
			t.Fatal(err)
		}
		for i, v := range b.store.Grads {
			if math.Float32bits(v) != math.Float32bits(machine[i]) {
				t.Fatalf("gradient %d: wavelet %v, stream %v", i, machine[i], v)
			}
		}
		slack := int64(k.Features() + k.SumRow() + 4)
		b.sameReport(w, b.cycles(f), slack, 2*slack)
		// What the mask leaves out is neither computed nor sent nor stored.
		pattern := b.store.Pattern(k.Param)
		if pattern == nil {
			return
		}
		sums := int64(pattern.NonZeros() + k.DY.Total())
		if places := int64(b.space.HostTokens()); w.FMACs != sums*places || w.EdgeOut != sums*int64(b.space.Groups) {
			t.Errorf("%d FMACs and %d sums out for %d positions and biases over %d token places", w.FMACs, w.EdgeOut, sums, places)
		}
		tensor := b.store.Params.Layout.Tensors[b.store.Params.Layout.Index(k.Param)]
		for j := range tensor.Rows {
			for c := range tensor.Cols {
				i := tensor.Offset + j*tensor.Cols + c
				if !slices.Contains(pattern.Row(j), int32(c)) && machine[i] != before[i] {
					t.Fatalf("masked gradient %d,%d changed", j, c)
				}
			}
		}
	})
}

// TestWeightGradKernelFollowsTheReference: within the rounding of a sum over all tokens, and
// nothing where the mask has no position.
func TestWeightGradKernelFollowsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newKernelBench(t, drawShape(t))
		k := drawGradient(t, b)
		n, in, out := b.space.HostTokens(), k.X.Total(), k.DY.Total()
		want, size := make([]float64, in*out), make([]float64, in*out)
		var bias, biasSize []float64
		if k.Bias != "" {
			bias, biasSize = make([]float64, out), make([]float64, out)
		}
		dy, x := b.wide(k.DY), b.wide(k.X)
		model.LinearGradient(want, bias, dy, x, b.store.Pattern(k.Param), n, in, out)
		model.LinearGradient(size, biasSize, magnitudes(dy), magnitudes(x), b.store.Pattern(k.Param), n, in, out)
		if err := b.phase(k).values(b.host); err != nil {
			t.Fatal(err)
		}
		check := func(name string, got []float32, want, size []float64) {
			for i := range want {
				if d := math.Abs(float64(got[i]) - want[i]); !(d <= float64(n+2)*0x1p-24*size[i]) {
					t.Fatalf("%s %d: %v, reference %v over %v", name, i, got[i], want[i], size[i])
				}
			}
		}
		got, cols := b.store.Grad(k.Param), in
		for j := range out {
			r := j
			if k.Rows != nil {
				r = k.Rows[j]
			}
			check("weight", got[r*cols:(r+1)*cols], want[j*cols:(j+1)*cols], size[j*cols:(j+1)*cols])
		}
		if k.Bias != "" {
			check("bias", b.store.Grad(k.Bias), bias, biasSize)
		}
	})
}

// TestWeightGradKernelTime: within 1 % without slack: bound by the datapaths, by the I/O link,
// dense and sparse, dY or X on the bus.
func TestWeightGradKernelTime(t *testing.T) {
	for _, c := range []struct {
		name        string
		proj        bool
		sparsity    float64
		io          float64 // wavelets per cycle
		width, rows int
	}{
		{"dense", false, 0, 34, 16, 6},
		{"sparse", false, 0.75, 34, 16, 6},
		{"dense, dY on the bus", true, 0, 34, 8, 3},
		{"sparse, many rows", true, 0.75, 34, 8, 24},
		{"dense, slow edge", false, 0, 1.1, 16, 6},
		{"sparse, slow edge", false, 0.75, 0.9, 16, 12},
		{"edge in balance", false, 0, 1.6, 16, 12},
	} {
		if testing.Short() && c.name != "sparse" && c.name != "sparse, slow edge" {
			continue
		}
		shape := benchShape{
			cfg:   model.Config{Name: "m", Layers: 1, Heads: 4, DModel: 96, DFF: 192, Vocabulary: 10, SequenceLength: 48},
			width: c.width, height: c.rows, perHead: 2, tokens: 16, precision: model.Mixed, sparsity: c.sparsity, seed: 3,
			machine: fields{{"io_bits_per_second", c.io * 32 * 1.1e9}},
		}
		b := newKernelBench(t, shape)
		s := b.space
		k := &compiler.WeightGrad{Param: "h.0.mlp.fc.w", Bias: "h.0.mlp.fc.b", Ones: b.ones, RunAhead: 6}
		k.X, k.DY = b.tile("x", s.Feat, pe.F16), b.tile("dy", s.FF, pe.F16)
		if c.proj {
			k.X, k.DY, k.Param, k.Bias = k.DY, k.X, "h.0.mlp.proj.w", "h.0.mlp.proj.b"
		}
		b.place(k)
		f := b.phase(k)
		w, _ := b.onWavelets(k, f)
		r := b.cycles(f)
		t.Logf("%s: wavelet %d, stream %d", c.name, w.Cycles, r.Cycles)
		b.sameReport(w, r, 0, 0)
	}
}

// TestWeightGradRecurrences holds the recurrences, which large kernels use, against the row
// wavelet by wavelet: busy cycles of every column exactly, the time of kernels of a few features
// within some cycles of start-up and, where the bus bounds it, of each feature and turn.
func TestWeightGradRecurrences(t *testing.T) {
	checks := 60
	if testing.Short() {
		checks = 10
	}
	for i := range checks {
		shape := rapid.Custom(drawWide).Example(i)
		b := newKernelBench(t, shape)
		k := wideGradient(b, []string{"h.0.mlp.proj", "h.0.mlp.fc", "h.0.attn.q"}[i%3], []int{1, 2, 4, 8}[i%4])
		w, r := bothWays(b, k)
		if off := r.Cycles - w.Cycles; float64(max(off, -off)) > max(0.01*float64(w.Cycles), 40+float64(2*k.Features()+5*b.space.Columns)) {
			t.Errorf("check %d: wavelet %d, recurrences %d: %d columns, %d features, %+v", i, w.Cycles, r.Cycles, b.space.Columns, k.Features(), shape)
		}
	}
}

// TestWeightGradRecurrencesAtSize: time and windows within 1 %, also where the bus bounds the time.
func TestWeightGradRecurrencesAtSize(t *testing.T) {
	for i, c := range []struct {
		sparsity float64
		ahead    int
		io       float64
		tokens   int
	}{
		{0, 8, 34, 16}, {0.75, 8, 34, 16}, {0.75, 2, 34, 16}, {0.9, 4, 34, 8}, {0.9, 8, 34, 24},
		{0.5, 8, 4, 16}, {0.75, 8, 2.4, 16}, {0, 8, 3, 5},
		{0.95, 2, 34, 24}, {0.95, 1, 34, 16},
	} {
		if testing.Short() && i != 1 {
			continue
		}
		b := newKernelBench(t, benchShape{
			cfg:   model.Config{Name: "m", Layers: 1, Heads: 8, DModel: 192, DFF: 384, Vocabulary: 10, SequenceLength: c.tokens},
			width: 24, height: 1, perHead: 3, tokens: c.tokens, precision: model.Mixed, sparsity: c.sparsity, seed: 5,
			machine: fields{{"io_bits_per_second", c.io * 32 * 1.1e9}},
		})
		w, r := bothWays(b, wideGradient(b, "h.0.mlp.fc", c.ahead))
		t.Logf("%+v: wavelet %d, recurrences %d, %+.2f %%", c, w.Cycles, r.Cycles, 100*(float64(r.Cycles)/float64(w.Cycles)-1))
		if off := r.Cycles - w.Cycles; max(off, -off) > w.Cycles/100 {
			t.Errorf("%+v: wavelet %d, recurrences %d", c, w.Cycles, r.Cycles)
		}
		off := apart(w.Grid.Windows, r.Grid.Windows)
		t.Logf("%d and %d windows, at most %.2f %% apart", len(w.Grid.Windows), len(r.Grid.Windows), 100*off)
		if len(r.Grid.Windows) < mostOfStep/2 || off > 0.01 {
			t.Errorf("%+v: %d windows, accounts are up to %.2f %% of the run apart", c, len(r.Grid.Windows), 100*off)
		}
	}
}

func wideGradient(b *kernelBench, matrix string, ahead int) *compiler.WeightGrad {
	s := b.space
	lie := map[string][2][]int{"h.0.mlp.fc": {s.Feat, s.FF}, "h.0.mlp.proj": {s.FF, s.Feat}, "h.0.attn.q": {s.Feat, s.Head}}[matrix]
	k := &compiler.WeightGrad{Param: matrix + ".w", Bias: matrix + ".b", Ones: b.ones, RunAhead: ahead}
	k.X, k.DY = b.tile("x", lie[0], s.Type()), b.tile("dy", lie[1], s.Type())
	b.place(k)
	return k
}

// bothWays simulates one PE row wavelet by wavelet and by recurrences; every column must be as
// busy in both.
func bothWays(b *kernelBench, k *compiler.WeightGrad) (wavelet, recurrences *PhaseReport) {
	b.t.Helper()
	f := b.phase(k).(*gradientPhase)
	one := func(run func(context.Context, *compiler.Layout) (*PhaseReport, error)) *PhaseReport {
		l, err := f.oneRow()
		if err != nil {
			b.t.Fatal(err)
		}
		r, err := run(withTrace(context.Background(), true), l)
		if err != nil {
			b.t.Fatal(err)
		}
		r.Grid.closed(b.t, k.Param, b.space.Rows(), r.Cycles)
		return r
	}
	w, r := one(f.byWavelet), one(f.byRecurrence)
	if !slices.Equal(w.Grid.Wavelets, r.Grid.Wavelets) {
		b.t.Errorf("wavelets into routers: %v by wavelet, %v by recurrences", w.Grid.Wavelets, r.Grid.Wavelets)
	}
	for c := range w.Grid.Cells {
		for _, st := range pe.States() {
			if st.Busy() && w.Grid.Cells[c][st] != r.Grid.Cells[c][st] {
				b.t.Errorf("column %d, %s: wavelet %d, recurrences %d", c, st.Name(), w.Grid.Cells[c][st], r.Grid.Cells[c][st])
			}
			if r.Grid.Cells[c][st] < 0 {
				b.t.Errorf("column %d, %s: %d cycles", c, st.Name(), r.Grid.Cells[c][st])
			}
		}
	}
	return w, r
}

func drawWide(t *rapid.T) benchShape {
	shape := drawShape(t)
	shape.cfg.DModel = shape.cfg.Heads * rapid.IntRange(6, 24).Draw(t, "head")
	shape.cfg.DFF = rapid.IntRange(shape.cfg.DModel/2, 4*shape.cfg.DModel).Draw(t, "ff")
	shape.perHead = rapid.IntRange(1, 6).Draw(t, "columns per head")
	shape.columns = shape.cfg.Heads*shape.perHead + rapid.IntRange(0, min(5, shape.cfg.DModel-shape.cfg.Heads*shape.perHead)).Draw(t, "columns without a head")
	shape.width = shape.columns
	shape.cfg.SequenceLength = rapid.IntRange(4, 32).Draw(t, "length")
	shape.tokens, shape.height = shape.cfg.SequenceLength, 1
	shape.machine = fields{
		{"io_bits_per_second", rapid.SampledFrom([]float64{34, 34, 8, 2}).Draw(t, "io") * 32 * 1.1e9},
		{"buffer_depth", rapid.SampledFrom([]float64{2, 4, 8}).Draw(t, "depth")},
		{"hop_cycles", rapid.SampledFrom([]float64{1, 1, 2}).Draw(t, "hop")},
	}
	return shape
}
