package sims

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime"
)

// Type is what a key's value must be.
type Type string

const (
	Word   Type = "word"          // one of Key.Words
	Path   Type = "path"          // of a file, relative to the file that names it
	Flag   Type = "boolean"       // true or false
	Whole  Type = "whole number"  // an integer, or a float without fraction such as 4e5
	Auto   Type = "auto"          // a whole number, or "auto"
	Real   Type = "number"        //
	Reals  Type = "numbers"       // a list of at least one, none twice unless Key.Repeat
	Wholes Type = "whole numbers" // a list of at least one, none twice
	Words  Type = "words"         // a list of Key.Words, none twice; may be empty
	String Type = "text"          // any string; in documentKeys only
	Keyed  Type = "table"         // in documentKeys only
)

// Key is one key of a run file: all there is to know about it. Validation, --set and --vary, the
// resolved run file and docs/runfile.md follow this table.
type Key struct {
	Name     string   // dotted: table.key
	Type     Type     //
	Unit     string   //
	Words    []string // Word only
	Min, Max float64  // of numbers
	Below    bool     // Max itself is out of range
	Repeat   bool     // Reals only: may be empty and hold a value more than once
	Required bool     //
	Doc      string   //

	field func(*Config) any // a pointer to the value; nil for machine fields and paths
}

// autoValue stands for "auto" in an int field. No Auto key allows it as a number.
const autoValue = -1

const machineTable = "machine."

// The experiments.
const (
	ExperimentMatMul = "matmul"
	ExperimentSPDF   = "spdf"
	ExperimentGPT    = "gpt"
)

// experiments are those that read the key.
func (k Key) experiments() []string {
	table, _, dotted := strings.Cut(k.Name, ".")
	switch {
	case k.Name == "fidelity":
		return []string{ExperimentMatMul, ExperimentSPDF}
	case k.Name == "mapping.columns" || k.Name == "mapping.columns_per_head" || k.Name == "mapping.tokens_per_pe":
		return []string{ExperimentSPDF, ExperimentGPT}
	case table == "matmul" || table == "mapping" || k.Name == "check":
		return []string{ExperimentMatMul}
	case !dotted || table == "machine":
		return []string{ExperimentMatMul, ExperimentSPDF, ExperimentGPT}
	case table == "gpt":
		return []string{ExperimentGPT}
	case table == "model" && k.Name != "model.weights":
		return []string{ExperimentSPDF, ExperimentGPT}
	}
	return []string{ExperimentSPDF}
}

// Of tells whether an experiment reads the key.
func (k Key) Of(experiment string) bool { return slices.Contains(k.experiments(), experiment) }

// Schema lists every key that has a value, in the order of the resolved run file. extends, machine.file
// and the [[variant]] tables steer how files are put together; they are in documentKeys.
func Schema() []Key {
	keys := []Key{
		{Name: "experiment", Type: Word, Words: []string{ExperimentMatMul, ExperimentSPDF, ExperimentGPT}, Required: true,
			Doc:   "What to run: `matmul` is one layer Y = X Wᵀ at several weight sparsities; `spdf` trains a GPT, sparse pre-training and dense fine-tuning; `gpt` is what that costs at full size: one step of each is simulated.",
			field: func(c *Config) any { return &c.Experiment }},
		{Name: "seed", Type: Whole, Min: 0, Max: 1 << 53,
			Doc:   "Seed of masks, weights and activations. The same run file and seed give the same bytes.",
			field: func(c *Config) any { return &c.Seed }},
		{Name: "fidelity", Type: Word, Words: []string{string(runtime.Stream), string(runtime.Wavelet)},
			Doc:   "Engine. `stream` runs the compiled kernels at wafer scale, rows folded; `wavelet` moves every wavelet over every hop, for small meshes.",
			field: func(c *Config) any { return (*string)(&c.Fidelity) }},
		{Name: "check", Type: Whole, Unit: "entries", Min: 0, Max: 1e6,
			Doc:   "Random output entries per point that are computed on the machine and compared with the plain-loop reference.",
			field: func(c *Config) any { return &c.Check }},
		{Name: "machine.preset", Type: Word, Words: compiler.PresetNames(),
			Doc:   "The machine all other numbers of this table start from; `cs2sim machines` prints them with their sources.",
			field: func(c *Config) any { return &c.Machine.Name }},
	}
	keys = append(keys, machineKeys()...)
	keys = append(keys, matmulKeys()...)
	keys = append(keys, mappingKeys()...)
	keys = append(keys, modelKeys()...)
	keys = append(keys, dataKeys()...)
	keys = append(keys, trainingKeys("pretrain", func(c *Config) *Training { return &c.Pretrain })...)
	keys = append(keys, trainingKeys("finetune", func(c *Config) *Training { return &c.Finetune })...)
	keys = append(keys, decodeKeys()...)
	keys = append(keys, spdfKeys()...)
	return append(keys, gptKeys()...)
}

