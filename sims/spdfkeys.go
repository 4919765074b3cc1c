package sims

import (
	"math"

	"cs2sim.dev/model"
)

// Data is what a GPT learns from.
type Data struct {
	Tokenizer       string
	Encoder, Merges string // of GPT-2's byte pair encoding
	Text            string // plain text to pre-train on
	Pairs           string // prompts and completions to fine-tune on
	TestPairs       string // to score generated texts by
	TrainFraction   float64
}

// The tokenizers.
const (
	TokenBytes = "bytes"
	TokenBPE   = "bpe"
	TokenGPT2  = "gpt2"
)

// Training is one phase of it: pre-training or fine-tuning.
type Training struct {
	Steps, Batch    int
	LearningRate    float64
	MinLearningRate float64
	Warmup          int
	Decay           string
	WeightDecay     float64
	Clip            float64
	ValidateEvery   int
	ValidateBatches int
	Patience        int
}

// Decode says how texts are generated.
type Decode struct {
	Beams         int
	LengthPenalty float64
	NoRepeatNGram int
	MaxNewTokens  int
	Limit         int // prompts; 0: all
}

// SPDF is sparse pre-training and dense fine-tuning (arXiv 2303.10464).
type SPDF struct {
	Sparsities      []float64
	Finetune        string
	Seeds           int
	CheckpointEvery int // steps
}

// The ways to fine-tune.
const (
	FinetuneBoth   = "both"
	FinetuneDense  = "dense"
	FinetuneSparse = "sparse"
)

// fillSPDF sets the defaults of the experiment's tables.
func (c *Config) fillSPDF() {
	c.Model = defaultModel()
	c.Data = Data{Tokenizer: TokenBPE, TrainFraction: 0.9}
	c.Pretrain = Training{
		Steps: 400, Batch: 8, LearningRate: 3e-3, MinLearningRate: 3e-4, Warmup: 40, Decay: string(model.DecayCosine),
		WeightDecay: 0.1, Clip: 1, ValidateEvery: 50, ValidateBatches: 4,
	}
	c.Finetune = Training{
		Steps: 200, Batch: 8, LearningRate: 1e-3, Warmup: 20, Decay: string(model.DecayLinear),
		WeightDecay: 0.01, Clip: 1, ValidateEvery: 50, ValidateBatches: 4, Patience: 3,
	}
	c.Decode = Decode{Beams: 1, LengthPenalty: 0.8, NoRepeatNGram: 4, MaxNewTokens: 64}
	c.SPDF = SPDF{Sparsities: []float64{0, 0.5, 0.75}, Finetune: FinetuneBoth, Seeds: 1, CheckpointEvery: 100}
}

// dataKeys are the keys of [data].
func dataKeys() []Key {
	path := func(name, doc string, field func(*Data) *string) Key {
		return Key{Name: "data." + name, Type: Path, Doc: doc, field: func(c *Config) any { return field(&c.Data) }}
	}
	return []Key{
		path("text", "Plain UTF-8 text to pre-train on. Must be given.", func(d *Data) *string { return &d.Text }),
		path("pairs", "Prompts and completions to fine-tune on: `.csv` as E2E, `.json` as DART, anything else lines `prompt TAB completion`. Must be given.", func(d *Data) *string { return &d.Pairs }),
		path("test_pairs", "Pairs of the same forms to score generated texts by, all completions of a prompt as references. Must be given.", func(d *Data) *string { return &d.TestPairs }),
		{Name: "data.train_fraction", Type: Real, Unit: "fraction", Min: 0.01, Max: 0.999,
			Doc:   "First part of the text, and of the prompts in their order, to train on; the rest validates.",
			field: func(c *Config) any { return &c.Data.TrainFraction }},
		{Name: "data.tokenizer", Type: Word, Words: []string{TokenBPE, TokenBytes, TokenGPT2},
			Doc:   "`bpe`: a byte pair encoding of `model.vocabulary` tokens learnt from the text and the pairs; `bytes`: a token per byte; `gpt2`: GPT-2's, from its two files.",
			field: func(c *Config) any { return &c.Data.Tokenizer }},
		path("encoder", "`encoder.json` of `tokenizer = \"gpt2\"`.", func(d *Data) *string { return &d.Encoder }),
		path("merges", "`vocab.bpe` of `tokenizer = \"gpt2\"`.", func(d *Data) *string { return &d.Merges }),
	}
}

