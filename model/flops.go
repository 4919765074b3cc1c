package model

// FLOPs are the operations of one forward pass over one sequence as SPDF (arXiv
// 2303.10464) counts them: a multiply and an add are two; attention is full, not
// causal; embedding look-ups, biases, norms and GELU are free. Training is three
// forward passes.
type FLOPs struct {
	Linear     float64 // 2*S*density*L*(4*C^2 + 2*C*F): 24*S*L*C^2 at F = 4C
	Attention  float64 // 4*S^2*C*L: scores, and values by probabilities
	Softmax    float64 // 3*NH*S^2*L: maximum, exponential, sum
	Vocabulary float64 // 2*S*V*C
}

// ForwardFLOPs counts a sequence of S tokens at a density of the six matrices.
func (c Config) ForwardFLOPs(S int, density float64) FLOPs {
	s, l, d := float64(S), float64(c.Layers), float64(c.DModel)
	return FLOPs{
		Linear:     2 * s * density * float64(c.LinearParameters()),
		Attention:  4 * s * s * d * l,
		Softmax:    3 * float64(c.Heads) * s * s * l,
		Vocabulary: 2 * s * float64(c.Vocabulary) * d,
	}
}

// Total is the sum of all parts.
func (f FLOPs) Total() float64 { return f.Linear + f.Attention + f.Softmax + f.Vocabulary }

// Training is the FLOPs of forward and backward pass: weight gradients are formed at
// mask positions only, so both halves of the backward pass cost one forward each.
func (f FLOPs) Training() float64 { return 3 * f.Total() }
