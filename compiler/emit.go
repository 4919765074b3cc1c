package compiler

import (
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// Registers of the kernel. r0 and r1 are the triggering wavelet's value and index.
const (
	regWeight     = 0
	regInput      = 1 // input feature within the column
	regSlot       = 2 // current partial sum
	regAccumulate = 3 // 0 until the row's first weight
	regOutput     = 4 // next output feature within the column
)

// Order of the kernel's tasks: the head of the queue decides, so order is for reading only.
const (
	taskWeight = iota
	taskStart
	taskAdd
	taskStore
	taskOnly
	taskEnd
)

type addresses struct{ x, y, psum int }

// emit writes one program per pair of ring colors; columns share them.
func emit(p *Program, _ Options) error {
	at := p.addresses(p.Mapping)
	c := p.Mapping.Columns
	p.RoleOf = make([]int, c)
	byColors := map[ringColors]int{}
	for i, column := range p.Ring {
		colors := ringColors{in: p.linkColor((i + c - 1) % c), out: p.linkColor(i)}
		role, ok := byColors[colors]
		if !ok {
			role = len(p.Roles)
			byColors[colors] = role
			code := kernelCode(p.Node.Precision, p.Mapping, at, colors)
			code.Allocs = p.Memory
			last := p.Memory[len(p.Memory)-1]
			code.Words = last.Base + last.Words
			p.Roles = append(p.Roles, code)
		}
		p.RoleOf[column] = role
	}
	p.Stream.Color, p.Stream.WordsPerWeight = weightColor, p.Roles[0].Tasks[taskWeight].Words
	return nil
}

// kernelCode is the sparse linear kernel for one PE.
func kernelCode(prec model.Precision, m Mapping, at addresses, c ringColors) *pe.Program {
	xt, wt, pt, yt := types(prec)
	t := m.Tokens
	psum := pe.Indexed(pt, at.psum, regSlot, t*pt.Words())
	x := pe.Indexed(xt, at.x, regInput, t*xt.Words())
	y := pe.Indexed(yt, at.y, regOutput, t*yt.Words())
	in, out := pe.In(pt, c.in), pe.Out(pt, c.out)
	zero := pe.Constant(pt, 0)

	g := &pe.Program{Name: "linear"}
	thread := 0 // without run-ahead the task waits for its ring instruction
	if m.RunAhead > 0 {
		thread = 1
		g.Threads = []int{m.RunAhead}
	}
	ring := func(op pe.Op, dst, a, b pe.Operand) pe.Instr {
		return pe.Instr{Op: op, N: t, Dst: dst, A: a, B: b, Accumulate: -1, Thread: thread, Priority: true, Charge: pe.RingAdd, Wait: pe.WaitPsum}
	}
	// close ends an output row: with has the own partial sum, without is for a column that
	// got no weight in this row, whose slot holds an old one.
	end := func(with, without pe.Instr, more ...pe.Instr) []pe.Instr {
		return append([]pe.Instr{
			{Op: pe.JumpZero, D: regAccumulate, Target: 3},
			with,
			{Op: pe.Jump, Target: 4},
			without,
			{Op: pe.Add, D: regSlot, Imm: 1, Wrap: m.RunAhead + 1},
			{Op: pe.Set, D: regAccumulate, Imm: 0},
		}, more...)
	}
	nextOutput := pe.Instr{Op: pe.Add, D: regOutput, Imm: 1}
	control := func(name string, command uint16, code []pe.Instr) pe.Task {
		return pe.Task{Name: name, Kind: pe.Control, Color: weightColor, Entry: command, Code: code}
	}
	words := 1
	if wt == pe.F32 {
		words = 2 // 32-bit value and 16-bit index do not fit one payload
	}
	none := pe.Operand{}
	g.Tasks = []pe.Task{
		taskWeight: {Name: "weight", Kind: pe.Data, Color: weightColor, Words: words, Triggered: true, Wait: pe.WaitWeight, Code: []pe.Instr{
			{Op: pe.FMac, N: t, Dst: psum, A: x, B: pe.Register(wt, regWeight), Accumulate: regAccumulate, Charge: pe.Compute},
		}},
		taskStart: control("start ring", CommandStart, end(ring(pe.FMov, out, psum, none), ring(pe.FMov, out, zero, none))),
		taskAdd:   control("add", CommandAdd, end(ring(pe.FAdd, out, in, psum), ring(pe.FMov, out, in, none))),
		taskStore: control("add and store", CommandStore, end(ring(pe.FAdd, y, in, psum), ring(pe.FMov, y, in, none), nextOutput)),
		taskOnly:  control("store", CommandOnly, end(ring(pe.FMov, y, psum, none), ring(pe.FMov, y, zero, none), nextOutput)),
		taskEnd:   control("end", CommandEnd, []pe.Instr{{Op: pe.Halt}}),
	}
	if m.Columns == 1 { // no ring: its commands have no colors
		g.Tasks = append(g.Tasks[:taskStart:taskStart], g.Tasks[taskOnly:]...)
	} else {
		g.Tasks = append(g.Tasks[:taskOnly:taskOnly], g.Tasks[taskEnd])
	}
	return g
}