// matmulKeys are the keys of [matmul].
func matmulKeys() []Key {
	return []Key{
		{Name: "matmul.rows", Type: Whole, Unit: "features", Min: 1, Max: model.MaxFeatures,
			Doc:   "Output features of the layer: rows of W.",
			field: func(c *Config) any { return &c.MatMul.Rows }},
		{Name: "matmul.cols", Type: Whole, Unit: "features", Min: 1, Max: model.MaxFeatures,
			Doc:   "Input features of the layer: columns of W.",
			field: func(c *Config) any { return &c.MatMul.Cols }},
		{Name: "matmul.tokens", Type: Whole, Unit: "tokens", Min: 1, Max: 1e12,
			Doc:   "Rows of X, spread over the wafer. No source states it for the published curve: it is the one calibrated number of that experiment.",
			field: func(c *Config) any { return &c.MatMul.Tokens }},
		{Name: "matmul.precision", Type: Word, Words: precisionWords(),
			Doc:   "`mixed`: fp16 storage and wavelets, fp32 accumulation; `fp16`, `fp32`: that format everywhere.",
			field: func(c *Config) any { return (*string)(&c.MatMul.Precision) }},
		{Name: "matmul.sparsities", Type: Reals, Unit: "fraction", Min: 0, Max: 1, Below: true,
			Doc:   "Fractions of zero weights to simulate, one point each. A dense point is simulated as the base of the speedup even if 0 is not listed.",
			field: func(c *Config) any { return &c.MatMul.Sparsities }},
		{Name: "matmul.mask", Type: Word, Words: []string{string(model.MaskUnstructured), string(model.MaskRowBalanced), string(model.MaskNM)},
			Doc:   "Where the non-zeros are. `unstructured`: anywhere, exact in number; `row_balanced`: as many in every row; `nm`: as many in every `nm_group` consecutive weights.",
			field: func(c *Config) any { return (*string)(&c.MatMul.Mask) }},
		{Name: "matmul.nm_group", Type: Whole, Unit: "weights", Min: 1, Max: model.MaxFeatures,
			Doc:   "M of an N:M mask; N is (1 - sparsity) x M and must be whole. Used with `mask = \"nm\"` only.",
			field: func(c *Config) any { return &c.MatMul.NMGroup }},
	}
}

// mappingKeys are the keys of [mapping].
func mappingKeys() []Key {
	return []Key{
		{Name: "mapping.columns", Type: Auto, Unit: "columns", Min: 1, Max: 4096,
			Doc:   "PE columns of a token group: the features of a layer are spread over them. `\"auto\"`: the compiler searches, or takes those of the heads if `mapping.columns_per_head` is given.",
			field: func(c *Config) any { return &c.Mapping.Columns }},
		{Name: "mapping.columns_per_head", Type: Auto, Unit: "columns", Min: 1, Max: 4096,
			Doc:   "PE columns that the features of an attention head are spread over. `\"auto\"`: the compiler searches.",
			field: func(c *Config) any { return &c.Mapping.ColumnsPerHead }},
		{Name: "mapping.tokens_per_pe", Type: Auto, Unit: "tokens", Min: 1, Max: 512,
			Doc:   "Tokens of a sequence on one PE. `\"auto\"`: the compiler searches.",
			field: func(c *Config) any { return &c.Mapping.TokensPerPE }},
		{Name: "mapping.groups", Type: Auto, Unit: "groups", Min: 1, Max: 4096,
			Doc:   "Token groups the wafer's columns are cut into; every group gets all weights and other tokens. `\"auto\"`: the compiler searches.",
			field: func(c *Config) any { return &c.Mapping.Groups }},
		{Name: "mapping.run_ahead", Type: Auto, Unit: "rows", Min: 0, Max: 4096,
			Doc:   "Output rows a PE may accumulate beyond the one whose partial sums are pending. `\"auto\"`: the compiler searches.",
			field: func(c *Config) any { return &c.Mapping.RunAhead }},
		{Name: "mapping.per_sparsity", Type: Flag,
			Doc:   "`false`: one mapping, searched for all sparsities together; `true`: each sparsity gets its own.",
			field: func(c *Config) any { return &c.Mapping.PerSparsity }},
	}
}

