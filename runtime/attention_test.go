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

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// attentionCase is a shape of attention on a machine that it fills.
type attentionCase struct {
	heads, width, length int // of the model: features of a head, tokens of a sequence
	perHead, tokens      int
	spare                int // columns of a group without a head
	groups, sequences    int
	precision            model.Precision
	seed                 uint64
	machine              map[string]int // fields that differ from the wse2
}

func (c attentionCase) space(t tester) *compiler.Space {
	t.Helper()
	m, err := compiler.Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	rows := (c.length + c.tokens - 1) / c.tokens
	for key, v := range map[string]int{"width": c.groups * (c.heads*c.perHead + c.spare), "height": c.sequences * rows} {
		if m, err = m.With(key, float64(v)); err != nil {
			t.Fatal(err)
		}
	}
	for key, v := range c.machine {
		if m, err = m.With(key, float64(v)); err != nil {
			t.Fatal(err)
		}
	}
	d := c.heads * c.width
	s, err := compiler.NewSpace(model.Config{
		Name: "attention", Layers: 1, DModel: d, Heads: c.heads, DFF: 4 * d, Vocabulary: c.heads * c.perHead, SequenceLength: c.length,
	}, m, c.precision, compiler.Spread{Columns: c.heads*c.perHead + c.spare, HeadColumns: c.perHead, Tokens: c.tokens})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func drawAttention(t *rapid.T) attentionCase {
	c := attentionCase{
		heads: rapid.IntRange(1, 3).Draw(t, "heads"), width: rapid.IntRange(1, 9).Draw(t, "width"),
		length: rapid.IntRange(1, 14).Draw(t, "length"),
		groups: rapid.IntRange(1, 2).Draw(t, "groups"), sequences: rapid.IntRange(1, 2).Draw(t, "sequences"),
		precision: rapid.SampledFrom([]model.Precision{model.Mixed, model.FP32}).Draw(t, "precision"),
		seed:      rapid.Uint64().Draw(t, "seed"),
	}
	if rapid.Bool().Draw(t, "another machine") {
		c.machine = map[string]int{
			"buffer_depth": rapid.IntRange(1, 6).Draw(t, "buffer depth"), "queue_words": rapid.IntRange(2, 6).Draw(t, "queue words"),
			"hop_cycles": rapid.IntRange(1, 3).Draw(t, "hop"), "ramp_cycles": rapid.IntRange(1, 4).Draw(t, "ramp"),
			"trigger_start_cycles": rapid.IntRange(0, 4).Draw(t, "trigger start"), "mixed_per_cycle": rapid.IntRange(1, 4).Draw(t, "rate"),
			"exp_element_cycles": rapid.IntRange(1, 20).Draw(t, "exp"), "task_switch_cycles": rapid.IntRange(0, 20).Draw(t, "task switch"),
		}
	}
	c.perHead = rapid.IntRange(1, c.width).Draw(t, "columns per head")
	c.spare = rapid.IntRange(0, min(3, c.heads*(c.width-c.perHead))).Draw(t, "columns without a head")
	c.tokens = rapid.IntRange(1, c.length).Draw(t, "tokens per PE")
	return c
}

// rig holds a kernel's tiles, placed in SRAM as the memory plan would, and its scratch.
type rig struct {
	space *compiler.Space
	tiles []*compiler.Tile
	next  [2]int // in T, in S
}

// unset is what SRAM holds where nothing was stored: NaN in both formats.
const unset = 0x7e01

func newRig(s *compiler.Space) *rig {
	r := &rig{space: s}
	r.next = [2]int{1024, r.accumulators()}
	return r
}

// accumulators is the first word of the banks S.
func (r *rig) accumulators() int {
	core := r.space.Target.Core()
	return (core.Banks - 3) * core.BankWords()
}

func (r *rig) place(words int, inS bool) int {
	i := 0
	if inS {
		i = 1
	}
	at := r.next[i]
	r.next[i] += words
	return at
}

func (r *rig) head(name string) *compiler.Tile {
	return r.tile(&compiler.Tile{Name: name, Bounds: r.space.Head, Type: r.space.Type()})
}

func (r *rig) stat(name string) *compiler.Tile {
	return r.tile(&compiler.Tile{Name: name, Type: pe.F32, InS: true})
}

func (r *rig) tile(t *compiler.Tile) *compiler.Tile {
	t.Base = r.place(t.Room(r.space.Tokens), t.InS)
	r.tiles = append(r.tiles, t)
	return t
}

func (r *rig) scratch(k compiler.Kernel) {
	n := k.Scratch(r.space)
	*k.ScratchAt() = compiler.Scratch{T: r.place(n.T, false), S: r.place(n.S, true)}
}

// wavelet runs the kernel on the wavelet engine from the tiles of h and reads them back.
func (r *rig) wavelet(t tester, k compiler.Kernel, h *Host) (*LayoutReport, *Host) {
	t.Helper()
	s := r.space
	l, err := k.Layout(s, s.Groups, s.Rows())
	if err != nil {
		t.Fatal(err)
	}
	images := make([][]uint16, len(l.PEs))
	each := func(visit func(i, g, c, y int)) {
		for y := range s.Rows() {
			for x := range s.Groups * s.Columns {
				visit(l.Index(x, y), x/s.Columns, x%s.Columns, y)
			}
		}
	}
	each(func(i, g, c, y int) {
		images[i] = make([]uint16, l.Program(i).Words)
		for w := range images[i] {
			images[i][w] = unset
		}
		for _, tile := range r.tiles {
			h.image(tile, g, c, y, images[i])
		}
	})
	report, err := RunLayout(withTrace(context.Background(), true), l, s.Target, LayoutOptions{Images: images, Windows: mostOfStep})
	if err != nil {
		t.Fatal(err)
	}
	got, s0 := NewHost(s), r.accumulators()
	each(func(i, g, c, y int) {
		for _, tile := range r.tiles {
			got.read(tile, g, c, y, report.Images[i])
		}
		for w, bits := range report.Images[i] {
			if placed := w < r.next[0] || w >= s0 && w < r.next[1]; !placed && bits != unset {
				t.Fatalf("PE %d: word %#x, which belongs to no tile or scratch, was written", i, w)
			}
		}
	})
	return report, got
}

// sameBits compares all tiles, where heads have columns.
func (r *rig) sameBits(t tester, got, want *Host) {
	t.Helper()
	for _, tile := range r.tiles {
		g, w := got.Tensor(tile), want.Tensor(tile)
		if tile.Bounds == nil {
			w = w[:r.space.AllHeads()*r.space.HostTokens()]
		}
		for i := range w {
			if math.Float32bits(g[i]) != math.Float32bits(w[i]) {
				T := r.space.HostTokens()
				t.Fatalf("%s, feature %d, token place %d: wavelet engine %v, values %v", tile.Name, i/T, i%T, g[i], w[i])
			}
		}
	}
}

// randomTile fills a tile with normal numbers in its format.
func randomTile(h *Host, tile *compiler.Tile, rng *rand.Rand, deviation float64) {
	x := h.Tensor(tile)
	for i := range x {
		x[i] = pe.Round(tile.Type, float32(rng.NormFloat64()*deviation))
	}
}

func (c attentionCase) forward(s *compiler.Space) (*rig, *compiler.Attention) {
	r := newRig(s)
	k := &compiler.Attention{Q: r.head("q"), K: r.head("k"), V: r.head("v"), O: r.head("o"), LSE: r.stat("lse")}
	r.scratch(k)
	return r, k
}

func (c attentionCase) backward(s *compiler.Space) (*rig, *compiler.AttentionBackward) {
	r := newRig(s)
	k := &compiler.AttentionBackward{
		Q: r.head("q"), K: r.head("k"), V: r.head("v"), O: r.head("o"), DO: r.head("do"), LSE: r.stat("lse"),
		DQ: r.tile(&compiler.Tile{Name: "dq", Bounds: s.Head, Type: s.Type(), Sums: true}), DK: r.head("dk"), DV: r.head("dv"),
	}
	r.scratch(k)
	return r, k
}

// inputs are what the backward kernel reads: o and lse are the forward kernel's, and no loss
// comes from padding.
func (c attentionCase) inputs(t tester, s *compiler.Space, k *compiler.AttentionBackward) *Host {
	t.Helper()
	h := NewHost(s)
	rng := rand.New(rand.NewPCG(c.seed, 1))
	for _, tile := range []*compiler.Tile{k.Q, k.K, k.V, k.DO} {
		randomTile(h, tile, rng, 1.5)
	}
	for i := range h.Tensor(k.DO) {
		place := i % s.HostTokens()
		row, token := place%s.Rows(), place/s.Rows()%s.Tokens
		if s.Position(row, token) >= c.length {
			h.Tensor(k.DO)[i] = 0
		}
	}
	forward := &compiler.Attention{Q: k.Q, K: k.K, V: k.V, O: k.O, LSE: k.LSE}
	if err := (&attention{s, forward}).values(h); err != nil {
		t.Fatal(err)
	}
	return h
}

// checkValues runs both kernels on both engines.
func (c attentionCase) checkValues(t tester) {
	t.Helper()
	s := c.space(t)
	back, kb := c.backward(s)
	h := c.inputs(t, s, kb)
	r, k := c.forward(s)
	in := NewHost(s)
	for from, to := range map[*compiler.Tile]*compiler.Tile{kb.Q: k.Q, kb.K: k.K, kb.V: k.V} {
		copy(in.Tensor(to), h.Tensor(from))
	}
	_, got := r.wavelet(t, k, in)
	if err := (&attention{s, k}).values(in); err != nil {
		t.Fatal(err)
	}
	r.sameBits(t, got, in)

	_, got = back.wavelet(t, kb, h)
	if err := (&attentionBackward{s, kb}).values(h); err != nil {
		t.Fatal(err)
	}
	back.sameBits(t, got, h)
}

func TestAttentionValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { drawAttention(t).checkValues(t) })
}

