package pe

import (
	"math"
	"math/bits"

	"cs2sim.dev/fabric"
)

func (p *PE) complete(i int) {
	th := &p.threads[i]
	in := th.cur.in
	th.busy = false
	if in == nil {
		return // dispatch or scalar cycles
	}
	if !in.Streams() {
		p.pay()
		p.execLocal(&th.cur)
	} else if p.payFor(i); in.Dst.Kind == Scalar && in.Op.Tensor() {
		p.regs[in.Dst.Reg] = int32(Bits(in.Dst.Type, th.cur.acc))
	}
	if in.Op == FMac {
		p.FMACs += int64(th.cur.n)
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
	p.Instructions++
	if in.Op.Tensor() {
		triggered := first && p.prog.Tasks[p.task].Triggered
		if in.Thread > 0 && !p.roomToIssue(in.Thread) {
			p.issue = in
			return true
		}
		p.enqueue(in, triggered)
		return true
	}
	if in.Op == Send {
		p.threads[0].cur = p.sending(in)
		p.begin(0)
		return true
	}
	cycles := p.cfg.scalarCost(in)
	if in.Op == SetBase && !p.rebased {
		p.rebased = true
		cycles += p.cfg.RebaseStartCycles
	}
	p.countdown(cycles)
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
	case Load, Store:
		p.access(in)
	case Timestamp:
		p.regs[in.D] = int32(t)
		p.Stamps = append(p.Stamps, Stamp{in.Imm, t})
	case Halt:
		p.halted = true
		p.pc = len(code)
	}
	return true
}

// sending is a wavelet from registers: it waits for room as a tensor instruction of one element.
func (p *PE) sending(in *Instr) active {
	payload := uint32(in.X.value(&p.regs))
	if in.Dst.Type == F16 { // a value and its index
		payload = payload&0xffff | uint32(in.Y.value(&p.regs))<<16
	}
	return active{in: in, streams: true, state: Overhead, from: [2]fabric.QueueID{fabric.NoQueue, fabric.NoQueue}, to: p.out[in.Dst.Color], n: 1, a: int32(payload), left: [3]int32{int32(p.cfg.scalarCost(in) - 1)}}
}

// access moves a word between SRAM and a register.
func (p *PE) access(in *Instr) {
	p.pay()
	if in.Op == Store {
		w, _ := p.resolve(&in.Dst, 1)
		if p.fault != nil {
			return
		}
		v := in.X.value(&p.regs)
		p.sram[w] = uint16(v)
		if in.Dst.Type == F32 {
			p.sram[w+1] = uint16(uint32(v) >> 16)
		}
		p.advance(&in.Dst)
		return
	}
	w, _ := p.resolve(&in.A, 1)
	if p.fault != nil {
		return
	}
	v := uint32(p.sram[w])
	if in.A.Type == F32 {
		v |= uint32(p.sram[w+1]) << 16
	}
	p.advance(&in.A)
	p.regs[in.D] = int32(v)
}

// dispatch starts the first task that can run; false if none can.
func (p *PE) dispatch(t fabric.Cycle) bool {
	if p.halted {
		return false
	}
	for set := (p.pending | p.awaited) &^ p.blocked; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		task := &p.prog.Tasks[i]
		if task.Kind == Local {
			p.pending &^= 1 << i
		} else if !p.take(t, task, p.trigger[i]) {
			continue
		}
		if p.fault != nil {
			return false
		}
		p.task, p.pc = i, 0
		if !task.Triggered {
			p.countdown(p.cfg.TaskSwitchCycles)
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
		p.pop(q, t, task)
		p.regs[1] = int32(index)
		return true
	}
	if task.Words == 2 {
		value, ready, ok := p.mesh.PeekAt(q, 1)
		if !ok || ready > t {
			return false
		}
		p.pop(q, t, task)
		p.pop(q, t, task)
		p.regs[0], p.regs[1] = int32(value.Data), int32(w.Data)
		return true
	}
	p.pop(q, t, task)
	if task.Wide {
		p.regs[0] = int32(w.Data)
		return true
	}
	value, index := fabric.Unpack(w.Data)
	p.regs[0], p.regs[1] = int32(value), int32(index)
	return true
}

