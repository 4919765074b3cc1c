package gpt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
)

// Job is one training step to simulate: a model, its masks, a machine, and the sequences of one
// update on one wafer.
type Job struct {
	Model     model.Config // SequenceLength is that of the job
	Machine   compiler.Target
	Precision model.Precision
	Masks     Masks
	Sequences int // of one update on one system
	Systems   int // that share MemoryX; 0 is 1
	Mapping   Mapping
}

// Mapping fixes parts of the compiler's choice; 0 searches.
type Mapping struct {
	Columns        int `json:"columns,omitempty"` // of a group
	ColumnsPerHead int `json:"columns_per_head,omitempty"`
	Tokens         int `json:"tokens,omitempty"` // per PE
	Chunks         int `json:"chunks,omitempty"`
}

// input is all that decides what a step comes to.
type input struct {
	Version   string             `json:"version"`
	Model     model.Config       `json:"model"`
	Machine   map[string]float64 `json:"machine"`
	Precision model.Precision    `json:"precision"`
	Masks     Masks              `json:"masks"`
	Sequences int                `json:"sequences"`
	Stream    float64            `json:"stream"` // wavelets per cycle of weights and gradients: all that a step knows of other systems
	Mapping   Mapping            `json:"mapping"`
}

// Key names the step of a job: a hash of all that decides it.
func (j Job) Key() string {
	in := input{sims.Version, j.Model, map[string]float64{}, j.Precision, j.Masks, j.Sequences, j.Machine.StreamRate(j.Systems), j.Mapping}
	in.Model.Name = "" // a name changes nothing
	for _, p := range j.Machine.Params {
		in.Machine[p.Key] = p.Value
	}
	data, err := json.Marshal(in)
	if err != nil {
		panic(err) // plain data; run files admit neither NaN nor infinities
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// Plan is a job with its mapping and compiled step.
type Plan struct {
	Job        Job
	Step       *compiler.Step
	Layout     *model.Layout
	Masks      []*model.Mask           // of every tensor, nil where dense
	Candidates []compiler.GPTCandidate // best first; the last is the one taken, those before do not fit
	NonZeros   int64                   // weights of all tensors that are not masked
	Trace      bool                    // Simulate reports what traces need
	Density    float64                 // of the masked matrices together
}

// Plan searches the mapping and compiles the step. The error wraps *pe.OutOfMemory if the model
// fits with none.
func (j Job) Plan() (*Plan, error) {
	layout, err := model.NewLayout(j.Model)
	if err != nil {
		return nil, err
	}
	p := &Plan{Job: j, Layout: layout}
	if p.Masks, err = j.Masks.draw(layout); err != nil {
		return nil, err
	}
	zeros := int64(0)
	for i, t := range layout.Tensors {
		p.NonZeros += int64(t.Len())
		if m := p.Masks[i]; m != nil {
			zeros += int64(t.Len()) - m.NonZeros()
		}
	}
	p.NonZeros -= zeros
	p.Density = 1 - float64(zeros)/float64(j.Model.LinearParameters())
	p.Step, p.Candidates, err = compiler.PlanGPT(j.Model, j.Machine, j.Precision, compiler.GPTOptions{
		Train: true, Columns: j.Mapping.Columns, ColumnsPerHead: j.Mapping.ColumnsPerHead, Tokens: j.Mapping.Tokens, Chunks: j.Mapping.Chunks,
		Densities: []float64{p.Density}, Sequences: j.Sequences, Systems: j.Systems,
	})
	return p, err
}

// Chosen is the mapping that was taken.
func (p *Plan) Chosen() compiler.GPTCandidate { return p.Candidates[len(p.Candidates)-1] }

// Simulate runs one micro-batch through all phases. Cycles do not depend on values: none are
// computed. Where MemoryX or SwarmX is behind the edge, the same step is run with links as fast as the
// edge too: the difference is what they expose; partial is told of the first run only.
func (p *Plan) Simulate(ctx context.Context, threads int, progress func(done, total int64), partial func(n int, report func() *runtime.StepReport)) (*Step, error) {
	edge := p.Job.Machine.IORate()
	runs := int64(1)
	if p.Step.Space.StreamRate < edge {
		runs = 2
	}
	part := func(n int64) func(done, total int64) {
		if progress == nil || runs == 1 {
			return progress
		}
		return func(done, total int64) { progress(n*total+done, runs*total) }
	}
	r, err := p.cost(ctx, p.Step, threads, part(0), partial)
	if err != nil {
		return nil, err
	}
	s := newStep(p, r)
	if runs == 1 {
		return s, nil
	}
	fast, space := *p.Step, *p.Step.Space
	space.StreamRate, fast.Space = edge, &space
	if r, err = p.cost(ctx, &fast, threads, part(1), nil); err != nil {
		return nil, err
	}
	s.stretched(r)
	return s, nil
}

func (p *Plan) cost(ctx context.Context, step *compiler.Step, threads int, progress func(done, total int64), partial func(n int, report func() *runtime.StepReport)) (*runtime.StepReport, error) {
	store := runtime.NewMaskStore(step.Space, p.Layout, p.Masks)
	trainer, err := runtime.NewTrainer(step, store, runtime.Stream)
	if err != nil {
		return nil, err
	}
	trainer.Trace, trainer.Partial = p.Trace, partial
	return trainer.Cost(ctx, threads, progress)
}
