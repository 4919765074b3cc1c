package pe

import "cs2sim.dev/fabric"

// dispatchDatapath gives cycle t to one thread: priority instructions first, the others in
// rotation. A thread that runs alone keeps the datapath until it ends or another wakes the PE.
func (p *PE) dispatchDatapath(t fabric.Cycle) {
	if p.fault != nil {
		p.state = Idle
		return
	}
	chosen, rivals := -1, 0
	wake := fabric.Never
	n := len(p.threads)
	for k := range n {
		i := (p.turn + 1 + k) % n
		th := &p.threads[i]
		if !th.busy {
			continue
		}
		ready, later := p.ready(&th.cur, t)
		wake = min(wake, later)
		if !ready {
			continue
		}
		rivals++
		if chosen < 0 || th.cur.priority() && !p.threads[chosen].cur.priority() {
			chosen = i
		}
	}
	wake = min(wake, p.nextArrival(t))
	if chosen < 0 {
		p.state = p.waitState()
		if wake != fabric.Never {
			p.mesh.Agenda().Wake(p.actor, wake)
		}
		return
	}
	p.turn = chosen
	a := &p.threads[chosen].cur
	if a.streaming() {
		p.element(a, t)
		p.States[a.in.Charge]++
		p.now = t + 1
		p.state = Idle
		p.mesh.Agenda().Wake(p.actor, t+1)
		return
	}
	p.running = chosen
	end := t + fabric.Cycle(a.countdown())
	if rivals > 1 {
		end = t + 1
		if a.priority() { // runs its phase down; rivals of its class, if any, are microthreads that stream
			end = t + fabric.Cycle(p.untilRival(a, chosen))
		}
	}
	p.mesh.Agenda().Wake(p.actor, min(end, wake))
}

// untilRival is how long a priority countdown keeps the datapath: to its end, unless another
// priority thread is ready to share it.
func (p *PE) untilRival(a *active, chosen int) int {
	for i := range p.threads {
		if i != chosen && p.threads[i].busy && p.threads[i].cur.priority() {
			return 1
		}
	}
	return a.countdown()
}

func (a *active) priority() bool { return a.in != nil && a.in.Priority }

// ready reports whether a can use the datapath in cycle t, and if not, the known cycle from
// which its input is there (Never if an arrival or room will wake the PE).
func (p *PE) ready(a *active, t fabric.Cycle) (ok bool, later fabric.Cycle) {
	if !a.streaming() {
		return true, fabric.Never
	}
	for _, o := range [2]*Operand{&a.in.A, &a.in.B} {
		if o.Kind != FabIn {
			continue
		}
		_, ready, ok := p.mesh.Peek(p.in[o.Color])
		if !ok {
			return false, fabric.Never
		}
		if ready > t {
			return false, ready
		}
	}
	if a.in.Dst.Kind == FabOut && !p.mesh.Room(p.out[a.in.Dst.Color], t) {
		return false, fabric.Never
	}
	return true, fabric.Never
}

// nextArrival is when a wavelet that is on the ramp may trigger a task, if one can be dispatched.
func (p *PE) nextArrival(t fabric.Cycle) fabric.Cycle {
	wake := fabric.Never
	if p.task >= 0 || p.halted || p.threads[0].busy {
		return wake
	}
	for i := range p.prog.Tasks {
		task := &p.prog.Tasks[i]
		if task.Kind == Local || p.blocked&(1<<i) != 0 {
			continue
		}
		q := p.trigger[i]
		_, ready, ok := p.mesh.Peek(q)
		if !ok {
			continue
		}
		if ready > t {
			wake = min(wake, ready)
		} else if task.Kind == Data && task.Words == 2 {
			if _, second, ok := p.mesh.PeekAt(q, 1); ok && second > t {
				wake = min(wake, second)
			}
		}
	}
	return wake
}

// element performs one streaming step in cycle t. A wavelet written now is at the router
// after the datapath's result cycle and the ramp.
func (p *PE) element(a *active, t fabric.Cycle) {
	in := a.in
	i := a.done
	a.done++
	read := func(o *Operand, base int, scalar float32) float32 {
		if o.Kind == FabIn {
			return Value(o.Type, p.mesh.Pop(p.in[o.Color], t).Data)
		}
		return p.source(o, base, scalar, i)
	}
	x := read(&in.A, a.a, a.sa)
	y := read(&in.B, a.b, a.sb)
	if in.Dst.Kind == FabOut {
		v := Apply(in.Op, in.Dst.Type, 0, x, y, false)
		delay := fabric.Cycle(1 + p.mesh.Config().RampCycles)
		p.mesh.Push(p.out[in.Dst.Color], fabric.Wavelet{Data: Bits(in.Dst.Type, v), Color: in.Dst.Color}, t+delay)
		return
	}
	w := in.Dst.word(a.dst, i)
	var d float32
	if in.Op == FMac && a.accumulate {
		d = p.load(in.Dst.Type, w)
	}
	p.store(in.Dst.Type, w, Apply(in.Op, in.Dst.Type, d, x, y, a.accumulate))
}

// waitState names why nothing runs.
func (p *PE) waitState() State {
	if p.threads[0].busy {
		return p.stall(&p.threads[0].cur)
	}
	if p.issue != nil {
		return p.stall(&p.threads[p.issue.Thread].cur)
	}
	if !p.halted {
		for i := range p.prog.Tasks {
			if p.prog.Tasks[i].Kind == Data && p.blocked&(1<<i) == 0 {
				return p.prog.Tasks[i].Wait
			}
		}
	}
	for i := range p.threads {
		if p.threads[i].busy {
			return p.stall(&p.threads[i].cur)
		}
	}
	return Idle
}

// stall tells blocked output from missing input.
func (p *PE) stall(a *active) State {
	for _, o := range [2]*Operand{&a.in.A, &a.in.B} {
		if o.Kind == FabIn {
			if _, ready, ok := p.mesh.Peek(p.in[o.Color]); !ok || ready > p.now {
				return a.in.Wait
			}
		}
	}
	return BlockedOut
}
