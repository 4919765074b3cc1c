package sims

import (
	"math"

	"cs2sim.dev/model"
)

// GPT is the cost of sparse pre-training and dense fine-tuning at full size.
type GPT struct {
	Models         []string // presets; empty: that of [model]
	Sparsities     []float64
	Batch          int // sequences of an update, over all systems; -1: as published for the model
	PretrainTokens int // -1: as published for the model
	Finetune       []string
	FinetuneLength int
	FinetuneBatch  int // -1: Batch
	Systems        []int
	Chunks         int // of the vocabulary; -1: the compiler searches
	Sensitivity    bool

	Mask                 model.MaskKind
	NMGroup              int
	BlockRows, BlockCols int
	MaskFile             string
	Distribution         string
	MatrixDensities      []float64 // relative, of q, k, v, attn.proj, mlp.fc, mlp.proj; empty: alike
	LayerDensities       []float64 // relative, of every block; empty: alike
}

// How zeros are spread over the matrices.
const (
	DistributionUniform    = "uniform"
	DistributionErdosRenyi = "erdos_renyi"
)

// The tasks of dense fine-tuning.
const (
	TaskE2E      = "e2e"
	TaskWebNLG   = "webnlg"
	TaskDART     = "dart"
	TaskCuration = "curation"
)

// BlockMatrices counts the masked matrices of a block.
const BlockMatrices = 6

// fillGPT sets the defaults of [gpt]: the study of the paper (arXiv 2303.10464).
func (c *Config) fillGPT() {
	c.GPT = GPT{
		Models: []string{}, Sparsities: []float64{0, 0.5, 0.75},
		Batch: autoValue, PretrainTokens: autoValue, FinetuneBatch: autoValue, Chunks: autoValue,
		Finetune: []string{TaskE2E, TaskWebNLG, TaskDART, TaskCuration}, FinetuneLength: 512,
		Systems: []int{1},
		Mask:    model.MaskUnstructured, NMGroup: 4, BlockRows: 16, BlockCols: 16,
		Distribution: DistributionUniform, MatrixDensities: []float64{}, LayerDensities: []float64{},
	}
}

// gptKeys are the keys of [gpt].
func gptKeys() []Key {
	var presets []string
	for _, c := range model.Presets() {
		presets = append(presets, c.Name)
	}
	return append([]Key{
		{Name: "gpt.models", Type: Words, Words: presets,
			Doc:   "Presets to study side by side. None: the model of `[model]`; otherwise only `model.precision` of that table counts.",
			field: func(c *Config) any { return &c.GPT.Models }},
		{Name: "gpt.sparsities", Type: Reals, Unit: "fraction", Min: 0, Max: 1, Below: true,
			Doc:   "Fractions of zero weights in the six matrices of every block to pre-train at. Dense pre-training is simulated as the base of the speedup even if 0 is not listed.",
			field: func(c *Config) any { return &c.GPT.Sparsities }},
		{Name: "gpt.batch", Type: Auto, Unit: "sequences", Min: 1, Max: 1e6,
			Doc:   "Sequences of one update, over all systems; gradients are accumulated over micro-batches. `\"auto\"`: as published for the model, else 256.",
			field: func(c *Config) any { return &c.GPT.Batch }},
		{Name: "gpt.pretrain_tokens", Type: Auto, Unit: "tokens", Min: 1, Max: 1e15,
			Doc:   "Tokens of pre-training. `\"auto\"`: as published for the model, else 20 per parameter.",
			field: func(c *Config) any { return &c.GPT.PretrainTokens }},
		{Name: "gpt.finetune", Type: Words, Words: []string{TaskE2E, TaskWebNLG, TaskDART, TaskCuration},
			Doc:   "Tasks of dense fine-tuning; their sequences follow from the FLOPs the paper gives.",
			field: func(c *Config) any { return &c.GPT.Finetune }},
		{Name: "gpt.finetune_length", Type: Whole, Unit: "tokens", Min: 1, Max: 1 << 24,
			Doc:   "Tokens of a sequence in fine-tuning.",
			field: func(c *Config) any { return &c.GPT.FinetuneLength }},
		{Name: "gpt.finetune_batch", Type: Auto, Unit: "sequences", Min: 1, Max: 1e6,
			Doc:   "Sequences of an update in fine-tuning, which no source states. `\"auto\"`: as `gpt.batch`.",
			field: func(c *Config) any { return &c.GPT.FinetuneBatch }},
		{Name: "gpt.systems", Type: Wholes, Unit: "systems", Min: 1, Max: 1 << 16,
			Doc:   "Wafers that train one model by data parallelism over SwarmX, one study for each number. More than one number draws figures of strong and weak scaling, with `scaling.csv` and `swarmx.csv`: traffic, use of the links, and what is exposed.",
			field: func(c *Config) any { return &c.GPT.Systems }},
		{Name: "gpt.chunks", Type: Auto, Unit: "chunks", Min: 1, Max: model.MaxFeatures,
			Doc:   "Parts of the vocabulary whose logits lie on the wafer one after the other. `\"auto\"`: the compiler searches.",
			field: func(c *Config) any { return &c.GPT.Chunks }},
		{Name: "gpt.sensitivity", Type: Flag,
			Doc:   "Also simulate the step with each assumed number of the machine a notch lower and higher: what the throughput hangs on.",
			field: func(c *Config) any { return &c.GPT.Sensitivity }},
	}, gptMaskKeys()...)
}

