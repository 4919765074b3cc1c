package runtime

import (
	"math"
	"slices"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// drawLinear is one of the ways in which a step uses the kernel.
func drawLinear(t *rapid.T, b *kernelBench) *compiler.Linear {
	s := b.space
	feat, head, ff := s.Feat, s.Head, s.FF
	k := &compiler.Linear{Ones: b.ones, RunAhead: rapid.SampledFrom([]int{0, 1, 2, 5, 12}).Draw(t, "run-ahead")}
	tile := func(name string, bounds []int) *compiler.Tile { return b.tile(name, bounds, s.Type()) }
	kind := rapid.SampledFrom([]string{"q", "attn.proj", "fc", "proj", "lm_head"}).Draw(t, "matrix")
	delta := rapid.Bool().Draw(t, "delta")
	var in, out []int
	switch kind {
	case "q":
		k.Param, in, out = "h.0.attn.q", feat, head
	case "attn.proj":
		k.Param, in, out = "h.0.attn.proj", head, feat
	case "fc":
		k.Param, in, out = "h.0.mlp.fc", feat, ff
	case "proj":
		k.Param, in, out = "h.0.mlp.proj", ff, feat
	case "lm_head":
		k.Param, in = "wte", feat
		// Every second token of each column.
		out = []int{0}
		for c := range s.Columns {
			for r := s.Vocab[c]; r < s.Vocab[c+1]; r += 2 {
				k.Rows = append(k.Rows, r)
			}
			out = append(out, len(k.Rows))
		}
	}
	if kind != "lm_head" {
		if !delta {
			k.Bias = k.Param + ".b"
		}
		k.Param += ".w"
	}
	if k.Transposed = delta; delta {
		in, out = out, in
	}
	k.X = tile("x", in)
	if kind == "lm_head" && !delta {
		k.Y = b.tile("y", out, pe.F32)
	} else {
		k.Y = tile("y", out)
	}
	switch rapid.IntRange(0, 2).Draw(t, "add") {
	case 1:
		k.Add = k.Y
	case 2:
		k.Add = b.tile("add", out, k.Y.Type)
	}
	b.place(k)
	return k
}

// TestLinearKernel: forward and delta of every matrix, biased, added, in any shape: both engines
// give the same bits, counters and busy cycles, and within 1 % the same time, and a few cycles for a
// slow edge's first weights.
func TestLinearKernel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newKernelBench(t, drawShape(t))
		k := drawLinear(t, b)
		f := b.phase(k)
		w, after := b.onWavelets(k, f)
		if err := f.values(b.host); err != nil {
			t.Fatal(err)
		}
		b.sameTensors(b.host, after)
		b.sameReport(w, b.cycles(f), 8, 2*int64(k.Y.Total()+8))
	})
}

// wide copies a tensor to [tokens][features] in float64, as the reference layers take it.
func (b *kernelBench) wide(t *compiler.Tile) []float64 {
	n, features := b.space.HostTokens(), t.Total()
	x, out := b.host.Tensor(t), make([]float64, n*features)
	for i := range n {
		for f := range features {
			out[i*features+f] = float64(x[f*n+i])
		}
	}
	return out
}

// streamed is a parameter as MemoryX sends it; rows picks some of its rows.
func (b *kernelBench) streamed(name string, rows []int) []float64 {
	v, _, cols := b.store.Tensor(name)
	out := make([]float64, len(v))
	for i := range v {
		out[i] = float64(v[i])
	}
	if rows == nil {
		return out
	}
	var picked []float64
	for _, r := range rows {
		picked = append(picked, out[r*cols:(r+1)*cols]...)
	}
	return picked
}

// TestLinearKernelFollowsTheReference: every output is within the rounding of its sum (fp32: a
// half ulp of each of the additions' partial sums) and of its storage.
func TestLinearKernelFollowsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newKernelBench(t, drawShape(t))
		k := drawLinear(t, b)
		n, in, out := b.space.HostTokens(), k.X.Total(), k.Y.Total()
		x, w := b.wide(k.X), b.streamed(k.Param, k.Rows)
		var add, bias []float64
		if k.Add != nil {
			add = b.wide(k.Add)
		}
		if k.Bias != "" {
			bias = b.streamed(k.Bias, nil)
		}
		apply := func(x, w, bias []float64) []float64 {
			y := make([]float64, n*out)
			if k.Transposed {
				model.LinearDelta(y, x, w, b.store.Pattern(k.Param), n, out, in, model.FP32)
			} else {
				model.LinearForward(y, x, w, bias, b.store.Pattern(k.Param), n, in, out, model.FP32)
			}
			return y
		}
		y, size := apply(x, w, bias), apply(magnitudes(x), magnitudes(w), magnitudes(bias))
		if err := b.phase(k).values(b.host); err != nil {
			t.Fatal(err)
		}
		got := b.wide(k.Y)
		steps := float64(in + b.space.Columns + 2)
		store := 0x1p-24
		if k.Y.Type == pe.F16 {
			store = 0x1p-11
		}
		for i := range y {
			bound := steps*0x1p-24*size[i] + store*(math.Abs(y[i])+steps*0x1p-24*size[i])
			if add != nil {
				y[i] += add[i]
				bound += store * (math.Abs(y[i]) + bound)
			}
			bound += 0x1p-25 // half the least fp16 subnormal
			if d := math.Abs(got[i] - y[i]); !(d <= bound) {
				t.Fatalf("token place %d, output %d: %v, reference %v, off by %v of %v allowed", i/out, i%out, got[i], y[i], d, bound)
			}
		}
	})
}

