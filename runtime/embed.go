package runtime

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// embed runs compiler.Embed. MemoryX adds the rows of wte and wpe.
type embed struct {
	m *Store
	k *compiler.Embed
}

// at is the sequence and position of a token place; false if the micro-batch has none there.
func (m *Store) at(g, y, i int) (sequence, position int, ok bool) {
	s := m.Space
	sequence = g*s.Sequences + y/s.SeqRows
	position = s.Position(y, i)
	return sequence, position, sequence < m.Batch.B && position < m.Batch.T
}

// embedding fills v with a feature of the tokens at row y of group g, 0 where there is none.
func (e *embed) embedding(v []float32, f, g, y int) {
	clear(v)
	if e.m.Batch.B == 0 {
		return
	}
	wte, _, width := e.m.Tensor("wte")
	wpe, _, _ := e.m.Tensor("wpe")
	for i := range v {
		if n, pos, ok := e.m.at(g, y, i); ok {
			token := int(e.m.Batch.Tokens[n*e.m.Batch.T+pos])
			v[i] = pe.Round(e.k.Y.Type, wte[token*width+f]+wpe[pos*width+f])
		}
	}
}

// blockEnd ends a block and turns the router of its PE to the next.
func blockEnd() fabric.Wavelet {
	w := command(compiler.CommandEnd)
	w.Switches = uint16(fabric.SwitchAdvance)
	return w
}

func (e *embed) feed(layout *compiler.Layout) {
	s := e.m.Space
	for x := range layout.Width {
		in := &layout.In[x]
		g, c := x/s.Columns, x%s.Columns
		block := make([]float32, e.k.Y.Features(c)*s.Tokens)
		for y := range layout.Height {
			for f := range e.k.Y.Features(c) {
				e.embedding(block[f*s.Tokens:][:s.Tokens], e.k.Y.First(c)+f, g, y)
			}
			in.List = append(append(in.List, packed(e.k.Y, block)...), blockEnd())
		}
	}
}

func (e *embed) collect([]EdgeData) error { return nil }

func (e *embed) values(h *Host) error {
	s, y, b := e.m.Space, h.Tensor(e.k.Y), &e.m.Batch
	wte, _, width := e.m.Tensor("wte")
	wpe, _, _ := e.m.Tensor("wpe")
	clear(y)
	for n := range b.B {
		for pos := range b.T {
			g, row, i := s.Place(n, pos)
			at := s.HostIndex(g, i, row)
			token, place := wte[int(b.Tokens[n*b.T+pos])*width:][:width], wpe[pos*width:][:width]
			for f, v := range token {
				y[f*s.HostTokens()+at] = pe.Round(e.k.Y.Type, v+place[f])
			}
		}
	}
	return nil
}

func (e *embed) cycles(ctx context.Context) (*PhaseReport, error) {
	f := newFolding(e.m.Space, e.k, e)
	b, err := f.blocks(ctx)
	if err != nil {
		return nil, err
	}
	return b.report(), nil
}

// embedBackward runs compiler.EmbedBackward. MemoryX adds what comes to the gradients of wte
// and wpe as it comes: sequence after sequence, row after row, the tokens of a PE in order.
type embedBackward struct {
	m *Store
	k *compiler.EmbedBackward
}

func (e *embedBackward) feed(*compiler.Layout) {}

func (e *embedBackward) collect(out []EdgeData) error {
	s := e.m.Space
	wte, wpe, width := e.m.Grad("wte"), e.m.Grad("wpe"), s.Model.DModel
	for x, o := range out {
		g, c := x/s.Columns, x%s.Columns
		err := eachUnpacked(s, e.k.DY, c, o, func(y, f, i int, v float32) {
			if seq, pos, ok := e.m.at(g, y, i); ok {
				wte[int(e.m.Batch.Tokens[seq*e.m.Batch.T+pos])*width+f] += v
				wpe[pos*width+f] += v
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *embedBackward) values(h *Host) error {
	s, dy, b := e.m.Space, h.Tensor(e.k.DY), &e.m.Batch
	wte, wpe, width := e.m.Grad("wte"), e.m.Grad("wpe"), s.Model.DModel
	for n := range b.B {
		for at := range s.SeqRows * s.Tokens {
			pos := s.Position(at/s.Tokens, at%s.Tokens)
			if pos >= b.T {
				continue
			}
			g, y, i := s.Place(n, pos)
			to, at := wte[int(b.Tokens[n*b.T+pos])*width:][:width], s.HostIndex(g, i, y)
			for f := range width {
				v := dy[f*s.HostTokens()+at]
				to[f] += v
				wpe[pos*width+f] += v
			}
		}
	}
	return nil
}

func (e *embedBackward) cycles(ctx context.Context) (*PhaseReport, error) {
	f := newFolding(e.m.Space, e.k, e)
	first, err := f.row(ctx, nil)
	if err != nil {
		return nil, err
	}
	return f.collected(first), nil
}
