package pe

import (
	"fmt"

	"cs2sim.dev/fabric"
)

// PE is one core at work. Step is called in every cycle in which something it waits for may
// have happened; between steps at most one instruction phase runs down.
type PE struct {
	cfg   *Config
	prog  *Program
	mesh  *fabric.Mesh
	index int32
	actor int32

	sram []uint16
	regs [16]int32

	// The task being run is thread 0: its instruction, or nothing between tasks.
	threads []thread
	task    int // -1: none
	pc      int
	halted  bool
	blocked uint64 // tasks
	pending uint64 // activated tasks
	issue   *Instr // waiting for room in its microthread

	now     fabric.Cycle // cycles before now are accounted
	running int          // thread whose countdown occupies the datapath since now; -1 none
	state   State        // charged while nothing runs
	turn    int          // thread served last, for rotation

	trigger []fabric.QueueID // per task: its queue
	out     [fabric.NumColors]fabric.QueueID
	in      [fabric.NumColors]fabric.QueueID

	States StateCycles
	FMACs  int64
	fault  *Fault
}

// thread runs tensor instructions in order.
type thread struct {
	cur   active
	busy  bool
	queue []active // issued, not begun; capacity fixed at load
}

// active is a tensor instruction in progress, registers resolved at issue.
type active struct {
	in         *Instr
	dst, a, b  int
	sa, sb     float32
	accumulate bool
	left       [3]int // cycles of start, steps, conflict still to run (steps of local instructions only)
	done       int    // elements of a streaming instruction
}

// Fault is a simulated machine that cannot go on.
type Fault struct {
	At     fabric.Coord
	Cycle  fabric.Cycle
	Reason string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("fault at PE %v, cycle %d: %s", f.At, f.Cycle, f.Reason)
}

// New loads prog onto PE index of the sealed mesh m and wakes it for cycle 0. It fails if a
// task waits for a color, or an instruction reads or writes one, that has no route here.
func New(cfg *Config, prog *Program, m *fabric.Mesh, index int32) (*PE, error) {
	p := &PE{
		cfg: cfg, prog: prog, mesh: m, index: index, actor: m.PEActor(index),
		sram: make([]uint16, prog.Words), regs: prog.Registers,
		threads: make([]thread, 1+len(prog.Threads)),
		task:    -1, running: -1,
		trigger: make([]fabric.QueueID, len(prog.Tasks)),
	}
	for i, depth := range prog.Threads {
		p.threads[i+1].queue = make([]active, 0, depth)
	}
	for c := range p.out {
		p.out[c] = m.RampIn(index, fabric.Color(c))
		p.in[c] = m.RampOut(index, fabric.Color(c))
	}
	for i, t := range prog.Tasks {
		if t.Kind != Local {
			p.trigger[i] = p.in[t.Color]
			if p.trigger[i] == fabric.NoQueue {
				return nil, fmt.Errorf("pe %v: task %s waits for color %d, which no route delivers here", p.At(), t.Name, t.Color)
			}
		}
		for k := range t.Code {
			if err := p.checkColors(&t.Code[k]); err != nil {
				return nil, fmt.Errorf("pe %v: task %s: %w", p.At(), t.Name, err)
			}
		}
	}
	for _, t := range prog.Start {
		p.pending |= 1 << t
	}
	m.Agenda().Wake(p.actor, 0)
	return p, nil
}

func (p *PE) checkColors(in *Instr) error {
	if !in.Op.Tensor() {
		return nil
	}
	for _, o := range []*Operand{&in.Dst, &in.A, &in.B} {
		if o.Kind == FabIn && p.in[o.Color] == fabric.NoQueue {
			return fmt.Errorf("%v reads color %d, which no route delivers here", in, o.Color)
		}
		if o.Kind == FabOut && p.out[o.Color] == fabric.NoQueue {
			return fmt.Errorf("%v writes color %d, which the router does not take from the ramp", in, o.Color)
		}
	}
	return nil
}

// Halted reports whether the program said it is done and no instruction is left.
func (p *PE) Halted() bool {
	if !p.halted {
		return false
	}
	for i := range p.threads {
		if p.threads[i].busy {
			return false
		}
	}
	return true
}

