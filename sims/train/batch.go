package train

import (
	"cs2sim.dev/model"
	"cs2sim.dev/model/text"
)

// Source gives the batch of every step, from 0.
type Source interface {
	Batch(step int) model.Batch
}

// TextSource takes windows of a text at random places.
type TextSource struct {
	Stream *text.Stream
	Seed   uint64
	Size   int // sequences of a batch
}

// Batch is the batch of a step.
func (s TextSource) Batch(step int) model.Batch { return windows(s.Stream.Batch(s.Seed, step, s.Size)) }

// PairSource takes pairs, each once per epoch.
type PairSource struct {
	Pairs *text.PairSet
	Seed  uint64
	Size  int // pairs of a batch
}

// Batch is the batch of a step.
func (s PairSource) Batch(step int) model.Batch { return examples(s.Pairs.Batch(s.Seed, step, s.Size)) }

// TextValidation cuts a text into batches of size windows, at most limit of them; 0: all.
func TextValidation(s *text.Stream, size, limit int) []model.Batch {
	return inBatches(s.Windows(size*limit), size, windows)
}

// PairValidation is all pairs in batches, at most limit of them; 0: all.
func PairValidation(p *text.PairSet, size, limit int) []model.Batch {
	all := p.All()
	if limit > 0 {
		all = all[:min(len(all), size*limit)]
	}
	return inBatches(all, size, examples)
}

func inBatches[S any](all []S, size int, batch func([]S) model.Batch) (out []model.Batch) {
	for len(all) > 0 {
		n := min(size, len(all))
		out = append(out, batch(all[:n]))
		all = all[n:]
	}
	return out
}

// windows are sequences of T+1 tokens, every token but the first a target.
func windows(sequences [][]int32) model.Batch {
	b := model.Batch{B: len(sequences), T: len(sequences[0]) - 1}
	for _, s := range sequences {
		b.Tokens = append(b.Tokens, s[:b.T]...)
		b.Targets = append(b.Targets, s[1:]...)
	}
	return b
}

// examples weigh the tokens of completions 1 and all others 0.
func examples(list []text.Example) model.Batch {
	sequences := make([][]int32, len(list))
	for i, e := range list {
		sequences[i] = e.Tokens
	}
	b := windows(sequences)
	for _, e := range list {
		for _, counts := range e.Loss {
			w := float32(0)
			if counts {
				w = 1
			}
			b.Weights = append(b.Weights, w)
		}
	}
	return b
}
