package compiler

import (
	"fmt"

	"cs2sim.dev/pe"
)

// Pass says why a phase runs.
type Pass string

const (
	Forward   Pass = "forward"
	Recompute Pass = "recompute" // forward again, from the saved input of a block
	Backward  Pass = "backward"
)

// Phase is one kernel of a step.
type Phase struct {
	Name   string // h.3.mlp.fc
	Layer  int    // block, -1 outside of them
	Pass   Pass
	Kernel Kernel
}

// Step is what the wafer does with one micro-batch: phases one after the other, and where
// every tile lies. Plain data; nothing in it changes during a run.
type Step struct {
	Space  *Space
	Train  bool
	Saved  bool // every block keeps its activations; otherwise only its input, and the rest is recomputed
	Phases []Phase
	Logits []VocabLogits // what a step up to the logits reads out; otherwise empty
	Tiles  []*Tile       // in the order of their first use
	Ones   *Tile
	Plan   MemoryPlan
}

// VocabLogits are the logits of a part of the vocabulary.
type VocabLogits struct {
	Tile *Tile
	Rows []int // token id that is feature j of Tile
}

// StepOptions shape a step.
type StepOptions struct {
	Train    bool // with backward pass
	Logits   bool // ends with the logits, which go to MemoryX, without a loss; not with Train
	Save     bool // keep all activations of all blocks
	Kept     int  // without Save: the last so many blocks keep all that takes a matrix or attention to make
	Norms    bool // without Save: a norm's output is not kept beside what follows it but made again
	Chunks   int  // parts of the vocabulary, at least 1
	RunAhead int  // most output rows beyond the pending ring
}

// NewStep lists the phases of a step and plans its memory. An error that wraps
// *pe.OutOfMemory says how many bytes are missing.
func NewStep(s *Space, o StepOptions) (*Step, error) {
	b := newStepBuilder(s, o)
	b.build()
	if err := b.step.planMemory(o.RunAhead); err != nil {
		return nil, &Error{"memory", err}
	}
	return b.step, nil
}

type stepBuilder struct {
	space *Space
	o     StepOptions
	step  *Step
	tiles map[string]*Tile
	pass  Pass
	layer int
	again bool // in the second forward pass of a block, or the backward pass that reads it
}

func newStepBuilder(s *Space, o StepOptions) *stepBuilder {
	return &stepBuilder{space: s, o: o, step: &Step{Space: s, Train: o.Train, Saved: o.Save}, tiles: map[string]*Tile{}}
}

// tile returns the tile of a name; the first call places it over bounds.
func (b *stepBuilder) tile(name string, bounds []int, t pe.Type) *Tile {
	if x, ok := b.tiles[name]; ok {
		return x
	}
	x := &Tile{Name: name, Bounds: bounds, Type: t}
	b.tiles[name] = x
	b.step.Tiles = append(b.step.Tiles, x)
	return x
}

func (b *stepBuilder) feat(name string) *Tile   { return b.tile(name, b.space.Feat, b.space.Type()) }
func (b *stepBuilder) byHead(name string) *Tile { return b.tile(name, b.space.Head, b.space.Type()) }
func (b *stepBuilder) ff(name string) *Tile     { return b.tile(name, b.space.FF, b.space.Type()) }

// alone is a tile that no instruction reads beside another operand.
func (x *Tile) alone(a Alone) *Tile {
	x.Alone = a
	return x
}

// stat is a number per token, read beside tiles and so in the banks of accumulators.
func (b *stepBuilder) stat(name string) *Tile {
	x := b.tile(name, nil, pe.F32)
	x.InS = true
	return x
}

// own names a tile of the current block. What is computed again is another tile: the first one
// is free in between.
func (b *stepBuilder) own(name string) string {
	name = fmt.Sprintf("h.%d.%s", b.layer, name)
	if b.again {
		name += " again"
	}
	return name
}

func (b *stepBuilder) do(name string, k Kernel) {
	b.step.Phases = append(b.step.Phases, Phase{Name: name, Layer: b.layer, Pass: b.pass, Kernel: k})
}

func (b *stepBuilder) build() {
	L := b.space.Model.Layers
	b.step.Ones = b.tile("ones", nil, b.space.Type())
	b.pass, b.layer = Forward, -1
	x := b.residual(0)
	x.Whole = true
	b.do("embed", &Embed{Y: x})
	for b.layer = range L {
		b.blockForward(true)
	}
	b.layer = -1
	b.head()
	if !b.o.Train {
		return
	}
	for b.layer = L - 1; b.layer >= 0; b.layer-- {
		b.again = !b.o.Save && !b.kept()
		if b.again {
			b.pass = Recompute
			b.blockForward(false)
		}
		b.pass = Backward
		b.blockBackward()
	}
	b.layer, b.again = -1, false
	dx := b.feat("dx")
	dx.Whole = true
	b.do("embed", &EmbedBackward{DY: dx})
}

// kept reports whether the current block is one of the last, whose backward pass follows soon.
func (b *stepBuilder) kept() bool { return !b.o.Save && b.layer >= b.space.Model.Layers-b.o.Kept }

