package runtime

import (
	"fmt"
	"slices"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// Store is MemoryX for a GPT: parameters, their gradients, and the micro-batch at work.
type Store struct {
	Space    *compiler.Space
	Layout   *model.Layout
	Params   *model.Params // nil in a store of shapes
	Streamed []float32     // [Layout.Size] parameters as they go onto a wavelet
	Grads    []float32     // [Layout.Size] of the loss times LossScale, summed over micro-batches
	Batch    model.Batch
	// LossScale multiplies the loss before the backward pass, so that small gradients survive fp16.
	LossScale float32
	Read      map[*compiler.Tile][]float32 // what was read out, as a host tensor
	Loss      float32                      // of the micro-batch: its part of the weighted mean

	masks []*model.Mask // [Layout.Tensors] of a store of shapes; nil where dense
	bits  maskBits      // of them
	zeros []zeroCount   // [Layout.Tensors] of a store with values
}

// zeroCount follows the streamed values of a tensor that are 0: those are not sent.
type zeroCount struct {
	n       int // of them, masked ones included
	version int // counts the times when others were 0 than before
}

// NewStore puts parameters into MemoryX.
func NewStore(s *compiler.Space, p *model.Params) *Store {
	m := &Store{Space: s, Layout: p.Layout, Params: p, LossScale: 1, Grads: make([]float32, len(p.Values))}
	m.Refresh()
	return m
}

// NewShapeStore is MemoryX without values: shapes and masks are all that cycles depend on. A
// tensor whose mask has no kind is dense.
func NewShapeStore(s *compiler.Space, l *model.Layout, specs []model.MaskSpec) (*Store, error) {
	masks := make([]*model.Mask, len(l.Tensors))
	for i, t := range l.Tensors {
		if specs[i].Kind == "" || specs[i].Sparsity == 0 && specs[i].Kind != model.MaskNM {
			continue
		}
		var err error
		if masks[i], err = model.NewMask(t.Rows, t.Cols, specs[i]); err != nil {
			return nil, fmt.Errorf("model %s: %s: %w", s.Model.Name, t.Name, err)
		}
	}
	return NewMaskStore(s, l, masks), nil
}

// NewMaskStore is MemoryX without values, with the mask of every tensor; nil is dense.
func NewMaskStore(s *compiler.Space, l *model.Layout, masks []*model.Mask) *Store {
	return &Store{Space: s, Layout: l, LossScale: 1, masks: masks}
}

// positions is the mask of a parameter, written out or to be drawn; both nil if it is dense.
func (m *Store) positions(name string) (*model.Pattern, *model.Mask) {
	if m.Params == nil {
		return nil, m.masks[m.Layout.Index(name)]
	}
	return m.Pattern(name), nil
}

// Refresh rounds the parameters to the format they are streamed in.
func (m *Store) Refresh() {
	if m.Streamed == nil {
		m.Streamed = make([]float32, len(m.Params.Values))
		m.zeros = make([]zeroCount, len(m.Layout.Tensors))
	}
	on := newHostVectors(1)
	var rounded [1024]float32
	for i := range m.Layout.Tensors {
		to := m.Layout.View(m.Streamed, i)
		n, other, k := 0, false, 0
		for some := range slices.Chunk(m.Layout.View(m.Params.Values, i), len(rounded)) {
			r := rounded[:copy(rounded[:], some)]
			on.store(m.Space.Type(), r)
			for _, v := range r {
				if (v == 0) != (to[k] == 0) {
					other = true
				}
				if to[k] = v; v == 0 {
					n++
				}
				k++
			}
		}
		m.zeros[i].n = n
		if other {
			m.zeros[i].version++
		}
	}
}

// sent says which positions of a parameter are sent: how many of the mask's are not, and a
// version that changes with them. Without values all are sent.
func (m *Store) sent(name string) (missing, version int) {
	if m.Params == nil {
		return 0, 0
	}
	i := m.Layout.Index(name)
	missing = m.zeros[i].n
	if p := m.Pattern(name); p != nil {
		missing -= m.Layout.Tensors[i].Len() - p.NonZeros()
	}
	return missing, m.zeros[i].version
}

// Tensor is a parameter as streamed, [rows][cols].
func (m *Store) Tensor(name string) (values []float32, rows, cols int) {
	return m.view(m.Streamed, name)
}

// Grad is the gradient of a parameter, [rows][cols].
func (m *Store) Grad(name string) []float32 {
	v, _, _ := m.view(m.Grads, name)
	return v
}

func (m *Store) view(arena []float32, name string) (values []float32, rows, cols int) {
	l := m.Layout
	i := l.Index(name)
	if i < 0 {
		panic(fmt.Sprintf("runtime: no parameter %q", name))
	}
	return l.View(arena, i), l.Tensors[i].Rows, l.Tensors[i].Cols
}

// Masked tells whether a parameter has a mask.
func (m *Store) Masked(name string) bool {
	pattern, mask := m.positions(name)
	return pattern != nil || mask != nil
}

// Pattern is the mask of a parameter, nil if it is dense.
func (m *Store) Pattern(name string) *model.Pattern {
	if m.Params.Masks == nil {
		return nil
	}
	return m.Params.Masks.Patterns[m.Params.Layout.Index(name)]
}

// Host holds the tiles of all PEs as tensors, feature-major: feature f of a token place is
// element f*HostTokens + HostIndex. A tile of one run per PE has a "feature" per column.
type Host struct {
	Space   *compiler.Space
	tensors map[*compiler.Tile][]float32
	vectors *hostVectors
}

// NewHost returns a host without tensors.
func NewHost(s *compiler.Space) *Host {
	return &Host{Space: s, tensors: map[*compiler.Tile][]float32{}, vectors: newHostVectors(1)}
}

// Tensor is the tensor of a tile, zero at first.
func (h *Host) Tensor(t *compiler.Tile) []float32 {
	x, ok := h.tensors[t]
	if !ok {
		n := t.Total()
		if t.Bounds == nil {
			n = h.Space.Columns
		}
		x = make([]float32, n*h.Space.HostTokens())
		h.tensors[t] = x
	}
	return x
}

// image writes a tile's part of the PE in column c of group g and row y into its SRAM.
func (h *Host) image(t *compiler.Tile, g, c, y int, sram []uint16) {
	h.visit(t, g, c, y, func(word int, v *float32) {
		bits := pe.Bits(t.Type, *v)
		sram[word] = uint16(bits)
		if t.Type == pe.F32 {
			sram[word+1] = uint16(bits >> 16)
		}
	})
}

// read is the reverse of image.
func (h *Host) read(t *compiler.Tile, g, c, y int, sram []uint16) {
	h.visit(t, g, c, y, func(word int, v *float32) {
		bits := uint32(sram[word])
		if t.Type == pe.F32 {
			bits |= uint32(sram[word+1]) << 16
		}
		*v = pe.Value(t.Type, bits)
	})
}

func (h *Host) visit(t *compiler.Tile, g, c, y int, do func(word int, v *float32)) {
	s, x := h.Space, h.Tensor(t)
	first := t.First(c)
	if t.Bounds == nil {
		first = c
	}
	for f := range t.Features(c) {
		for i := range s.Tokens {
			at := (first+f)*s.HostTokens() + s.HostIndex(g, i, y)
			do(t.Base+(f*s.Tokens+i)*t.Type.Words(), &x[at])
		}
	}
}
