package spdf

import (
	"context"
	"errors"
	"math"
	"runtime/debug"
	"slices"
	"sync"

	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/train"
)

// Options steer how an experiment runs, never what comes out.
type Options struct {
	Threads  int                           // chains at a time, at most one per processor; 0: as many
	Dir      string                        // of checkpoints
	Resume   bool                          // go on from checkpoints in Dir
	Have     map[string]Stage              // finished earlier, by key
	Begin    func() error                  // called before each checkpoint is written
	Done     func(Stage, File) error       // called after each further stage with its weights, one call at a time
	Progress func(done, total int64)       // called after every step, one call at a time
	Step     func(snapshot func() []Stage) // called after every step; snapshot is all stages as they are
	Note     func(text string)             // a thing a person should know, such as a damaged checkpoint

	// Traced is told, from several goroutines, what the wafer did in a micro-batch of each stage of the first
	// seed: the first one after an update. Before it, biases and, in dense fine-tuning, the weights that the
	// mask kept out are 0 and not sent; after it, all steps of the stage cost the same but for chance zeros.
	Traced func(ID, *runtime.StepReport)
	// Retrace has Traced told of stages begun or finished earlier, whose trace was lost: of such a stage the first steps are
	// done once more, for that alone.
	Retrace map[ID]bool

	engine func(*Experiment) (train.Engine, error) // tests only; nil: the machine
}

// Run does all stages that o.Have does not have. With an error, or ctx cancelled, it returns what
// there is beside the error, unfinished stages too.
func (e *Experiment) Run(ctx context.Context, o Options) ([]Stage, error) {
	if o.engine == nil {
		o.engine = newMachine
	}
	o.Threads = sims.Threads(o.Threads)
	r := &runner{e: e, o: o, stages: map[ID]*Stage{}}
	for _, id := range e.ids() {
		s := &Stage{ID: id, Key: e.key(id)}
		if have, ok := o.Have[s.Key]; ok && have.ID == id {
			*s = have
		}
		r.stages[id] = s
		if !s.Complete {
			r.total += e.units(id)
		}
	}
	err := r.run(ctx)
	return r.snapshot(), err
}

// newMachine is the wafer of the run file.
func newMachine(e *Experiment) (train.Engine, error) {
	c := e.config
	searched := func(n int) int { return max(n, 0) } // "auto" is below 0
	return train.NewMachine(train.MachineOptions{
		Target: c.Machine, Precision: c.Model.Precision, Fidelity: c.Fidelity,
		Batch:   max(c.Pretrain.Batch, c.Finetune.Batch),
		Columns: searched(c.Mapping.Columns), ColumnsPerHead: searched(c.Mapping.ColumnsPerHead), Tokens: searched(c.Mapping.TokensPerPE),
	}), nil
}

// runner works off chains. Fields below mu are shared by the workers.
type runner struct {
	e     *Experiment
	o     Options
	total int64 // of progress

	mu     sync.Mutex
	done   int64
	stages map[ID]*Stage
}

// run returns the error of the first chain in order that failed.
func (r *runner) run(ctx context.Context) error {
	chains := r.e.chains()
	errs := make([]error, len(chains))
	next := make(chan int)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	for range min(r.o.Threads, len(chains)) {
		workers.Go(func() {
			for i := range next {
				if errs[i] = r.chain(inner, chains[i]); errs[i] != nil {
					cancel() // no further stage begins; the others save what they have
				}
			}
		})
	}
	for i := range chains {
		select {
		case next <- i:
		case <-inner.Done():
		}
	}
	close(next)
	workers.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return ctx.Err()
}

// chain pre-trains and fine-tunes.
func (r *runner) chain(ctx context.Context, c chain) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &sims.InternalError{Value: v, Stack: debug.Stack()}
		}
	}()
	if !slices.ContainsFunc(append([]ID{c.pretrain}, c.finetune...), r.due) {
		return nil
	}
	engine, err := r.o.engine(r.e)
	if err != nil {
		return err
	}
	w := &worker{runner: r, engine: engine}
	trained, err := w.pretrain(ctx, c.pretrain)
	if err != nil {
		return w.failed(c.pretrain, err)
	}
	for _, id := range c.finetune {
		if !r.due(id) {
			continue
		}
		if err := w.finetune(ctx, id, trained); err != nil {
			return w.failed(id, err)
		}
	}
	return nil
}

// due tells whether there is something to do of a stage.
func (r *runner) due(id ID) bool { return !r.stage(id).Complete || r.o.Retrace[id] }

// stage is a copy of a stage as it is.
func (r *runner) stage(id ID) Stage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *r.stages[id]
}

// snapshot is all stages as they are.
func (r *runner) snapshot() []Stage {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Stage
	for _, id := range r.e.ids() {
		all = append(all, *r.stages[id])
	}
	return all
}

// advance tells that so much of the work is done.
func (r *runner) advance(units int64) {
	r.mu.Lock()
	r.done += units
	if r.o.Progress != nil {
		r.o.Progress(min(r.done, r.total), r.total)
	}
	r.mu.Unlock()
}

func (r *runner) note(text string) {
	if r.o.Note != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.o.Note(text)
	}
}

// units are an estimate of a stage's host time, for the bar that shows what is left: a million
// operations each.
func (e *Experiment) units(id ID) int64 {
	c, t := e.config, e.training(id)
	forward := e.shape.ForwardFLOPs(e.shape.SequenceLength, id.density()).Total() / 1e6
	units := 3 * forward * float64(t.Steps*t.Batch)
	units += float64(e.validations(t)) * forward * float64(e.validationSequences(id))
	units += e.decodeUnits(id, c.Decode.MaxNewTokens)
	return int64(math.Ceil(units))
}

// decodeUnits are those of generating so many tokens.
func (e *Experiment) decodeUnits(id ID, tokens int) float64 {
	forward := e.shape.ForwardFLOPs(e.shape.SequenceLength, id.density()).Total() / 1e6
	n := 1
	if id.Kind != Pretrain {
		n = len(e.test) * e.config.Decode.Beams
	}
	return forward * float64(n*tokens) / 2 // sequences grow, and some end early
}

func (e *Experiment) validations(t sims.Training) int {
	if t.ValidateEvery == 0 {
		return 1
	}
	return 1 + (t.Steps+t.ValidateEvery-1)/t.ValidateEvery
}

func (e *Experiment) validationSequences(id ID) (n int) {
	batches := e.textValidation
	if id.Kind != Pretrain {
		batches = e.pairValidation
	}
	for _, b := range batches {
		n += b.B
	}
	return n
}

// checkpoints of a stage.
func (r *runner) checkpoints(s *Stage) train.Checkpoints { return s.checkpoints(r.o.Dir) }
