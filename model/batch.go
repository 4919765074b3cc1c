package model

import "fmt"

// Batch is B sequences of T tokens each, with the token that follows every one.
type Batch struct {
	B, T    int
	Tokens  []int32   // [B][T]
	Targets []int32   // [B][T]; not read where the weight is 0
	Weights []float32 // [B][T] of each token in the loss, nil: 1. 0 outside a completion
	// Total is what the weighted sum of losses is divided by: the sum of weights of the
	// whole batch of which this is one micro-batch or one wafer's part. 0: this one's own.
	Total float32
}

// Check reports the first reason why a model of shape c cannot compute b.
func (b Batch) Check(c Config) error {
	n := b.B * b.T
	switch {
	case b.B < 1 || b.T < 1:
		return fmt.Errorf("batch is %d sequences of %d tokens, both must be at least 1", b.B, b.T)
	case b.T > c.SequenceLength:
		return fmt.Errorf("batch has sequences of %d tokens, the model's sequence_length is %d", b.T, c.SequenceLength)
	case len(b.Tokens) != n || len(b.Targets) != n:
		return fmt.Errorf("batch of %d x %d has %d tokens and %d targets, must have %d each",
			b.B, b.T, len(b.Tokens), len(b.Targets), n)
	case b.Weights != nil && len(b.Weights) != n:
		return fmt.Errorf("batch of %d x %d has %d weights, must have %d or none", b.B, b.T, len(b.Weights), n)
	case !(b.Total >= 0) || !finite(b.Total):
		return fmt.Errorf("batch total is %v, must be a positive number or 0", b.Total)
	}
	some := false
	for i := range n {
		at := func() string { return fmt.Sprintf("batch sequence %d, position %d", i/b.T, i%b.T) }
		if t := b.Tokens[i]; t < 0 || int(t) >= c.Vocabulary {
			return fmt.Errorf("%s: token is %d, must be 0 to %d", at(), t, c.Vocabulary-1)
		}
		w := b.weight(i)
		if !(w >= 0) || !finite(w) {
			return fmt.Errorf("%s: weight is %v, must be at least 0 and finite", at(), w)
		}
		if w == 0 {
			continue
		}
		some = true
		if t := b.Targets[i]; t < 0 || int(t) >= c.Vocabulary {
			return fmt.Errorf("%s: target is %d, must be 0 to %d", at(), t, c.Vocabulary-1)
		}
	}
	if !some && b.Total == 0 {
		return fmt.Errorf("batch has no token of weight above 0, its loss is undefined")
	}
	return nil
}

func (b Batch) weight(i int) float32 {
	if b.Weights == nil {
		return 1
	}
	return b.Weights[i]
}

// weights is b.Weights with the default filled in.
func (b Batch) weights() []float32 {
	if b.Weights != nil {
		return b.Weights
	}
	w := make([]float32, b.B*b.T)
	for i := range w {
		w[i] = 1
	}
	return w
}

// SumWeights is the sum of the tokens' weights, in fp32 in their order.
func (b Batch) SumWeights() float32 {
	var sum float32
	for i := range b.B * b.T {
		sum += b.weight(i)
	}
	return sum
}
