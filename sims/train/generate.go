package train

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// Search says how texts are generated.
type Search struct {
	Beams         int     // 1: greedy
	LengthPenalty float64 // a text's log-probability is divided by its tokens to this power
	NoRepeat      int     // no run of so many generated tokens occurs twice; 0: any may
	MaxNew        int     // most tokens generated
	Longest       int     // most tokens of a sequence: the model's length
	End           int32   // token that ends a text
}

// beam is a text being generated.
type beam struct {
	tokens []int32 // generated, without the prompt and the end
	score  float64 // sum of log-probabilities
}

// search is one prompt's beams, as HuggingFace's BeamHypotheses has it: of the best 2*Beams
// continuations those that end a text are set aside if they are among the best Beams, the others
// go on; it ends when none that goes on can still beat the worst set aside.
type search struct {
	*Search
	prompt   []int32
	open     []beam
	finished []beam // score is divided by the length penalty
	closed   bool
}

// Generate returns the tokens that follow each prompt, without the end. All prompts go side by
// side; a sequence is run again for every further token, the wafer keeps no keys and values.
func Generate(ctx context.Context, e Engine, prompts [][]int32, o Search, progress func(done, total int)) ([][]int32, Work, error) {
	var work Work
	searches := make([]*search, len(prompts))
	for i, p := range prompts {
		if len(p) < 1 || len(p) > o.Longest {
			return nil, work, fmt.Errorf("prompt %d has %d tokens, must have 1 to the model's sequence_length %d", i, len(p), o.Longest)
		}
		searches[i] = &search{Search: &o, prompt: p, open: []beam{{}}}
	}
	for done := range o.MaxNew {
		var sequences [][]int32
		var of []*search
		for _, s := range searches {
			if s.closed {
				continue
			}
			of = append(of, s)
			for _, b := range s.open {
				sequences = append(sequences, slices.Concat(s.prompt, b.tokens))
			}
		}
		if len(of) == 0 {
			break
		}
		if progress != nil {
			progress(done, o.MaxNew)
		}
		logits, w, err := e.Logits(ctx, sequences)
		if err != nil {
			return nil, work, err
		}
		work.Add(w)
		for _, s := range of {
			beams := len(s.open)
			s.extend(logits[:beams])
			logits = logits[beams:]
		}
	}
	out := make([][]int32, len(prompts))
	for i, s := range searches {
		out[i] = s.best()
	}
	return out, work, nil
}

// candidate is a beam and the token that may follow it.
type candidate struct {
	beam  int
	token int32
	score float64
}

// extend takes the logits after each open beam.
func (s *search) extend(logits [][]float32) {
	var all []candidate
	for i, b := range s.open {
		all = append(all, s.continuations(i, b, logits[i])...)
	}
	all = top(all, 2*s.Beams)
	var next []beam
	for rank, c := range all {
		from := s.open[c.beam]
		switch {
		case c.token != s.End:
			if len(next) < s.Beams {
				next = append(next, beam{append(slices.Clone(from.tokens), c.token), c.score})
			}
		case rank < s.Beams:
			s.finish(beam{from.tokens, c.score / s.penalty(len(from.tokens)+1)})
		}
	}
	s.open = next
	if len(next) == 0 || len(s.prompt)+len(next[0].tokens) > s.Longest || s.decided() {
		s.closed = true
	}
}

func (s *search) penalty(tokens int) float64 {
	return math.Pow(float64(tokens), s.LengthPenalty)
}

// finish keeps the best Beams finished texts, best first; of equal ones the earlier.
func (s *search) finish(b beam) {
	s.finished = append(s.finished, b)
	slices.SortStableFunc(s.finished, func(a, b beam) int { return cmp.Compare(b.score, a.score) })
	s.finished = s.finished[:min(len(s.finished), s.Beams)]
}

// decided tells that no open beam can beat the worst finished text, if all further tokens were certain
// and the text not longer than it is.
func (s *search) decided() bool {
	if len(s.finished) < s.Beams {
		return false
	}
	return s.finished[len(s.finished)-1].score >= s.open[0].score/s.penalty(len(s.open[0].tokens))
}

// best is the finished text of the highest score; texts cut off count as they are.
func (s *search) best() []int32 {
	if len(s.finished) < s.Beams {
		for _, b := range s.open {
			s.finish(beam{b.tokens, b.score / s.penalty(max(1, len(b.tokens)))})
		}
	}
	if len(s.finished) == 0 {
		return nil
	}
	return s.finished[0].tokens
}

// continuations are the best 2*Beams tokens after a beam.
func (s *search) continuations(i int, b beam, logits []float32) []candidate {
	top1 := slices.Max(logits)
	sum := 0.0
	for _, z := range logits {
		sum += math.Exp(float64(z - top1))
	}
	lse := float64(top1) + math.Log(sum)
	banned := s.banned(b.tokens)
	all := make([]candidate, 0, len(logits))
	for token, z := range logits {
		if !slices.Contains(banned, int32(token)) {
			all = append(all, candidate{i, int32(token), b.score + float64(z) - lse})
		}
	}
	return top(all, 2*s.Beams)
}

// banned are the tokens that would repeat a run of NoRepeat generated tokens. Runs of the prompt
// do not count: a completion is meant to take words over from it.
func (s *search) banned(tokens []int32) (out []int32) {
	n := s.NoRepeat
	if n == 0 || len(tokens) < n {
		return nil
	}
	last := tokens[len(tokens)-n+1:]
	for i := 0; i+n <= len(tokens); i++ {
		if slices.Equal(tokens[i:i+n-1], last) {
			out = append(out, tokens[i+n-1])
		}
	}
	return out
}

// top returns the n best candidates, best first: higher score, then earlier beam, then lower token.
func top(all []candidate, n int) []candidate {
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.beam, b.beam), cmp.Compare(a.token, b.token))
	})
	return all[:min(n, len(all))]
}