func (p *PE) pop(q fabric.QueueID, t fabric.Cycle, task *Task) {
	p.pay()
	w := p.mesh.Pop(q, t)
	if p.mesh.Observer != nil {
		p.saw(fabric.Taken, t, w, trigger{task})
	}
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
	a := active{in: in, accumulate: true, state: in.Charge, n: int32(in.N)}
	if in.Len.InReg {
		a.n = p.regs[in.Len.Reg]
		if a.n < 0 {
			p.fail(p.now, "%v has a length of %d", in, a.n)
			a.n = 0
		}
	}
	if in.Op.Special() {
		if per := p.cfg.specialCycles(in.Op); int(a.n) > math.MaxInt32/per {
			p.fail(p.now, "%v has a length of %d, at most %d at %d cycles each", in, a.n, math.MaxInt32/per, per)
			a.n = 0
		}
	}
	at := extent{n: int(a.n)}
	at.dst, a.acc = p.resolve(&in.Dst, at.n)
	at.a, a.sa = p.resolve(&in.A, at.n)
	at.b, a.sb = p.resolve(&in.B, at.n)
	a.dst, a.a, a.b = int32(at.dst), int32(at.a), int32(at.b)
	cost := p.cfg.costAt(in, triggered, at)
	a.left = [3]int32{int32(cost.Start), int32(cost.Steps), int32(cost.Conflict)}
	if a.streams = in.Streams(); a.streams {
		a.from, a.to = [2]fabric.QueueID{fabric.NoQueue, fabric.NoQueue}, fabric.NoQueue
		for i, o := range [2]*Operand{&in.A, &in.B} {
			if o.Kind == FabIn {
				a.from[i] = p.in[o.Color]
			}
		}
		if in.Dst.Kind == FabOut {
			a.to = p.out[in.Dst.Color]
		}
		a.left[1], a.left[2] = 0, 0
		a.pairs = in.memoryReads() > 1
		a.shape, a.base, a.pitch = in.shape(at)
	}
	if in.Op == FMac && in.Accumulate != -1 {
		a.accumulate = false
		if in.Accumulate >= 0 {
			a.accumulate = p.regs[in.Accumulate] != 0
			p.regs[in.Accumulate] = 1
		}
	}
	p.advance(&in.Dst)
	p.advance(&in.A)
	p.advance(&in.B)
	th := &p.threads[in.Thread]
	if in.Thread == 0 {
		th.cur = a
		p.begin(0)
		return
	}
	th.queue = append(th.queue, a)
	p.changed |= 1 << in.Thread
}

// advance moves an operand's register on: the descriptor stays loaded for the next use.
func (p *PE) advance(o *Operand) {
	if o.Advance != 0 {
		p.regs[o.Reg] += int32(o.Advance)
	}
}

// resolve reads the registers of an operand of n elements.
func (p *PE) resolve(o *Operand, n int) (base int, scalar float32) {
	switch o.Kind {
	case Mem:
		base = o.Base
		if o.Reg >= 0 {
			base += int(p.regs[o.Reg]) * o.Scale
		}
		if n == 0 {
			break
		}
		first, last := o.span(base, n)
		if first < 0 || last+o.Type.Words() > len(p.sram) {
			p.fail(p.now, "operand %v resolves to words %d to %d, SRAM in use ends at %d", o, first, last+o.Type.Words()-1, len(p.sram))
			base = 0
		}
	case FabOut:
		base = o.Base
		if o.Packed && o.Reg >= 0 {
			base += int(p.regs[o.Reg]) * o.Scale
		}
	case Scalar:
		scalar = Value(o.Type, uint32(p.regs[o.Reg]))
	case Const:
		scalar = Round(o.Type, o.Value)
	}
	return base, scalar
}
