package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"cs2sim.dev/sims/trace"
)

// shape is a run as kernels make them: columns of a group alike, rows of a sequence alike, rows
// that are later one by one, and blocks of PEs that are only known together.
type shape struct {
	width, height      int // machine
	groups, columns    int
	tokens             int // per PE
	seqRows, sequences int // rows of a sequence, sequences one below the other
	layers, attentions int
	blocks             bool

	usedWidth, rows int
	random          *rand.Rand
}

func (s *shape) states(cycles, lateness int64) (out [8]int64) {
	left := cycles - lateness
	for i := 1; i < len(out); i++ {
		out[i] = s.random.Int64N(left/2 + 1)
		left -= out[i]
	}
	out[0] = left + lateness
	return out
}

func span(from, step, block, count int) trace.Span {
	return trace.Span{From: from, Step: step, Block: block, Count: count}
}

func (s *shape) unused(cycles int64) (cells []trace.Cell) {
	idle := [8]int64{cycles}
	if n := s.width - s.usedWidth; n > 0 {
		cells = append(cells, trace.Cell{X: span(s.usedWidth, 1, 1, n), Y: span(0, 1, 1, s.height), States: idle})
	}
	if n := s.height - s.rows; n > 0 {
		cells = append(cells, trace.Cell{X: span(0, 1, 1, s.usedWidth), Y: span(s.rows, 1, 1, n), States: idle})
	}
	return cells
}

func (s *shape) kind(which int) trace.Kind {
	cycles := int64(40000 + s.random.IntN(30000))
	lateness := int64(8 * s.rows)
	k := trace.Kind{Cycles: cycles}
	add := func(x, y trace.Span, late trace.Late) {
		c := trace.Cell{X: x, Y: y, States: s.states(cycles*int64(x.Block*y.Block), lateness), Late: late, Wavelets: s.random.Int64N(1e6)}
		if which == 2 {
			c.Wavelets = trace.NotCounted
		}
		k.Cells = append(k.Cells, c)
	}
	switch which {
	case 0:
		for c := range s.columns {
			add(span(c, s.columns, 1, s.groups), span(0, 1, 1, s.rows), trace.Late{Weights: 1})
		}
	case 1:
		for y := range s.seqRows {
			for c := range s.columns {
				add(span(c, s.columns, 1, s.groups), span(y, s.seqRows, 1, s.sequences), trace.Late{})
			}
		}
	case 2:
		for c := range s.columns {
			cut := 1 + s.random.IntN(s.rows-1)
			add(span(c, s.columns, 1, s.groups), span(0, 1, 1, cut), trace.Late{Weights: 1, Psums: -7})
			add(span(c, s.columns, 1, s.groups), span(cut, 1, 1, s.rows-cut), trace.Late{Psums: 7})
			falls := &k.Cells[len(k.Cells)-2] // to no less than nothing
			falls.States[6] += lateness
			falls.States[0] -= lateness
		}
	case 3:
		for y := 0; y < s.seqRows; y += 2 {
			for c := 0; c < s.columns; c += 3 {
				add(span(c, s.columns, 3, s.groups), span(y, s.seqRows, 2, s.sequences), trace.Late{})
			}
		}
	default:
		k.Cycles = 2000
		k.Cells = []trace.Cell{{X: span(0, 1, 1, s.usedWidth), Y: span(0, 1, 1, s.rows), States: [8]int64{3: 2000}}}
	}
	k.Cells = append(k.Cells, s.unused(k.Cycles)...)
	k.Links = s.links(which)
	if which == 0 || which == 1 && len(k.Cells) < 1000 {
		s.cut(&k, 10)
	}
	return k
}

// cut makes windows of a kind: every cell's states come one after the other, idleness last. What rows are
// later makes the last window.
func (s *shape) cut(k *trace.Kind, n int) {
	stagger := k.Cells[0].Late.Weights * int64(s.rows-1)
	begin := int64(0)
	for i := range n {
		end := (k.Cycles - stagger) * int64(i+1) / int64(n)
		w := trace.Window{Cycles: end - begin}
		for c := range k.Cells {
			var at [8]int64
			from, states := int64(0), k.Cells[c].States
			states[0] -= stagger
			for st := range states {
				st = (st + 1) % len(states)
				at[st] = max(0, min(end, from+states[st])-max(begin, from))
				from += states[st]
			}
			w.States, w.Late = append(w.States, at), append(w.Late, trace.Late{})
		}
		k.Windows, begin = append(k.Windows, w), end
	}
	if stagger > 0 {
		w := trace.Window{Cycles: stagger}
		for c := range k.Cells {
			w.States, w.Late = append(w.States, [8]int64{stagger}), append(w.Late, k.Cells[c].Late)
		}
		k.Windows = append(k.Windows, w)
	}
}

