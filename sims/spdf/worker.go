package spdf

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/model/text"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/train"
)

// worker does the stages of one chain on a wafer of its own.
type worker struct {
	*runner
	engine train.Engine
	units  int64 // of the stage at hand that are reported
}

// failed says which stage an error is of. A model that has no place on the machine is wrong input.
func (w *worker) failed(id ID, err error) error {
	if errors.As(err, new(*compiler.Error)) || errors.As(err, new(*pe.OutOfMemory)) {
		key := "model.d_model"
		switch m := w.e.config.Mapping; {
		case m.TokensPerPE > 0:
			key = "mapping.tokens_per_pe"
		case m.Columns > 0:
			key = "mapping.columns"
		case m.ColumnsPerHead > 0:
			key = "mapping.columns_per_head"
		}
		return w.e.Curve.Problem(key, "", "%v", err)
	}
	return fmt.Errorf("%v: %w", id, err)
}

// initial parameters of a pre-training.
func (w *worker) initial(id ID) (*model.Params, error) {
	p, err := model.InitParams(w.e.shape, sims.InitSeed(id.Seed))
	if err != nil {
		return nil, err
	}
	if w.e.start != nil {
		copy(p.Values, w.e.start.Values)
	}
	masks, err := p.Layout.DrawMasks(w.e.config.GPTMask(id.Sparsity, id.Seed))
	if err != nil {
		return nil, err
	}
	return p, p.SetMasks(masks)
}

// pretrain returns the pre-trained parameters with their masks.
func (w *worker) pretrain(ctx context.Context, id ID) (*model.Params, error) {
	p, err := w.initial(id)
	if err != nil {
		return nil, err
	}
	s := w.stage(id)
	t := w.e.config.Pretrain
	plan := w.plan(t, train.TextSource{Stream: w.e.text, Seed: sims.BatchSeed(id.Seed), Size: t.Batch}, w.e.textValidation)
	if err := w.retrace(ctx, id, p, plan); err != nil {
		return nil, err
	}
	if s.Complete {
		// Only the last checkpoint has the weights; the fine-tunings that need them are not all done.
		state, problems, err := w.checkpoints(&s).Newest(p)
		if err != nil {
			return nil, err
		}
		for _, problem := range problems {
			w.note(problem.Error())
		}
		if state != nil && state.Step == s.Training.Step {
			return p, nil
		}
		w.note(fmt.Sprintf("%v: the weights are missing, it is done again", id))
		if p, err = w.initial(id); err != nil {
			return nil, err
		}
		s = Stage{ID: id, Key: s.Key}
	}
	state, err := w.train(ctx, &s, p, plan)
	if err != nil {
		return nil, err
	}
	tokens, work, err := train.Generate(ctx, w.engine, [][]int32{w.e.prompt}, w.search(sampleTokens, 1), nil)
	if err != nil {
		return nil, err
	}
	s.Decoding.Add(work)
	prompt, err := w.e.Tokenizer.Decode(w.e.prompt)
	if err != nil {
		return nil, err
	}
	more, err := w.e.Tokenizer.Decode(tokens[0])
	if err != nil {
		return nil, err
	}
	s.Sample = prompt + sampleMark + more
	return p, w.finish(&s, state)
}

const (
	sampleTokens = 48    // generated after a pre-training
	sampleMark   = " ⟶ " // between what was given and what was generated
)

// finetune begins with a copy of the pre-trained parameters.
func (w *worker) finetune(ctx context.Context, id ID, trained *model.Params) error {
	p := &model.Params{Layout: trained.Layout, Values: slices.Clone(trained.Values), Masks: trained.Masks}
	if id.Kind == FinetuneDense {
		p.Densify()
	}
	s := w.stage(id)
	t := w.e.config.Finetune
	plan := w.plan(t, train.PairSource{Pairs: w.e.pairs, Seed: sims.BatchSeed(id.Seed), Size: t.Batch}, w.e.pairValidation)
	if err := w.retrace(ctx, id, p, plan); err != nil || s.Complete {
		return err
	}
	state, err := w.train(ctx, &s, p, plan)
	if err != nil {
		return err
	}
	if err := w.generate(ctx, &s); err != nil {
		return err
	}
	s.Distances = distances(p.Layout, trained.Values, p.Values)
	return w.finish(&s, state)
}

// generate writes a text for every prompt of the test pairs and scores them.
func (w *worker) generate(ctx context.Context, s *Stage) error {
	d := w.e.config.Decode
	prompts := make([][]int32, len(w.e.test))
	for i, g := range w.e.test {
		prompts[i] = text.PromptIDs(w.e.Tokenizer, g.Prompt)
	}
	each := int64(w.e.decodeUnits(s.ID, 1))
	tokens, work, err := train.Generate(ctx, w.engine, prompts, w.search(d.MaxNewTokens, d.Beams), func(done, _ int) {
		if done > 0 {
			w.report(each)
		}
	})
	if err != nil {
		return err
	}
	s.Decoding.Add(work)
	texts := make([]string, len(tokens))
	for i, ids := range tokens {
		if texts[i], err = text.Completion(w.e.Tokenizer, ids); err != nil {
			return err
		}
		s.Generated = append(s.Generated, Generated{w.e.test[i].Prompt, texts[i]})
	}
	s.Scores, err = Score(texts, w.e.test)
	return err
}

func (w *worker) search(most, beams int) train.Search {
	d := w.e.config.Decode
	return train.Search{
		Beams: beams, LengthPenalty: d.LengthPenalty, NoRepeat: d.NoRepeatNGram, MaxNew: most,
		Longest: w.e.shape.SequenceLength, End: w.e.Tokenizer.EndOfTextID(),
	}
}