// residual is the residual stream into block l. Training keeps every one of them.
func (b *stepBuilder) residual(l int) *Tile {
	if b.o.Train {
		return b.feat(fmt.Sprintf("x.%d", l))
	}
	return b.feat(fmt.Sprintf("x.%d", l%2))
}

func (b *stepBuilder) linear(name, param string, x, y, add *Tile) {
	b.do(name, &Linear{Param: param + ".w", Bias: param + ".b", X: x, Y: y, Add: add, Ones: b.step.Ones})
}

// attentionTiles are queries, keys, values and output of the current block. Keys and values are
// only sent.
func (b *stepBuilder) attentionTiles() (q, k, v, o *Tile) {
	return b.byHead(b.own("q")), b.byHead(b.own("k")).alone(AloneToo), b.byHead(b.own("v")).alone(AloneToo), b.byHead(b.own("o"))
}

// mlpTiles are what goes into the GELU of the current block, which reads nothing else, and what comes out.
func (b *stepBuilder) mlpTiles() (u, g *Tile) {
	return b.ff(b.own("u")).alone(AloneWide), b.ff(b.own("g"))
}

// blockForward runs the current block; the last matrix only if its output is wanted.
func (b *stepBuilder) blockForward(output bool) {
	h := fmt.Sprintf("h.%d.", b.layer)
	x, x1 := b.residual(b.layer), b.feat(b.own("x1"))
	a1, a2 := b.feat(b.own("ln_1")), b.feat(b.own("ln_2"))
	q, k, v, o := b.attentionTiles()
	b.norm("1", x, a1)
	b.linear(h+"attn.q", h+"attn.q", a1, q, nil)
	b.linear(h+"attn.k", h+"attn.k", a1, k, nil)
	b.linear(h+"attn.v", h+"attn.v", a1, v, nil)
	b.do(h+"attn", &Attention{Q: q, K: k, V: v, O: o, LSE: b.stat(b.own("lse"))})
	b.linear(h+"attn.proj", h+"attn.proj", o, x1, x)
	b.norm("2", x1, a2)
	u, g := b.mlpTiles()
	b.linear(h+"mlp.fc", h+"mlp.fc", a2, u, nil)
	b.gelu(u, g)
	if output {
		b.linear(h+"mlp.proj", h+"mlp.proj", g, b.residual(b.layer+1), x1)
	}
}

// norm is one of the current block's two.
func (b *stepBuilder) norm(which string, x, y *Tile) {
	name := fmt.Sprintf("h.%d.ln_%s", b.layer, which)
	b.do(name, &LayerNorm{Gain: name + ".w", Bias: name + ".b", X: x, Y: y, Mean: b.stat(b.own("mean" + which)), RStd: b.stat(b.own("rstd" + which))})
}

// normed is the output of one of the current block's norms in its backward pass.
func (b *stepBuilder) normed(which string, x *Tile) *Tile {
	y := b.feat(b.own("ln_" + which))
	if b.o.Norms && !b.o.Save || b.kept() {
		y = b.feat(y.Name + " and again")
		b.pass = Recompute
		b.norm(which, x, y)
		b.pass = Backward
	}
	return y
}

// activated is the output of the current block's GELU in its backward pass.
func (b *stepBuilder) activated(u, g *Tile) *Tile {
	if b.kept() {
		g = b.ff(g.Name + " and again")
		b.pass = Recompute
		b.gelu(u, g)
		b.pass = Backward
	}
	return g
}

func (b *stepBuilder) gelu(u, g *Tile) {
	b.do(fmt.Sprintf("h.%d.mlp.gelu", b.layer), &GELU{X: u, Y: g})
}

// grad is the backward pass of a matrix: the gradient of its weights, and with dx the delta of
// its input, added to what add holds.
func (b *stepBuilder) grad(name string, dy, x, dx, add *Tile) {
	b.do(name, &WeightGrad{Param: name + ".w", Bias: name + ".b", DY: dy, X: x, Ones: b.step.Ones})
	b.do(name, &Linear{Param: name + ".w", Transposed: true, X: dy, Y: dx, Add: add, Ones: b.step.Ones})
}

