package main

import (
	"slices"
	"sync"

	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/spdf"
	"cs2sim.dev/sims/trace"
)

// spdfTracer writes the trace of an SPDF experiment: of each stage of the first seed one training micro-batch.
type spdfTracer struct {
	folder *sims.Folder
	ids    []spdf.ID // by part

	mu      sync.Mutex // of what is below: stages run side by side
	writer  *trace.Writer
	pending map[int]*trace.Run // not written yet
	kept    map[int]bool       // parts of an earlier, interrupted run
	lost    map[spdf.ID]bool   // stages that run had begun, without a trace: a full disk, or killed before it was written
	err     error              // the first; training goes on, the run's end tells
}

// newSPDFTracer takes over what an earlier run's trace holds of stages that were begun, before the folder
// is cleaned.
func newSPDFTracer(f *sims.Folder, e *spdf.Experiment, have map[string]spdf.Stage, resume bool) (*spdfTracer, error) {
	t := &spdfTracer{folder: f, pending: map[int]*trace.Run{}, kept: map[int]bool{}, lost: map[spdf.ID]bool{}}
	ids, begun, err := e.Traceable(f.PointsDir(), have)
	if err != nil {
		return nil, err
	}
	t.ids = ids
	if !resume {
		return t, nil
	}
	before, _ := f.EarlierRuns()
	for i, id := range ids {
		r, ok := before[trace.Clean(id.String())]
		switch {
		case ok && begun[id]:
			t.pending[i], t.kept[i] = r, true
		case begun[id]:
			t.lost[id] = true
		}
	}
	return t, nil
}

// step takes a stage's step.
func (t *spdfTracer) step(id spdf.ID, r *runtime.StepReport) {
	i := slices.Index(t.ids, id)
	t.mu.Lock()
	defer t.mu.Unlock()
	if i < 0 || t.kept[i] {
		return
	}
	t.pending[i] = trace.Step{Experiment: "spdf", Name: id.String(), Sparsity: id.Zeros(), Report: r}.Run()
	t.flush()
}

// begin starts the trace in the folder, which is this run's now.
func (t *spdfTracer) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writer == nil && t.err == nil {
		t.writer, t.err = trace.Create(t.folder.Dir, sims.Version)
		t.flush()
		if t.err == nil {
			t.err = t.folder.DropEarlier()
		}
	}
}

// flush writes what is pending, in the order of the parts.
func (t *spdfTracer) flush() {
	for i := range t.ids {
		if r, ok := t.pending[i]; ok && t.writer != nil && t.err == nil {
			t.err = t.writer.Add(i, r)
			delete(t.pending, i)
		}
	}
}

// close ends the trace.
func (t *spdfTracer) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil || t.writer == nil {
		return t.err
	}
	return t.writer.Close()
}
