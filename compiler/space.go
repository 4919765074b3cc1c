package compiler

import (
	"fmt"

	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// Space is where the activations of a GPT lie on the wafer. The rectangle is cut along x into
// Groups of Columns PEs that do the same work on other tokens. Features lie over the columns of
// a group, tokens over the rows: those of a sequence are dealt out to its SeqRows rows in turn, Tokens to
// each PE, so that every row has as many early as late ones and causal attention is the same work for
// all. The last places of the last rows may be padding.
//
// Matrices and norms know no heads: what they share lies evenly over all columns. What attention
// reads and writes lies by head, on consecutive columns of its own; columns that are too few
// for one more per head hold none of it.
type Space struct {
	Model     model.Config
	Precision model.Precision
	Target    Target

	Groups      int
	Columns     int // per group
	HeadColumns int // per head
	Tokens      int // per PE
	SeqRows     int // of one sequence
	Sequences   int // stacked along y in each group

	// StreamRate is how many wavelets per cycle of weights come, and of their gradients leave, at most:
	// the rate of the edge, or less where MemoryX or SwarmX is behind it.
	StreamRate float64

	Feat  []int // column c owns features [Feat[c], Feat[c+1]) of d_model,
	Head  []int // [Head[c], Head[c+1]) of queries, keys, values and attention's output,
	FF    []int // [FF[c], FF[c+1]) of d_ff,
	Vocab []int // and [Vocab[c], Vocab[c+1]) of the vocabulary

	Ring     []int // columns of a group in ring order
	RingHops []int // physical hops from Ring[i] to Ring[i+1], cyclic
}

// Spread is how many PEs share what: what a Space is made of beside model and machine.
type Spread struct {
	Columns     int // of a group; 0: those of its heads
	HeadColumns int // of a head
	Tokens      int // per PE
}

// NewSpace spreads cfg over the machine. The error says what of it the machine cannot hold.
func NewSpace(cfg model.Config, t Target, p model.Precision, o Spread) (*Space, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if o.HeadColumns < 1 || o.HeadColumns > cfg.HeadWidth() {
		return nil, fmt.Errorf("columns per head is %d, must be 1 to the head's %d features", o.HeadColumns, cfg.HeadWidth())
	}
	if o.Tokens < 1 || o.Tokens > cfg.SequenceLength {
		return nil, fmt.Errorf("tokens per PE is %d, must be 1 to the sequence length %d", o.Tokens, cfg.SequenceLength)
	}
	heads := cfg.Heads * o.HeadColumns
	if heads > t.Width() {
		return nil, fmt.Errorf("%d heads of %d columns need %d PE columns, the machine has %d", cfg.Heads, o.HeadColumns, heads, t.Width())
	}
	if o.Columns == 0 {
		o.Columns = heads
	}
	if most := min(t.Width(), cfg.DModel); o.Columns < heads || o.Columns > most {
		return nil, fmt.Errorf("columns per group is %d, must be %d, those of the heads, to %d, the lesser of the machine's width and d_model", o.Columns, heads, most)
	}
	s := &Space{
		Model: cfg, Precision: p, Target: t, Columns: o.Columns, HeadColumns: o.HeadColumns, Tokens: o.Tokens,
		SeqRows: ceilDiv(cfg.SequenceLength, o.Tokens), StreamRate: t.StreamRate(1),
	}
	s.Groups, s.Sequences = t.Width()/s.Columns, t.Height()/s.SeqRows
	if s.Sequences == 0 {
		return nil, fmt.Errorf("a sequence of %d tokens, %d per PE, needs %d PE rows, the machine has %d", cfg.SequenceLength, o.Tokens, s.SeqRows, t.Height())
	}
	s.Feat = spread(cfg.DModel, s.Columns)
	s.Head = headBounds(cfg.DModel, cfg.Heads, o.HeadColumns, s.Columns)
	s.FF = spread(cfg.DFF, s.Columns)
	s.Vocab = spread(cfg.Vocabulary, s.Columns)
	s.Ring, s.RingHops = ringOf(s.Columns)
	return s, nil
}

// headBounds gives each head its own columns and spreads its features over them; the other columns
// come last.
func headBounds(features, heads, perHead, columns int) []int {
	bounds := make([]int, 0, columns+1)
	width := features / heads
	for h := range heads {
		for _, b := range spread(width, perHead)[:perHead] {
			bounds = append(bounds, h*width+b)
		}
	}
	for len(bounds) <= columns {
		bounds = append(bounds, features)
	}
	return bounds
}

// AllHeads is how many columns of a group the heads have; those behind them have none.
func (s *Space) AllHeads() int { return s.Model.Heads * s.HeadColumns }

// Rows are the PE rows in use.
func (s *Space) Rows() int { return s.SeqRows * s.Sequences }

// MicroBatch is how many sequences the wafer holds at a time.
func (s *Space) MicroBatch() int { return s.Groups * s.Sequences }

// HostTokens is the length of a feature's vector on the host: all token places of the wafer.
func (s *Space) HostTokens() int { return s.Groups * s.Tokens * s.Rows() }

// HostIndex is the place in a feature's vector of token i of the PE in row y of group g.
func (s *Space) HostIndex(g, i, y int) int { return (g*s.Tokens+i)*s.Rows() + y }

// Place is where token position of the n-th sequence of a micro-batch lies. Sequences fill the
// rows of group 0 first.
func (s *Space) Place(n, position int) (group, row, i int) {
	return n / s.Sequences, n%s.Sequences*s.SeqRows + position%s.SeqRows, position / s.SeqRows
}

// Position is the token position, in its sequence, of token i of the PE in row y. Padding
// comes after the last position of the model.
func (s *Space) Position(y, i int) int { return i*s.SeqRows + y%s.SeqRows }

// Type is the element format of activation tiles and of weights on the wire.
func (s *Space) Type() pe.Type {
	if s.Precision == model.FP32 {
		return pe.F32
	}
	return pe.F16
}

// widest is the most features a column owns.
func widest(bounds []int) (n int) {
	for c := range len(bounds) - 1 {
		n = max(n, bounds[c+1]-bounds[c])
	}
	return n
}