func (s shape) run(t testing.TB, name string, seed uint64) *trace.Run {
	t.Helper()
	s.random = rand.New(rand.NewPCG(seed, 7))
	s.usedWidth, s.rows = s.groups*s.columns, s.seqRows*s.sequences
	r := &trace.Run{
		Experiment: "pretrain", Name: name, Sparsity: 0.75, Links: true,
		Machine: trace.Machine{Name: "wse2", Width: s.width, Height: s.height, ClockHz: 1.1e9, IORate: 34, WattsPerCore: 0.03, JoulesPerBitHop: 1.5e-13},
		Place: trace.Place{
			Width: s.usedWidth, Height: s.rows, Groups: s.groups, Columns: s.columns, Tokens: s.tokens, SeqRows: s.seqRows,
		},
	}
	for c := range s.columns + 1 {
		r.Place.Features = append(r.Place.Features, c*5)
	}
	r.Kinds = []trace.Kind{s.kind(-1)}
	phase := func(kind int, layer int, op, pass, kernel string) {
		layerName := "outside of blocks"
		if layer >= 0 {
			layerName = fmt.Sprintf("block %02d", layer)
		}
		p := trace.Phase{
			Start: r.Cycles, Cycles: r.Kinds[kind].Cycles, Name: fmt.Sprintf("h.%d.%s", layer, op), Layer: layer, LayerName: layerName, Op: op,
			Pass: pass, Kernel: kernel, Kind: kind,
		}
		if kind > 0 {
			p.FMACs = s.random.Int64N(1e12)
			counts(&p, &r.Kinds[kind])
		}
		r.Cycles += p.Cycles
		r.Phases = append(r.Phases, p)
	}
	do := func(which, layer int, op, pass, kernel string) {
		r.Kinds = append(r.Kinds, s.kind(which))
		phase(0, layer, op, pass, trace.SwitchKernel)
		phase(len(r.Kinds)-1, layer, op, pass, kernel)
	}
	do(2, -1, "embed", "forward", "embed")
	shared := len(r.Kinds)
	for range s.attentions {
		r.Kinds = append(r.Kinds, s.kind(1))
	}
	for _, pass := range []string{"forward", "backward"} {
		for n := range s.layers {
			l := n
			if pass == "backward" {
				l = s.layers - 1 - n
			}
			for _, op := range []string{"attn.q", "attn.k", "attn.v", "attn.proj", "mlp.fc", "mlp.proj"} {
				do(0, l, op, pass, "linear")
				if pass == "backward" {
					do(2, l, op, pass, "weight gradient")
				}
			}
			for i := range s.attentions {
				phase(0, l, "attn", pass, trace.SwitchKernel)
				phase(shared+i, l, "attn", pass, "attention")
			}
			if s.blocks {
				do(3, l, "ln_1", pass, "norm")
			}
		}
	}
	last := len(r.Phases) - 1
	r.Memory = []trace.Region{{Name: "code, stack", Bytes: 4096, Last: last}, {Name: "x.0", Base: 6000, Bytes: 1024, First: 2, Last: last - 2}}
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	return r
}

// small has every shape, on a machine that is larger than what is in use.
func small() shape {
	return shape{width: 15, height: 11, groups: 2, columns: 6, tokens: 3, seqRows: 4, sequences: 2, layers: 2, attentions: 2, blocks: true}
}

// wafer has the size of a step of GPT-3 XL on the whole machine.
func wafer() shape {
	return shape{width: 750, height: 994, groups: 11, columns: 64, tokens: 16, seqRows: 128, sequences: 7, layers: 24, attentions: 20}
}

// written puts runs into a result folder.
func written(t testing.TB, runs ...*trace.Run) string {
	t.Helper()
	dir := t.TempDir()
	if err := trace.Write(dir, "test", runs...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// window draws one.
func window(r *rand.Rand, run *trace.Run) (first, last int) {
	both := []int{r.IntN(len(run.Phases)), r.IntN(len(run.Phases))}
	slices.Sort(both)
	return both[0], both[1]
}
