package model

import "fmt"

// TensorKind names the role of a parameter tensor.
type TensorKind string

const (
	KindEmbedding TensorKind = "embedding" // wte, wpe
	KindLinear    TensorKind = "linear"    // the six matrices of a block
	KindGain      TensorKind = "gain"      // LayerNorm w
	KindBias      TensorKind = "bias"      // of a linear layer or a LayerNorm
)

// Tensor is one named parameter of a Layout. A matrix of a linear layer is
// [output features][input features]; a vector has one row.
type Tensor struct {
	Name       string
	Kind       TensorKind
	Rows, Cols int
	Offset     int  // element (j, k) is number Offset + j*Cols + k of the arena
	Residual   bool // writes into the residual stream: initialised smaller
}

// Len is the number of elements.
func (t Tensor) Len() int { return t.Rows * t.Cols }

// Decays tells whether weight decay acts on the tensor: on matrices, embeddings
// included, not on gains and biases. This is nanoGPT's rule for GPT-2.
func (t Tensor) Decays() bool { return t.Kind == KindEmbedding || t.Kind == KindLinear }

// Layout names the parameters of a GPT and places them in one flat arena of
// float32. Weights, gradients and both moments of AdamW share it. It is immutable.
type Layout struct {
	Config  Config
	Tensors []Tensor // ascending Offset, without gaps
	Size    int      // elements of the arena
	index   map[string]int
}

// NewLayout places the parameters of c: wte, wpe, the blocks, ln_f. Only names and
// offsets are stored, so that a shape of any size may be laid out.
func NewLayout(c Config) (*Layout, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	l := &Layout{Config: c, index: map[string]int{}}
	C, F := c.DModel, c.DFF
	l.add("wte", KindEmbedding, c.Vocabulary, C)
	l.add("wpe", KindEmbedding, c.SequenceLength, C)
	for i := range c.Layers {
		h := fmt.Sprintf("h.%d.", i)
		l.norm(h+"ln_1", C)
		l.linear(h+"attn.q", C, C, false)
		l.linear(h+"attn.k", C, C, false)
		l.linear(h+"attn.v", C, C, false)
		l.linear(h+"attn.proj", C, C, true)
		l.norm(h+"ln_2", C)
		l.linear(h+"mlp.fc", F, C, false)
		l.linear(h+"mlp.proj", C, F, true)
	}
	l.norm("ln_f", C)
	return l, nil
}

func (l *Layout) add(name string, kind TensorKind, rows, cols int) {
	l.index[name] = len(l.Tensors)
	l.Tensors = append(l.Tensors, Tensor{Name: name, Kind: kind, Rows: rows, Cols: cols, Offset: l.Size})
	l.Size += rows * cols
}

func (l *Layout) norm(name string, features int) {
	l.add(name+".w", KindGain, 1, features)
	l.add(name+".b", KindBias, 1, features)
}

func (l *Layout) linear(name string, out, in int, residual bool) {
	l.add(name+".w", KindLinear, out, in)
	l.Tensors[len(l.Tensors)-1].Residual = residual
	l.add(name+".b", KindBias, 1, out)
}

// Index returns the index of the tensor of a name, or -1.
func (l *Layout) Index(name string) int {
	if i, ok := l.index[name]; ok {
		return i
	}
	return -1
}

// View is the part of arena that holds tensor i.
func (l *Layout) View(arena []float32, i int) []float32 {
	t := l.Tensors[i]
	return arena[t.Offset : t.Offset+t.Len() : t.Offset+t.Len()]
}

// ViewOf is View by name. It panics if there is no such tensor.
func (l *Layout) ViewOf(arena []float32, name string) []float32 {
	i := l.Index(name)
	if i < 0 {
		panic(fmt.Sprintf("model %s: no tensor %q", l.Config.Name, name))
	}
	return l.View(arena, i)
}