// machineKeys are the fields of the machine presets, with the units and ranges of the machine table.
func machineKeys() []Key {
	t, err := compiler.Preset(defaultPreset)
	if err != nil {
		panic(err) // the preset list is ours
	}
	var keys []Key
	for _, p := range t.Params {
		k := Key{Name: machineTable + p.Key, Type: Real, Unit: p.Unit, Min: p.Min, Max: p.Max,
			Doc: "Preset value " + string(p.Mark) + ": " + p.Source + "."}
		if p.Whole {
			k.Type = Whole
		}
		keys = append(keys, k)
	}
	return keys
}

func precisionWords() []string {
	var words []string
	for _, p := range model.Precisions() {
		words = append(words, string(p))
	}
	return words
}

// extendsKey names the run file to start from.
func extendsKey() Key {
	return Key{Name: "extends", Type: Path, Doc: "Another run file to start from. Keys given here replace its keys one by one; lists and the `[[variant]]` tables are replaced whole."}
}

// machineFileKey names a file of machine fields.
func machineFileKey() Key {
	return Key{Name: "machine.file", Type: Path, Doc: "A machine file: the keys of `[machine]` at its top level. Keys given beside it win."}
}

// documentKeys say how files are put together. They have no value of their own in a Config.
func documentKeys() []Key {
	return []Key{
		extendsKey(),
		machineFileKey(),
		{Name: "variant.name", Type: String, Required: true, Doc: "Name of a further curve in variants.csv and figures; unlike all others."},
		{Name: "variant.set", Type: Keyed, Doc: "Table of dotted keys this curve changes, such as `{ \"mapping.groups\" = 1 }`. All other keys are those of the run."},
	}
}

// settable lists every key that a table of a run file, --set and --vary accept.
func settable() []Key { return append(Schema(), machineFileKey()) }

// FindKey returns the key of that name. The error suggests the nearest one.
func FindKey(name string) (Key, error) {
	for _, k := range settable() {
		if k.Name == name {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("unknown key%s", didYouMean(name, append(keyNames(), "machine", "matmul", "mapping", "model", "data", "pretrain", "finetune", "decode", "spdf", "gpt")))
}

func keyNames() []string {
	var names []string
	for _, k := range settable() {
		names = append(names, k.Name)
	}
	return names
}

func didYouMean(word string, known []string) string {
	if n := nearest(word, known); n != "" {
		return ": did you mean " + n + "?"
	}
	return ": see docs/runfile.md for all keys"
}

// Range says in words which values the key takes.
func (k Key) Range() string {
	switch k.Type {
	case Word:
		return oneOf(quoted(k.Words))
	case Path:
		return "a path"
	case Flag:
		return "true or false"
	case Whole:
		return "a whole number, " + k.interval()
	case Auto:
		return `"auto" or a whole number, ` + k.interval()
	case Real:
		return "a number, " + k.interval()
	case Reals:
		return "a list of numbers, each " + k.interval()
	case Wholes:
		return "a list of whole numbers, each " + k.interval()
	case Words:
		return "a list of " + oneOf(quoted(k.Words))
	}
	panic("sims: key " + k.Name + " has no type")
}

func (k Key) interval() string {
	upper := "to "
	if k.Below {
		upper = "and below "
	}
	text := formatNumber(k.Min) + " " + upper + formatNumber(k.Max)
	if k.Below {
		text = "at least " + text
	}
	if k.Unit != "" && k.Unit != "fraction" {
		text += " " + k.Unit
	}
	return text
}

func quoted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = `"` + w + `"`
	}
	return out
}

func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// inRange is false for NaN.
func (k Key) inRange(v float64) bool {
	return v >= k.Min && (v < k.Max || v == k.Max && !k.Below) && !math.IsInf(v, 0)
}
