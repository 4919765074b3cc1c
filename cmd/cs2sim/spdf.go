package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"cs2sim.dev/plots"
	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/spdf"
)

// spdfRun is one SPDF experiment on its way into a folder.
type spdfRun struct {
	*console
	out        output
	curve      sims.Curve
	experiment *spdf.Experiment
	folder     *sims.Folder
	begin      func() error // makes the folder this run's
	tracer     *spdfTracer  // nil: no trace

	live struct { // figures while it runs
		sync.Mutex
		next time.Time
	}
}

// liveEvery is how often loss curves are drawn while an experiment runs.
const liveEvery = 15 * time.Second

// spdf runs an experiment and writes its folder.
func (c *console) spdf(ctx context.Context, out output, curve sims.Curve) (spdf.Results, error) {
	var none spdf.Results
	if err := out.check(); err != nil {
		return none, err
	}
	e, err := spdf.Prepare(curve)
	if err != nil {
		return none, err
	}
	folder, err := sims.OpenFolder(out.dir)
	if err != nil {
		return none, err
	}
	defer folder.Close()
	r := &spdfRun{console: c, out: out, curve: curve, experiment: e, folder: folder}
	return r.run(ctx)
}

func (r *spdfRun) run(ctx context.Context) (spdf.Results, error) {
	have, keep, err := r.kept()
	if err != nil {
		return spdf.Results{}, err
	}
	if !r.out.noTrace {
		if r.tracer, err = newSPDFTracer(r.folder, r.experiment, have, r.out.resume); err != nil {
			return spdf.Results{}, err
		}
	}
	// The results of an earlier run stay until there is something to replace them with.
	r.begin = sync.OnceValue(func() error {
		if err := r.folder.Write("run.toml", sims.WriteRunFile(r.out.dir, []sims.Curve{r.curve})); err != nil {
			return err
		}
		files, err := r.experiment.ModelFiles()
		if err != nil {
			return err
		}
		if r.out.resume { // checkpoints that were set aside just now
			aside, err := filepath.Glob(filepath.Join(r.folder.PointsDir(), "*.bad"))
			if err != nil {
				return err
			}
			for _, path := range aside {
				keep[filepath.Base(path)] = true
			}
		}
		if r.tracer != nil && len(r.tracer.kept) > 0 {
			if err := r.folder.KeepTrace(); err != nil {
				return err
			}
		}
		if err := errors.Join(r.folder.Clean(keep), r.writeFiles(files)); err != nil {
			return err
		}
		if r.tracer != nil {
			r.tracer.begin()
		}
		return nil
	})
	var traced func(spdf.ID, *runtime.StepReport)
	var lost map[spdf.ID]bool
	switch {
	case r.tracer == nil:
	case !r.folder.Fresh:
		traced, lost = r.tracer.step, r.tracer.lost
	default: // there are no results to replace
		traced = func(id spdf.ID, step *runtime.StepReport) {
			if r.begin() == nil { // else the first checkpoint will tell
				r.tracer.step(id, step)
			}
		}
	}
	if len(have) > 0 {
		fmt.Fprintf(r.err, "resuming: %d stages are finished\n", len(have))
	}
	if len(lost) > 0 {
		fmt.Fprintf(r.err, "the first steps of %d stages once more, for the trace that they have no part in\n", len(lost))
	}
	bar := newBar(r.err, r.out.json)
	stages, runErr := r.experiment.Run(ctx, spdf.Options{
		Threads: r.out.threads, Dir: r.folder.PointsDir(), Resume: r.out.resume, Have: have,
		Progress: bar.set,
		Note:     func(text string) { bar.note(r.err, text) },
		Begin:    r.begin,
		Done: func(s spdf.Stage, weights spdf.File) error {
			return errors.Join(r.folder.Write(weights.Name, weights.Data), r.folder.SaveJSON(s.FileName(), s))
		},
		Step: r.draw, Traced: traced, Retrace: lost,
	})
	bar.stop()
	if runErr != nil && !slices.ContainsFunc(stages, func(s spdf.Stage) bool { return s.Training.Step > 0 }) {
		return spdf.Results{}, r.ended(runErr, stages)
	}
	if err := r.begin(); err != nil {
		return spdf.Results{}, err
	}
	return r.finish(stages, runErr)
}

// kept are the finished stages of an earlier run, and all names in the folder points that must stay.
func (r *spdfRun) kept() (have map[string]spdf.Stage, keep map[string]bool, err error) {
	keep = map[string]bool{}
	if !r.out.resume {
		return nil, keep, nil
	}
	if have, err = r.experiment.Kept(r.folder.PointsDir()); err != nil {
		return nil, nil, err
	}
	for _, s := range have {
		keep[s.FileName()] = true
		keep[s.WeightsName()] = true
	}
	checkpoints, err := r.experiment.Checkpoints(r.folder.PointsDir())
	for _, name := range checkpoints {
		keep[name] = true
	}
	return have, keep, err
}

// finish writes what there is. The reason a run ended early is the error that counts.
func (r *spdfRun) finish(stages []spdf.Stage, reason error) (spdf.Results, error) {
	note := ""
	switch {
	case errors.Is(reason, context.Canceled):
		note = "interrupted; only finished stages are listed"
	case reason != nil:
		note = fmt.Sprintf("stopped early: %v; only finished stages are listed", reason)
	}
	results := r.experiment.Results(stages, note)
	err := r.write(results, stages, note)
	if r.tracer != nil {
		err = errors.Join(err, r.tracer.close())
	}
	if reason != nil {
		reason = r.ended(reason, stages)
	}
	if err = errors.Join(reason, err); err != nil && !r.out.json {
		return results, err
	}
	return results, errors.Join(err, r.print(results))
}

