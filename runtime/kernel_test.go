package runtime

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// bench is a wafer on which single kernels of a step are tried.
type kernelBench struct {
	t     failer
	space *compiler.Space
	store *Store
	host  *Host
	rng   *rand.Rand
	next  [2]int // free words of the banks of tiles and of accumulators
	limit [2]int
	tiles []*compiler.Tile
	ones  *compiler.Tile
}

// benchShape is what a kernelBench is drawn from.
type benchShape struct {
	cfg                            model.Config
	width, height, perHead, tokens int
	columns                        int // of a group; 0: the heads'
	precision                      model.Precision
	sparsity                       float64
	seed                           uint64
	machine                        fields
}

func drawShape(t *rapid.T) benchShape {
	heads := rapid.IntRange(1, 3).Draw(t, "heads")
	headWidth := rapid.IntRange(1, 9).Draw(t, "head width")
	s := benchShape{
		cfg: model.Config{
			Name: "drawn", Layers: 1, Heads: heads, DModel: heads * headWidth,
			DFF: rapid.IntRange(1, 60).Draw(t, "d_ff"), Vocabulary: rapid.IntRange(1, 90).Draw(t, "vocabulary"),
			SequenceLength: rapid.IntRange(1, 24).Draw(t, "sequence"),
		},
		perHead:   rapid.IntRange(1, min(3, headWidth)).Draw(t, "columns per head"),
		precision: rapid.SampledFrom([]model.Precision{model.Mixed, model.FP32}).Draw(t, "precision"),
		sparsity:  rapid.SampledFrom([]float64{0, 0, 0.5, 0.75, 0.9}).Draw(t, "sparsity"),
		seed:      rapid.Uint64().Draw(t, "seed"),
		machine: fields{
			{"buffer_depth", rapid.SampledFrom([]float64{4, 1, 2, 8}).Draw(t, "buffer depth")},
			{"queue_words", rapid.SampledFrom([]float64{4, 2, 6}).Draw(t, "queue words")},
			{"hop_cycles", rapid.SampledFrom([]float64{1, 2, 3}).Draw(t, "hop")},
			{"ramp_cycles", rapid.SampledFrom([]float64{2, 1, 3}).Draw(t, "ramp")},
			{"io_bits_per_second", rapid.SampledFrom([]float64{34, 8, 2, 0.6}).Draw(t, "io") * 32 * 1.1e9},
		},
	}
	s.tokens = rapid.IntRange(1, s.cfg.SequenceLength).Draw(t, "tokens")
	seqRows := (s.cfg.SequenceLength + s.tokens - 1) / s.tokens
	groups := rapid.IntRange(1, 3).Draw(t, "groups")
	s.columns = heads*s.perHead + rapid.IntRange(0, min(4, heads*(headWidth-s.perHead))).Draw(t, "columns without a head")
	s.width = s.columns * groups
	s.height = seqRows * rapid.IntRange(1, 2).Draw(t, "sequences")
	for s.width*s.height > 150 && s.height > seqRows {
		s.height -= seqRows
	}
	return s
}

func newKernelBench(t failer, s benchShape) *kernelBench {
	t.Helper()
	m, err := compiler.Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(fields{{"width", float64(s.width)}, {"height", float64(s.height)}}, s.machine...) {
		if m, err = m.With(f.key, f.value); err != nil {
			t.Fatal(err)
		}
	}
	space, err := compiler.NewSpace(s.cfg, m, s.precision, compiler.Spread{Columns: s.columns, HeadColumns: s.perHead, Tokens: s.tokens})
	if err != nil {
		t.Fatal(err)
	}
	p, err := model.InitParams(s.cfg, s.seed)
	if err != nil {
		t.Fatal(err)
	}
	b := &kernelBench{t: t, space: space, host: NewHost(space), rng: rand.New(rand.NewPCG(s.seed, 7))}
	for i := range p.Values { // biases too
		p.Values[i] = b.value()
	}
	if s.sparsity > 0 {
		masks, err := p.Layout.DrawMasks(model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: s.sparsity, Seed: s.seed})
		if err != nil {
			masks = nil // leaves nothing
		}
		if err := p.SetMasks(masks); err != nil {
			t.Fatal(err)
		}
	}
	b.store = NewStore(space, p)
	core := m.Core()
	split := (core.Banks - 3) * core.BankWords()
	unit := s.tokens * space.Type().Words()
	b.next = [2]int{(2048/unit + 1) * unit, split}
	b.limit = [2]int{split, core.SRAMBytes / 2}
	b.ones = &compiler.Tile{Name: "ones", Type: space.Type(), Base: split/unit*unit - unit}
	if b.ones.Base+unit > split {
		b.ones.Base -= unit
	}
	b.fill(b.ones, func() float32 { return 1 })
	return b
}

