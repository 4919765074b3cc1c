package gpt

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime"
)

// Job is one training step to simulate: a model, its masks, a machine and a global batch.
type Job struct {
	Model     model.Config // SequenceLength is that of the job
	Machine   compiler.Target
	Precision model.Precision
	Masks     Masks
	Batch     int // sequences of one update, over all systems
	Systems   int
	Mapping   Mapping
	Seed      uint64
}

// Mapping fixes parts of the compiler's choice; 0 searches.
type Mapping struct {
	ColumnsPerHead, Tokens, Chunks int
}

// Masks says how sparse each matrix is; the zero value is dense.
type Masks struct {
	Name string // for tables: "75 %"
	Spec func(t model.Tensor) (model.MaskSpec, error)
}

// Result is what one step of a job takes.
type Result struct {
	Job         Job
	Chosen      compiler.GPTCandidate
	Refused     int // better-looking mappings whose memory plan did not fit
	Report      *runtime.StepReport
	Density     float64 // of the masked matrices
	NonZeros    int64   // weights of all tensors that are not masked
	PerSystem   int     // sequences of one update on one system
	MicroSteps  int     // micro-batches one after the other on each system
	UpdateTail  int64   // cycles MemoryX is still busy after the last gradient arrived
	SwarmX      int64   // cycles of tree latency that nothing hides
	StepCycles  int64   // one update, all of it
	StepSeconds float64
}

// Simulate compiles and runs one step. Cycles do not depend on values: none are computed.
func Simulate(ctx context.Context, j Job, threads int, progress func(done, total int64)) (*Result, error) {
	if j.Batch < 1 || j.Systems < 1 || j.Systems > j.Batch {
		return nil, fmt.Errorf("batch of %d sequences on %d systems, each system needs at least one", j.Batch, j.Systems)
	}
	layout, err := model.NewLayout(j.Model)
	if err != nil {
		return nil, err
	}
	specs := make([]model.MaskSpec, len(layout.Tensors))
	r := &Result{Job: j, PerSystem: (j.Batch + j.Systems - 1) / j.Systems}
	zeros := int64(0)
	for i, t := range layout.Tensors {
		r.NonZeros += int64(t.Len())
		if t.Kind != model.KindLinear || j.Masks.Spec == nil {
			continue
		}
		if specs[i], err = j.Masks.Spec(t); err != nil {
			return nil, err
		}
		if specs[i].Kind != "" {
			n, err := specs[i].NonZeros(t.Rows, t.Cols)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.Name, err)
			}
			zeros += int64(t.Len()) - n
		}
	}
	r.NonZeros -= zeros
	r.Density = 1 - float64(zeros)/float64(j.Model.LinearParameters())
	step, candidates, err := compiler.PlanGPT(j.Model, j.Machine, j.Precision, compiler.GPTOptions{
		Train: true, ColumnsPerHead: j.Mapping.ColumnsPerHead, Tokens: j.Mapping.Tokens, Chunks: j.Mapping.Chunks,
		Densities: []float64{r.Density}, Sequences: r.PerSystem,
	})
	if err != nil {
		return nil, err
	}
	r.Chosen, r.Refused = candidates[len(candidates)-1], len(candidates)-1
	store, err := runtime.NewShapeStore(step.Space, layout, specs)
	if err != nil {
		return nil, err
	}
	trainer, err := runtime.NewTrainer(step, store, runtime.Stream)
	if err != nil {
		return nil, err
	}
	if r.Report, err = trainer.Cost(ctx, threads, progress); err != nil {
		return nil, err
	}
	r.close()
	return r, nil
}

// close adds what happens outside of the wafer: micro-batches one after the other, the update
// by MemoryX, the tree of SwarmX.
func (r *Result) close() {
	m := r.Job.Machine
	capacity := r.Report.Step.Space.MicroBatch()
	r.MicroSteps = (r.PerSystem + capacity - 1) / capacity
	r.UpdateTail = r.Report.UpdateTail(int64(r.Job.Model.Vocabulary) * int64(r.Job.Model.DModel))
	if r.Job.Systems > 1 {
		r.SwarmX = swarmLatency(r.Job)
	}
	r.StepCycles = int64(r.MicroSteps)*r.Report.Cycles + r.UpdateTail + r.SwarmX
	r.StepSeconds = float64(r.StepCycles) / m.Get("clock_hz")
}

// SequencesPerSecond is over all systems.
func (r *Result) SequencesPerSecond() float64 { return float64(r.Job.Batch) / r.StepSeconds }

// swarmLatency is the tree's latency once down with the first weights and once up with the
// last gradients; in between its links are as wide as a wafer's edge and it streams.
func swarmLatency(j Job) int64 {
	levels := 0
	fanout := int(j.Machine.Get("swarmx_fanout"))
	for n := 1; n < j.Systems; n *= fanout {
		levels++
	}
	return int64(2 * float64(levels) * j.Machine.Get("swarmx_level_seconds") * j.Machine.Get("clock_hz"))
}
