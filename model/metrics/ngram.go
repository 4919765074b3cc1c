package metrics

import (
	"math"
	"slices"
	"strings"
)

// maxN is the longest n-gram of NIST; BLEU goes to bleuN.
const (
	maxN  = 5
	bleuN = 4
)

// tally is how often each n-gram occurs, by n-1. An n-gram is its tokens with one space
// between: no token has a space in it.
type tally [maxN]map[string]int

func newTally(size int) *tally {
	var t tally
	for n := range t {
		t[n] = make(map[string]int, size)
	}
	return &t
}

// ngrams calls f with each n-gram of tokens up to length top, n counted from 0.
func ngrams(tokens []string, top int, f func(n int, ngram string)) {
	text := strings.Join(tokens, " ")
	start := 0
	for i := range tokens {
		end := start
		for n := range min(top, len(tokens)-i) {
			end += len(tokens[i+n])
			f(n, text[start:end])
			end++
		}
		start += len(tokens[i]) + 1
	}
}

func count(tokens []string) *tally {
	t := newTally(len(tokens))
	ngrams(tokens, maxN, func(n int, ngram string) { t[n][ngram]++ })
	return t
}

// most is the n-gram counts of the reference that has the n-gram most often.
func most(refs [][]string) *tally {
	var size int
	for _, r := range refs {
		size += len(r)
	}
	top := newTally(size)
	for _, r := range refs {
		t := count(r)
		for n := range t {
			for ngram, c := range t[n] {
				top[n][ngram] = max(top[n][ngram], c)
			}
		}
	}
	return top
}

// matches calls f once for each n-gram type of tokens that a reference has, in order of
// first sight, with how often it counts.
func matches(tokens []string, top *tally, f func(n int, ngram string, hits int)) {
	own := count(tokens)
	ngrams(tokens, maxN, func(n int, ngram string) {
		c := own[n][ngram]
		if c == 0 {
			return // seen before
		}
		own[n][ngram] = 0
		if hits := min(c, top[n][ngram]); hits > 0 {
			f(n, ngram, hits)
		}
	})
}

// BLEU is a corpus score with what it was made of, n-grams by n-1.
type BLEU struct {
	Score          float64 // 0 to 1
	Hits, Totals   [bleuN]int
	HypLen, RefLen int     // tokens of the hypotheses; of the closest references
	Brevity        float64 // the factor for hypotheses shorter than their references
}

// Precision is the fraction of n-grams that a reference has, n from 1 to 4.
func (b BLEU) Precision(n int) float64 {
	if b.Totals[n-1] == 0 {
		return 0
	}
	return float64(b.Hits[n-1]) / float64(b.Totals[n-1])
}

// add counts one segment, without its reference length.
func (b *BLEU) add(hyp []string, top *tally) {
	b.HypLen += len(hyp)
	for n := range b.Totals {
		b.Totals[n] += max(0, len(hyp)-n)
	}
	matches(hyp, top, func(n int, _ string, hits int) {
		if n < bleuN {
			b.Hits[n] += hits
		}
	})
}

func (b *BLEU) brevity() float64 {
	if b.HypLen == 0 {
		return 0
	}
	return math.Exp(min(0, 1-float64(b.RefLen)/float64(b.HypLen)))
}

func tokenise(texts []string, f func(string) []string) [][]string {
	out := make([][]string, len(texts))
	for i, s := range texts {
		out[i] = f(s)
	}
	return slices.Clip(out)
}
