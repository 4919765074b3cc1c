package model

import (
	"fmt"
	"math"
)

// AdamW is Adam with decoupled weight decay (Loshchilov and Hutter,
// arXiv:1711.05101). Scalars are computed in float64 and rounded to fp32 once;
// everything per parameter is fp32, in PyTorch's order: decay, moments, step.
type AdamW struct {
	Beta1, Beta2 float64
	Epsilon      float64
	WeightDecay  float64 // acts on tensors that Decays
}

// DefaultAdamW is that of GPT-3, which SPDF and Cerebras-GPT follow.
func DefaultAdamW() AdamW {
	return AdamW{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, WeightDecay: 0.1}
}

// Validate reports the first impossible setting.
func (a AdamW) Validate() error {
	for _, f := range []struct {
		key   string
		value float64
	}{{"beta1", a.Beta1}, {"beta2", a.Beta2}} {
		if !(f.value >= 0 && f.value < 1) {
			return fmt.Errorf("adamw %s is %v, must be at least 0 and below 1", f.key, f.value)
		}
	}
	if !(a.Epsilon > 0) || math.IsInf(a.Epsilon, 0) {
		return fmt.Errorf("adamw epsilon is %v, must be above 0", a.Epsilon)
	}
	if !(a.WeightDecay >= 0) || math.IsInf(a.WeightDecay, 0) {
		return fmt.Errorf("adamw weight_decay is %v, must be at least 0", a.WeightDecay)
	}
	return nil
}

// AdamState is the optimiser's memory, two arenas of the parameters' layout.
type AdamState struct {
	Steps int       // updates applied
	M, V  []float32 // first and second moment; 0 at masked positions
}

// NewAdamState returns the state before the first update of size parameters.
func NewAdamState(size int) *AdamState {
	return &AdamState{M: make([]float32, size), V: make([]float32, size)}
}

// AdamUpdate is what one update does to every parameter of a tensor.
type AdamUpdate struct {
	keep         float32 // 1 - rate*decay
	beta1, beta2 float32
	new1, new2   float32 // 1-beta1, 1-beta2
	root2        float32 // sqrt(1-beta2^step)
	epsilon      float32
	step         float32 // rate/(1-beta1^step)
}

// Update is update number step, from 1, at a learning rate, of tensors that decay
// or do not.
func (a AdamW) Update(step int, rate float64, decays bool) AdamUpdate {
	keep := 1.0
	if decays {
		keep -= rate * a.WeightDecay
	}
	return AdamUpdate{
		keep:  float32(keep),
		beta1: float32(a.Beta1), beta2: float32(a.Beta2),
		new1: float32(1 - a.Beta1), new2: float32(1 - a.Beta2),
		root2:   float32(math.Sqrt(1 - math.Pow(a.Beta2, float64(step)))),
		epsilon: float32(a.Epsilon),
		step:    float32(rate / (1 - math.Pow(a.Beta1, float64(step)))),
	}
}

// One updates one parameter w with its gradient g and its moments.
func (u *AdamUpdate) One(w, g float32, m, v *float32) float32 {
	w = float32(w * u.keep)
	*m = float32(*m*u.beta1) + float32(g*u.new1)
	*v = float32(*v*u.beta2) + float32(float32(g*g)*u.new2)
	root := float32(math.Sqrt(float64(*v))) // exact: a float64 root of a float32 rounds once
	return w - float32(u.step*float32(*m/(float32(root/u.root2)+u.epsilon)))
}

// Apply makes the next update of p. A masked position is passed over: its weight
// and moments stay 0.
func (a AdamW) Apply(p *Params, grads []float32, s *AdamState, rate float64) error {
	if n := p.Layout.Size; len(grads) != n || len(s.M) != n || len(s.V) != n {
		return fmt.Errorf("model %s: gradients of %d and moments of %d, %d parameters, all must be %d",
			p.Layout.Config.Name, len(grads), len(s.M), len(s.V), n)
	}
	s.Steps++
	for i, t := range p.Layout.Tensors {
		u := a.Update(s.Steps, rate, t.Decays())
		w, g := p.Layout.View(p.Values, i), p.Layout.View(grads, i)
		m, v := p.Layout.View(s.M, i), p.Layout.View(s.V, i)
		pattern := p.Masks.pattern(i)
		if pattern == nil {
			for k := range w {
				w[k] = u.One(w[k], g[k], &m[k], &v[k])
			}
			continue
		}
		for j := range pattern.Rows {
			for _, c := range pattern.Row(j) {
				k := j*pattern.Cols + int(c)
				w[k] = u.One(w[k], g[k], &m[k], &v[k])
			}
		}
	}
	return nil
}

// GlobalNorm is the 2-norm of all gradients, a sum of squares in float64 in the order
// of the arena. It is NaN or infinite if any gradient is.
func GlobalNorm(grads []float32) float64 {
	var sum float64
	for _, g := range grads {
		sum += float64(g) * float64(g)
	}
	return math.Sqrt(sum)
}

// ClipFactor is what gradients of norm are multiplied by so that none is longer
// than limit: limit/(norm+1e-6) as PyTorch has it, at most 1. A limit of 0 clips
// nothing.
func ClipFactor(norm, limit float64) float32 {
	if limit == 0 {
		return 1
	}
	return float32(min(1, limit/(norm+1e-6)))
}