func magnitudes(x []float64) []float64 {
	if x == nil {
		return nil
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v)
	}
	return y
}

// TestLinearKernelTime: within 1 % without slack, and cycles alone need no values.
func TestLinearKernelTime(t *testing.T) {
	for _, sparsity := range []float64{0, 0.75} {
		for _, delta := range []bool{false, true} {
			if testing.Short() && (sparsity == 0 || delta) {
				continue
			}
			shape := benchShape{
				cfg:   model.Config{Name: "m", Layers: 1, Heads: 4, DModel: 96, DFF: 384, Vocabulary: 10, SequenceLength: 48},
				width: 16, height: 6, perHead: 2, tokens: 16, precision: model.Mixed, sparsity: sparsity, seed: 3,
			}
			b := newKernelBench(t, shape)
			k := &compiler.Linear{Param: "h.0.mlp.fc.w", Transposed: delta, Ones: b.ones, RunAhead: 12}
			if k.X, k.Y = b.tile("x", b.space.Feat, pe.F16), b.tile("y", b.space.FF, pe.F16); delta {
				k.X, k.Y = k.Y, k.X
				k.Add = k.Y
			} else {
				k.Bias = "h.0.mlp.fc.b"
			}
			b.place(k)
			f := b.phase(k)
			w, _ := b.onWavelets(k, f)
			r := b.cycles(f)
			b.sameReport(w, r, 0, 0)
			var err error
			if b.store, err = shapeStore(b.space, model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity, Seed: 3}); err != nil {
				t.Fatal(err)
			}
			if timed := b.cycles(b.phase(k)); timed.Cycles != r.Cycles || timed.FMACs != r.FMACs || timed.EdgeIn != r.EdgeIn {
				t.Errorf("without values %d cycles, %d FMACs, %d in; with %d, %d, %d", timed.Cycles, timed.FMACs, timed.EdgeIn, r.Cycles, r.FMACs, r.EdgeIn)
			}
			t.Logf("sparsity %v, delta %v: wavelet %d, stream %d", sparsity, delta, w.Cycles, r.Cycles)
		}
	}
}

// TestLastTaken: the weights of a row are taken around the ring adds between them, of many the last ones.
func TestLastTaken(t *testing.T) {
	c := &column{main: 100, spans: []ringSpan{{0, 10, 10}, {120, 160, 40}}, gone: 1}
	for _, test := range []struct {
		n, words int64
		want     []int64
	}{
		{0, 1, nil},
		{1, 1, []int64{100}},
		{3, 1, []int64{100, 115, 170}},
		{3, 2, []int64{100, 100, 115, 115, 170, 170}},
		{5, 1, []int64{115, 170, 185, 200}},
	} {
		l := lastTaken{held: 2, at: make([][]int64, 1)}
		if l.weights(0, c, test.n, test.words, 15); !slices.Equal(l.at[0], test.want) {
			t.Errorf("%d weights of %d wavelets: taken at %v, want %v", test.n, test.words, l.at[0], test.want)
		}
		if c.main != 100 || c.spans[1] != (ringSpan{120, 160, 40}) {
			t.Fatal("the column has moved on")
		}
	}
}

// TestLinearStalls: small layers, in which ring adds come in bursts: where one is next to the task that made the
// last room, stalls are unknown, those of other columns known.
func TestLinearStalls(t *testing.T) {
	for _, test := range []struct {
		headWidth, columns int
		seed               uint64
		unknown            map[int]bool // by column
	}{
		{4, 6, 0, map[int]bool{1: true, 3: true}},
		{6, 8, 4, map[int]bool{0: true, 2: true}},
	} {
		b := newKernelBench(t, benchShape{
			cfg:     model.Config{Name: "m", Layers: 1, Heads: 2, DModel: 2 * test.headWidth, DFF: 1, Vocabulary: 1, SequenceLength: 17},
			perHead: 2, columns: test.columns, width: test.columns, height: 1, tokens: 17,
			precision: model.FP32, sparsity: 0.5, seed: test.seed, machine: fields{{"queue_words", 6}, {"hop_cycles", 3}},
		})
		k := &compiler.Linear{Param: "h.0.attn.q.w", Bias: "h.0.attn.q.b", Ones: b.ones, RunAhead: 5}
		k.X, k.Y = b.tile("x", b.space.Feat, b.space.Type()), b.tile("y", b.space.Head, b.space.Type())
		b.place(k)
		f := b.phase(k)
		w, _ := b.onWavelets(k, f)
		r := b.cycles(f)
		sameLinks(t, w.Links, w.Cycles, r.Links, 0)
		weights := f.(*linearPhase).p.Stream.Color
		r.Links.eachLink(func(l oneLink, _ int64, c *Links) {
			if l.color == weights && l.dir == fabric.ToPE && (c.Stalls.All == Unknown) != test.unknown[l.x] {
				t.Errorf("%d columns, column %d: %d stalls, unknown should be %v", test.columns, l.x, c.Stalls.All, test.unknown[l.x])
			}
		})
	}
}