// trainingKeys are the keys of [pretrain] and [finetune].
func trainingKeys(table string, of func(*Config) *Training) []Key {
	whole := func(name, unit string, least, most float64, doc string, field func(*Training) *int) Key {
		return Key{Name: table + "." + name, Type: Whole, Unit: unit, Min: least, Max: most, Doc: doc, field: func(c *Config) any { return field(of(c)) }}
	}
	number := func(name string, least, most float64, doc string, field func(*Training) *float64) Key {
		return Key{Name: table + "." + name, Type: Real, Min: least, Max: most, Doc: doc, field: func(c *Config) any { return field(of(c)) }}
	}
	return []Key{
		whole("steps", "steps", 1, 1e9, "Training steps, one batch each.", func(t *Training) *int { return &t.Steps }),
		whole("batch", "sequences", 1, 1e6, "Sequences of a batch; cut into micro-batches where the wafer holds fewer.", func(t *Training) *int { return &t.Batch }),
		number("learning_rate", 1e-12, 10, "Highest learning rate.", func(t *Training) *float64 { return &t.LearningRate }),
		number("min_learning_rate", 0, 10, "Learning rate of the last step.", func(t *Training) *float64 { return &t.MinLearningRate }),
		whole("warmup", "steps", 0, 1e9, "Steps over which the rate rises to its highest.", func(t *Training) *int { return &t.Warmup }),
		{Name: table + ".decay", Type: Word, Words: []string{string(model.DecayCosine), string(model.DecayLinear), string(model.DecayConstant)},
			Doc:   "How the rate falls after the warm-up.",
			field: func(c *Config) any { return &of(c).Decay }},
		number("weight_decay", 0, 1, "AdamW's decay of matrices and embeddings.", func(t *Training) *float64 { return &t.WeightDecay }),
		number("clip", 0, 1e6, "Largest norm of all gradients together; 0: not clipped.", func(t *Training) *float64 { return &t.Clip }),
		whole("validate_every", "steps", 0, 1e9, "Steps between validations; one is made at the end in any case. 0: only there.", func(t *Training) *int { return &t.ValidateEvery }),
		whole("validate_batches", "batches", 0, 1e6, "Most batches of a validation; 0: all there are.", func(t *Training) *int { return &t.ValidateBatches }),
		whole("patience", "validations", 0, 1e6, "Validations in a row without a better loss after which training stops; the weights of the best are kept. 0: never.", func(t *Training) *int { return &t.Patience }),
	}
}

// decodeKeys are the keys of [decode].
func decodeKeys() []Key {
	return []Key{
		{Name: "decode.beams", Type: Whole, Unit: "beams", Min: 1, Max: 1000,
			Doc:   "Width of the beam search; 1 is greedy. The paper has 10.",
			field: func(c *Config) any { return &c.Decode.Beams }},
		{Name: "decode.length_penalty", Type: Real, Min: 0, Max: 10,
			Doc:   "A text's log-probability is divided by its tokens to this power.",
			field: func(c *Config) any { return &c.Decode.LengthPenalty }},
		{Name: "decode.no_repeat_ngram", Type: Whole, Unit: "tokens", Min: 0, Max: 1000,
			Doc:   "No run of so many tokens is generated twice in a text; 0: any.",
			field: func(c *Config) any { return &c.Decode.NoRepeatNGram }},
		{Name: "decode.max_new_tokens", Type: Whole, Unit: "tokens", Min: 1, Max: 1e6,
			Doc:   "Longest text generated.",
			field: func(c *Config) any { return &c.Decode.MaxNewTokens }},
		{Name: "decode.limit", Type: Whole, Unit: "prompts", Min: 0, Max: 1e9,
			Doc:   "Most prompts of the test pairs, from the first; 0: all.",
			field: func(c *Config) any { return &c.Decode.Limit }},
	}
}