// TestAttentionSubBlocks: more tokens than one block of scores holds keys for; of 37 no part divides.
func TestAttentionSubBlocks(t *testing.T) {
	for _, tokens := range []int{40, 37} {
		attentionCase{heads: 1, width: 3, length: 90, perHead: 2, tokens: tokens, groups: 1, sequences: 1, precision: model.Mixed, seed: 1}.checkValues(t)
	}
}

// checkCycles compares the folded cycles with the wavelet engine's: busy states, FMACs and hops of
// every PE exactly, the total within share, and states that sum to the total.
func checkCycles(t tester, s *compiler.Space, got *PhaseReport, want *LayoutReport, share float64) {
	t.Helper()
	off := math.Abs(float64(got.Cycles)-float64(want.Cycles)) / float64(want.Cycles)
	if !(off <= share) {
		t.Errorf("%d cycles, wavelet engine %d: off by %.2f %%", got.Cycles, want.Cycles, 100*off)
	}
	if got.FMACs != want.FMACs || got.Hops != want.Hops || got.EdgeIn != 0 || got.EdgeOut != 0 {
		t.Errorf("%d FMACs, %d hops, %d in, %d out; wavelet engine %d, %d, 0, 0", got.FMACs, got.Hops, got.EdgeIn, got.EdgeOut, want.FMACs, want.Hops)
	}
	width, height := s.Groups*s.Columns, s.Rows()
	if sum := got.Grid.Sum(width, height); sum.Total() != int64(width*height)*got.Cycles {
		t.Errorf("states sum to %d, must be %d PEs x %d cycles", sum.Total(), width*height, got.Cycles)
	}
	for y := range height {
		for x := range width {
			g, w := got.Grid.At(x, y), want.PEs[y*width+x]
			for _, state := range pe.States() {
				if state.Busy() && g[state] != w[state] {
					t.Errorf("PE (%d,%d): %d cycles of %s, wavelet engine %d", x, y, g[state], state.Name(), w[state])
				}
				if g[state] < 0 {
					t.Errorf("PE (%d,%d): %d cycles of %s", x, y, g[state], state.Name())
				}
			}
		}
	}
}

