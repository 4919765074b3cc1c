package sims

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"cs2sim.dev/compiler"
)

// Verdict on a case.
type Verdict string

const (
	Pass           Verdict = "pass"
	KnownDeviation Verdict = "known deviation"
	Fail           Verdict = "fail"
)

// CaseResult is a published case with ours beside it.
type CaseResult struct {
	Measured
	Ours    float64  // NaN if the case could not be run
	Outcome *Outcome // nil for a point of the curve
	Verdict Verdict
	Reason  string // of a verdict other than pass
}

// ValidateOptions steer how cases are run, never what comes out.
type ValidateOptions struct {
	Threads  int // cases at a time; 0: one per processor
	Progress func(done, total int64)
}

// FindCases returns the published cases of the given names, in the table's order; all if none is given.
// A name is that of a case or of a kernel.
func FindCases(names []string) ([]Measured, error) {
	all := MeasuredCases()
	if len(names) == 0 {
		return all, nil
	}
	var bad problems
	for _, n := range names {
		if !slices.ContainsFunc(all, func(m Measured) bool { return m.Name == n || m.Kernel == n }) {
			want := "is no published case: cs2sim validate without --case lists all"
			if near := nearest(n, CaseNames()); near != "" {
				want = "is no published case: did you mean " + near + "?"
			}
			bad.add(&InputError{File: "--case", Value: tomlString(n), Want: want})
		}
	}
	if len(bad) > 0 {
		return nil, bad.err()
	}
	return slices.DeleteFunc(all, func(m Measured) bool {
		return !slices.Contains(names, m.Name) && !slices.Contains(names, m.Kernel)
	}), nil
}

// CaseNames lists what FindCases knows, kernels before their cases.
func CaseNames() (names []string) {
	for _, m := range MeasuredCases() {
		if !slices.Contains(names, m.Kernel) {
			names = append(names, m.Kernel)
		}
		names = append(names, m.Name)
	}
	return names
}

// Validate runs cases on t, in parallel, and returns them in their order. With ctx cancelled it returns
// those that were finished beside the error. A case that cannot be run fails; an *InternalError ends all.
func Validate(ctx context.Context, cases []Measured, t compiler.Target, o ValidateOptions) ([]CaseResult, error) {
	o.Threads = Threads(o.Threads)
	v := &validation{t: t, o: o, cases: cases, results: make([]*CaseResult, len(cases))}
	for i, m := range cases {
		if m.Kernel == curveKernel {
			v.total += fullShare
		} else {
			v.jobs = append(v.jobs, i)
			v.total += caseShare
		}
	}
	err := v.curve(ctx)
	if err == nil {
		err = v.run(ctx)
	}
	var out []CaseResult
	for _, r := range v.results {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out, err
}

const (
	curveKernel = "matmul"
	caseShare   = fullShare / 10 // a case is worth a tenth of a point of the curve
)

// validation is cases on their way. Fields below mu are shared by the workers.
type validation struct {
	t     compiler.Target
	o     ValidateOptions
	cases []Measured
	jobs  []int // cases that are kernels
	total int64

	mu      sync.Mutex
	next    int
	done    int64
	results []*CaseResult // by case
	err     error
}

func (v *validation) progress(share int64) {
	v.done += share
	if v.o.Progress != nil {
		v.o.Progress(v.done, v.total)
	}
}

// curve runs the default run file, whole: its points share a mapping searched for all ten.
func (v *validation) curve(ctx context.Context) error {
	if !slices.ContainsFunc(v.cases, func(m Measured) bool { return m.Kernel == curveKernel }) {
		return nil
	}
	c := Curve{Name: baseName, Config: Defaults()}
	c.Config.Machine = v.t
	points := int64(len(c.Config.MatMul.Sparsities))
	results, err := Simulate(ctx, []Curve{c}, Options{Threads: v.o.Threads, Slim: true, Done: func(Point) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.progress(fullShare * v.curveCases() / points)
		return nil
	}})
	failed := err != nil && ctx.Err() == nil
	if failed && errors.As(err, new(*InternalError)) {
		return err
	}
	for i, m := range v.cases {
		if m.Kernel != curveKernel {
			continue
		}
		p := results[0].Points[curvePoint(m)]
		switch {
		case p != nil && results[0].Dense != nil:
			v.results[i] = judge(m, float64(results[0].Dense.Report.Cycles)/float64(p.Report.Cycles), nil)
		case failed:
			v.results[i] = failedCase(m, err)
		}
	}
	if failed {
		return nil
	}
	return err
}

func (v *validation) curveCases() (n int64) {
	return (v.total - int64(len(v.jobs))*caseShare) / fullShare
}

// curvePoint is the place of a case among the ten points.
func curvePoint(m Measured) (n int) {
	for _, o := range MeasuredCases() {
		switch {
		case o.Name == m.Name:
			return n
		case o.Kernel == curveKernel:
			n++
		}
	}
	panic("sims: no case " + m.Name)
}

func (v *validation) run(ctx context.Context) error {
	var all sync.WaitGroup
	for range min(v.o.Threads, len(v.jobs)) {
		all.Go(func() {
			for i, ok := v.take(ctx); ok; i, ok = v.take(ctx) {
				r, err := v.one(ctx, v.cases[i])
				v.mu.Lock()
				if err == nil {
					v.results[i] = r
					v.progress(caseShare)
				} else if v.err == nil {
					v.err = err
				}
				v.mu.Unlock()
			}
		})
	}
	all.Wait()
	if v.err == nil && v.next < len(v.jobs) {
		return ctx.Err()
	}
	return v.err
}

func (v *validation) take(ctx context.Context) (int, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if ctx.Err() != nil || v.err != nil || v.next == len(v.jobs) {
		return 0, false
	}
	v.next++
	return v.jobs[v.next-1], true
}

func (v *validation) one(ctx context.Context, m Measured) (*CaseResult, error) {
	k, ok := FindKernel(m.Kernel)
	if !ok {
		panic("sims: published case " + m.Name + " of an unknown kernel")
	}
	a, err := k.Args(m.Given, v.t)
	if err != nil {
		return failedCase(m, err), nil
	}
	o, err := RunKernel(ctx, a, v.t, nil)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.As(err, new(*InternalError)) {
			return nil, err
		}
		return failedCase(m, err), nil
	}
	ours, _ := o.Compared()
	return judge(m, ours, o), nil
}

// judge holds ours against the published figure.
func judge(m Measured, ours float64, o *Outcome) *CaseResult {
	r := &CaseResult{Measured: m, Ours: ours, Outcome: o, Verdict: Pass}
	holds := m.Tolerance.Holds(ours, m.Published)
	switch {
	case o != nil && o.Mismatches > 0:
		r.Verdict, r.Reason = Fail, fmt.Sprintf("%d values differ from the plain loop", o.Mismatches)
	case !holds && math.Abs(ours/m.Published-1) <= m.Known.Part:
		r.Verdict, r.Reason = KnownDeviation, m.Known.Why
	case !holds:
		r.Verdict, r.Reason = Fail, "must be within "+m.Tolerance.String()
		if m.Tolerance == (Tolerance{}) {
			r.Reason = "must be exact"
		}
	}
	return r
}

func failedCase(m Measured, err error) *CaseResult {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return &CaseResult{Measured: m, Ours: math.NaN(), Verdict: Fail, Reason: first}
}
