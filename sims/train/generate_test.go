package train_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"cs2sim.dev/model"
	"cs2sim.dev/sims/train"
)

// chain is a language of a few tokens: probabilities of the next token given the last.
type chain [][]float64

func (c chain) Load(*model.Params) error { return nil }
func (c chain) Loss(context.Context, model.Batch, float32, []float32) (float32, train.Work, error) {
	return 0, train.Work{}, nil
}
func (c chain) Logits(_ context.Context, sequences [][]int32) ([][]float32, train.Work, error) {
	out := make([][]float32, len(sequences))
	for i, s := range sequences {
		for _, p := range c[s[len(s)-1]] {
			out[i] = append(out[i], float32(math.Log(p)))
		}
	}
	return out, train.Work{MicroBatches: 1}, nil
}

func generate(t *testing.T, e train.Engine, o train.Search, prompts ...[]int32) [][]int32 {
	t.Helper()
	out, _, err := train.Generate(context.Background(), e, prompts, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestBeamSeesFurther: token 1 looks best at first, but leads into doubt; 2 is the better text.
func TestBeamSeesFurther(t *testing.T) {
	c := chain{ // 0 ends
		{.25, .25, .25, .25},
		{.35, .05, .30, .30},
		{.90, .04, .03, .03},
		{.05, .55, .38, .02},
	}
	o := train.Search{Beams: 1, MaxNew: 5, Longest: 9}
	if got := generate(t, c, o, []int32{3}, []int32{2}); !slices.Equal(got[0], []int32{1}) || len(got[1]) != 0 {
		t.Errorf("greedy: %v", got)
	}
	o.Beams = 2
	if got := generate(t, c, o, []int32{3})[0]; !slices.Equal(got, []int32{2}) {
		t.Errorf("two beams: %v", got)
	}
}

// TestBeamIsExhaustive: a beam as wide as all texts finds the best of them.
func TestBeamIsExhaustive(t *testing.T) {
	e := newOracle(t, model.FP32)
	p := newParams(t, 0)
	for i := range p.Values {
		p.Values[i] *= 20 // so that texts differ
	}
	if err := e.Load(p); err != nil {
		t.Fatal(err)
	}
	tiny := three{e}
	const end, most = 0, 3
	prompt := []int32{2, 1}
	var best []int32
	bestScore := math.Inf(-1)
	var walk func(tokens []int32, score float64)
	walk = func(tokens []int32, score float64) {
		logits, _, err := tiny.Logits(context.Background(), [][]int32{slices.Concat(prompt, tokens)})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, z := range logits[0] {
			sum += math.Exp(float64(z))
		}
		for token, z := range logits[0] {
			s := score + float64(z) - math.Log(sum)
			if token == end {
				if s /= math.Pow(float64(len(tokens)+1), 0.8); s > bestScore {
					best, bestScore = slices.Clone(tokens), s
				}
			} else if len(tokens)+1 < most {
				walk(append(slices.Clone(tokens), int32(token)), s)
			}
		}
	}
	walk(nil, 0)
	got := generate(t, tiny, train.Search{Beams: 4, LengthPenalty: 0.8, MaxNew: most, Longest: shape.SequenceLength, End: end}, prompt)[0]
	if !slices.Equal(got, best) {
		t.Errorf("beam gives %v, the best of all texts is %v", got, best)
	}
}

// three shows only the first three tokens of the vocabulary.
type three struct{ train.Engine }

func (e three) Logits(ctx context.Context, s [][]int32) ([][]float32, train.Work, error) {
	out, w, err := e.Engine.Logits(ctx, s)
	for i := range out {
		out[i] = out[i][:3]
	}
	return out, w, err
}

func TestGenerateBounds(t *testing.T) {
	loop := chain{{.1, .8, .1}, {.1, .1, .8}, {.1, .8, .1}} // 1 2 1 2 ...
	o := train.Search{Beams: 1, MaxNew: 7, Longest: 100}
	if got := generate(t, loop, o, []int32{1})[0]; !slices.Equal(got, []int32{2, 1, 2, 1, 2, 1, 2}) {
		t.Error(got)
	}
	o.NoRepeat = 2
	got := generate(t, loop, o, []int32{1})[0]
	seen := map[[2]int32]bool{}
	for i := 1; i < len(got); i++ {
		pair := [2]int32{got[i-1], got[i]}
		if seen[pair] {
			t.Errorf("%v repeats %v", got, pair)
		}
		seen[pair] = true
	}
	o = train.Search{Beams: 3, MaxNew: 50, Longest: 4, NoRepeat: 0}
	if got := generate(t, loop, o, []int32{1, 2})[0]; len(got) > 3 {
		t.Errorf("%v after 2 tokens, the model takes 4", got)
	}
	for _, prompt := range [][]int32{{}, {1, 1, 1, 1, 1}} {
		if _, _, err := train.Generate(context.Background(), loop, [][]int32{prompt}, o, nil); err == nil {
			t.Errorf("a prompt of %d tokens is accepted", len(prompt))
		}
	}
}
