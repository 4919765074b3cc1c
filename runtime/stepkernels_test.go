package runtime

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// bench is a small wafer with a GPT's parameters on which one kernel is tried at a time.
type bench struct {
	t     failer
	space *compiler.Space
	store *Store
	rnd   *rand.Rand
	batch model.Batch
}

// drawBench draws a shape in which little divides, a machine and a micro-batch that does not fill it.
func drawBench(tt testing.TB, t *rapid.T) *bench {
	draw := func(lo, hi int, name string) int { return rapid.IntRange(lo, hi).Draw(t, name) }
	heads, width := draw(1, 3, "heads"), draw(1, 5, "head width")
	cfg := model.Config{
		Name: "drawn", Layers: 1, Heads: heads, DModel: heads * width, DFF: draw(1, 20, "d_ff"),
		Vocabulary: draw(2, 30, "vocabulary"), SequenceLength: draw(1, 12, "sequence length"),
	}
	perHead, tokens := draw(1, width, "columns per head"), draw(1, cfg.SequenceLength, "tokens")
	seqRows := (cfg.SequenceLength + tokens - 1) / tokens
	columns := heads*perHead + draw(0, min(4, heads*(width-perHead)), "columns without a head")
	m := machine(tt, fields{
		{"width", float64(columns*draw(1, 3, "groups") + draw(0, columns-1, "spare columns"))},
		{"height", float64(seqRows*draw(1, 3, "sequences") + draw(0, seqRows-1, "spare rows"))},
		{"hop_cycles", float64(draw(1, 2, "hop"))},
		{"ramp_cycles", float64(draw(1, 3, "ramp"))},
		{"buffer_depth", float64(draw(2, 4, "buffer"))},
		{"queue_words", float64(draw(2, 6, "queue"))},
	})
	if draw(0, 2, "slow link") == 0 {
		m = machineWith(tt, m, "io_bits_per_second", m.Get("clock_hz")*32*float64(draw(1, 8, "quarter wavelets per cycle"))/4)
	}
	return newBench(t, cfg, m, rapid.SampledFrom([]model.Precision{model.Mixed, model.FP32}).Draw(t, "precision"), compiler.Spread{Columns: columns, HeadColumns: perHead, Tokens: tokens}, rapid.Uint64().Draw(t, "seed"))
}

func machineWith(t testing.TB, m compiler.Target, key string, v float64) compiler.Target {
	m, err := m.With(key, v)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newBench(t failer, cfg model.Config, m compiler.Target, p model.Precision, o compiler.Spread, seed uint64) *bench {
	s, err := compiler.NewSpace(cfg, m, p, o)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, space: s, rnd: rand.New(rand.NewPCG(seed, 1))}
	layout, err := model.NewLayout(cfg)
	if err != nil {
		t.Fatal(err)
	}
	params := &model.Params{Layout: layout, Values: make([]float32, layout.Size)}
	for i := range params.Values {
		params.Values[i] = float32(b.rnd.NormFloat64())
	}
	n := 1 + b.rnd.IntN(s.MicroBatch())
	b.batch = model.Batch{B: n, T: 1 + b.rnd.IntN(cfg.SequenceLength)}
	for range b.batch.B * b.batch.T {
		b.batch.Tokens = append(b.batch.Tokens, int32(b.rnd.IntN(cfg.Vocabulary)))
		b.batch.Targets = append(b.batch.Targets, int32(b.rnd.IntN(cfg.Vocabulary)))
		b.batch.Weights = append(b.batch.Weights, float32(b.rnd.IntN(3)))
	}
	b.batch.Weights[0] = 1
	b.store = b.newStore(params)
	return b
}

func (b *bench) newStore(p *model.Params) *Store {
	m := NewStore(b.space, p)
	m.Batch, m.LossScale = b.batch, 64
	for i := range m.Grads { // gradients accumulate
		m.Grads[i] = float32(i % 7)
	}
	return m
}

// plan gives the kernel's tiles and scratch addresses as a memory plan would: tiles behind the
// code, what is read beside them in the upper half.
func (b *bench) plan(k compiler.Kernel) (tiles []*compiler.Tile) {
	core := b.space.Target.Core()
	next := [2]int{int(b.space.Target.Get("code_bytes")) / 2, core.SRAMBytes / 4}
	take := func(s, words int) (base int) {
		base = next[s]
		next[s] += words
		return base
	}
	reads, writes := k.Tiles()
	seen := map[*compiler.Tile]bool{nil: true}
	for _, t := range append(reads, writes...) {
		if seen[t] {
			continue
		}
		seen[t] = true
		tiles = append(tiles, t)
		s := 0
		if t.InS {
			s = 1
		}
		t.Base = take(s, t.Room(b.space.Tokens))
	}
	need := k.Scratch(b.space)
	*k.ScratchAt() = compiler.Scratch{T: take(0, need.T), S: take(1, need.S)}
	return tiles
}

// tile and stat make tiles.
func (b *bench) tile(name string, bounds []int, t pe.Type) *compiler.Tile {
	return &compiler.Tile{Name: name, Bounds: bounds, Type: t}
}
func (b *bench) feat(name string) *compiler.Tile {
	t := b.tile(name, b.space.Feat, b.space.Type())
	t.Whole = true
	return t
}
func (b *bench) stat(name string) *compiler.Tile {
	return &compiler.Tile{Name: name, Type: pe.F32, InS: true}
}

