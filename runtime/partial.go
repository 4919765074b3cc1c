package runtime

import "sync"

// soFar hands on the phases of a step whose cycles are known, as they become more.
type soFar struct {
	t     *Trainer
	order []int          // phases simulated, by number of the job
	of    []int          // per phase: its job
	done  []*PhaseReport // per job

	mu      sync.Mutex
	ready   int        // phases before it are known
	writing sync.Mutex // one call at a time
	told    int
}

func newSoFar(t *Trainer, order []int) *soFar {
	s := &soFar{t: t, order: order, of: make([]int, len(t.phases)), done: make([]*PhaseReport, len(order))}
	job := map[string]int{}
	for n, i := range order {
		kind, _ := t.key(t.step.Phases[i].Kernel)
		job[kind] = n
	}
	for i := range t.phases {
		kind, _ := t.key(t.step.Phases[i].Kernel)
		s.of[i] = job[kind]
	}
	return s
}

// add notes a job's cycles and tells Trainer.Partial if that makes more phases known, unless another
// worker is in it.
func (s *soFar) add(job int, p *PhaseReport) {
	if s.t.Partial == nil || p == nil {
		return
	}
	s.mu.Lock()
	s.done[job] = p
	for s.ready < len(s.of) && s.done[s.of[s.ready]] != nil {
		s.ready++
	}
	s.mu.Unlock()
	if !s.writing.TryLock() {
		return
	}
	defer s.writing.Unlock()
	s.mu.Lock()
	n := s.ready
	s.mu.Unlock()
	if n > s.told && n < len(s.of) {
		s.told = n
		s.t.Partial(n, func() *StepReport { return s.report(n) })
	}
}

// report is of the first n phases.
func (s *soFar) report(n int) *StepReport {
	r := &StepReport{Step: s.t.step, Switch: s.t.switchCycles()}
	s.mu.Lock()
	for _, job := range s.of[:n] {
		r.Phases = append(r.Phases, s.done[job])
	}
	s.mu.Unlock()
	r.sum()
	return r
}