// gptMaskKeys are the keys of [gpt] that say where the zeros are.
func gptMaskKeys() []Key {
	return []Key{
		{Name: "gpt.mask", Type: Word, Words: []string{string(model.MaskUnstructured), string(model.MaskRowBalanced), string(model.MaskNM), string(model.MaskBlock)},
			Doc:   "Where the non-zeros of a matrix are. `unstructured`: anywhere, exact in number; `row_balanced`: as many in every row; `nm`: as many in every `nm_group` consecutive weights; `block`: whole blocks.",
			field: func(c *Config) any { return (*string)(&c.GPT.Mask) }},
		{Name: "gpt.nm_group", Type: Whole, Unit: "weights", Min: 1, Max: model.MaxFeatures,
			Doc:   "M of an N:M mask; N is (1 - sparsity) x M and must be whole. Used with `mask = \"nm\"` only.",
			field: func(c *Config) any { return &c.GPT.NMGroup }},
		{Name: "gpt.block_rows", Type: Whole, Unit: "features", Min: 1, Max: model.MaxFeatures,
			Doc:   "Outputs of a block, which must divide those of every matrix. Used with `mask = \"block\"` only.",
			field: func(c *Config) any { return &c.GPT.BlockRows }},
		{Name: "gpt.block_cols", Type: Whole, Unit: "features", Min: 1, Max: model.MaxFeatures,
			Doc:   "Inputs of a block, which must divide those of every matrix. Used with `mask = \"block\"` only.",
			field: func(c *Config) any { return &c.GPT.BlockCols }},
		{Name: "gpt.mask_file", Type: Path,
			Doc:   "`.safetensors` of a HuggingFace GPT-2 of the model's shape whose zeros are the mask, as one more sparsity. None: only drawn masks.",
			field: func(c *Config) any { return &c.GPT.MaskFile }},
		{Name: "gpt.distribution", Type: Word, Words: []string{DistributionUniform, DistributionErdosRenyi},
			Doc:   "Density of a matrix beside others. `uniform`: alike; `erdos_renyi`: as (rows + columns) / (rows x columns). The sparsity of all together is kept.",
			field: func(c *Config) any { return &c.GPT.Distribution }},
		{Name: "gpt.matrix_densities", Type: Reals, Min: 1e-3, Max: 1e3, Repeat: true,
			Doc:   "Relative densities of q, k, v, attn.proj, mlp.fc and mlp.proj; none: all alike. The sparsity of all together is kept.",
			field: func(c *Config) any { return &c.GPT.MatrixDensities }},
		{Name: "gpt.layer_densities", Type: Reals, Min: 1e-3, Max: 1e3, Repeat: true,
			Doc:   "Relative densities of the blocks, first to last; none: all alike. The sparsity of all together is kept.",
			field: func(c *Config) any { return &c.GPT.LayerDensities }},
	}
}

