package pe

import (
	"fmt"
	"strings"

	"cs2sim.dev/fabric"
)

// saw tells the mesh's observer what the PE did with a wavelet.
func (p *PE) saw(kind fabric.EventKind, t fabric.Cycle, w fabric.Wavelet, by fmt.Stringer) {
	p.mesh.Observer.Saw(fabric.Event{Kind: kind, Cycle: t, At: p.At(), In: fabric.Ramp, Wavelet: w, By: by})
}

// step is one element of an instruction that streams.
type step struct {
	p *PE
	a *active
	i int
}

func (s step) String() string {
	if s.a.in.Op == Send {
		return s.p.describe(s.a)
	}
	return fmt.Sprintf("%s, element %d", s.p.describe(s.a), s.i)
}

// trigger is a task that a wavelet starts.
type trigger struct{ t *Task }

func (t trigger) String() string { return fmt.Sprintf("starts task %s (%v)", t.t.Name, t.t.Kind) }

// describe names an instruction in progress and who runs it.
func (p *PE) describe(a *active) string {
	if a != &p.threads[0].cur {
		return fmt.Sprintf("microthread %d: %v", a.in.Thread, a.in)
	}
	return fmt.Sprintf("task %s: %v", p.prog.Tasks[p.task].Name, a.in)
}

// Task names the task that the PE is in.
func (p *PE) Task() string {
	if p.task < 0 {
		return "microthreads only"
	}
	return "task " + p.prog.Tasks[p.task].Name
}

// String says what the PE does from its last step on.
func (p *PE) String() string {
	var parts []string
	for i := range p.threads {
		th := &p.threads[i]
		switch {
		case !th.busy:
		case th.cur.in != nil && th.cur.left[0] > 0:
			parts = append(parts, "start of "+p.describe(&th.cur))
		case th.cur.in != nil:
			parts = append(parts, p.describe(&th.cur))
		case p.task < 0:
			parts = append(parts, "launch")
		case p.pc == 0:
			parts = append(parts, "switch to task "+p.prog.Tasks[p.task].Name)
		default:
			parts = append(parts, fmt.Sprintf("task %s: %v", p.prog.Tasks[p.task].Name, p.prog.Tasks[p.task].Code[p.pc-1]))
		}
	}
	if p.issue != nil {
		parts = append(parts, fmt.Sprintf("task %s waits for room in microthread %d", p.prog.Tasks[max(p.task, 0)].Name, p.issue.Thread))
	}
	if p.running < 0 && (p.state == WaitWeight || p.state == WaitPsum || p.state == BlockedOut) {
		if c, ok := p.Blocking(); ok {
			parts = append(parts, fmt.Sprintf("%s, color %d", strings.ReplaceAll(p.state.Name(), "_", " "), c))
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, "; ")
	}
	if p.halted {
		return "halted"
	}
	for i := range p.prog.Tasks {
		if p.blocked&(1<<i) != 0 {
			parts = append(parts, "task "+p.prog.Tasks[i].Name+" is blocked")
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, "; ")
	}
	return "nothing to run"
}
