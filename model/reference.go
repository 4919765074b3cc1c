package model

import "fmt"

// Reference computes a GPT in plain loops: the oracle of the machine. It walks the
// LayerGraph, whose order the compiler's steps keep: forward first to last, backward last to
// first. It is slow and allocates freely.
type Reference struct {
	Graph     *LayerGraph
	Layout    *Layout
	Precision Precision // FP32 or Mixed
}

// NewReference returns the reference of shape c.
func NewReference(c Config, p Precision) (*Reference, error) {
	if p != FP32 && p != Mixed {
		return nil, fmt.Errorf("model %s: precision is %q, must be %q or %q", c.Name, string(p), FP32, Mixed)
	}
	g, err := NewLayerGraph(c, MaskSpec{})
	if err != nil {
		return nil, err
	}
	l, err := NewLayout(c)
	if err != nil {
		return nil, err
	}
	return &Reference{Graph: g, Layout: l, Precision: p}, nil
}

// Pass is one forward pass over a batch with all it computed, and its backward pass.
// N is B*T.
type Pass struct {
	Batch   Batch
	Loss    float32     // weighted mean cross-entropy in nats
	Losses  []float32   // [N] of each token; 0 where its weight is 0
	Outputs [][]float32 // [layers][N][Out]; nil for the loss
	Deltas  [][]float32 // [layers][N][Out] gradients of Outputs times the loss scale, after Backward

	ref      *Reference
	streamed []float32 // the parameters as they leave MemoryX
	masks    *Masks
	kept     []kept // [layers]
}

// kept is what a layer saves for its backward pass beside its output, in fp32 but
// for att.
type kept struct {
	mean, rstd []float32 // [N], layernorm
	att        []float32 // [B][NH][T][T], attention
}

// Forward computes the loss of b. The parameters must be finite, or the loss is not.
func (r *Reference) Forward(p *Params, b Batch) (*Pass, error) {
	c := r.Graph.Config
	if len(p.Values) != r.Layout.Size {
		return nil, fmt.Errorf("model %s: %d parameters, must be %d", c.Name, len(p.Values), r.Layout.Size)
	}
	if err := b.Check(c); err != nil {
		return nil, fmt.Errorf("model %s: %w", c.Name, err)
	}
	s := &Pass{
		Batch: b, ref: r, masks: p.Masks,
		streamed: p.Values,
		Outputs:  make([][]float32, len(r.Graph.Layers)),
		kept:     make([]kept, len(r.Graph.Layers)),
	}
	if r.Precision != FP32 {
		s.streamed = make([]float32, len(p.Values))
		storedInto(r.Precision, s.streamed, p.Values)
	}
	for i := range r.Graph.Layers {
		s.forward(i)
	}
	return s, nil
}

// Output is the output of the layer of a name, [N][Out].
func (s *Pass) Output(name string) []float32 { return s.Outputs[s.mustFind(name)] }

// Delta is the gradient of that output times the loss scale, once Backward has run.
func (s *Pass) Delta(name string) []float32 { return s.Deltas[s.mustFind(name)] }

// Logits is the output of the vocabulary projection, [N][V].
func (s *Pass) Logits() []float32 { return s.Output("lm_head") }

func (s *Pass) mustFind(name string) int {
	i := s.ref.Graph.Find(name)
	if i < 0 {
		panic(fmt.Sprintf("model %s: no layer %q", s.ref.Graph.Config.Name, name))
	}
	return i
}

func (s *Pass) param(l *Layer, i int) []float32 {
	return s.ref.Layout.ViewOf(s.streamed, l.Params[i])
}

// bias is the second parameter of a linear layer, nil if it has none; arena is the
// parameters or their gradients.
func (s *Pass) bias(l *Layer, arena []float32) []float32 {
	if len(l.Params) < 2 {
		return nil
	}
	return s.ref.Layout.ViewOf(arena, l.Params[1])
}

func (s *Pass) pattern(l *Layer) *Pattern {
	return s.masks.pattern(s.ref.Layout.Index(l.Params[0]))
}