// blockBackward turns dx, the gradient of the block's output, into that of its input.
func (b *stepBuilder) blockBackward() {
	h := fmt.Sprintf("h.%d.", b.layer)
	x, x1 := b.residual(b.layer), b.feat(b.own("x1"))
	q, k, v, o := b.attentionTiles()
	u, g := b.mlpTiles()
	dx, dg, da := b.feat("dx"), b.ff(b.own("dg")), b.feat(b.own("da2"))
	b.grad(h+"mlp.proj", dx, b.activated(u, g), dg, nil)
	b.do(h+"mlp.gelu", &GELUBackward{X: u, DY: dg, DX: dg})
	b.grad(h+"mlp.fc", dg, b.normed("2", x1), da, nil)
	b.do(h+"ln_2", &LayerNormBackward{Gain: h + "ln_2.w", Bias: h + "ln_2.b", X: x1, DY: da, Add: dx, DX: dx, Mean: b.stat(b.own("mean2")), RStd: b.stat(b.own("rstd2"))})
	do := b.byHead(b.own("do"))
	b.grad(h+"attn.proj", dx, o, do, nil)
	dq, dk, dv := b.byHead(b.own("dq")), b.byHead(b.own("dk")), b.byHead(b.own("dv"))
	dq.Sums = true
	b.do(h+"attn", &AttentionBackward{Q: q, K: k, V: v, O: o, DO: do, LSE: b.stat(b.own("lse")), DQ: dq, DK: dk, DV: dv})
	da = b.feat(b.own("da1"))
	a1 := b.normed("1", x)
	// Deltas of an input that several layers read are added in descending order of the layers.
	b.grad(h+"attn.v", dv, a1, da, nil)
	b.grad(h+"attn.k", dk, a1, da, da)
	b.grad(h+"attn.q", dq, a1, da, da)
	b.do(h+"ln_1", &LayerNormBackward{Gain: h + "ln_1.w", Bias: h + "ln_1.b", X: x, DY: da, Add: dx, DX: dx, Mean: b.stat(b.own("mean1")), RStd: b.stat(b.own("rstd1"))})
}

// head is the last norm, the vocabulary projection and the loss, chunk by chunk, and in
// training their backward pass. A single chunk keeps its logits; several are computed again.
func (b *stepBuilder) head() {
	s := b.space
	x, a := b.residual(s.Model.Layers), b.feat("ln_f")
	norm := LayerNorm{Gain: "ln_f.w", Bias: "ln_f.b", X: x, Y: a, Mean: b.stat("meanf"), RStd: b.stat("rstdf")}
	b.do("ln_f", &norm)
	top, sum, target := b.stat("max"), b.stat("sum"), b.stat("target")
	lse, weight := b.stat("loss lse"), b.stat("loss weight")
	chunks := chunksOf(s.Vocab, b.o.Chunks)
	logits := func(c vocabChunk) *Tile {
		t := b.tile(fmt.Sprintf("%s logits%s", b.pass, c.name), c.bounds, pe.F32)
		b.do("lm_head"+c.name, &Linear{Param: "wte", X: a, Y: t, Ones: b.step.Ones, Rows: c.rows})
		return t
	}
	if b.o.Logits {
		for _, c := range chunks {
			t := logits(c)
			b.do("lm_head"+c.name, &Readout{X: t})
			b.step.Logits = append(b.step.Logits, VocabLogits{t, c.rows})
		}
		return
	}
	for i, c := range chunks {
		t := logits(c)
		b.do("loss"+c.name, &LossChunk{Logits: t, Rows: c.rows, Max: top, Sum: sum, Target: target, First: i == 0})
	}
	b.do("loss", &LossReduce{Max: top, Sum: sum, Target: target, LSE: lse, Weight: weight})
	if !b.o.Train {
		return
	}
	da := b.feat("head da")
	for i, c := range chunks {
		t := b.tiles["forward logits"+c.name]
		if len(chunks) > 1 {
			b.pass = Recompute
			t = logits(c)
		}
		b.pass = Backward
		d := b.tile("dlogits"+c.name, c.bounds, s.Type())
		b.do("loss"+c.name, &LossBackward{Logits: t, Rows: c.rows, LSE: lse, Weight: weight, DLogits: d})
		b.do("lm_head"+c.name, &WeightGrad{Param: "wte", DY: d, X: a, Ones: b.step.Ones, Rows: c.rows})
		var add *Tile
		if i > 0 {
			add = da
		}
		b.do("lm_head"+c.name, &Linear{Param: "wte", Transposed: true, X: d, Y: da, Add: add, Ones: b.step.Ones, Rows: c.rows})
	}
	b.do("ln_f", &LayerNormBackward{Gain: norm.Gain, Bias: norm.Bias, X: x, DY: da, DX: b.feat("dx"), Mean: norm.Mean, RStd: norm.RStd})
}

// vocabChunk is a part of the vocabulary: an equal share of every column's tokens.
type vocabChunk struct {
	name   string
	bounds []int // of the chunk's own features
	rows   []int // token id of each of them
}

func chunksOf(vocab []int, n int) []vocabChunk {
	columns := len(vocab) - 1
	n = max(1, min(n, widest(vocab)))
	chunks := make([]vocabChunk, n)
	cuts := map[int][]int{} // of a share of so many tokens
	for c := range columns {
		if width := vocab[c+1] - vocab[c]; cuts[width] == nil {
			cuts[width] = spread(width, n)
		}
	}
	for i := range chunks {
		c := &chunks[i]
		if n > 1 {
			c.name = fmt.Sprintf(" %d", i)
		}
		c.bounds = []int{0}
		for col := range columns {
			cut := cuts[vocab[col+1]-vocab[col]]
			for r := vocab[col] + cut[i]; r < vocab[col]+cut[i+1]; r++ {
				c.rows = append(c.rows, r)
			}
			c.bounds = append(c.bounds, len(c.rows))
		}
	}
	return chunks
}
