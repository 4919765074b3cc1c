package model

import (
	"fmt"
	"math"
)

// InitDeviation is the standard deviation of GPT-2's initial weights.
const InitDeviation = 0.02

// Params are the master weights of a GPT in float32, with the masks they keep.
type Params struct {
	Layout *Layout
	Values []float32 // [Layout.Size]
	Masks  *Masks    // nil: dense. A masked weight is exactly 0
}

// MaxValues bounds the parameters of a model whose values are held: 16 GiB of master
// weights, and as much again for gradients and each moment.
const MaxValues = 1 << 32

// NewParams returns dense parameters of c, all zero.
func NewParams(c Config) (*Params, error) {
	l, err := NewLayout(c)
	if err != nil {
		return nil, err
	}
	if l.Size > MaxValues {
		return nil, fmt.Errorf("model %s: %d parameters, values are held of at most %d; larger models can only be timed",
			c.Name, l.Size, int64(MaxValues))
	}
	return &Params{Layout: l, Values: make([]float32, l.Size)}, nil
}

// InitParams returns dense parameters initialised as GPT-2's: matrices and
// embeddings N(0, 0.02), the two matrices of a block that write into the residual
// stream scaled by 1/sqrt(2L), gains 1, biases 0. A value is a function of seed,
// tensor name and index in the tensor alone.
func InitParams(c Config, seed uint64) (*Params, error) {
	p, err := NewParams(c)
	if err != nil {
		return nil, err
	}
	for i, t := range p.Layout.Tensors {
		v := p.Layout.View(p.Values, i)
		switch t.Kind {
		case KindGain:
			for k := range v {
				v[k] = 1
			}
		case KindEmbedding, KindLinear:
			deviation := InitDeviation
			if t.Residual {
				deviation /= math.Sqrt(2 * float64(c.Layers))
			}
			stream := tensorSeed(seed^domainInit, t.Name)
			for k := range v {
				v[k] = float32(deviation * normal(stream, uint64(k)))
			}
		}
	}
	return p, nil
}

// normal is standard normal number index of a stream: Box-Muller, the sine branch
// left out so that a number depends on its own index only.
func normal(stream, index uint64) float64 {
	const unit = 0x1p-53
	u := float64(hash(stream, index, 0)>>11+1) * unit // (0, 1]
	v := float64(hash(stream, index, 1)>>11) * unit   // [0, 1)
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

// SetMasks sparsifies p: weights outside the masks become exactly 0.
func (p *Params) SetMasks(m *Masks) error {
	if err := m.fit(p.Layout); err != nil {
		return err
	}
	p.Masks = m
	p.applyMasks(p.Values)
	return nil
}

// Densify drops the masks. Weights keep their values; the newly active ones start at
// the 0 they were held at.
func (p *Params) Densify() { p.Masks = nil }

// applyMasks zeroes the masked positions of an arena of p's layout.
func (p *Params) applyMasks(arena []float32) {
	if p.Masks == nil {
		return
	}
	for i, pattern := range p.Masks.Patterns {
		if pattern != nil {
			pattern.zeroOutside(p.Layout.View(arena, i))
		}
	}
}

// CheckFinite reports the first parameter that is not a finite number.
func (p *Params) CheckFinite() error {
	for i, t := range p.Layout.Tensors {
		for k, v := range p.Layout.View(p.Values, i) {
			if !finite(v) {
				return fmt.Errorf("model %s: %s[%d][%d] is %v, must be finite",
					p.Layout.Config.Name, t.Name, k/t.Cols, k%t.Cols, v)
			}
		}
	}
	return nil
}

func finite(x float32) bool { return x-x == 0 }
