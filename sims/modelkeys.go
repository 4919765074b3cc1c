package sims

import (
	"os"
	"path/filepath"

	"cs2sim.dev/model"
)

// Model is the GPT of an experiment.
type Model struct {
	Preset    string       // customModel: the shape's own keys alone
	Shape     model.Config //
	HFConfig  string       // config.json of HuggingFace; "": none
	Weights   string       // .safetensors to begin with; "": GPT-2's initialisation
	Precision model.Precision
}

// customModel is the preset that presets nothing.
const customModel = "custom"

// defaultModel trains within minutes on two processor cores.
func defaultModel() Model {
	return Model{
		Preset: customModel,
		Shape: model.Config{
			Name: customModel, Layers: 2, DModel: 64, Heads: 4, DFF: 256,
			Vocabulary: 512, SequenceLength: 96, Activation: model.GELUTanh,
		},
		Precision: model.Mixed,
	}
}

// modelKeys are the keys of [model].
func modelKeys() []Key {
	presets := []string{customModel}
	for _, c := range model.Presets() {
		presets = append(presets, c.Name)
	}
	size := func(name, unit, doc string, most float64, field func(*model.Config) *int) Key {
		return Key{Name: "model." + name, Type: Whole, Unit: unit, Min: 1, Max: most, Doc: doc,
			field: func(c *Config) any { return field(&c.Model.Shape) }}
	}
	return []Key{
		{Name: "model.preset", Type: Word, Words: presets,
			Doc:   "Shape that the other keys of this table start from. `custom`: a small one of our own.",
			field: func(c *Config) any { return &c.Model.Preset }},
		{Name: "model.hf_config", Type: Path,
			Doc:   "`config.json` of a HuggingFace GPT-2: its shape, in place of a preset's.",
			field: func(c *Config) any { return &c.Model.HFConfig }},
		{Name: "model.weights", Type: Path,
			Doc:   "`.safetensors` of a HuggingFace GPT-2 of this shape to begin with. None: GPT-2's random initialisation.",
			field: func(c *Config) any { return &c.Model.Weights }},
		size("layers", "blocks", "Decoder blocks.", 1<<12, func(m *model.Config) *int { return &m.Layers }),
		size("d_model", "features", "Width of the residual stream, a multiple of `model.heads`.", model.MaxFeatures, func(m *model.Config) *int { return &m.DModel }),
		size("heads", "heads", "Attention heads.", model.MaxFeatures, func(m *model.Config) *int { return &m.Heads }),
		size("d_ff", "features", "Width between the two MLP matrices.", model.MaxFeatures, func(m *model.Config) *int { return &m.DFF }),
		size("vocabulary", "tokens", "Rows of the tied embedding: at least as many as the tokenizer has tokens.", model.MaxFeatures, func(m *model.Config) *int { return &m.Vocabulary }),
		size("sequence_length", "tokens", "Tokens of a training sequence, and the longest the model takes.", 1<<24, func(m *model.Config) *int { return &m.SequenceLength }),
		{Name: "model.activation", Type: Word, Words: []string{string(model.GELUTanh), string(model.GELUErf)},
			Doc:   "Form of GELU: `gelu_new` is GPT-2's with tanh, `gelu` that with erf.",
			field: func(c *Config) any { return (*string)(&c.Model.Shape.Activation) }},
		{Name: "model.precision", Type: Word, Words: []string{string(model.Mixed), string(model.FP32)},
			Doc:   "`mixed`: fp16 storage and wavelets, fp32 accumulation, loss scaling; `fp32`: fp32 everywhere.",
			field: func(c *Config) any { return (*string)(&c.Model.Precision) }},
	}
}

// shapeModel sets what the other keys of [model] start from.
func (c *Config) shapeModel(s settings) *InputError {
	if v, ok := s["model.preset"]; ok && v.value != customModel {
		shape, err := model.Preset(v.value.(string))
		if err != nil {
			panic(err) // the schema lists the presets
		}
		c.Model.Shape = shape
	}
	v, ok := s["model.hf_config"]
	if !ok || v.value == "" {
		return nil
	}
	path := v.value.(string)
	if err := Regular(path); err != nil {
		return v.at.problem("model.hf_config", tomlString(path), "%v", plainFileError(err))
	}
	f, err := os.Open(path)
	if err != nil {
		return v.at.problem("model.hf_config", tomlString(path), "%v", plainFileError(err))
	}
	defer f.Close()
	shape, err := model.ReadHFConfig(path, f)
	if err != nil {
		return v.at.problem("model.hf_config", "", "%v", err)
	}
	shape.Name = filepath.Base(filepath.Dir(path)) // files of all models are called config.json
	c.Model.Shape = shape
	return nil
}