// Fault returns what stopped the PE, if anything did.
func (p *PE) Fault() *Fault { return p.fault }

// At is the PE's place.
func (p *PE) At() fabric.Coord { return p.mesh.At(p.index) }

// Waiting is the state the PE is in, and since when.
func (p *PE) Waiting() (State, fabric.Cycle) { return p.state, p.now }

func (p *PE) fail(t fabric.Cycle, format string, args ...any) {
	if p.fault == nil {
		p.fault = &Fault{At: p.At(), Cycle: t, Reason: fmt.Sprintf(format, args...)}
	}
	p.halted = true
}

// Step accounts for the time since the last step and decides what runs from cycle t on.
func (p *PE) Step(t fabric.Cycle) {
	p.settle(t)
	if p.fault != nil {
		return
	}
	p.control(t)
	p.dispatchDatapath(t)
}

// Finish accounts up to the end of the run, when nothing moves any more.
func (p *PE) Finish(t fabric.Cycle) { p.settle(t) }

// settle charges the cycles [p.now, t).
func (p *PE) settle(t fabric.Cycle) {
	span := int(t - p.now)
	if span <= 0 {
		return
	}
	p.now = t
	if p.running < 0 {
		p.States[p.state] += int64(span)
		return
	}
	a := &p.threads[p.running].cur
	for phase := range a.left {
		k := min(span, a.left[phase])
		a.left[phase] -= k
		span -= k
		p.States[a.phaseState(phase)] += int64(k)
	}
	if span > 0 {
		panic(fmt.Sprintf("pe %v: slept %d cycles past the end of an instruction at cycle %d", p.At(), span, t))
	}
	p.running = -1
}

func (a *active) phaseState(phase int) State {
	switch phase {
	case 0:
		return Overhead
	case 2:
		return Conflict
	}
	if a.in == nil {
		return Overhead
	}
	return a.in.Charge
}

func (a *active) countdown() int { return a.left[0] + a.left[1] + a.left[2] }

// streaming reports that only element steps are left.
func (a *active) streaming() bool { return a.in != nil && a.in.Streams() && a.left[0] == 0 }

func (a *active) finished() bool {
	if a.countdown() > 0 {
		return false
	}
	return a.in == nil || !a.in.Streams() || a.done == a.in.N
}

// control performs all that takes no datapath time at cycle t: completions, starts of queued
// instructions, the running task's code, dispatch of the next task.
func (p *PE) control(t fabric.Cycle) {
	for again := true; again && p.fault == nil; {
		again = false
		for i := range p.threads {
			th := &p.threads[i]
			if th.busy && th.cur.finished() {
				p.complete(th)
				again = true
			}
			if !th.busy && len(th.queue) > 0 {
				th.cur, th.busy = th.queue[0], true
				th.queue = append(th.queue[:0], th.queue[1:]...)
				again = true
			}
		}
		if p.issue != nil && p.roomToIssue(p.issue.Thread) {
			p.enqueue(p.issue, false)
			p.issue = nil
			again = true
		}
		if !p.threads[0].busy && p.issue == nil && p.main(t) {
			again = true
		}
	}
}

func (p *PE) complete(th *thread) {
	in := th.cur.in
	th.busy = false
	if in == nil {
		return // dispatch or scalar cycles
	}
	if !in.Streams() {
		p.execLocal(&th.cur)
	}
	if in.Op == FMac {
		p.FMACs += int64(in.N)
	}
	switch in.Done.Op {
	case Activate:
		p.pending |= 1 << in.Done.Task
	case Unblock:
		p.blocked &^= 1 << in.Done.Task
	}
}

