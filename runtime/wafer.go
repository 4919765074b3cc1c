package runtime

import (
	"context"
	"fmt"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// wafer is the machine of the wavelet engine: routers, cores and edge ports on one clock.
type wafer struct {
	mesh  *fabric.Mesh
	cores []*pe.PE     // nil where no program is placed
	ports []edgePort   // actors beyond routers and PEs, in order of registration
	limit fabric.Cycle // 0: none

	samples *sampler     // of the first cores; nil: none
	lanes   fabric.Cycle // from when on the mesh is to be run in lanes; 0: not now
}

// sample takes the accounts of the first cores at all cuts up to cycle t, before what happens then.
func (w *wafer) sample(t fabric.Cycle) {
	s := w.samples
	for cut := s.next[0]; cut <= int64(t); cut = s.next[0] {
		for i, core := range w.cores[:len(s.next)] {
			account := pe.StateCycles{pe.Idle: cut}
			if core != nil {
				account = core.StatesAt(fabric.Cycle(cut))
			}
			if s.next[i] == cut {
				s.take(i, account)
			}
		}
	}
	w.horizon()
}

// horizon keeps PEs from acting beyond what is to be seen.
func (w *wafer) horizon() {
	w.mesh.Horizon = fabric.Never
	if w.limit > 0 {
		w.mesh.Horizon = w.limit
	}
	if w.samples != nil {
		w.mesh.Horizon = min(w.mesh.Horizon, fabric.Cycle(w.samples.next[0])-1)
	}
	if w.lanes > 0 {
		w.mesh.Horizon = min(w.mesh.Horizon, w.lanes-1)
	}
}

// edgePort is an actor at the rim.
type edgePort interface {
	connect()
	step(t fabric.Cycle)
	done() bool
}

// run steps the due actors until nothing is left to happen. tick is called now and then.
func (w *wafer) run(ctx context.Context, tick func(t fabric.Cycle)) (fabric.Cycle, error) {
	agenda := w.mesh.Agenda()
	n := int32(w.mesh.Size())
	w.horizon()
	var end fabric.Cycle
	for steps := 0; ; steps++ {
		if steps%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			tick(end)
		}
		t, due := agenda.Next()
		if t == fabric.Never {
			break
		}
		if w.limit > 0 && t > w.limit {
			return 0, &Fault{Kind: "limit", Cycle: t, Reason: fmt.Sprintf("still running after %d cycles", w.limit), PEs: w.waiting(), Queues: w.mesh.Stuck()}
		}
		if w.samples != nil && int64(t) >= w.samples.next[0] {
			w.sample(t)
		}
		end = t
		if w.lanes <= t {
			if l := w.slice(t, len(due)); l != nil {
				last, err := w.inLanes(ctx, l, t, tick)
				if err != nil {
					return 0, err
				}
				end = last
				continue
			}
		}
		for _, actor := range due {
			switch {
			case actor < n:
				w.mesh.StepRouter(actor, t)
			case actor < 2*n:
				core := w.cores[actor-n]
				core.Step(t)
				if f := core.Fault(); f != nil {
					return 0, &Fault{Kind: "pe", Cycle: t, Reason: f.Error()}
				}
			default:
				w.ports[actor-2*n].step(t)
			}
		}
	}
	if err := w.mesh.CheckConservation(); err != nil {
		return 0, err
	}
	if waiting := w.waiting(); len(waiting) > 0 {
		return 0, w.deadlock("nothing moves, and not every PE has ended its program", waiting)
	}
	done := w.mesh.Stats().InFlight == 0
	for _, p := range w.ports {
		done = done && p.done()
	}
	if !done {
		return 0, w.deadlock("all PEs ended, but wavelets are left", nil)
	}
	return end, nil
}

// deadlock is the fault of a mesh on which nothing moves. Its cycle is the last one in which something did, not one in which
// a PE was woken in vain.
func (w *wafer) deadlock(reason string, waiting []WaitingPE) *Fault {
	f := &Fault{Kind: "deadlock", Reason: reason, PEs: waiting, Queues: w.mesh.Stuck()}
	for _, p := range f.PEs {
		f.Cycle = max(f.Cycle, p.Since)
	}
	for _, q := range f.Queues {
		f.Cycle = max(f.Cycle, q.Since)
	}
	return f
}

// waiting lists the PEs with something begun or due.
func (w *wafer) waiting() (all []WaitingPE) {
	for _, p := range w.cores {
		if p == nil || p.AtRest() {
			continue
		}
		state, since := p.Waiting()
		one := WaitingPE{At: p.At(), State: state, Since: since, Color: -1}
		if c, ok := p.Blocking(); ok {
			one.Color = int(c)
		}
		if one.Running = p.Running(); one.Running {
			one.Since, one.Doing = 0, p.Task()
		} else if one.State == pe.Idle {
			one.Doing = p.String()
		}
		all = append(all, one)
	}
	return all
}