// fill draws a tile's values.
func (b *bench) fill(h *Host, t *compiler.Tile, draw func() float64) {
	x := h.Tensor(t)
	for i := range x {
		x[i] = pe.Round(t.Type, float32(draw()))
	}
}

// trial is a kernel run both ways.
type trial struct {
	run    *LayoutReport
	report *PhaseReport
	host   *Host  // after values
	store  *Store // after values
	wave   *Store // after the run
}

// try runs k on the wavelet engine and on the host, which must agree bit for bit, and compares
// the folded cycles with the run. near is how many cycles they may differ beyond 1 %.
func (b *bench) try(k compiler.Kernel, in *Host, near int64) *trial {
	b.t.Helper()
	tiles := b.plan(k)
	wave, ph := b.phase(k)
	l, err := k.Layout(b.space, b.space.Groups, b.space.Rows())
	if err != nil {
		b.t.Fatal(err)
	}
	ph.feed(l)
	images := make([][]uint16, len(l.PEs))
	for i := range images {
		images[i] = make([]uint16, b.space.Target.Core().SRAMBytes/2)
		for j := range images[i] {
			images[i][j] = 0x3c00 // ones: what is not written must not pass for zero
		}
		for _, t := range tiles {
			in.image(t, i%l.Width/b.space.Columns, i%l.Width%b.space.Columns, i/l.Width, images[i])
		}
	}
	r, err := RunLayout(withTrace(context.Background(), true), l, b.space.Target, LayoutOptions{Images: images, MaxCycles: 1e6})
	if err != nil {
		b.t.Fatalf("%v\n%s", err, l.List())
	}
	if err := ph.collect(r.Out); err != nil {
		b.t.Fatal(err)
	}
	out := NewHost(b.space)
	for i := range r.Images {
		for _, t := range tiles {
			out.read(t, i%l.Width/b.space.Columns, i%l.Width%b.space.Columns, i/l.Width, r.Images[i])
		}
	}
	host := NewHost(b.space)
	for _, t := range tiles {
		copy(host.Tensor(t), in.Tensor(t))
	}
	store, ph := b.phase(k)
	if err := ph.values(host); err != nil {
		b.t.Fatal(err)
	}
	for _, t := range tiles {
		b.same("tile "+t.Name, out.Tensor(t), host.Tensor(t))
	}
	b.same("gradients", wave.Grads, store.Grads)
	b.same("loss", []float32{wave.Loss}, []float32{store.Loss})
	p, err := ph.cycles(withTrace(context.Background(), true))
	if err != nil {
		b.t.Fatal(err)
	}
	b.compare(k.Name(), r, p, near)
	return &trial{r, p, host, store, wave}
}

// phase binds k to a MemoryX of its own.
func (b *bench) phase(k compiler.Kernel) (*Store, phase) {
	m := b.newStore(b.store.Params)
	ph, err := newPhase(m, k)
	if err != nil {
		b.t.Fatal(err)
	}
	return m, ph
}

func (b *bench) same(what string, got, want []float32) {
	b.t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			b.t.Fatalf("%s: element %d is %v (%#x) on the wafer, %v (%#x) on the host", what, i, got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

// compare holds a phase report against the run of the whole rectangle.
func (b *bench) compare(name string, r *LayoutReport, p *PhaseReport, near int64) {
	b.t.Helper()
	if d := p.Cycles - int64(r.Cycles); max(d, -d) > max(near, int64(r.Cycles)/100) {
		b.t.Errorf("%s: %d cycles folded, %d run", name, p.Cycles, r.Cycles)
	}
	for _, c := range []struct {
		what      string
		got, want int64
	}{{"FMACs", p.FMACs, r.FMACs}, {"hops", p.Hops, r.Hops}, {"edge in", p.EdgeIn, r.EdgeIn}, {"edge out", p.EdgeOut, r.EdgeOut}} {
		if c.got != c.want {
			b.t.Errorf("%s: %d %s folded, %d run", name, c.got, c.what, c.want)
		}
	}
	sameLinks(b.t, r.Links, r.Cycles, p.Links, near)
	for s, got := range b.wholeGrid(name, p) {
		if pe.State(s).Busy() && got != r.States[s] {
			b.t.Errorf("%s: %d cycles in %s folded, %d run", name, got, pe.State(s).Name(), r.States[s])
		}
	}
}

// wholeGrid holds that every PE of a report is in one state in every cycle.
func (b *bench) wholeGrid(name string, p *PhaseReport) pe.StateCycles {
	b.t.Helper()
	w, h := b.space.Groups*b.space.Columns, b.space.Rows()
	sum := p.Grid.Sum(w, h)
	if want := int64(w*h) * p.Cycles; sum.Total() != want {
		b.t.Errorf("%s: grid sums to %d, want %d", name, sum.Total(), want)
	}
	p.Grid.closed(b.t, name, h, p.Cycles)
	for y := range h {
		for x := range b.space.Columns {
			at := p.Grid.At(x, y)
			if at.Total() != p.Cycles {
				b.t.Fatalf("%s: PE (%d,%d) has %d cycles, the phase %d", name, x, y, at.Total(), p.Cycles)
			}
			for s, v := range at {
				if v < 0 {
					b.t.Fatalf("%s: PE (%d,%d) is %d cycles in %s", name, x, y, v, pe.State(s).Name())
				}
			}
		}
	}
	return sum
}

// perToken draws a number per token place.
func (b *bench) perToken(draw func() float64) []float32 {
	v := make([]float32, b.space.HostTokens())
	for i := range v {
		v[i] = float32(draw())
	}
	return v
}
