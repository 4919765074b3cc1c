package model

import (
	"encoding/json"
	"fmt"
	"io"
)

// maxConfigBytes bounds a config.json; real ones have about 1 KB.
const maxConfigBytes = 1 << 20

// hfConfig is the part of HuggingFace's GPT2Config that fixes the mathematics.
// Pointers tell an absent or null key from a zero.
type hfConfig struct {
	Architectures   []string `json:"architectures,omitempty"`
	ModelType       string   `json:"model_type"`
	Activation      *string  `json:"activation_function"`
	Layers          *int     `json:"n_layer"`
	DModel          *int     `json:"n_embd"`
	Heads           *int     `json:"n_head"`
	Inner           *int     `json:"n_inner"`
	Vocabulary      *int     `json:"vocab_size"`
	Positions       *int     `json:"n_positions"`
	Epsilon         *float64 `json:"layer_norm_epsilon"`
	InitRange       float64  `json:"initializer_range"`
	ScaleAttention  *bool    `json:"scale_attn_weights,omitempty"`
	ScaleByLayer    *bool    `json:"scale_attn_by_inverse_layer_idx,omitempty"`
	CrossAttention  *bool    `json:"add_cross_attention,omitempty"`
	TiedVocabulary  *bool    `json:"tie_word_embeddings,omitempty"`
	ReorderUpcast   *bool    `json:"reorder_and_upcast_attn,omitempty"` // fp32 scores: what the reference does anyway
	ResidualDropout float64  `json:"resid_pdrop"`
	EmbedDropout    float64  `json:"embd_pdrop"`
	AttnDropout     float64  `json:"attn_pdrop"`
}

// ReadHFConfig reads a HuggingFace config.json of a GPT-2 model; name is the file's,
// for errors and as the Config's name. An n_inner that is null or absent is 4*n_embd.
// Settings that would change the mathematics are refused; dropout is not
// modelled and ignored.
func ReadHFConfig(name string, r io.Reader) (Config, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxConfigBytes+1))
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxConfigBytes {
		return Config{}, fmt.Errorf("%s: longer than %d bytes, not a config.json", name, maxConfigBytes)
	}
	var h hfConfig
	if err := json.Unmarshal(text, &h); err != nil {
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	if err := h.check(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	c := Config{
		Name: name, Layers: *h.Layers, DModel: *h.DModel, Heads: *h.Heads,
		Vocabulary: *h.Vocabulary, SequenceLength: *h.Positions, Activation: GELUTanh,
	}
	if c.DModel >= 1 && c.DModel <= MaxFeatures {
		c.DFF = 4 * c.DModel
	}
	if h.Inner != nil {
		c.DFF = *h.Inner
	}
	if h.Activation != nil {
		switch a := Activation(*h.Activation); a {
		case GELUTanh, GELUErf:
			c.Activation = a
		case "gelu_pytorch_tanh": // another name of the same function
		default:
			return Config{}, fmt.Errorf("%s: activation_function is %q, must be %q or %q", name, a, GELUTanh, GELUErf)
		}
	}
	return c, c.Validate()
}

func (h *hfConfig) check() error {
	if h.ModelType != "gpt2" {
		return fmt.Errorf("model_type is %q, must be %q", h.ModelType, "gpt2")
	}
	for _, f := range []struct {
		key   string
		value *int
	}{
		{"n_layer", h.Layers}, {"n_embd", h.DModel}, {"n_head", h.Heads},
		{"vocab_size", h.Vocabulary}, {"n_positions", h.Positions},
	} {
		if f.value == nil {
			return fmt.Errorf("%s is missing, must be a number of at least 1", f.key)
		}
	}
	if h.Epsilon != nil && *h.Epsilon != LayerNormEpsilon {
		return fmt.Errorf("layer_norm_epsilon is %v, must be %v", *h.Epsilon, LayerNormEpsilon)
	}
	for _, f := range []struct {
		key   string
		value *bool
		want  bool
	}{
		{"scale_attn_weights", h.ScaleAttention, true},
		{"scale_attn_by_inverse_layer_idx", h.ScaleByLayer, false},
		{"add_cross_attention", h.CrossAttention, false},
		{"tie_word_embeddings", h.TiedVocabulary, true},
	} {
		if f.value != nil && *f.value != f.want {
			return fmt.Errorf("%s is %v, must be %v", f.key, *f.value, f.want)
		}
	}
	return nil
}

// WriteHFConfig writes c as a HuggingFace config.json that ReadHFConfig and
// GPT2LMHeadModel read.
func WriteHFConfig(w io.Writer, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	activation, epsilon, tied := string(c.activation()), float64(LayerNormEpsilon), true
	text, err := json.MarshalIndent(hfConfig{
		Architectures: []string{"GPT2LMHeadModel"}, ModelType: "gpt2", Activation: &activation,
		Layers: &c.Layers, DModel: &c.DModel, Heads: &c.Heads, Inner: &c.DFF,
		Vocabulary: &c.Vocabulary, Positions: &c.SequenceLength,
		Epsilon: &epsilon, InitRange: InitDeviation, TiedVocabulary: &tied,
	}, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// activation is c.Activation with the default filled in.
func (c Config) activation() Activation {
	if c.Activation == "" {
		return GELUTanh
	}
	return c.Activation
}
