package model

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"cs2sim.dev/model/safetensors"
)

// hfTensor is one tensor of HuggingFace's GPT2LMHeadModel and the parameters it
// holds. A Conv1D matrix is [input features][output features], the transpose of
// ours; c_attn holds q, k and v side by side along its outputs.
type hfTensor struct {
	name      string
	shape     []int
	ours      []string // along the output features
	transpose bool
}

// hfTensors lists the tensors of shape c, in HuggingFace's order, without prefix.
func hfTensors(c Config) []hfTensor {
	C, F := c.DModel, c.DFF
	list := []hfTensor{
		{"wte.weight", []int{c.Vocabulary, C}, []string{"wte"}, false},
		{"wpe.weight", []int{c.SequenceLength, C}, []string{"wpe"}, false},
	}
	norm := func(name string) {
		list = append(list,
			hfTensor{name + ".weight", []int{C}, []string{name + ".w"}, false},
			hfTensor{name + ".bias", []int{C}, []string{name + ".b"}, false})
	}
	conv := func(name string, in, out int, ours ...string) {
		w, b := hfTensor{name + ".weight", []int{in, out}, nil, true}, hfTensor{name + ".bias", []int{out}, nil, false}
		for _, o := range ours {
			w.ours, b.ours = append(w.ours, o+".w"), append(b.ours, o+".b")
		}
		list = append(list, w, b)
	}
	for l := range c.Layers {
		h := fmt.Sprintf("h.%d.", l)
		norm(h + "ln_1")
		conv(h+"attn.c_attn", C, 3*C, h+"attn.q", h+"attn.k", h+"attn.v")
		conv(h+"attn.c_proj", C, C, h+"attn.proj")
		norm(h + "ln_2")
		conv(h+"mlp.c_fc", C, F, h+"mlp.fc")
		conv(h+"mlp.c_proj", F, C, h+"mlp.proj")
	}
	norm("ln_f")
	return list
}

// ReadHFWeights reads the model.safetensors of a GPT-2 of shape c. Names may carry
// the prefix "transformer.". The causal-mask buffers of older files are passed
// over; a vocabulary projection must equal the embedding it is tied to; any other
// name that is not a parameter of c, a missing one, a wrong shape or a number that
// is not finite is an error.
func ReadHFWeights(path string, c Config) (*Params, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	f, closer, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	p, err := readHFWeights(f, c)
	return p, errors.Join(err, closer.Close())
}

func readHFWeights(f *safetensors.File, c Config) (*Params, error) {
	list, stored, err := matchHFTensors(f, c)
	if err != nil {
		return nil, err
	}
	p, err := NewParams(c) // only now: the file has as many bytes as the arena needs
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		values, err := f.Read(stored[t.name])
		if err != nil {
			return nil, err
		}
		p.copyHF(t, values, true)
	}
	if head, ok := stored["lm_head.weight"]; ok {
		values, err := f.Read(head)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(values, p.Layout.ViewOf(p.Values, "wte")) {
			return nil, fmt.Errorf("%s: tensor %q differs from %q, a tied projection must equal it", f.Name, head, stored["wte.weight"])
		}
	}
	return p, nil
}

// matchHFTensors checks names and shapes, and returns what to read and where each
// tensor is stored by its name without prefix.
func matchHFTensors(f *safetensors.File, c Config) (list []hfTensor, stored map[string]string, err error) {
	stored = map[string]string{}
	for _, info := range f.Tensors {
		bare := strings.TrimPrefix(info.Name, "transformer.")
		if other, twice := stored[bare]; twice {
			return nil, nil, fmt.Errorf("%s: tensors %q and %q are the same parameter", f.Name, other, info.Name)
		}
		stored[bare] = info.Name
	}
	// The least a Config of so many blocks needs is checked before its list is made.
	if len(f.Tensors) < 12*c.Layers {
		return nil, nil, fmt.Errorf("%s: %d tensors, a model of %d blocks has at least %d", f.Name, len(f.Tensors), c.Layers, 12*c.Layers)
	}
	list = hfTensors(c)
	known := map[string]bool{}
	for _, t := range list {
		known[t.name] = true
		name, ok := stored[t.name]
		if !ok {
			return nil, nil, fmt.Errorf("%s: tensor %q is missing, must be there with shape %v", f.Name, t.name, t.shape)
		}
		if info, _ := f.Find(name); !slices.Equal(info.Shape, t.shape) {
			return nil, nil, fmt.Errorf("%s: tensor %q has shape %v, must be %v", f.Name, name, info.Shape, t.shape)
		}
	}
	for _, info := range f.Tensors {
		bare := strings.TrimPrefix(info.Name, "transformer.")
		switch {
		case known[bare] || causalBuffer(bare, c.Layers):
		case bare == "lm_head.weight":
			if want := []int{c.Vocabulary, c.DModel}; !slices.Equal(info.Shape, want) {
				return nil, nil, fmt.Errorf("%s: tensor %q has shape %v, must be %v", f.Name, info.Name, info.Shape, want)
			}
		default:
			return nil, nil, fmt.Errorf("%s: tensor %q is not a parameter of a GPT-2 of %d blocks", f.Name, info.Name, c.Layers)
		}
	}
	return list, stored, nil
}

// causalBuffer tells h.3.attn.bias and h.3.attn.masked_bias, constants that older
// transformers stored with the weights.
func causalBuffer(name string, layers int) bool {
	rest, ok := strings.CutPrefix(name, "h.")
	if !ok {
		return false
	}
	number, rest, ok := strings.Cut(rest, ".")
	if l, err := strconv.Atoi(number); !ok || err != nil || l < 0 || l >= layers {
		return false
	}
	return rest == "attn.bias" || rest == "attn.masked_bias"
}

// WriteHFWeights writes p as the model.safetensors of a GPT-2, elements of type d,
// without the tied vocabulary projection. Masked weights are written as 0.
func WriteHFWeights(w io.Writer, p *Params, d safetensors.DType) error {
	var tensors []safetensors.Tensor
	for _, t := range hfTensors(p.Layout.Config) {
		n := 1
		for _, s := range t.shape {
			n *= s
		}
		values := make([]float32, n)
		p.copyHF(t, values, false)
		tensors = append(tensors, safetensors.Tensor{Name: t.name, Shape: t.shape, Values: values})
	}
	return safetensors.Write(w, tensors, d, map[string]string{"format": "pt"})
}

// copyHF copies the elements of t from values into p, or out of p into values.
func (p *Params) copyHF(t hfTensor, values []float32, in bool) {
	one := func(ours, theirs *float32) {
		if in {
			*ours = *theirs
		} else {
			*theirs = *ours
		}
	}
	first := 0 // output features, or elements, of the tensors before
	for _, name := range t.ours {
		i := p.Layout.Index(name)
		v, rows, cols := p.Layout.View(p.Values, i), p.Layout.Tensors[i].Rows, p.Layout.Tensors[i].Cols
		if !t.transpose {
			for k := range v {
				one(&v[k], &values[first+k])
			}
			first += len(v)
			continue
		}
		for j := range rows {
			for k := range cols {
				one(&v[j*cols+k], &values[k*t.shape[1]+first+j])
			}
		}
		first += rows
	}
}