// spdfKeys are the keys of [spdf].
func spdfKeys() []Key {
	return []Key{
		{Name: "spdf.sparsities", Type: Reals, Unit: "fraction", Min: 0, Max: 1, Below: true,
			Doc:   "Fractions of zero weights in the six matrices of every block to pre-train at.",
			field: func(c *Config) any { return &c.SPDF.Sparsities }},
		{Name: "spdf.finetune", Type: Word, Words: []string{FinetuneBoth, FinetuneDense, FinetuneSparse},
			Doc:   "`dense`: the mask is dropped, newly active weights start at 0; `sparse`: the mask stays; `both`: one after the other, from the same pre-trained weights.",
			field: func(c *Config) any { return &c.SPDF.Finetune }},
		{Name: "spdf.seeds", Type: Whole, Unit: "seeds", Min: 1, Max: 1000,
			Doc:   "Repetitions under `seed`, `seed` + 1, ...: other weights, masks and batches. Tables give mean and deviation.",
			field: func(c *Config) any { return &c.SPDF.Seeds }},
		{Name: "spdf.checkpoint_every", Type: Whole, Unit: "steps", Min: 1, Max: 1e9,
			Doc:   "Steps between checkpoints; the last two are kept while a stage runs.",
			field: func(c *Config) any { return &c.SPDF.CheckpointEvery }},
	}
}

// Schedule is the learning rate of a phase.
func (t Training) Schedule() model.Schedule {
	return model.Schedule{Peak: t.LearningRate, Min: t.MinLearningRate, Warmup: t.Warmup, Steps: t.Steps, Decay: model.Decay(t.Decay)}
}

// Optimizer is AdamW of a phase, its betas those of GPT-3.
func (t Training) Optimizer() model.AdamW {
	a := model.DefaultAdamW()
	a.WeightDecay = t.WeightDecay
	return a
}

// checkSPDF reports what is wrong with keys taken together.
func (c *Config) checkSPDF(report func(key, value string, item int, format string, a ...any)) {
	for _, f := range []struct{ key, path string }{
		{"data.text", c.Data.Text}, {"data.pairs", c.Data.Pairs}, {"data.test_pairs", c.Data.TestPairs},
	} {
		if f.path == "" {
			report(f.key, "", -1, "is missing, must be the path of a file")
		}
	}
	if c.Data.Tokenizer == TokenGPT2 && (c.Data.Encoder == "" || c.Data.Merges == "") {
		report("data.tokenizer", tomlString(TokenGPT2), -1, "needs data.encoder and data.merges, the paths of encoder.json and vocab.bpe")
	}
	for _, f := range []struct {
		table string
		t     Training
	}{{"pretrain", c.Pretrain}, {"finetune", c.Finetune}} {
		if err := f.t.Schedule().Validate(); err != nil {
			key, value := ".steps", tomlValue(f.t.Steps)
			if f.t.MinLearningRate > f.t.LearningRate {
				key, value = ".min_learning_rate", tomlFloat(f.t.MinLearningRate)
			}
			report(f.table+key, value, -1, "%v", err)
		}
	}
	for i, s := range c.SPDF.Sparsities {
		if _, err := c.Model.Shape.Sparsity(c.GPTMask(s, 0)); err != nil {
			report("spdf.sparsities", tomlFloat(s), i, "%v", err)
		}
	}
	if limit := math.MaxInt64 / 2; c.Seed > limit-c.SPDF.Seeds {
		report("seed", tomlValue(c.Seed), -1, "is too large for %d seeds", c.SPDF.Seeds)
	}
}

// GPTMask is the mask of the six matrices of every block at a sparsity under seed.
func (c *Config) GPTMask(sparsity float64, seed int) model.MaskSpec {
	return model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity, Seed: splitmix64(uint64(seed), maskTag)}
}

// Seeds of the other random streams of a repetition.
func InitSeed(seed int) uint64  { return splitmix64(uint64(seed), valueTag) }
func BatchSeed(seed int) uint64 { return splitmix64(uint64(seed), batchTag) }