// ended says what is left of an interrupted run.
func (r *spdfRun) ended(reason error, stages []spdf.Stage) error {
	if !errors.Is(reason, context.Canceled) {
		return reason
	}
	done := 0
	for _, s := range stages {
		if s.Complete {
			done++
		}
	}
	return &interrupted{fmt.Sprintf("interrupted: %d of %d stages are finished and kept in %s, the others have checkpoints; the same command with --resume does the rest", done, len(stages), r.out.dir)}
}

func (r *spdfRun) writeFiles(files []spdf.File) error {
	for _, f := range files {
		if err := r.folder.Write(f.Name, f.Data); err != nil {
			return err
		}
	}
	return nil
}

// spdfTables are the tables of results, by the names of their files.
func spdfTables(r spdf.Results) []file {
	var files []file
	for _, t := range []sims.Table{r.Results, r.Summary, r.Cost, r.Curves, r.Cosine, r.Baselines, r.Texts} {
		files = append(files, file{t.Name + ".csv", t.CSV()})
	}
	return files
}

func (r *spdfRun) write(results spdf.Results, stages []spdf.Stage, note string) error {
	data, err := marshal(results)
	if err != nil {
		return err
	}
	files := append(spdfTables(results), file{"results.json", data}, file{"log.txt", []byte(r.experiment.Log(stages, note))})
	if !r.out.noFigures {
		figures, err := spdfFigures(results)
		if err != nil {
			return err
		}
		files = append(files, figures...)
	}
	return writeAll(r.folder, files)
}

// draw writes the loss curves as they are, now and then.
func (r *spdfRun) draw(snapshot func() []spdf.Stage) {
	if r.out.noFigures || !r.live.TryLock() {
		return
	}
	defer r.live.Unlock()
	now := time.Now()
	if r.live.next.IsZero() {
		r.live.next = now.Add(liveEvery)
	}
	if now.Before(r.live.next) {
		return
	}
	results := r.experiment.Results(snapshot(), "running")
	files, err := lossFigures(results)
	if err == nil {
		err = r.begin()
	}
	if err == nil {
		err = writeAll(r.folder, append(files, file{"curves.csv", results.Curves.CSV()}))
	}
	if err != nil { // a full disk, say: the end of the run will tell; training need not stop for a picture
		fmt.Fprintf(r.err, "loss curves: %v\n", err)
	}
	r.live.next = time.Now().Add(liveEvery)
}

// lossFigures are those that there are steps for.
func lossFigures(r spdf.Results) ([]file, error) {
	var files []file
	for _, f := range []struct {
		name string
		kind spdf.Kind
	}{{"loss-pretrain", spdf.Pretrain}, {"loss-finetune", spdf.FinetuneDense}} {
		if !slices.ContainsFunc(r.Curves.Rows, func(row []any) bool { return (row[2] == string(spdf.Pretrain)) == (f.kind == spdf.Pretrain) }) {
			continue
		}
		chart, err := plots.SPDFLoss(r.Curves, f.kind)
		one, err := render(f.name, chart, err)
		if err != nil {
			return nil, err
		}
		files = append(files, one...)
	}
	return files, nil
}

// spdfFigures are all figures, in the paper's form, of what is finished.
func spdfFigures(r spdf.Results) ([]file, error) {
	files, err := lossFigures(r)
	if err != nil {
		return nil, err
	}
	if len(r.Summary.Rows) > 0 {
		chart, err := plots.SPDFScores(r.Summary, r.Baselines)
		scores, err := render("scores", chart, err)
		if err != nil {
			return nil, err
		}
		files = append(files, scores...)
	}
	for _, row := range r.Summary.Rows {
		sparsity, kind := row[0].(float64), row[1].(string)
		panel, err := plots.SPDFDistances(r.Cosine, sparsity, spdf.Kind(kind))
		one, err := render(fmt.Sprintf("cosine-s%.4g-%s", sparsity, kind), panel, err)
		if err != nil {
			return nil, err
		}
		files = append(files, one...)
	}
	return files, nil
}

func (r *spdfRun) print(results spdf.Results) error {
	if r.out.json {
		data, err := marshal(results)
		if err != nil {
			return err
		}
		return r.console.print(string(data))
	}
	var text strings.Builder
	text.WriteString(results.Results.Title + "\n\n")
	text.WriteString(results.Head().Terminal())
	text.WriteString("\nwithout learning\n\n" + results.Baselines.Terminal())
	for _, row := range results.Texts.Rows {
		if row[2] == string(spdf.Pretrain) && row[0] == float64(results.Seed) {
			fmt.Fprintf(&text, "\npre-trained at sparsity %.4g: %s\n", row[1], strings.Join(strings.Fields(row[4].(string)), " "))
		}
	}
	text.WriteString("\nresults in " + r.out.dir + "\n")
	return r.console.print(text.String())
}

// plotSPDF redraws the figures of an experiment's folder.
func plotSPDF(dir string) ([]file, error) {
	r, err := spdf.ReadResults(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &sims.InputError{File: dir, Want: "has no results.json"}
	}
	if err != nil {
		return nil, err
	}
	return spdfFigures(r)
}
