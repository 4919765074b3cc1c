package sims

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"runtime/debug"
	"sync"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime"
)

// Options steer how points are simulated, never what comes out.
type Options struct {
	Threads  int                     // points at a time; 0: one per processor
	Have     map[string]Point        // finished earlier, by Input.Key; see Folder.Points
	Done     func(Point) error       // called after each further point, one call at a time; an error stops the run
	Progress func(done, total int64) // called now and then, from several goroutines, with a share of the work
	Slim     bool                    // points without Windows, results without Columns: a large sweep has more than disk and memory hold

	Untraced bool // points without links, which only traces need

	engine engine // tests only; the zero value is the real one
}

// engine is what turns a graph into a report.
type engine struct {
	compile func(*model.Graph, compiler.Target, compiler.Options) (*compiler.Program, error)
	run     func(context.Context, *compiler.Program, runtime.Options) (*runtime.Report, error)
}

// Result is a curve with its points.
type Result struct {
	Curve  Curve
	Points []*Point // one per sparsity of the curve, in its order; nil where not finished
	Dense  *Point   // base of the speedup; nil if not finished
}

// PointError says which point failed.
type PointError struct {
	Curve    string
	Sparsity float64
	Err      error // an *InputError if the layer cannot be put on the machine
}

func (e *PointError) Error() string {
	name := "sparsity " + formatNumber(e.Sparsity)
	if e.Curve != baseName {
		name = e.Curve + ", " + name
	}
	return e.Err.Error() + " (" + name + ")"
}

func (e *PointError) Unwrap() error { return e.Err }

// InternalError is a panic of our own code, carried out of the goroutine where it happened.
type InternalError struct {
	Value any
	Stack []byte
}

func (e *InternalError) Error() string { return fmt.Sprintf("internal error: %v", e.Value) }

// Simulate compiles and runs every point of the curves. Points that several curves share are run
// once. With an error, or ctx cancelled, it returns what was finished beside the error; which error
// does not depend on the number of threads.
func Simulate(ctx context.Context, curves []Curve, o Options) ([]Result, error) {
	if o.engine.compile == nil {
		o.engine = engine{compiler.Compile, runtime.Run}
	}
	o.Threads = Threads(o.Threads)
	p := newPool(curves, o)
	err := p.run(ctx)
	return p.results(curves), err
}

// Threads is n, but at least 1 and at most one per processor; 0 stands for that.
func Threads(n int) int {
	if limit := goruntime.GOMAXPROCS(0); n < 1 || n > limit {
		return limit
	}
	return n
}

// job is one point to simulate.
type job struct {
	curve    *plan
	sparsity float64
	key      string
}

// plan is a curve on its way: its mapping is searched once, by the first point that needs it.
type plan struct {
	Curve
	once  sync.Once
	fixed Mapping // of every point
	err   error
}

// pool works off jobs in order. Fields below mu are shared by the workers.
type pool struct {
	o    Options
	jobs []job

	mu       sync.Mutex
	next     int
	finished map[string]Point
	failed   map[int]error // by job
	share    []int64       // progress of each job, 0 to fullShare
	sum      int64
}

const fullShare = 1000

func newPool(curves []Curve, o Options) *pool {
	p := &pool{o: o, finished: map[string]Point{}, failed: map[int]error{}}
	seen := map[string]bool{}
	for _, c := range curves {
		pl := &plan{Curve: c}
		// The dense point comes first: without it an interrupted run has no speedups.
		for _, s := range append([]float64{0}, c.Config.MatMul.Sparsities...) {
			key := c.Config.input(s).Key()
			if seen[key] {
				continue
			}
			seen[key] = true
			if have, ok := o.Have[key]; ok {
				p.keep(key, have)
				continue
			}
			p.jobs = append(p.jobs, job{pl, s, key})
		}
	}
	p.share = make([]int64, len(p.jobs))
	return p
}

// run returns the error of the first job in order that failed. Jobs start in order and those
// started are finished, so every job before the failing one has had its say.
func (p *pool) run(ctx context.Context) error {
	var all sync.WaitGroup
	for range min(p.o.Threads, len(p.jobs)) {
		all.Go(func() {
			for i, ok := p.take(ctx); ok; i, ok = p.take(ctx) {
				point, err := p.simulate(ctx, i)
				p.done(i, point, err)
			}
		})
	}
	all.Wait()
	if p.next < len(p.jobs) || len(p.failed) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	for i := range p.jobs {
		if err := p.failed[i]; err != nil {
			return err
		}
	}
	return nil
}

func (p *pool) take(ctx context.Context) (int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil || len(p.failed) > 0 || p.next == len(p.jobs) {
		return 0, false
	}
	p.next++
	return p.next - 1, true
}

func (p *pool) done(i int, point *Point, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && p.o.Done != nil {
		err = p.o.Done(*point)
	}
	if err == nil {
		p.keep(p.jobs[i].key, *point)
	} else {
		p.failed[i] = err
	}
	p.advance(i, fullShare)
}

