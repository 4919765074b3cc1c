package pe

import (
	"math/bits"

	"cs2sim.dev/fabric"
)

// dispatchDatapath gives cycle t to one thread: priority instructions first, the others in
// rotation. A thread that runs alone keeps the datapath until it ends or another wakes the PE.
func (p *PE) dispatchDatapath(t fabric.Cycle) {
	if p.fault != nil {
		p.state = Idle
		return
	}
	chosen, rivals := -1, 0
	wake := fabric.Never
	behind := p.busy &^ (2<<p.turn - 1) // threads behind the one served last
	for _, set := range [2]uint32{behind, p.busy &^ behind} {
		for ; set != 0; set &= set - 1 {
			i := bits.TrailingZeros32(set)
			a := &p.threads[i].cur
			ready, later := p.ready(a, t)
			wake = min(wake, later)
			if !ready {
				continue
			}
			if rivals == 0 && a.streaming() && !p.urgent {
				p.stream(i, t) // whoever else is ready has no say, and the PE looks again in t+1
				return
			}
			rivals++
			if chosen < 0 || a.priority() && !p.threads[chosen].cur.priority() {
				chosen = i
			}
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
		p.stream(chosen, t)
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
	for _, q := range a.from {
		if q == fabric.NoQueue {
			continue
		}
		ready, ok := p.mesh.Head(q)
		if !ok {
			return false, fabric.Never
		}
		if ready > t {
			return false, ready
		}
	}
	if a.to != fabric.NoQueue && !p.mesh.Room(a.to, t) {
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
	for set := p.awaited &^ p.blocked; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		task := &p.prog.Tasks[i]
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

// push writes element i to the ramp: it is at the router after the datapath's result cycle and the ramp.
func (p *PE) push(a *active, i int, w fabric.Wavelet, t fabric.Cycle) {
	p.mesh.Push(p.out[w.Color], w, t+p.latency)
	if p.mesh.Observer != nil {
		p.saw(fabric.Entered, t, w, step{p, a, i})
	}
}

// element performs one streaming step in cycle t.
func (p *PE) element(a *active, t fabric.Cycle) {
	in := a.in
	i := int(a.done)
	a.done++
	if a.shape != anyShape && p.mesh.Observer == nil {
		p.elementFast(a, int32(i), t)
		return
	}
	if in.Op == Send {
		w := fabric.Wavelet{Data: uint32(a.a), Color: in.Dst.Color, Control: in.Control, Switches: in.Switches}
		p.push(a, i, w, t)
		return
	}
	x := p.operand(a, &in.A, int(a.a), a.sa, i, t)
	y := p.operand(a, &in.B, int(a.b), a.sb, i, t)
	switch in.Dst.Kind {
	case FabOut:
		data := Bits(in.Dst.Type, Apply(in.Op, in.Dst.Type, 0, x, y, false))
		if in.Dst.Packed {
			data |= uint32(int(a.dst)+i) << 16
		}
		w := fabric.Wavelet{Data: data, Color: in.Dst.Color, Control: in.Control}
		if in.Control || a.done == a.n {
			w.Switches = in.Switches
		}
		p.push(a, i, w, t)
	case Scalar:
		a.acc = Apply(in.Op, in.Dst.Type, a.acc, x, y, a.adds(i))
	default:
		w := in.Dst.word(int(a.dst), i)
		var d float32
		if in.Op == FMac && a.adds(i) {
			d = p.load(in.Dst.Type, w)
		}
		p.store(in.Dst.Type, w, Apply(in.Op, in.Dst.Type, d, x, y, a.adds(i)))
	}
	if a.pairs && p.cfg.conflicts(in, extent{in.Dst.word(int(a.dst), i), in.A.word(int(a.a), i), in.B.word(int(a.b), i), 1}, 1, 1) > 0 {
		a.left[2] = int32(p.cfg.ConflictFactor - 1)
	}
}

// operand reads element i of a source in cycle t.
func (p *PE) operand(a *active, o *Operand, base int, scalar float32, i int, t fabric.Cycle) float32 {
	switch o.Kind {
	case FabIn:
		w := p.mesh.Pop(p.in[o.Color], t)
		if p.mesh.Observer != nil {
			p.saw(fabric.Taken, t, w, step{p, a, i})
		}
		return Value(o.Type, w.Data)
	case Scalar:
		if a.in.Dst.Kind == Scalar {
			return p.scalarSource(a, o, base, scalar, i)
		}
	}
	return p.source(o, base, scalar, i)
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
		for set := p.awaited &^ p.blocked; set != 0; set &= set - 1 {
			task := &p.prog.Tasks[bits.TrailingZeros64(set)]
			if task.Kind == Data || task.Kind == Control && task.Wait != Idle {
				return task.Wait
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

// Blocking names the color for want of which the PE waits: of an empty input queue, or of an
// output without room. ok is false if it waits for no color.
func (p *PE) Blocking() (c fabric.Color, ok bool) {
	for i := range p.threads {
		th := &p.threads[i]
		if !th.busy || th.cur.in == nil {
			continue
		}
		in := th.cur.in
		for _, o := range [2]*Operand{&in.A, &in.B} {
			if o.Kind == FabIn {
				if _, _, ok := p.mesh.Peek(p.in[o.Color]); !ok {
					return o.Color, true
				}
			}
		}
		if in.Dst.Kind == FabOut {
			return in.Dst.Color, true
		}
	}
	if p.anyBusy() || p.halted {
		return 0, false
	}
	for i := range p.prog.Tasks {
		if t := &p.prog.Tasks[i]; t.Kind != Local && p.blocked&(1<<i) == 0 {
			return t.Color, true
		}
	}
	return 0, false
}