// Shapes are the models of a gpt run, in their order.
func (c *Config) Shapes() []model.Config {
	if len(c.GPT.Models) == 0 {
		shape := c.Model.Shape
		if preset, err := model.Preset(shape.Name); err == nil && preset != shape {
			shape.Name = customModel // published numbers of the preset are not those of this
		}
		return []model.Config{shape}
	}
	var shapes []model.Config
	for _, name := range c.GPT.Models {
		shape, err := model.Preset(name)
		if err != nil {
			panic(err) // the schema lists the presets
		}
		shapes = append(shapes, shape)
	}
	return shapes
}

// Searched is the value of an Auto key, 0 where the compiler or the published numbers decide.
func Searched(v int) int { return max(v, 0) }

// MaskSeed is the seed of a run's masks.
func (c *Config) MaskSeed() uint64 { return c.maskSeed() }

// checkGPT reports what is wrong with keys taken together.
func (c *Config) checkGPT(report func(key, value string, item int, format string, a ...any)) {
	g := &c.GPT
	if n := len(g.MatrixDensities); n != 0 && n != BlockMatrices {
		report("gpt.matrix_densities", formatValue(g.MatrixDensities), -1, "has %d numbers, must have %d: q, k, v, attn.proj, mlp.fc, mlp.proj", n, BlockMatrices)
	}
	for _, m := range c.Shapes() {
		if n := len(g.LayerDensities); n != 0 && n != m.Layers {
			report("gpt.layer_densities", formatValue(g.LayerDensities), -1, "has %d numbers, must have one for each of the %d blocks of %s", n, m.Layers, m.Name)
		}
		if len(g.Finetune) > 0 && g.FinetuneLength > m.SequenceLength {
			report("gpt.finetune_length", tomlValue(g.FinetuneLength), -1, "is longer than the %d tokens %s takes", m.SequenceLength, m.Name)
		}
	}
	uniform := g.Distribution == DistributionUniform && len(g.MatrixDensities) == 0 && len(g.LayerDensities) == 0
	if g.Mask == model.MaskNM && !uniform {
		report("gpt.mask", tomlString(string(g.Mask)), -1, "has one density in all matrices, gpt.distribution must be %q and no gpt.matrix_densities or gpt.layer_densities be given", DistributionUniform)
	}
	for i, s := range g.Sparsities {
		n := (1 - s) * float64(g.NMGroup)
		if g.Mask == model.MaskNM && (n < 1-1e-9 || math.Abs(n-math.Round(n)) > 1e-9*float64(g.NMGroup)) {
			report("gpt.sparsities", tomlFloat(s), i, "leaves no whole number of non-zeros in a group of %d weights (gpt.nm_group), must be 0 to %d divided by %d", g.NMGroup, g.NMGroup-1, g.NMGroup)
		}
	}
	if g.Mask == model.MaskBlock {
		for _, m := range c.Shapes() {
			for _, side := range []int{m.DModel, m.DFF} {
				if side%g.BlockRows != 0 {
					report("gpt.block_rows", tomlValue(g.BlockRows), -1, "does not divide the %d outputs of a matrix of %s", side, m.Name)
				}
				if side%g.BlockCols != 0 {
					report("gpt.block_cols", tomlValue(g.BlockCols), -1, "does not divide the %d inputs of a matrix of %s", side, m.Name)
				}
			}
		}
	}
	least := max(g.Batch, 1)
	for i, n := range g.Systems {
		if g.Batch != autoValue && n > least {
			report("gpt.systems", tomlValue(n), i, "is more than the %d sequences of gpt.batch, each system needs one", g.Batch)
		}
	}
}