// checkCycles folds both kernels and runs them whole, with values: no cycle depends on these.
func (c attentionCase) checkCycles(t tester) {
	t.Helper()
	s := c.space(t)
	check := func(r *rig, k compiler.Kernel, h *Host) {
		t.Helper()
		want, _ := r.wavelet(t, k, h)
		p, err := newPhase(&Store{Space: s}, k)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.cycles(withTrace(context.Background(), true))
		if err != nil {
			t.Fatal(err)
		}
		checkCycles(t, s, got, want, 0.01)
		sameLinks(t, want.Links, want.Cycles, got.Links, 0)
		got.Grid.closed(t, k.Name(), s.Rows(), got.Cycles)
		if n := s.Groups * s.Sequences * s.Model.Heads; n == 1 && len(got.Grid.Cells) == len(want.PEs) && len(want.Windows) > 1 {
			off := apart(want.Windows, got.Grid.Windows)
			if l, ok := t.(*testing.T); ok {
				l.Logf("%s: %d windows, at most %.2f %% apart", k.Name(), len(got.Grid.Windows), 100*off)
			}
			if off > 0.05 {
				t.Errorf("%s: accounts are up to %.2f %% of the run apart from those of the whole run", k.Name(), 100*off)
			}
		}
		for i, n := range want.Routed.in() {
			if x, y := i%(s.Groups*s.Columns), i/(s.Groups*s.Columns); got.Grid.Routed(x, y) != n {
				t.Fatalf("%s, PE (%d,%d): %d wavelets into its router, wavelet engine %d", k.Name(), x, y, got.Grid.Routed(x, y), n)
			}
		}
	}
	back, kb := c.backward(s)
	h := c.inputs(t, s, kb)
	check(back, kb, h)
	forward := &compiler.Attention{Q: kb.Q, K: kb.K, V: kb.V, O: kb.O, LSE: kb.LSE}
	back.scratch(forward)
	check(back, forward, h)
}

