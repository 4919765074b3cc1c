// Package oracle is the plain-loop reference as an engine of package train: what the machine's
// trainings are tested against. No command uses it.
package oracle

import (
	"context"

	"cs2sim.dev/model"
	"cs2sim.dev/sims/train"
)

// Oracle computes with model.Reference and reports no work.
type Oracle struct {
	Reference *model.Reference
	params    *model.Params
}

// New returns the oracle of a shape; the error is that of model.NewReference.
func New(c model.Config, p model.Precision) (*Oracle, error) {
	r, err := model.NewReference(c, p)
	if err != nil {
		return nil, err
	}
	return &Oracle{Reference: r}, nil
}

// Load takes the parameters.
func (o *Oracle) Load(p *model.Params) error {
	o.params = p
	return nil
}

// Loss runs the batch in one pass.
func (o *Oracle) Loss(ctx context.Context, b model.Batch, scale float32, grads []float32) (float32, train.Work, error) {
	if err := ctx.Err(); err != nil {
		return 0, train.Work{}, err
	}
	pass, err := o.Reference.Forward(o.params, b)
	if err != nil {
		return 0, train.Work{}, err
	}
	if grads != nil {
		err = pass.Backward(scale, grads)
	}
	return pass.Loss, train.Work{}, err
}

// Logits runs each sequence by itself.
func (o *Oracle) Logits(ctx context.Context, sequences [][]int32) ([][]float32, train.Work, error) {
	out := make([][]float32, len(sequences))
	for i, s := range sequences {
		if err := ctx.Err(); err != nil {
			return nil, train.Work{}, err
		}
		b := model.Batch{B: 1, T: len(s), Tokens: s, Targets: make([]int32, len(s))}
		pass, err := o.Reference.Forward(o.params, b)
		if err != nil {
			return nil, train.Work{}, err
		}
		v := o.Reference.Graph.Config.Vocabulary
		out[i] = pass.Logits()[(len(s)-1)*v:]
	}
	return out, train.Work{}, nil
}