// value is a number whose fp16 is not 0.
func (b *kernelBench) value() float32 {
	return float32(1-2*b.rng.IntN(2)) * (0.05 + b.rng.Float32())
}

func (b *kernelBench) fill(t *compiler.Tile, v func() float32) {
	x := b.host.Tensor(t)
	for i := range x {
		x[i] = pe.Round(t.Type, v())
	}
	b.tiles = append(b.tiles, t)
}

// tile places a tile of random values.
func (b *kernelBench) tile(name string, bounds []int, typ pe.Type) *compiler.Tile {
	b.t.Helper()
	t := &compiler.Tile{Name: name, Bounds: bounds, Type: typ, Base: b.next[0]}
	unit := b.space.Tokens * b.space.Type().Words()
	b.next[0] += (t.Words(b.space.Tokens) + unit - 1) / unit * unit
	if b.next[0] > b.ones.Base {
		b.t.Fatalf("tiles leave their banks")
	}
	b.fill(t, b.value)
	return t
}

// place gives a kernel its scratch.
func (b *kernelBench) place(k compiler.Kernel) {
	need := k.Scratch(b.space)
	*k.ScratchAt() = compiler.Scratch{T: b.next[0], S: b.next[1]}
	if b.next[0]+need.T > b.ones.Base || b.next[1]+need.S > b.limit[1] {
		b.t.Fatalf("scratch of %d and %d words does not fit", need.T, need.S)
	}
}

// onWavelets runs a kernel on the wavelet engine, from the host's tensors and back into a copy.
func (b *kernelBench) onWavelets(k compiler.Kernel, f phase) (*LayoutReport, *Host) {
	b.t.Helper()
	s := b.space
	l, err := k.Layout(s, s.Groups, s.Rows())
	if err != nil {
		b.t.Fatal(err)
	}
	f.feed(l)
	r, err := RunLayout(withTrace(context.Background(), true), l, s.Target, LayoutOptions{Images: b.images(l)})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := f.collect(r.Out); err != nil {
		b.t.Fatal(err)
	}
	after := NewHost(s)
	b.each(l, r.Images, after.read)
	return r, after
}

// images are the host's tensors in the SRAM of the layout's PEs.
func (b *kernelBench) images(l *compiler.Layout) [][]uint16 {
	images := make([][]uint16, len(l.PEs))
	for i := range images {
		images[i] = make([]uint16, b.space.Target.Core().SRAMBytes/2)
	}
	b.each(l, images, b.host.image)
	return images
}

// each visits every tile in the SRAM of every PE.
func (b *kernelBench) each(l *compiler.Layout, images [][]uint16, do func(t *compiler.Tile, g, c, y int, sram []uint16)) {
	columns := b.space.Columns
	for i, image := range images {
		x, y := i%l.Width, i/l.Width
		for _, t := range b.tiles {
			do(t, x/columns, x%columns, y, image)
		}
	}
}

// sameTensors compares all tiles of two hosts bit for bit.
func (b *kernelBench) sameTensors(want, got *Host) {
	b.t.Helper()
	for _, t := range b.tiles {
		x, y := want.Tensor(t), got.Tensor(t)
		for i := range x {
			if math.Float32bits(x[i]) != math.Float32bits(y[i]) {
				b.t.Fatalf("tile %s, feature %d, token place %d: wavelet %v, stream %v", t.Name, i/b.space.HostTokens(), i%b.space.HostTokens(), y[i], x[i])
			}
		}
	}
}

