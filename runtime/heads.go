package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/runtime/vec"
)

// attention plans a head of the space: the machine's order of features, columns and keys.
func (h *Host) attention() *vec.Attention {
	s := h.Space
	return h.vectors.Attention(arithmetic(s), vec.HeadShape{
		Rows: s.SeqRows, Tokens: s.Tokens, Block: s.KeyBlock(), Segments: s.Head[:s.HeadColumns+1], Scale: s.ScoreScale(),
	})
}

// heads are those of all sequences: heads fastest, then the sequences of a group, then groups.
func (h *Host) heads() []vec.Head {
	return make([]vec.Head, h.Space.MicroBatch()*h.Space.Model.Heads)
}

// headView is the part of a tile that the i-th of all heads has.
func (h *Host) headView(t *compiler.Tile, i int) vec.View {
	s := h.Space
	head, sequence := i%s.Model.Heads, i/s.Model.Heads
	features := s.Model.HeadWidth()
	if t.Bounds == nil { // a run per column, those of the heads first
		features = s.HeadColumns
	}
	g, row, _ := s.Place(sequence, 0)
	at := head*features*s.HostTokens() + s.HostIndex(g, 0, row)
	return vec.View{X: h.Tensor(t)[at:], Feature: s.HostTokens(), Token: s.Rows()}
}
