package model

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
)

func TestPresets(t *testing.T) {
	want := map[string]int64{
		"gpt2":              124_439_808, // HuggingFace's own count
		"gpt2-small":        125_226_240, // 125M; 1,024 positions more
		"gpt3-xl":           1_315_723_264,
		"gpt3-175b":         174_604_259_328,
		"cerebras-gpt-111m": 111_050_496,
		"cerebras-gpt-13b":  12_853_386_240,
	}
	for _, c := range Presets() {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		l, err := NewLayout(c)
		if err != nil {
			t.Fatal(err)
		}
		if int64(l.Size) != c.Parameters() {
			t.Errorf("%s: %d parameters counted, %d laid out", c.Name, c.Parameters(), l.Size)
		}
		if n, ok := want[c.Name]; ok && n != c.Parameters() {
			t.Errorf("%s has %d parameters, want %d", c.Name, c.Parameters(), n)
		}
		if got, err := Preset(strings.ToUpper(c.Name)); err != nil || got != c {
			t.Errorf("preset %s: %v, %v", c.Name, got, err)
		}
	}
	if _, err := Preset("gpt5"); err == nil || !strings.Contains(err.Error(), "gpt3-xl") {
		t.Errorf("unknown preset: %v, must list the known ones", err)
	}
}

func TestPresetsPublished(t *testing.T) {
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	check := func(preset string, layers, dModel, heads string) {
		c, err := Preset(preset)
		if err != nil {
			t.Fatal(err)
		}
		if c.Layers != number(layers) || c.DModel != number(dModel) || c.Heads != number(heads) {
			t.Errorf("%s is %+v, published %s layers, d_model %s, %s heads", preset, c, layers, dModel, heads)
		}
	}
	for _, row := range shared(t, "data/spdf/appendix_table1_models.csv") {
		check(strings.ReplaceAll(strings.Replace(row[0], "GPT-", "gpt", 1), " ", "-"), row[2], row[3], row[4])
	}
	for _, row := range shared(t, "validation/gpt_throughput.csv") {
		check("cerebras-gpt-"+row[0], row[1], row[2], row[3])
	}
}

func TestConfigErrors(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"layers is 0":            func(c *Config) { c.Layers = 0 },
		"d_model is -1":          func(c *Config) { c.DModel = -1 },
		"must be a multiple":     func(c *Config) { c.Heads = 5 },
		"vocabulary is 1048577":  func(c *Config) { c.Vocabulary = MaxFeatures + 1 },
		"sequence_length is 0":   func(c *Config) { c.SequenceLength = 0 },
		"activation is \"relu\"": func(c *Config) { c.Activation = "relu" },
	} {
		c := tinyConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, must say %q", err, want)
		}
		if _, err := NewLayerGraph(c, MaskSpec{}); err == nil {
			t.Errorf("a graph of the same shape: no error")
		}
		if _, err := InitParams(c, 1); err == nil {
			t.Errorf("parameters of the same shape: no error")
		}
	}
	large, err := Preset("gpt3-175b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewParams(large); err == nil || !strings.Contains(err.Error(), "only be timed") {
		t.Errorf("values of 175B parameters: %v", err)
	}
}

const hfGPT2 = `{"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
"bos_token_id": 50256, "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768,
"n_head": 12, "n_inner": null, "n_layer": 12, "n_positions": 1024, "vocab_size": 50257}`

func TestHFConfig(t *testing.T) {
	got, err := ReadHFConfig("gpt2", strings.NewReader(hfGPT2))
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := Preset("gpt2"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, c := range append(Presets(), tinyConfig()) {
		c.Activation = c.activation()
		var text bytes.Buffer
		if err := WriteHFConfig(&text, c); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadHFConfig(c.Name, &text); err != nil || got != c {
			t.Errorf("written and read: %+v, %v; want %+v", got, err, c)
		}
	}
}

func TestHFConfigErrors(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"n_head": 12`, `"n_head": 13`, "must be a multiple of heads"},
		{`"n_head": 12,`, ``, "n_head is missing"},
		{`"n_layer": 12`, `"n_layer": "12"`, "n_layer"},
		{`"n_layer": 12`, `"n_layer": 1000000000`, "layers is 1000000000"},
		{`"n_embd": 768`, `"n_embd": 9223372036854775807`, "d_model is"},
		{`"gpt2"`, `"llama"`, `model_type is "llama"`},
		{`1e-05`, `1e-06`, "layer_norm_epsilon is 1e-06, must be 1e-05"},
		{`"gelu_new"`, `"relu"`, `activation_function is "relu"`},
		{`{"act`, `{"tie_word_embeddings": false, "act`, "tie_word_embeddings is false, must be true"},
		{`{"act`, `{"scale_attn_by_inverse_layer_idx": true, "act`, "scale_attn_by_inverse_layer_idx is true"},
		{`{"act`, ``, "config.json: "},
	} {
		text := strings.Replace(hfGPT2, c.old, c.new, 1)
		_, err := ReadHFConfig("config.json", strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "config.json") {
			t.Errorf("%q: %v, must say %q and the file", c.new, err, c.want)
		}
	}
	if _, err := ReadHFConfig("big", strings.NewReader(strings.Repeat(" ", maxConfigBytes+1))); err == nil {
		t.Error("a file above the bound is read")
	}
}

func FuzzReadHFConfig(f *testing.F) {
	f.Add(hfGPT2)
	f.Add(`{"model_type":"gpt2","n_layer":-1,"n_embd":0,"n_head":0,"vocab_size":1,"n_positions":1}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ReadHFConfig("fuzz", strings.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := WriteHFConfig(&out, c); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadHFConfig("fuzz", &out); err != nil || again != c {
			t.Fatalf("%+v becomes %+v, %v", c, again, err)
		}
	})
}
