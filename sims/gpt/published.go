package gpt

import (
	"cs2sim.dev/model"
	"cs2sim.dev/sims"
)

// paper is SPDF, arXiv 2303.10464v2.

// setup is how the paper pre-trains a model: appendix table 1.
type setup struct {
	preset string
	paper  string // the model's name in the paper's tables
	batch  int
	tokens float64
}

func setups() []setup {
	return []setup{
		{"gpt2-small", "GPT-2 Small", 256, 2.5e9},
		{"gpt3-xl", "GPT-3 XL", 512, 26e9},
	}
}

// published is the setup of a preset; ok is false for models the paper does not have.
func published(name string) (s setup, ok bool) {
	for _, s := range setups() {
		if s.preset == name {
			return s, true
		}
	}
	return setup{}, false
}

const (
	defaultBatch       = 256 // of Cerebras-GPT's throughput figures, arXiv 2409.00287
	tokensPerParameter = 20  // Hoffmann et al. 2022, which the paper follows
	pretrainLength     = 2048
	finetuneLength     = 512 // section 3.2 and appendix table 3
)

// task is a data set of dense fine-tuning. Sequences are those of all epochs together: no table states them to more
// than three digits. The training pairs of E2E (42,061) and WebNLG (18,025) three times and of DART (62,659) twice
// round to them; of Curation Corpus they are derived from the FLOPs of appendix table 3.
type task struct {
	key, paper string
	sequences  float64
}

func tasks() []task {
	return []task{
		{sims.TaskE2E, "E2E", 126_183},
		{sims.TaskWebNLG, "WebNLG", 54_075},
		{sims.TaskDART, "DART", 125_318},
		{sims.TaskCuration, "Curation Corpus", 33_924},
	}
}

func taskOf(key string) task {
	for _, t := range tasks() {
		if t.key == key {
			return t
		}
	}
	panic("gpt: task " + key + " is in no table")
}

// batchOf is the sequences of one update of pre-training.
func batchOf(c *sims.Config, m model.Config) int {
	if n := sims.Searched(c.GPT.Batch); n > 0 {
		return n
	}
	if s, ok := published(m.Name); ok {
		return s.batch
	}
	return defaultBatch
}

// tokensOf is the tokens of pre-training.
func tokensOf(c *sims.Config, m model.Config) float64 {
	if n := sims.Searched(c.GPT.PretrainTokens); n > 0 {
		return float64(n)
	}
	if s, ok := published(m.Name); ok {
		return s.tokens
	}
	return tokensPerParameter * float64(m.Parameters())
}

// throughput is dense training on one CS-2 as published: arXiv 2409.00287, hours per epoch made
// sequences per second. Length 2048, batch 256, vocabulary 50257.
func throughput() map[string]float64 {
	return map[string]float64{"cerebras-gpt-256m": 373, "cerebras-gpt-2.7b": 46.8, "cerebras-gpt-13b": 11.87}
}

// cell is a printed number of one of the paper's FLOP tables.
type cell struct {
	table    string // appendix 2, appendix 3, main 2
	model    string
	sparsity float64
	task     string // "" for pre-training alone
	quantity string
	printed  string
}

// Tables of the paper.
const (
	tablePretrain = "appendix 2"
	tableFinetune = "appendix 3"
	tableTotal    = "main 2"
)

// Quantities of the cells.
const (
	quantitySequences = "sequences"
	quantityPerSeq    = "FLOPs per sequence"
	quantityTotal     = "FLOPs"
	quantityExa       = "exaFLOPs"
	quantityRatio     = "ratio to dense"
	quantitySpeedup   = "FLOP speedup"
)

// cells are the paper's three FLOP tables as printed in arXiv 2303.10464v2.
func cells() (all []cell) {
	const small, xl = "GPT-2 Small", "GPT-3 XL"
	for _, r := range []struct {
		model    string
		sparsity float64
		printed  [5]string
	}{
		{small, 0, [5]string{"1.22e6", "1.99e12", "2.43e18", "2.43", "1"}},
		{small, 0.5, [5]string{"1.22e6", "1.47e12", "1.79e18", "1.79", "0.737"}},
		{small, 0.75, [5]string{"1.22e6", "1.20e12", "1.46e18", "1.46", "0.601"}},
		{xl, 0, [5]string{"1.27e7", "1.86e13", "2.36e20", "236.10", "1"}},
		{xl, 0.5, [5]string{"1.27e7", "1.12e13", "1.42e20", "141.87", "0.601"}},
		{xl, 0.75, [5]string{"1.27e7", "7.46e12", "9.48e19", "94.76", "0.401"}},
	} {
		for i, q := range []string{quantitySequences, quantityPerSeq, quantityTotal, quantityExa, quantityRatio} {
			all = append(all, cell{tablePretrain, r.model, r.sparsity, "", q, r.printed[i]})
		}
	}
	for _, r := range []struct {
		task, model string
		printed     [4]string
	}{
		{"E2E", small, [4]string{"1.26e5", "1.36e11", "5.15e16", "0.052"}},
		{"E2E", xl, [4]string{"1.26e5", "1.39e12", "5.27e17", "0.524"}},
		{"WebNLG", small, [4]string{"0.54e5", "1.36e11", "2.21e16", "0.022"}},
		{"WebNLG", xl, [4]string{"0.54e5", "1.39e12", "2.26e17", "0.226"}},
		{"DART", small, [4]string{"1.25e5", "1.36e11", "5.12e16", "0.051"}},
		{"DART", xl, [4]string{"1.25e5", "1.39e12", "5.24e17", "0.524"}},
		{"Curation Corpus", small, [4]string{"0.34e5", "1.36e11", "1.38e16", "0.014"}},
		{"Curation Corpus", xl, [4]string{"0.34e5", "1.39e12", "1.41e17", "0.141"}},
	} {
		for i, q := range []string{quantitySequences, quantityPerSeq, quantityTotal, quantityExa} {
			all = append(all, cell{tableFinetune, r.model, 0, r.task, q, r.printed[i]})
		}
	}
	for _, r := range []struct {
		model    string
		sparsity float64
		printed  [4][2]string // in the order of tasks
	}{
		{small, 0, [4][2]string{{"2.48", "1.00"}, {"2.48", "1.00"}, {"2.45", "1.00"}, {"2.44", "1.00"}}},
		{small, 0.5, [4][2]string{{"1.84", "1.34"}, {"1.82", "1.35"}, {"1.84", "1.34"}, {"1.81", "1.35"}}},
		{small, 0.75, [4][2]string{{"1.52", "1.64"}, {"1.49", "1.65"}, {"1.52", "1.64"}, {"1.48", "1.65"}}},
		{xl, 0, [4][2]string{{"236.62", "1.00"}, {"236.62", "1.00"}, {"236.33", "1.00"}, {"236.32", "1.00"}}},
		{xl, 0.5, [4][2]string{{"142.40", "1.66"}, {"142.10", "1.66"}, {"142.01", "1.66"}, {"142.40", "1.66"}}},
		{xl, 0.75, [4][2]string{{"95.29", "2.48"}, {"94.98", "2.49"}, {"95.29", "2.48"}, {"94.90", "2.49"}}},
	} {
		for i, t := range tasks() {
			all = append(all, cell{tableTotal, r.model, r.sparsity, t.paper, quantityExa, r.printed[i][0]},
				cell{tableTotal, r.model, r.sparsity, t.paper, quantitySpeedup, r.printed[i][1]})
		}
	}
	return all
}
