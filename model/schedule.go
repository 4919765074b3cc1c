package model

import (
	"fmt"
	"math"
)

// Decay names the form of a learning rate after warm-up.
type Decay string

const (
	DecayCosine   Decay = "cosine"
	DecayLinear   Decay = "linear"
	DecayConstant Decay = "constant"
)

// Schedule is a learning rate over updates: linear from Peak/Warmup to Peak over the
// first Warmup, then from Peak to Min until Steps, then Min.
type Schedule struct {
	Peak, Min     float64
	Warmup, Steps int
	Decay         Decay // constant stays at Peak and reads neither Min nor Steps
}

// Validate reports the first impossible setting.
func (s Schedule) Validate() error {
	if !(s.Peak > 0) || math.IsInf(s.Peak, 0) {
		return fmt.Errorf("schedule peak is %v, must be above 0", s.Peak)
	}
	if s.Warmup < 0 {
		return fmt.Errorf("schedule warmup is %d, must be at least 0", s.Warmup)
	}
	switch s.Decay {
	case DecayConstant:
		return nil
	case DecayCosine, DecayLinear:
	default:
		return fmt.Errorf("schedule decay is %q, must be %q, %q or %q", s.Decay, DecayCosine, DecayLinear, DecayConstant)
	}
	if !(s.Min >= 0 && s.Min <= s.Peak) {
		return fmt.Errorf("schedule min is %v, must be 0 to the peak %v", s.Min, s.Peak)
	}
	if s.Steps <= s.Warmup {
		return fmt.Errorf("schedule steps is %d, must be above the warmup of %d", s.Steps, s.Warmup)
	}
	return nil
}

// At is the rate of update step, from 0.
func (s Schedule) At(step int) float64 {
	if step < s.Warmup {
		return s.Peak * float64(step+1) / float64(s.Warmup)
	}
	if s.Decay == DecayConstant {
		return s.Peak
	}
	done := min(1, float64(step-s.Warmup)/float64(s.Steps-s.Warmup))
	left := 1 - done
	if s.Decay == DecayCosine {
		left = 0.5 * (1 + math.Cos(math.Pi*done))
	}
	return s.Min + left*(s.Peak-s.Min)
}

// LossScale keeps the gradients of mixed precision inside fp16: the loss is
// multiplied by Scale before the backward pass. An overflow halves it; Interval
// good steps in a row double it. All scales are powers of two, so that scaling
// itself does not round.
type LossScale struct {
	Scale    float32
	Interval int // good steps before Scale doubles
	Good     int // of them so far
}

const (
	maxLossScale = 1 << 24
	minLossScale = 0x1p-14 // below it no finite activation gradient overflows fp16 for a sane model
)

// NewLossScale is PyTorch's: 65,536 at first, doubled after 2,000 good steps.
func NewLossScale() *LossScale { return &LossScale{Scale: 1 << 16, Interval: 2000} }

// Update takes the outcome of a step. It fails when the scale has fallen so far
// that the overflow cannot come from it.
func (s *LossScale) Update(overflow bool) error {
	if !overflow {
		if s.Good++; s.Good >= s.Interval {
			s.Good = 0
			s.Scale = min(2*s.Scale, maxLossScale)
		}
		return nil
	}
	s.Good = 0
	if s.Scale/2 < minLossScale {
		return fmt.Errorf("gradients overflow at the least loss scale %v: the model diverged", s.Scale)
	}
	s.Scale /= 2
	return nil
}