// main advances the task thread by one decision; false if it has nothing to do.
func (p *PE) main(t fabric.Cycle) bool {
	if p.task < 0 {
		return p.dispatch(t)
	}
	code := p.prog.Tasks[p.task].Code
	if p.pc >= len(code) {
		p.task = -1
		return true
	}
	in := &code[p.pc]
	first := p.pc == 0
	p.pc++
	if in.Op.Tensor() {
		triggered := first && p.prog.Tasks[p.task].Triggered
		if in.Thread > 0 && !p.roomToIssue(in.Thread) {
			p.issue = in
			return true
		}
		p.enqueue(in, triggered)
		return true
	}
	p.threads[0].cur, p.threads[0].busy = active{left: [3]int{1}}, true
	if next, jumped := scalar(in, &p.regs); jumped {
		p.pc = next
	}
	switch in.Op {
	case Activate:
		p.pending |= 1 << in.Task
	case Block:
		p.blocked |= 1 << in.Task
	case Unblock:
		p.blocked &^= 1 << in.Task
	case Halt:
		p.halted = true
		p.pc = len(code)
	}
	return true
}

// dispatch starts the first task that can run; false if none can.
func (p *PE) dispatch(t fabric.Cycle) bool {
	if p.halted {
		return false
	}
	for i := range p.prog.Tasks {
		if p.blocked&(1<<i) != 0 {
			continue
		}
		task := &p.prog.Tasks[i]
		if task.Kind == Local {
			if p.pending&(1<<i) == 0 {
				continue
			}
			p.pending &^= 1 << i
		} else if !p.take(t, task, p.trigger[i]) {
			continue
		}
		if p.fault != nil {
			return false
		}
		p.task, p.pc = i, 0
		if !task.Triggered {
			p.threads[0].cur, p.threads[0].busy = active{left: [3]int{p.cfg.TaskSwitchCycles}}, true
		}
		return true
	}
	return false
}

// take pops the wavelets that trigger task, if they are there.
func (p *PE) take(t fabric.Cycle, task *Task, q fabric.QueueID) bool {
	w, ready, ok := p.mesh.Peek(q)
	if !ok || ready > t {
		return false
	}
	if w.Control != (task.Kind == Control) {
		return false
	}
	if w.Control {
		entry, index := fabric.Unpack(w.Data)
		if entry != task.Entry {
			return false
		}
		p.mesh.Pop(q, t)
		p.regs[1] = int32(index)
		return true
	}
	if task.Words == 2 {
		value, ready, ok := p.mesh.PeekAt(q, 1)
		if !ok || ready > t {
			return false
		}
		p.mesh.Pop(q, t)
		p.mesh.Pop(q, t)
		p.regs[0], p.regs[1] = int32(value.Data), int32(w.Data)
		return true
	}
	p.mesh.Pop(q, t)
	value, index := fabric.Unpack(w.Data)
	p.regs[0], p.regs[1] = int32(value), int32(index)
	return true
}

func (p *PE) roomToIssue(thread int) bool {
	th := &p.threads[thread]
	held := len(th.queue)
	if th.busy {
		held++
	}
	return held < cap(th.queue)
}

// enqueue resolves the registers of in and hands it to its thread.
func (p *PE) enqueue(in *Instr, triggered bool) {
	cost := p.cfg.Cost(in, triggered)
	a := active{in: in, accumulate: true, left: [3]int{cost.Start, cost.Steps, cost.Conflict}}
	if in.Streams() {
		a.left[1], a.left[2] = 0, 0
	}
	a.dst, _ = p.resolve(&in.Dst)
	a.a, a.sa = p.resolve(&in.A)
	a.b, a.sb = p.resolve(&in.B)
	if in.Op == FMac && in.Accumulate >= 0 {
		a.accumulate = p.regs[in.Accumulate] != 0
		p.regs[in.Accumulate] = 1
	}
	th := &p.threads[in.Thread]
	if in.Thread == 0 {
		th.cur, th.busy = a, true
		return
	}
	th.queue = append(th.queue, a)
}

func (p *PE) resolve(o *Operand) (base int, scalar float32) {
	switch o.Kind {
	case Mem:
		base = o.Base
		if o.Reg >= 0 {
			base += int(p.regs[o.Reg]) * o.Scale
		}
		if base < 0 || base >= len(p.sram) {
			p.fail(p.now, "operand %v resolves to word %d, SRAM in use ends at %d", o, base, len(p.sram))
			base = 0
		}
	case Scalar:
		scalar = Value(o.Type, uint32(p.regs[o.Reg]))
	case Const:
		scalar = Round(o.Type, o.Value)
	}
	return base, scalar
}
