package model

import "fmt"

// Trainer is the state of a training run.
type Trainer struct {
	Reference *Reference // of Step; nil where a machine computes the gradients
	Params    *Params
	State     *AdamState
	Optimizer AdamW
	Schedule  Schedule
	ClipNorm  float64    // 0: no clipping
	Scale     *LossScale // nil: no loss scaling
}

// StepReport tells what one step did.
type StepReport struct {
	Loss      float32
	GradNorm  float64 // before clipping; NaN or infinite if skipped
	Rate      float64
	LossScale float32 // the step was computed at
	Skipped   bool    // a gradient overflowed: nothing was updated
}

// Step computes the loss and gradients of the micro-batches and makes one update.
// A batch has a loss over all its micro-batches together; their Totals are set here.
// The rate follows updates made, so that a skipped step does not use up the
// schedule. Without loss scaling an overflow is an error.
func (t *Trainer) Step(micro ...Batch) (StepReport, error) {
	report := StepReport{LossScale: 1, Rate: t.Schedule.At(t.State.Steps)}
	if t.Scale != nil {
		report.LossScale = t.Scale.Scale
	}
	var total float32
	for _, b := range micro {
		b.Total = 1 // one micro-batch alone may be without loss
		if err := b.Check(t.Reference.Graph.Config); err != nil {
			return report, err
		}
		total += b.SumWeights()
	}
	if total == 0 {
		return report, fmt.Errorf("update %d: no token has a weight above 0, the loss is undefined", t.State.Steps)
	}
	grads := make([]float32, t.Params.Layout.Size)
	for _, b := range micro {
		b.Total = total
		pass, err := t.Reference.Forward(t.Params, b)
		if err != nil {
			return report, err
		}
		report.Loss += pass.Loss
		if err := pass.Backward(report.LossScale, grads); err != nil {
			return report, err
		}
	}
	err := t.Update(&report, grads)
	return report, err
}

// Update makes one update with the gradients of report.Loss times report.LossScale, whoever
// computed them; grads are unscaled and clipped in place. It fills in the rest of the report.
func (t *Trainer) Update(report *StepReport, grads []float32) error {
	report.Rate = t.Schedule.At(t.State.Steps)
	unscale := 1 / report.LossScale
	for i := range grads {
		grads[i] *= unscale
	}
	report.GradNorm = GlobalNorm(grads)
	report.Skipped = !(report.GradNorm-report.GradNorm == 0)
	if t.Scale == nil {
		if report.Skipped {
			return fmt.Errorf("update %d: gradients are not finite, the loss is %v", t.State.Steps, report.Loss)
		}
	} else if err := t.Scale.Update(report.Skipped); err != nil {
		return fmt.Errorf("update %d: %w", t.State.Steps, err)
	}
	if report.Skipped {
		return nil
	}
	if factor := ClipFactor(report.GradNorm, t.ClipNorm); factor != 1 {
		for i := range grads {
			grads[i] *= factor
		}
	}
	return t.Optimizer.Apply(t.Params, grads, t.State, report.Rate)
}
