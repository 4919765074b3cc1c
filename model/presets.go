package model

import (
	"fmt"
	"strings"
)

// gpt2Vocabulary is the number of tokens of GPT-2's byte pair encoding; GPT-3 and
// Cerebras-GPT use the same.
const gpt2Vocabulary = 50257

// Presets lists the known shapes in a fixed order. Sources:
//
//	gpt2            OpenAI's GPT-2 124M, HuggingFace "gpt2"
//	gpt2-small      SPDF (arXiv 2303.10464) appendix table 1, at the 2,048 tokens its FLOPs imply
//	gpt3-xl         the same table
//	gpt3-175b       Brown et al. 2020, table 2.1
//	cerebras-gpt-*  Dey et al. 2023 (arXiv 2304.03208), table 1; 256M, 2.7B and 13B
//	                are also the shapes timed in arXiv 2409.00287
//
// All have d_ff = 4*d_model.
func Presets() []Config {
	shape := func(name string, layers, dModel, heads, length int, a Activation) Config {
		return Config{
			Name: name, Layers: layers, DModel: dModel, Heads: heads, DFF: 4 * dModel,
			Vocabulary: gpt2Vocabulary, SequenceLength: length, Activation: a,
		}
	}
	return []Config{
		shape("gpt2", 12, 768, 12, 1024, GELUTanh),
		shape("gpt2-small", 12, 768, 12, 2048, GELUTanh),
		shape("gpt3-xl", 24, 2048, 16, 2048, GELUTanh),
		shape("gpt3-175b", 96, 12288, 96, 2048, GELUTanh),
		shape("cerebras-gpt-111m", 10, 768, 12, 2048, GELUErf),
		shape("cerebras-gpt-256m", 14, 1088, 17, 2048, GELUErf),
		shape("cerebras-gpt-590m", 18, 1536, 12, 2048, GELUErf),
		shape("cerebras-gpt-1.3b", 24, 2048, 16, 2048, GELUErf),
		shape("cerebras-gpt-2.7b", 32, 2560, 32, 2048, GELUErf),
		shape("cerebras-gpt-6.7b", 32, 4096, 32, 2048, GELUErf),
		shape("cerebras-gpt-13b", 40, 5120, 40, 2048, GELUErf),
	}
}

// Preset returns the shape of a name, in any letter case.
func Preset(name string) (Config, error) {
	var names []string
	for _, c := range Presets() {
		if strings.EqualFold(c.Name, name) {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Config{}, fmt.Errorf("model preset is %q, must be one of %s", name, strings.Join(names, ", "))
}
