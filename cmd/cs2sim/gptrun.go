package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/gpt"
)

// gptStudy is what to make of the finished steps of a gpt experiment: a run or a sweep.
type gptStudy interface {
	runFile() []byte
	write(f *sims.Folder, all []gpt.Outcome, note string) error
	print() error
}

// trainGPT simulates the steps of the curves into the folder and hands them to the study.
func (c *console) trainGPT(ctx context.Context, out output, curves []sims.Curve, s gptStudy) error {
	if err := out.check(); err != nil {
		return err
	}
	for _, curve := range curves {
		if e := curve.Config.Experiment; e != sims.ExperimentGPT {
			return curve.Problem("experiment", strconv.Quote(e), "of %s must be that of the run, %q", curve.Name, sims.ExperimentGPT)
		}
	}
	cases, err := gpt.Cases(curves)
	if err != nil {
		return err
	}
	probes, err := gpt.Probes(cases)
	if err != nil {
		return err
	}
	cases = append(append(cases, probes...), gpt.WeakCases(cases)...)
	jobs := gpt.Jobs(cases)
	folder, err := sims.OpenFolder(out.dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	finished, keep, err := c.finishedSteps(folder, out, jobs)
	if err != nil {
		return err
	}
	tracer := newGPTTracer(s, folder, out, jobs)
	have := tracer.traced(finished)
	if n := len(finished) - len(have); n > 0 {
		fmt.Fprintf(c.err, "%d of them once more, for the trace that they have no part in\n", n)
	}
	// The results of an earlier run stay until there is something to replace them with.
	begin := sync.OnceValue(func() error {
		if err := folder.Write("run.toml", s.runFile()); err != nil {
			return err
		}
		if len(tracer.before) > 0 {
			if err := folder.KeepTrace(); err != nil {
				return err
			}
		}
		if err := folder.Clean(keep); err != nil {
			return err
		}
		return tracer.begin(have)
	})
	save := func(step *gpt.Step) error {
		if err := begin(); err != nil {
			return err
		}
		if err := tracer.add(step); err != nil {
			return err
		}
		return gpt.SaveStep(folder, step)
	}
	bar := newBar(c.err, out.json)
	options := gpt.Options{Threads: out.threads, Have: have, Done: save, Progress: bar.set, Trace: len(tracer.jobs) > 0}
	if len(tracer.jobs) > 0 {
		options.Partial = func(p gpt.Partial) {
			if folder.Fresh || len(finished) > 0 { // else it would replace results
				if begin() != nil {
					return // the finished step will tell
				}
			}
			tracer.draft(p)
		}
	}
	steps, runErr := gpt.Run(ctx, jobs, options)
	bar.stop()
	for key, s := range finished { // whatever became of its trace
		if _, ok := steps[key]; !ok {
			steps[key] = s
		}
	}
	if runErr != nil && len(steps) == 0 {
		return endedGPT(runErr, 0, len(jobs), out.dir)
	}
	if err := begin(); err != nil {
		return err
	}
	note := ""
	if runErr != nil {
		note = "interrupted; only finished points are listed"
		if !errors.Is(runErr, context.Canceled) {
			note = fmt.Sprintf("stopped early: %v; only finished points are listed", runErr)
		}
		runErr = endedGPT(runErr, len(steps), len(jobs), out.dir)
	}
	if err := tracer.close(); err != nil {
		return errors.Join(runErr, err)
	}
	if tracer.left > 0 {
		fmt.Fprintf(c.err, "the trace is full: it holds the first steps of the run only\n")
	}
	if err := s.write(folder, gpt.Outcomes(cases, steps), note); err != nil {
		return errors.Join(runErr, err)
	}
	if runErr != nil && !out.json {
		return runErr
	}
	return errors.Join(runErr, s.print())
}

// finishedSteps of an earlier run that these jobs need, and the names of their files.
func (c *console) finishedSteps(f *sims.Folder, out output, jobs []*gpt.Case) (map[string]*gpt.Step, map[string]bool, error) {
	have, keep := map[string]*gpt.Step{}, map[string]bool{}
	if !out.resume {
		return have, keep, nil
	}
	found, err := gpt.Steps(f)
	if err != nil {
		return nil, nil, err
	}
	for _, j := range jobs {
		if s, ok := found[j.Job.Key()]; ok {
			have[s.Key], keep[s.FileName()] = s, true
		}
	}
	if len(have) > 0 {
		fmt.Fprintf(c.err, "resuming: %d points are finished\n", len(have))
	}
	return have, keep, nil
}

// endedGPT says what is left of an interrupted run.
func endedGPT(reason error, done, all int, dir string) error {
	if !errors.Is(reason, context.Canceled) {
		return reason
	}
	return &interrupted{fmt.Sprintf("interrupted: %d of %d points are finished and kept in %s; the same command with --resume does the rest", done, all, dir)}
}

// gptRun writes and prints the results of cs2sim run.
type gptRun struct {
	*console
	out     output
	curves  []sims.Curve
	results gpt.Results
}

func (g *gptRun) runFile() []byte { return sims.WriteRunFile(g.out.dir, g.curves) }

func (g *gptRun) write(f *sims.Folder, all []gpt.Outcome, note string) error {
	g.results = gpt.NewResults(g.curves, all)
	g.results.Note = note
	data, err := marshal(g.results)
	if err != nil {
		return err
	}
	files := []file{{"results.json", data}, {"log.txt", []byte(gpt.Log(all, note))}}
	for _, t := range g.results.Tables() {
		files = append(files, file{t.Name + ".csv", t.CSV()})
	}
	if !g.out.noFigures && note == "" {
		figures, err := gptFigures(g.results)
		if err != nil {
			return err
		}
		files = append(files, figures...)
	}
	return writeAll(f, files)
}

func (g *gptRun) print() error {
	r := g.results
	if g.out.json {
		data, err := marshal(r)
		if err != nil {
			return err
		}
		return g.console.print(string(data))
	}
	var b strings.Builder
	section := func(t sims.Table) {
		if len(t.Rows) > 0 {
			b.WriteString(t.Title + "\n\n" + t.Terminal() + "\n")
		}
	}
	section(r.Summary())
	section(r.Answer)
	section(r.Excess)
	section(r.KernelSummary())
	for _, t := range []*sims.Table{r.Scaling, r.SwarmX, r.Sensitivity, r.Variants} {
		if t == r.Variants && t != nil {
			section(r.VariantSummary())
		} else if t != nil {
			section(*t)
		}
	}
	fmt.Fprintf(&b, "%s\n\nresults in %s\n", sims.Paragraph(r.Method), g.out.dir)
	return g.console.print(b.String())
}

// gptSweep writes and prints the results of cs2sim sweep.
type gptSweep struct {
	gridSweep
	curves []sims.Curve
}

func (g *gptSweep) write(f *sims.Folder, all []gpt.Outcome, note string) error {
	g.note = note
	g.table = gpt.SweepTable(g.axes, g.curves, all)
	data, err := g.json()
	if err != nil {
		return err
	}
	return writeAll(f, []file{{"sweep.json", data}, {"sweep.csv", g.table.CSV()}, {"log.txt", []byte(gpt.Log(all, note))}})
}

func (g *gptSweep) print() error {
	if g.out.json {
		return g.gridSweep.print()
	}
	summary := gpt.SweepSummary(g.axes, g.table)
	return g.console.print(g.table.Title + "\n\n" + summary.Terminal() + "\nresults in " + g.out.dir + "\n")
}
