package main

import (
	"errors"
	"fmt"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/gpt"
	"cs2sim.dev/sims/trace"
)

// gptTracer writes the trace of a gpt run step by step: a killed run leaves those it finished, and
// a resumed one keeps them.
type gptTracer struct {
	dir    string
	jobs   []*gpt.Case
	before map[string]*trace.Run // of an earlier, interrupted run, by name
	writer *trace.Writer
	behind chan error // of the run being written while the next step is simulated; nil: none
	left   int        // runs there was no room for
}

// newGPTTracer remembers what a folder's trace holds before it is cleaned. A sweep has no trace,
// and a run has none of the steps that only tell what its throughput hangs on.
func newGPTTracer(s gptStudy, out output, jobs []*gpt.Case) *gptTracer {
	t := &gptTracer{dir: out.dir, before: map[string]*trace.Run{}}
	if _, ok := s.(*gptRun); !ok {
		return t
	}
	for _, j := range jobs {
		if j.Probe == nil && !j.Weak {
			t.jobs = append(t.jobs, j)
		}
	}
	if !out.resume {
		return t
	}
	if old, err := trace.Read(out.dir); err == nil { // of no trace, or a broken one, nothing is kept
		for _, r := range old.Runs {
			t.before[r.Name] = r
		}
	}
	return t
}

// begin starts the trace and takes over the runs of finished steps.
func (t *gptTracer) begin(have map[string]*gpt.Step) (err error) {
	if len(t.jobs) == 0 {
		return nil
	}
	if t.writer, err = trace.Create(t.dir, sims.Version); err != nil {
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
	return nil
}

// name tells the run of job i from the others: its model, masks and place.
func (t *gptTracer) name(i int) string {
	j := t.jobs[i]
	return fmt.Sprintf("%s, %s, length %d (%d)", j.Model.Name, j.Job.Masks, j.Job.Model.SequenceLength, i)
}

// wait is for the run that is being written.
func (t *gptTracer) wait() error {
	if t.behind == nil {
		return nil
	}
	err := <-t.behind
	t.behind = nil
	return t.room(err)
}

// room counts a run there was no room for; the trace does without.
func (t *gptTracer) room(err error) error {
	if errors.Is(err, trace.ErrFull) {
		t.left++
		return nil
	}
	return err
}

// add begins to write a step that was just simulated; one taken from another that is alike has no
// report. The error may be that of the step before.
func (t *gptTracer) add(s *gpt.Step) error {
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
		step := trace.Step{
			Experiment: fmt.Sprintf("%s, length %d", j.Model.Name, j.Job.Model.SequenceLength),
			Name:       t.name(i), Sparsity: 1 - s.Density, Report: s.Report,
		}
		t.behind = make(chan error, 1)
		go func(done chan<- error) {
			defer func() {
				if v := recover(); v != nil {
					done <- panicked(v)
				}
			}()
			done <- t.writer.Add(i, step.Run())
		}(t.behind)
		return nil
	}
	return nil
}

func (t *gptTracer) close() error {
	if err := t.wait(); err != nil {
		return err
	}
	if t.writer == nil {
		return nil
	}
	return t.writer.Close()
}
