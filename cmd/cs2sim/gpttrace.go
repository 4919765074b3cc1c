package main

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/gpt"
	"cs2sim.dev/sims/trace"
)

// gptTracer writes the trace of a gpt run step by step, and while a step is simulated its phases so far: a
// killed run leaves both, and a resumed one keeps the steps that were finished.
type gptTracer struct {
	folder *sims.Folder
	mu     sync.Mutex // of what is below: a step under way tells of itself from several goroutines
	jobs   []*gpt.Case
	before map[string]*trace.Run // of an earlier, interrupted run, by name
	ended  bool                  // that run came to its end: what its trace lacks it had no room for
	writer *trace.Writer
	behind chan error // of the run being written while the next step is simulated; nil: none
	left   int        // runs there was no room for
	drafts time.Time  // when a step under way may be written next
	failed error      // of a finished step, not told yet
	broken bool       // a finished step could not be written
	full   bool       // trace or disk do not take drafts; the finished step will tell
}

// A draft is written three seconds after the step began, the step before ended, and then so seldom that it takes at most
// a two-hundredth of the time.
const (
	draftEvery = 3 * time.Second
	draftShare = 200
)

// newGPTTracer remembers what a folder's trace holds before it is cleaned. A sweep has no trace, a run has none
// of the steps that only tell what its throughput hangs on, or none at all.
func newGPTTracer(s gptStudy, f *sims.Folder, out output, jobs []*gpt.Case) *gptTracer {
	t := &gptTracer{folder: f, drafts: time.Now().Add(draftEvery)}
	if _, ok := s.(*gptRun); !ok || out.noTrace {
		return t
	}
	for _, j := range jobs {
		if j.Probe == nil && !j.Weak {
			t.jobs = append(t.jobs, j)
		}
	}
	if out.resume {
		t.before, t.ended = f.EarlierRuns()
	}
	return t
}

// traced are the finished steps whose runs the earlier trace has. A point is kept while its trace is still being
// written, so that after a kill, or on a full disk, one may be there without the other: its step is to be simulated again.
func (t *gptTracer) traced(have map[string]*gpt.Step) map[string]*gpt.Step {
	if t.ended {
		return have
	}
	whole := maps.Clone(have)
	for i, j := range t.jobs {
		s, ok := have[j.Job.Key()]
		if ok && !s.Alike && t.before[t.name(i)] == nil {
			delete(whole, s.Key)
		}
	}
	return whole
}

// begin starts the trace and takes over the runs of finished steps.
func (t *gptTracer) begin(have map[string]*gpt.Step) (err error) {
	if len(t.jobs) == 0 {
		return nil
	}
	if t.writer, err = trace.Create(t.folder.Dir, sims.Version); err != nil {
		return err
	}
	for i, j := range t.jobs {
		if _, ok := have[j.Job.Key()]; !ok {
			continue
		}
		if r, ok := t.before[t.name(i)]; ok {
			if err := t.room(t.writer.Add(i, r)); err != nil {
				return err
			}
		}
	}
	return t.folder.DropEarlier()
}

// name tells the run of job i from the others: its model, masks and place.
func (t *gptTracer) name(i int) string {
	j := t.jobs[i]
	return fmt.Sprintf("%s, %s, length %d (%d)", j.Model.Name, j.Job.Masks, j.Job.Model.SequenceLength, i)
}

// wait is for the run that is being written. An error is told once.
func (t *gptTracer) wait() error {
	err := t.failed
	t.failed = nil
	if t.behind != nil {
		if written := t.room(<-t.behind); err == nil {
			err = written
		}
		t.behind = nil
	}
	t.broken = t.broken || err != nil
	return err
}

// room counts a run there was no room for; the trace does without.
func (t *gptTracer) room(err error) error {
	if errors.Is(err, trace.ErrFull) {
		t.left++
		return nil
	}
	return err
}

// draft writes the phases of a step under way, now and then.
func (t *gptTracer) draft(p gpt.Partial) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.writer == nil || t.full || t.broken || now.Before(t.drafts) || len(t.behind) == 0 && t.behind != nil {
		return // the step before is still being written
	}
	for i, j := range t.jobs {
		if j.Job.Key() != p.Key {
			continue
		}
		if t.failed = t.wait(); t.failed == nil && t.left == 0 {
			t.full = t.writer.Update(i, t.step(i, p.Density, p.Report()).Run()) != nil
		}
		break
	}
	t.drafts = time.Now().Add(max(draftEvery, draftShare*time.Since(now)))
}

// step is job i's report with its names.
func (t *gptTracer) step(i int, density float64, r *runtime.StepReport) trace.Step {
	j := t.jobs[i]
	return trace.Step{
		Experiment: fmt.Sprintf("%s, length %d", j.Model.Name, j.Job.Model.SequenceLength),
		Name:       t.name(i), Sparsity: 1 - density, Report: r,
	}
}

// add begins to write a step that was just simulated; one taken from another that is alike has no
// report. The error may be that of the step before.
func (t *gptTracer) add(s *gpt.Step) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drafts = time.Now().Add(draftEvery)
	if err := t.wait(); err != nil {
		return err
	}
	if s.Report == nil || t.writer == nil || t.left > 0 {
		return nil
	}
	for i, j := range t.jobs {
		if j.Job.Key() != s.Key {
			continue
		}
		step := t.step(i, s.Density, s.Report)
		t.behind = make(chan error, 1)
		go func(done chan<- error) {
			defer func() {
				if v := recover(); v != nil {
					done <- panicked(v)
				}
			}()
			r := step.Run()
			step.Report = nil // hundreds of MB that need not wait until it is written
			done <- t.writer.Add(i, r)
		}(t.behind)
		return nil
	}
	return nil
}

func (t *gptTracer) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.wait(); err != nil {
		return err
	}
	if t.writer == nil || t.broken {
		return nil // the manifest says that it is not complete
	}
	return t.writer.Close()
}
