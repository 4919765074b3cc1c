package model

import "fmt"

// LayerNormEpsilon is added to the variance in every LayerNorm, as in GPT-2.
const LayerNormEpsilon = 1e-5

// Activation names the form of GELU between the two MLP matrices.
type Activation string

const (
	GELUTanh Activation = "gelu_new" // 0.5x(1+tanh(sqrt(2/pi)(x+0.044715x^3))), GPT-2; the default
	GELUErf  Activation = "gelu"     // 0.5x(1+erf(x/sqrt(2))), Cerebras-GPT
)

// Config is the shape of a decoder-only GPT: learned positions, pre-norm blocks,
// causal attention, tied vocabulary projection. The names of its keys in a file are
// those in the comments.
type Config struct {
	Name           string
	Layers         int        // L, layers
	DModel         int        // C, d_model
	Heads          int        // NH, heads; C/NH features each
	DFF            int        // F, d_ff
	Vocabulary     int        // V, vocabulary
	SequenceLength int        // S, sequence_length: the longest T
	Activation     Activation // empty: GELUTanh
}

// Bounds on a Config. With them every count of parameters is exact in an int64.
const (
	maxLayers   = 1 << 12
	maxPosition = 1 << 24
)

// Validate reports the first reason why no model has this shape.
func (c Config) Validate() error {
	for _, f := range []struct {
		key        string
		value, max int
	}{
		{"layers", c.Layers, maxLayers},
		{"d_model", c.DModel, MaxFeatures},
		{"heads", c.Heads, MaxFeatures},
		{"d_ff", c.DFF, MaxFeatures},
		{"vocabulary", c.Vocabulary, MaxFeatures},
		{"sequence_length", c.SequenceLength, maxPosition},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("model %s: %s is %d, must be 1 to %d", c.Name, f.key, f.value, f.max)
		}
	}
	if c.DModel%c.Heads != 0 {
		return fmt.Errorf("model %s: d_model is %d with %d heads, must be a multiple of heads",
			c.Name, c.DModel, c.Heads)
	}
	switch c.Activation {
	case "", GELUTanh, GELUErf:
		return nil
	}
	return fmt.Errorf("model %s: activation is %q, must be %q or %q", c.Name, c.Activation, GELUTanh, GELUErf)
}

// HeadWidth is the number of features of one head, C/NH.
func (c Config) HeadWidth() int { return c.DModel / c.Heads }

// LinearParameters is the number of weights in the six masked matrices of all
// blocks: L*(4*C^2 + 2*C*F).
func (c Config) LinearParameters() int64 {
	d, f := int64(c.DModel), int64(c.DFF)
	return int64(c.Layers) * (4*d*d + 2*d*f)
}

// Parameters is the number of all parameters, the tied vocabulary projection
// counted once.
func (c Config) Parameters() int64 {
	d, f := int64(c.DModel), int64(c.DFF)
	embeddings := (int64(c.Vocabulary) + int64(c.SequenceLength)) * d
	biases := 4*d + f + d // q k v proj; fc; mlp proj
	norms := 4 * d
	return embeddings + c.LinearParameters() + int64(c.Layers)*(biases+norms) + 2*d
}