// sameReport holds a phase's cycles against the wavelet engine: counters and busy cycles exactly,
// the total within slack cycles or 1 %, links' stalls within so many cycles.
func (b *kernelBench) sameReport(w *LayoutReport, r *PhaseReport, slack, stalls int64) {
	b.t.Helper()
	if w.FMACs != r.FMACs || w.Hops != r.Hops || w.EdgeIn != r.EdgeIn || w.EdgeOut != r.EdgeOut {
		b.t.Errorf("FMACs %d, %d; hops %d, %d; edge in %d, %d; edge out %d, %d: not equal", w.FMACs, r.FMACs, w.Hops, r.Hops, w.EdgeIn, r.EdgeIn, w.EdgeOut, r.EdgeOut)
	}
	width, height := w.Layout.Width, w.Layout.Height
	sum := r.Grid.Sum(width, height)
	for _, st := range pe.States() {
		if st.Busy() && w.States[st] != sum[st] {
			b.t.Errorf("%s: wavelet %d cycles, stream %d", st.Name(), w.States[st], sum[st])
		}
		if sum[st] < 0 {
			b.t.Errorf("%s: %d cycles", st.Name(), sum[st])
		}
	}
	if want := int64(width*height) * r.Cycles; sum.Total() != want {
		b.t.Errorf("states sum to %d, want PEs x cycles = %d", sum.Total(), want)
	}
	for y := range height {
		for x := range width {
			if s := r.Grid.At(x, y); s.Total() != r.Cycles {
				b.t.Fatalf("PE (%d,%d) accounts for %d of %d cycles", x, y, s.Total(), r.Cycles)
			}
		}
	}
	sameLinks(b.t, w.Links, w.Cycles, r.Links, stalls)
	wholeTable(b.t, w.Links, linkTable(nil, densePieces(w.Links, copiesOf(w.Layout), 0, 1)))
	off := int64(w.Cycles) - r.Cycles
	if max(off, -off) > max(slack, int64(w.Cycles)/100) {
		b.t.Errorf("cycles: wavelet %d, stream %d, %+.2f %%", w.Cycles, r.Cycles, 100*(float64(r.Cycles)/float64(w.Cycles)-1))
	}
}

func (b *kernelBench) phase(k compiler.Kernel) phase {
	b.t.Helper()
	f, err := newPhase(b.store, k)
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

func (b *kernelBench) cycles(f phase) *PhaseReport {
	b.t.Helper()
	r, err := f.cycles(withTrace(context.Background(), true))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Grid.closed(b.t, "kernel", b.space.Rows(), r.Cycles)
	return r
}

// TestKernelsInARow: a layer forward, its gradient and its delta, one after the other on the
// same SRAM, end as the host's tensors do.
func TestKernelsInARow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newKernelBench(t, drawShape(t))
		s := b.space
		x, y := b.tile("x", s.Feat, s.Type()), b.tile("y", s.FF, s.Type())
		dx := b.tile("dx", s.Feat, s.Type())
		kernels := []compiler.Kernel{
			&compiler.Linear{Param: "h.0.mlp.fc.w", Bias: "h.0.mlp.fc.b", X: x, Y: y, Ones: b.ones, RunAhead: 3},
			&compiler.WeightGrad{Param: "h.0.mlp.fc.w", Bias: "h.0.mlp.fc.b", X: x, DY: y, Ones: b.ones, RunAhead: 3},
			&compiler.Linear{Param: "h.0.mlp.fc.w", Transposed: true, X: y, Y: dx, Add: dx, RunAhead: 3},
		}
		var images [][]uint16
		machine := NewHost(s)
		for i, k := range kernels {
			b.place(k)
			f := b.phase(k)
			l, err := k.Layout(s, s.Groups, s.Rows())
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				images = b.images(l)
			}
			f.feed(l)
			r, err := RunLayout(context.Background(), l, s.Target, LayoutOptions{Images: images})
			if err != nil {
				t.Fatal(err)
			}
			if err := f.collect(r.Out); err != nil {
				t.Fatal(err)
			}
			images = r.Images
			if i == len(kernels)-1 {
				b.each(l, images, machine.read)
			}
		}
		grads := slices.Clone(b.store.Grads)
		clear(b.store.Grads)
		for _, k := range kernels {
			if err := b.phase(k).values(b.host); err != nil {
				t.Fatal(err)
			}
		}
		b.sameTensors(b.host, machine)
		for i, v := range b.store.Grads {
			if math.Float32bits(v) != math.Float32bits(grads[i]) {
				t.Fatalf("gradient %d: wavelet %v, stream %v", i, grads[i], v)
			}
		}
	})
}