func (p *pool) keep(key string, point Point) {
	if p.o.Slim {
		point.Columns, point.Report.Column, point.Links, point.Windows = nil, nil, nil, nil
	}
	p.finished[key] = point
}

// progress is called by the engine with output rows.
func (p *pool) progress(i int, done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if total > 0 {
		p.advance(i, fullShare*min(done, total)/total)
	}
}

func (p *pool) advance(i int, share int64) {
	if share > p.share[i] {
		p.sum += share - p.share[i]
		p.share[i] = share
		if p.o.Progress != nil {
			p.o.Progress(p.sum, fullShare*int64(len(p.jobs)))
		}
	}
}

// simulate compiles and runs one job.
func (p *pool) simulate(ctx context.Context, i int) (point *Point, err error) {
	j := p.jobs[i]
	c := &j.curve.Config
	defer func() {
		if v := recover(); v != nil {
			err = &InternalError{v, debug.Stack()}
		}
	}()
	fail := func(err error) (*Point, error) { return nil, &PointError{j.curve.Name, j.sparsity, err} }
	program, err := j.curve.compile(p.o.engine, j.sparsity)
	if err == nil && c.Fidelity == runtime.Wavelet {
		err = smallEnough(program.Mapping)
	}
	if bug := (*InternalError)(nil); err != nil && !errors.As(err, &bug) {
		err = j.curve.blame(err)
	}
	if err != nil {
		return fail(err)
	}
	report, err := p.o.engine.run(ctx, program, runtime.Options{
		Fidelity: c.Fidelity, Check: c.Check, CheckSeed: c.checkSeed(), Links: !p.o.Slim && !p.o.Untraced,
		Progress: func(done, total int64) { p.progress(i, done, total) },
	})
	if err != nil {
		return fail(err)
	}
	point = &Point{
		Input: c.input(j.sparsity), Mapping: program.Mapping, Report: *report, Columns: report.Column, Memory: program.Memory,
		Routed: report.Wavelets, Links: pointLinks(report.Links), Windows: report.Windows,
	}
	point.Report.Links = nil
	if p.o.Slim {
		point.Links, point.Windows, point.Report.Windows = nil, nil, nil
	}
	return point, nil
}

// Run compiles and runs one point by itself, for those who watch it: no result is kept.
func (c *Curve) Run(ctx context.Context, sparsity float64) error {
	p, err := c.Compile(sparsity)
	if err == nil && c.Config.Fidelity == runtime.Wavelet {
		if err = smallEnough(p.Mapping); err != nil {
			err = c.blame(err)
		}
	}
	if err != nil {
		return err
	}
	_, err = runtime.Run(ctx, p, runtime.Options{Fidelity: c.Config.Fidelity})
	return err
}

// maxWaveletPEs keeps the wavelet engine, which holds the SRAM of every PE, within some gigabytes.
const maxWaveletPEs = 1 << 16

func smallEnough(m compiler.Mapping) error {
	if n := m.Groups * m.Columns * m.Rows; n > maxWaveletPEs {
		return fmt.Errorf("fidelity wavelet on %d PEs, must be at most %d: use a smaller machine, or fidelity stream", n, maxWaveletPEs)
	}
	return nil
}

// compile lowers one point with the curve's mapping, or with its own.
func (pl *plan) compile(e engine, sparsity float64) (*compiler.Program, error) {
	c := &pl.Config
	pl.once.Do(func() {
		defer func() {
			if v := recover(); v != nil {
				pl.err = &InternalError{v, debug.Stack()}
			}
		}()
		if c.Mapping.PerSparsity || !c.searches() {
			pl.fixed = c.Mapping
			return
		}
		program, err := c.compile(e, 0, c.Mapping)
		if err != nil {
			pl.err = err
			return
		}
		pl.fixed = Mapping{Groups: program.Mapping.Groups, RunAhead: program.Mapping.RunAhead}
	})
	if pl.err != nil {
		return nil, pl.err
	}
	return c.compile(e, sparsity, pl.fixed)
}

func (c *Config) compile(e engine, sparsity float64, m Mapping) (*compiler.Program, error) {
	g, err := c.graph(sparsity)
	if err != nil {
		return nil, err
	}
	o := compiler.Options{RunAhead: m.RunAhead} // -1 searches
	if m.Groups != autoValue {
		o.Groups = m.Groups // 0 searches
	}
	for _, s := range c.searchedFor(sparsity) {
		o.Densities = append(o.Densities, 1-s)
	}
	return e.compile(g, c.Machine, o)
}

// results puts the finished points where the curves want them.
func (p *pool) results(curves []Curve) []Result {
	find := func(c *Config, sparsity float64) *Point {
		if point, ok := p.finished[c.input(sparsity).Key()]; ok {
			return &point
		}
		return nil
	}
	out := make([]Result, len(curves))
	for i, c := range curves {
		out[i] = Result{Curve: c, Dense: find(&c.Config, 0)}
		for _, s := range c.Config.MatMul.Sparsities {
			out[i].Points = append(out[i].Points, find(&c.Config, s))
		}
	}
	return out
}
