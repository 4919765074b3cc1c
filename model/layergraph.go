package model

import "fmt"

// The ops of a GPT beside OpLinear. X, Y are [B][T][features]; see the reference
// functions for what each computes.
const (
	OpEmbedding Op = "embedding" // Y = wte[token] + wpe[position]; reads the batch
	OpLayerNorm Op = "layernorm" // Y = (X-mean)*rstd*w + b over the features
	OpAttention Op = "attention" // causal, inputs q, k, v
	OpGELU      Op = "gelu"
	OpResidual  Op = "residual" // Y = X0 + X1
	OpLoss      Op = "loss"     // weighted mean cross-entropy of the logits; a scalar
)

// Ops lists every Op in a fixed order.
func Ops() []Op {
	return []Op{OpEmbedding, OpLayerNorm, OpLinear, OpAttention, OpGELU, OpResidual, OpLoss}
}

// Layer is one node of a LayerGraph. Its output is [B][T][Out] and named as it is.
type Layer struct {
	Name   string   // h.3.mlp.fc
	Op     Op       //
	Inputs []int    // indices of the layers read, all smaller than this one's
	In     int      // features of each input; the vocabulary for the embedding
	Out    int      // features of the output; 1 for the loss
	Params []string // parameters read: [w, b]; [w] for the vocabulary projection; [wte, wpe]
	Mask   MaskSpec // of params[0], [Out][In]; Kind is empty where it is dense
}

// LayerGraph is a GPT as data: layers in an order of execution, forward first to
// last, backward last to first.
type LayerGraph struct {
	Config Config
	Layers []Layer
}

// NewLayerGraph returns the layers of c. The six matrices of every block are masked
// by mask, each under its own seed (TensorMask); a mask of sparsity 0 leaves all
// dense. Embeddings, norms, biases and the vocabulary projection are dense.
func NewLayerGraph(c Config, mask MaskSpec) (*LayerGraph, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	b := graphBuilder{mask: mask}
	C, F, V := c.DModel, c.DFF, c.Vocabulary
	x := b.add(Layer{Name: "embed", Op: OpEmbedding, In: V, Out: C, Params: []string{"wte", "wpe"}})
	for l := range c.Layers {
		h := fmt.Sprintf("h.%d.", l)
		n := b.norm(h+"ln_1", C, x)
		q := b.linear(h+"attn.q", C, C, n)
		k := b.linear(h+"attn.k", C, C, n)
		v := b.linear(h+"attn.v", C, C, n)
		a := b.add(Layer{Name: h + "attn", Op: OpAttention, Inputs: []int{q, k, v}, In: C, Out: C})
		a = b.linear(h+"attn.proj", C, C, a)
		x = b.add(Layer{Name: h + "attn.add", Op: OpResidual, Inputs: []int{x, a}, In: C, Out: C})
		n = b.norm(h+"ln_2", C, x)
		m := b.linear(h+"mlp.fc", C, F, n)
		m = b.add(Layer{Name: h + "mlp.gelu", Op: OpGELU, Inputs: []int{m}, In: F, Out: F})
		m = b.linear(h+"mlp.proj", F, C, m)
		x = b.add(Layer{Name: h + "mlp.add", Op: OpResidual, Inputs: []int{x, m}, In: C, Out: C})
	}
	x = b.norm("ln_f", C, x)
	x = b.add(Layer{Name: "lm_head", Op: OpLinear, Inputs: []int{x}, In: C, Out: V, Params: []string{"wte"}})
	b.add(Layer{Name: "loss", Op: OpLoss, Inputs: []int{x}, In: V, Out: 1})
	if b.err != nil {
		return nil, fmt.Errorf("model %s: %w", c.Name, b.err)
	}
	return &LayerGraph{Config: c, Layers: b.layers}, nil
}

type graphBuilder struct {
	layers []Layer
	mask   MaskSpec
	err    error
}

func (b *graphBuilder) add(l Layer) int {
	b.layers = append(b.layers, l)
	return len(b.layers) - 1
}

func (b *graphBuilder) norm(name string, features, input int) int {
	return b.add(Layer{
		Name: name, Op: OpLayerNorm, Inputs: []int{input}, In: features, Out: features,
		Params: []string{name + ".w", name + ".b"},
	})
}

func (b *graphBuilder) linear(name string, in, out, input int) int {
	l := Layer{
		Name: name, Op: OpLinear, Inputs: []int{input}, In: in, Out: out,
		Params: []string{name + ".w", name + ".b"},
	}
	if !b.mask.dense() {
		l.Mask = TensorMask(b.mask, l.Params[0])
		if err := l.Mask.Validate(out, in); err != nil && b.err == nil {
			b.err = fmt.Errorf("%s: %w", l.Params[0], err)
		}
	}
	return b.add(l)
}

// Find returns the index of the layer of a name, or -1.
func (g *LayerGraph) Find(name string) int {
	for i := range g.Layers {
		if g.Layers[i].Name == name {
			return i
		}
	}
	return -1
}