func (s *Pass) forward(i int) {
	l, c, p := &s.ref.Graph.Layers[i], s.ref.Graph.Config, s.ref.Precision
	B, T, N := s.Batch.B, s.Batch.T, s.Batch.B*s.Batch.T
	in := func(k int) []float32 { return s.Outputs[l.Inputs[k]] }
	if l.Op == OpLoss {
		s.loss(in(0), N, l.In)
		return
	}
	y := make([]float32, N*l.Out)
	s.Outputs[i] = y
	switch l.Op {
	case OpEmbedding:
		EmbeddingForward(y, s.Batch.Tokens, s.param(l, 0), s.param(l, 1), B, T, l.Out, p)
	case OpLayerNorm:
		k := kept{mean: make([]float32, N), rstd: make([]float32, N)}
		LayerNormForward(y, k.mean, k.rstd, in(0), s.param(l, 0), s.param(l, 1), N, l.In, p)
		s.kept[i] = k
	case OpLinear:
		LinearForward(y, in(0), s.param(l, 0), s.bias(l, s.streamed), s.pattern(l), N, l.In, l.Out, p)
	case OpAttention:
		att := make([]float32, B*c.Heads*T*T)
		AttentionForward(y, att, in(0), in(1), in(2), B, T, l.In, c.Heads, p)
		s.kept[i].att = att
	case OpGELU:
		GELUForward(y, in(0), c.activation(), p)
	case OpResidual:
		ResidualForward(y, in(0), in(1), p)
	}
}

func (s *Pass) loss(logits []float32, N, V int) {
	s.Losses = make([]float32, N)
	CrossEntropyForward(s.Losses, logits, s.Batch.Targets, s.Batch.weights(), N, V)
	var sum float32
	for i, x := range s.Losses {
		sum += float32(s.Batch.weight(i) * x)
	}
	s.Loss = sum / s.total()
}

func (s *Pass) total() float32 {
	if s.Batch.Total > 0 {
		return s.Batch.Total
	}
	return s.Batch.SumWeights()
}

// Backward adds the gradients of the loss times scale to grads, an arena of
// r.Layout; masked positions are left alone. scale is 1 without loss scaling.
func (s *Pass) Backward(scale float32, grads []float32) error {
	if len(grads) != s.ref.Layout.Size {
		return fmt.Errorf("model %s: gradients of %d parameters, must be %d",
			s.ref.Graph.Config.Name, len(grads), s.ref.Layout.Size)
	}
	s.Deltas = make([][]float32, len(s.Outputs))
	for i := len(s.Outputs) - 1; i >= 0; i-- {
		s.backward(i, scale, grads)
	}
	return nil
}

func (s *Pass) backward(i int, scale float32, grads []float32) {
	l, c, p := &s.ref.Graph.Layers[i], s.ref.Graph.Config, s.ref.Precision
	B, T, N := s.Batch.B, s.Batch.T, s.Batch.B*s.Batch.T
	in := func(k int) []float32 { return s.Outputs[l.Inputs[k]] }
	grad := func(k int) []float32 { return s.ref.Layout.ViewOf(grads, l.Params[k]) }
	dy := s.Deltas[i]
	var dx []float32
	if l.Op != OpEmbedding && l.Op != OpResidual {
		dx = make([]float32, N*l.In)
	}
	switch l.Op {
	case OpLoss:
		total, k := s.total(), make([]float32, N)
		for t := range k {
			k[t] = float32(s.Batch.weight(t)/total) * scale
		}
		CrossEntropyBackward(dx, in(0), s.Batch.Targets, k, N, l.In, p)
	case OpEmbedding:
		EmbeddingBackward(grad(0), grad(1), dy, s.Batch.Tokens, B, T, l.Out)
		return
	case OpLayerNorm:
		LayerNormBackward(dx, grad(0), grad(1), dy, in(0), s.kept[i].mean, s.kept[i].rstd, s.param(l, 0), N, l.In, p)
	case OpLinear:
		LinearDelta(dx, dy, s.param(l, 0), s.pattern(l), N, l.In, l.Out, p)
		LinearGradient(grad(0), s.bias(l, grads), dy, in(0), s.pattern(l), N, l.In, l.Out)
	case OpAttention:
		dk, dv := make([]float32, N*l.In), make([]float32, N*l.In)
		AttentionBackward(dx, dk, dv, dy, s.kept[i].att, in(0), in(1), in(2), B, T, l.In, c.Heads, p)
		s.addDelta(l.Inputs[1], dk)
		s.addDelta(l.Inputs[2], dv)
	case OpGELU:
		GELUBackward(dx, dy, in(0), c.activation(), p)
	case OpResidual:
		s.addDelta(l.Inputs[0], dy)
		s.addDelta(l.Inputs[1], dy)
		return
	}
	s.addDelta(l.Inputs[0], dx)
}

// addDelta adds d to the delta of layer i, rounding after the addition.
func (s *Pass) addDelta(i int, d []float32) {
	if s.Deltas[i] == nil {
		s.Deltas[i] = append([]float32(nil), d...)
		return
	}
	sum := s.Deltas[i]
	ResidualForward(sum, sum, d, s.ref.Precision)
}