// TestAttentionCycles: heads, sequences and groups side by side take the time of one.
func TestAttentionCycles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawAttention(t)
		c.length = rapid.IntRange(c.tokens, 8*c.tokens).Draw(t, "longer")
		c.checkCycles(t)
	})
}

// TestAttentionFolded: sequences of which only some rows are run.
func TestAttentionFolded(t *testing.T) {
	if testing.Short() {
		t.Skip("whole sequences on the wavelet engine")
	}
	for _, c := range []attentionCase{
		{heads: 1, width: 16, length: 256, perHead: 2, tokens: 8, precision: model.Mixed},
		{heads: 1, width: 64, length: 192, perHead: 3, tokens: 12, precision: model.FP32},
		{heads: 1, width: 128, length: 192, perHead: 4, tokens: 16, precision: model.Mixed}, // of GPT-3 XL
		{heads: 1, width: 4, length: 640, perHead: 1, tokens: 40, precision: model.Mixed},
		{heads: 2, width: 8, length: 256, perHead: 2, spare: 3, tokens: 8, precision: model.Mixed},
	} {
		c.groups, c.sequences = 1, 1
		c.checkCycles(t)
	}
}

// TestAttentionRefusesCutSequences: a layout holds whole sequences.
func TestAttentionRefusesCutSequences(t *testing.T) {
	c := attentionCase{heads: 1, width: 2, length: 6, perHead: 1, tokens: 2, groups: 1, sequences: 1, precision: model.Mixed}
	s := c.space(t)
	_, k := c.forward(s)
	if _, err := k.Layout(s, 1, 2); err == nil {
		t.Error("a layout of 2 of a sequence's 3 rows was made")
	}
}
