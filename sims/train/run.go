package train

import (
	"context"
	"fmt"
	"math"

	"cs2sim.dev/model"
)

// Plan is a training run.
type Plan struct {
	Steps           int
	Source          Source
	Validation      []model.Batch // none: no validation
	ValidateEvery   int           // steps; 0: only at the end
	Patience        int           // validations without a better loss before it stops; 0: never stops early
	CheckpointEvery int           // steps; 0: never
	Schedule        model.Schedule
	Optimizer       model.AdamW
	Clip            float64
}

// Hooks are told what happens. Any may be nil.
type Hooks struct {
	Step func(*State)       // after every step
	Save func(*State) error // keeps a checkpoint
}

// Run trains until the plan's last step, from wherever s is. A gradient that overflows fp16
// skips the update and halves the loss scale. When ctx ends, s is saved as it was at the end of
// the last step and the error of ctx returned.
func Run(ctx context.Context, e Engine, p Plan, s *State, h Hooks) error {
	if err := e.Load(s.Params); err != nil {
		return err
	}
	save := func() error {
		if h.Save == nil {
			return nil
		}
		return h.Save(s)
	}
	t := &model.Trainer{Params: s.Params, State: s.Adam, Optimizer: p.Optimizer, Schedule: p.Schedule, ClipNorm: p.Clip, Scale: s.Scale}
	for {
		var err error
		if p.validates(s) {
			err = validate(ctx, e, p, s)
		}
		if err == nil && (s.Step >= p.Steps || s.Stopped) {
			break
		}
		if err == nil {
			err = step(ctx, e, p, s, t)
		}
		switch {
		case err != nil && ctx.Err() != nil:
			if s.Step > 0 { // else nothing is lost
				if err := save(); err != nil {
					return err
				}
			}
			return ctx.Err()
		case err != nil:
			return err
		}
		if h.Step != nil {
			h.Step(s)
		}
		if p.CheckpointEvery > 0 && s.Step%p.CheckpointEvery == 0 && s.Step < p.Steps {
			if err := save(); err != nil {
				return err
			}
		}
	}
	if s.Best != nil {
		copy(s.Params.Values, s.Best)
		s.Best = nil
		return e.Load(s.Params)
	}
	return nil
}

// validates tells whether a validation comes before anything else: a checkpoint is made without it.
func (p *Plan) validates(s *State) bool {
	if len(p.Validation) == 0 || len(s.Validations) > 0 && s.Last().Step == s.Step {
		return false
	}
	return s.Step >= p.Steps || p.ValidateEvery > 0 && s.Step%p.ValidateEvery == 0
}

// step takes one batch. When ctx ends in the middle of it, nothing of s has changed.
func step(ctx context.Context, e Engine, p Plan, s *State, t *model.Trainer) error {
	report := model.StepReport{LossScale: 1}
	if s.Scale != nil {
		report.LossScale = s.Scale.Scale
	}
	grads := make([]float32, s.Params.Layout.Size)
	loss, work, err := e.Loss(ctx, p.Source.Batch(s.Step), report.LossScale, grads)
	if err != nil {
		return fmt.Errorf("step %d: %w", s.Step, err)
	}
	if report.Loss = loss; math.IsNaN(float64(loss)) || math.IsInf(float64(loss), 0) {
		return fmt.Errorf("step %d: the loss is %v: the training diverged, a lower learning rate may help", s.Step, loss)
	}
	if err := t.Update(&report, grads); err != nil {
		return fmt.Errorf("step %d: %w", s.Step, err)
	}
	r := StepRecord{Loss: float64(loss), Rate: report.Rate, GradNorm: report.GradNorm, LossScale: float64(report.LossScale), Skipped: report.Skipped}
	if r.Skipped {
		r.GradNorm = 0
	}
	s.Step++
	s.Updates = s.Adam.Steps
	s.Steps = append(s.Steps, r)
	s.Work.Add(work)
	return e.Load(s.Params)
}

// validate measures the loss on the validation batches and keeps the best parameters.
func validate(ctx context.Context, e Engine, p Plan, s *State) error {
	loss, work, err := MeanLoss(ctx, e, p.Validation)
	if err != nil {
		return err
	}
	s.Validating.Add(work)
	s.Validations = append(s.Validations, Validation{s.Step, loss})
	if p.Patience == 0 {
		return nil
	}
	if len(s.Validations) == 1 || loss < s.BestLoss {
		s.BestLoss, s.BestStep, s.Worse = loss, s.Step, 0
		s.Best = append(s.Best[:0], s.Params.Values...)
		return nil
	}
	s.Worse++
	s.Stopped = s.Worse >= p.Patience
	return nil
}

// MeanLoss is the mean over all tokens of the batches that have weight, in nats.
func MeanLoss(ctx context.Context, e Engine, batches []model.Batch) (float64, Work, error) {
	var sum, weights float64
	var work Work
	for _, b := range batches {
		loss, w, err := e.Loss(ctx, b, 1, nil)
		if err != nil {
			return 0, work, err
		}
		n := float64(b.SumWeights())
		sum, weights = sum+float64(loss)*n, weights+n
		work.Add(w)
	}
	return sum / weights, work, nil
}