func (w *worker) plan(t sims.Training, source train.Source, validation []model.Batch) train.Plan {
	return train.Plan{
		Steps: t.Steps, Source: source, Validation: validation, ValidateEvery: t.ValidateEvery, Patience: t.Patience,
		CheckpointEvery: w.e.config.SPDF.CheckpointEvery,
		Schedule:        t.Schedule(), Optimizer: t.Optimizer(), Clip: t.Clip,
	}
}

// reporter is an engine that tells what the wafer does in the next training micro-batch.
type reporter interface {
	Report(next func(*runtime.StepReport))
}

// trace has tell told of the first training micro-batch after an update, if the stage is of the first seed and not traced
// yet. What it returns is to be called after every step.
func (w *worker) trace(id ID, plan train.Plan, traced bool, tell func(*runtime.StepReport)) (after func(train.StepRecord)) {
	m, ok := w.engine.(reporter)
	if !ok || w.o.Traced == nil || id.Seed != w.e.config.Seed {
		return func(train.StepRecord) {}
	}
	m.Report(nil) // the stage before may not have come to its own
	if !traced && plan.Steps == 1 {
		traced = true
		m.Report(tell)
	}
	return func(last train.StepRecord) {
		if !traced && !last.Skipped {
			traced = true
			m.Report(tell)
		}
	}
}

// retrace trains a copy of a stage's first parameters up to the micro-batch that is traced, if its trace was lost.
func (w *worker) retrace(ctx context.Context, id ID, p *model.Params, plan train.Plan) error {
	if !w.o.Retrace[id] {
		return nil
	}
	again := &model.Params{Layout: p.Layout, Values: slices.Clone(p.Values), Masks: p.Masks}
	plan.Validation, plan.CheckpointEvery = nil, 0
	until, stop := context.WithCancel(ctx)
	defer stop()
	told := false
	after := w.trace(id, plan, false, func(r *runtime.StepReport) {
		w.o.Traced(id, r)
		told = true
		stop()
	})
	err := train.Run(until, w.engine, plan, train.NewState(again, w.e.config.Model.Precision), train.Hooks{
		Step: func(now *train.State) { after(now.Steps[len(now.Steps)-1]) },
	})
	if told {
		return ctx.Err()
	}
	return err
}

// train runs the plan, from the newest checkpoint where there is one.
func (w *worker) train(ctx context.Context, s *Stage, p *model.Params, plan train.Plan) (*train.State, error) {
	store := w.checkpoints(s)
	var state *train.State
	if w.o.Resume {
		newest, problems, err := store.Newest(p)
		if err != nil {
			return nil, err
		}
		for _, problem := range problems {
			w.note(problem.Error())
		}
		state = newest
	}
	if state == nil {
		state = train.NewState(p, w.e.config.Model.Precision)
	}
	save := func(now *train.State) error {
		if w.o.Begin != nil {
			if err := w.o.Begin(); err != nil {
				return err
			}
		}
		return store.Save(now)
	}
	traced := state.Step > 0 || w.o.Retrace[s.ID] // by an earlier run, or just now
	after := w.trace(s.ID, plan, traced, func(r *runtime.StepReport) { w.o.Traced(s.ID, r) })
	w.units = 0
	all := w.e.units(s.ID)
	trained := all - int64(w.e.decodeUnits(s.ID, w.e.config.Decode.MaxNewTokens))
	hooks := train.Hooks{
		Save: save,
		Step: func(now *train.State) {
			last := now.Steps[len(now.Steps)-1]
			after(last)
			if last.Skipped {
				w.note(fmt.Sprintf("%v: step %d: a gradient overflows fp16 at loss scale %.0f: skipped, the scale falls to %.0f",
					s.ID, now.Step-1, last.LossScale, now.Scale.Scale))
			}
			w.publish(s, now)
			w.report(trained*int64(now.Step)/int64(plan.Steps) - w.units)
		},
	}
	err := train.Run(ctx, w.engine, plan, state, hooks)
	w.publish(s, state)
	if err != nil {
		return nil, err
	}
	w.report(trained - w.units)
	// What comes next may be interrupted as well.
	return state, save(state)
}

func (w *worker) report(units int64) {
	w.units += units
	w.advance(units)
}

// publish makes a stage's training visible as it is.
func (w *worker) publish(s *Stage, now *train.State) {
	s.Training = now.Progress
	s.Training.Scale = nil // changes in place; of no interest once a step is done
	w.mu.Lock()
	*w.stages[s.ID] = *s
	w.mu.Unlock()
	if w.o.Step != nil {
		w.o.Step(w.snapshot)
	}
}

// finish completes a stage and keeps it. The weights of a pre-training stay as its last
// checkpoint; all other checkpoints go, once nothing can need them.
func (w *worker) finish(s *Stage, state *train.State) error {
	s.Complete = true
	s.Loss = s.Training.Last().Loss
	if w.e.training(s.ID).Patience > 0 {
		s.Loss = s.Training.BestLoss
	}
	s.FLOPs = w.e.flops(s.ID, s.Training.Step)
	store, keep := w.checkpoints(s), 0
	if s.Kind == Pretrain {
		keep = 1
	}
	w.report(w.e.units(s.ID) - w.units)
	if err := w.done(s, state.Params); err != nil {
		return err
	}
	return store.Prune(keep)
}

func (w *worker) done(s *Stage, p *model.Params) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	*w.stages[s.ID] = *s
	if w.o.Done == nil {
		return nil
	}
	weights, err := WeightsFile(s.ID, p)
	if err != nil {
		return err
	}
	return w.o.Done(*s, weights)
}
