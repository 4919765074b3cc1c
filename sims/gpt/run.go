package gpt

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
)

// Options steer how steps are simulated, never what comes out.
type Options struct {
	Threads  int                     // 0: one per processor
	Have     map[string]*Step        // finished earlier, by Job.Key
	Done     func(*Step) error       // called after each further step; an error stops the run
	Progress func(done, total int64) // called from several goroutines with a share of the work
	Trace    bool                    // reports hold what traces need
	Partial  func(Partial)           // called when more of a step's first phases are known, one call at a time

	simulate func(context.Context, *Plan, int, func(done, total int64)) (*Step, error) // tests only; nil: Plan.Simulate
}

// Partial is a step under way: its first phases.
type Partial struct {
	Key     string // of the job
	Density float64
	Phases  int
	Report  func() *runtime.StepReport // of those phases
}

// share is the part of a job in Progress.
const share = 1000

// Run simulates the step of every job once, one after the other, each on all threads; the next one is
// compiled in the meantime. With an error, or ctx cancelled, it returns what was finished beside the error.
func Run(ctx context.Context, jobs []*Case, o Options) (map[string]*Step, error) {
	o.Threads = sims.Threads(o.Threads)
	if o.simulate == nil {
		o.simulate = func(ctx context.Context, p *Plan, threads int, progress func(done, total int64)) (*Step, error) {
			if o.Partial == nil {
				return p.Simulate(ctx, threads, progress, nil)
			}
			return p.Simulate(ctx, threads, progress, func(n int, report func() *runtime.StepReport) {
				o.Partial(Partial{p.Job.Key(), p.Density, n, report})
			})
		}
	}
	steps := map[string]*Step{}
	alike := map[string]*Step{} // simulated, in this run or before, by what decides it beside Sequences
	total := int64(share * len(jobs))
	plans := planAhead(jobs, o.Have)
	for i, c := range jobs {
		if err := ctx.Err(); err != nil {
			return steps, err
		}
		key := c.Job.Key()
		if s, ok := o.Have[key]; ok {
			steps[key] = s
			if !s.Alike {
				alike[c.kind(s.Mapping, s.RunAhead)] = s
			}
			continue
		}
		progress := func(done, all int64) {
			if o.Progress != nil && all > 0 {
				o.Progress(int64(i)*share+share*done/all, total)
			}
		}
		s, err := c.run(ctx, o, alike, plans(), progress)
		if err != nil {
			return steps, err
		}
		steps[key] = s
		if o.Done != nil {
			if err := o.Done(s); err != nil {
				return steps, err
			}
		}
		s.Report = nil
	}
	return steps, nil
}

// planned is what came of compiling a step.
type planned struct {
	plan *Plan
	err  error
}

// planAhead returns the plans of the jobs that are not finished, one per call, and starts on the one after.
func planAhead(jobs []*Case, have map[string]*Step) func() planned {
	var todo []*Case
	for _, c := range jobs {
		if _, ok := have[c.Job.Key()]; !ok {
			todo = append(todo, c)
		}
	}
	next := make(chan planned, 1)
	start := func() {
		if len(todo) == 0 {
			return
		}
		c := todo[0]
		todo = todo[1:]
		go func() {
			var p planned
			defer func() {
				if v := recover(); v != nil {
					p.err = &sims.InternalError{Value: v, Stack: debug.Stack()}
				}
				next <- p
			}()
			p.plan, p.err = c.Plan()
		}()
	}
	start()
	return func() planned {
		p := <-next
		start()
		return p
	}
}

// run simulates a planned step, or takes that of a job that differs in its number of
// sequences only and came to the same mapping.
func (c *Case) run(ctx context.Context, o Options, alike map[string]*Step, planned planned, progress func(done, total int64)) (s *Step, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &sims.InternalError{Value: v, Stack: debug.Stack()}
		}
	}()
	p, err := planned.plan, planned.err
	if err != nil {
		return nil, err
	}
	p.Trace = o.Trace
	m := p.Chosen()
	kind := c.kind(m, p.Step.Plan.RunAhead)
	if have, ok := alike[kind]; ok {
		same := *have
		same.Report, same.Alike = nil, true
		same.Key, same.Mapping, same.Refused = c.Job.Key(), m, len(p.Candidates)-1
		return &same, nil
	}
	if s, err = o.simulate(ctx, p, o.Threads, progress); err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		return nil, fmt.Errorf("%s, %s, %s: %w", c.Model.Name, c.Job.Masks, c.Phase(), err)
	}
	alike[kind] = s
	return s, nil
}

// kind is what decides the case's step beside its number of sequences, the mapping it came to included.
func (c *Case) kind(m compiler.GPTCandidate, runAhead int) string {
	every := c.Job
	every.Sequences = 0
	return fmt.Sprintf("%s %d %d %d %s %t %d %d", every.Key(), m.Columns, m.ColumnsPerHead, m.Tokens, m.Activations(), m.Norms, m.Chunks, runAhead)
}

// Plan compiles the case's step. The error is an *InputError at the key that asks for too much.
func (c *Case) Plan() (*Plan, error) {
	p, err := c.Job.Plan()
	if err != nil {
		return nil, c.blame(err)
	}
	return p, nil
}

// blame says which key a compile error is about.
func (c *Case) blame(err error) error {
	key, value := "model.layers", fmt.Sprint(c.Model.Layers)
	if len(c.config.GPT.Models) > 0 {
		key, value = "gpt.models", fmt.Sprintf("%q", c.Model.Name)
	}
	if errors.As(err, new(*pe.OutOfMemory)) || errors.As(err, new(*compiler.Error)) {
		return c.curve.Problem(key, value, "%v", err)
	}
	return c.curve.Problem("gpt.sparsities", fmt.Sprint(c.Sparsity), "%v", err)
}

// Jobs are the cases whose steps have to be simulated, each step once.
func Jobs(cases []Case) (jobs []*Case) {
	seen := map[string]bool{}
	for i := range cases {
		if key := cases[i].Job.Key(); !seen[key] {
			seen[key] = true
			jobs = append(jobs, &cases[i])
		}
	}
	return jobs
}
