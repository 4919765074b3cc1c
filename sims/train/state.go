package train

import (
	"math"

	"cs2sim.dev/model"
)

// State is everything a training run has at the end of a step: what a checkpoint holds.
type State struct {
	Params   *model.Params    `json:"-"`
	Adam     *model.AdamState `json:"-"`
	Best     []float32        `json:"-"` // parameters of the best validation; nil: not kept
	Progress                  // the rest
}

// Progress is the part of a State that is not an array of parameters.
type Progress struct {
	Step        int              `json:"step"`    // batches taken
	Updates     int              `json:"updates"` // of the parameters: skipped steps have none
	Scale       *model.LossScale `json:"scale"`   // nil: no loss scaling
	Stopped     bool             `json:"stopped"` // early, for want of better validations
	BestLoss    float64          `json:"best_loss"`
	BestStep    int              `json:"best_step"`
	Worse       int              `json:"worse"` // validations since the best
	Steps       []StepRecord     `json:"steps"`
	Validations []Validation     `json:"validations"`
	Work        Work             `json:"work"`       // of training steps
	Validating  Work             `json:"validating"` // of validations
}

// StepRecord is one training step.
type StepRecord struct {
	Loss      float64 `json:"loss"` // nats per token
	Rate      float64 `json:"rate"`
	GradNorm  float64 `json:"grad_norm"`  // before clipping; 0 if skipped
	LossScale float64 `json:"loss_scale"` // the step was computed at
	Skipped   bool    `json:"skipped,omitempty"`
}

// Validation is the loss on text that is not trained on.
type Validation struct {
	Step int     `json:"step"` // batches taken before
	Loss float64 `json:"loss"` // nats per token
}

// Perplexity is e to the loss.
func (v Validation) Perplexity() float64 { return math.Exp(v.Loss) }

// NewState begins a training run with parameters, which it changes.
func NewState(p *model.Params, precision model.Precision) *State {
	s := &State{Params: p, Adam: model.NewAdamState(p.Layout.Size)}
	if precision != model.FP32 {
		s.Scale = model.NewLossScale()
	}
	return s
}

// Last is the newest validation; the loss is NaN before the first.
func (p *Progress) Last() Validation {
	if n := len(p.Validations); n > 0 {
		return p.Validations[n-1]
	}
	return Validation{Loss: math.NaN()}
}

// Skipped counts the steps in which a gradient overflowed.
func (p *Progress) Skipped() (n int) {
	for _, s := range p.Steps {
		if s.Skipped {
			n++
		}
	}
	return n
}
