package compiler

import "cs2sim.dev/pe"

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

// addresses are the first words of what the kernel works on.
type addresses struct{ x, y, psum int }

// addend is what is added to a finished output: Y = addend + product, the product rounded to
// Y's format first.
type addend struct {
	base    int // first word, laid out as Y
	product int // first word of a run for the product, apart from the addend's banks
}

// formats are the element formats of activations, weights, partial sums and outputs.
type formats struct{ x, w, psum, y pe.Type }

// emit writes the code of a single layer.
func emit(p *Program, _ Options) error {
	at := p.addresses(p.Mapping)
	p.emitRoles(func(c ringColors) *pe.Program {
		code := kernelCode(p.formats(), p.Mapping, at, c, nil)
		code.Allocs = p.Memory
		last := p.Memory[len(p.Memory)-1]
		code.Words = last.Base + last.Words
		return code
	})
	return nil
}

// emitRoles makes one program per pair of ring colors; columns share them.
func (p *Program) emitRoles(code func(ringColors) *pe.Program) {
	c := p.Mapping.Columns
	p.RoleOf = make([]int, c)
	byColors := map[ringColors]int{}
	for i, column := range p.Ring {
		colors := ringColors{in: p.LinkColor((i + c - 1) % c), out: p.LinkColor(i)}
		role, ok := byColors[colors]
		if !ok {
			role = len(p.Roles)
			byColors[colors] = role
			p.Roles = append(p.Roles, code(colors))
		}
		p.RoleOf[column] = role
	}
	p.Stream.Color, p.Stream.WordsPerWeight = weightColor, p.Roles[0].Tasks[taskWeight].Words
}

// kernelCode is the sparse linear kernel for one PE.
func kernelCode(f formats, m Mapping, at addresses, c ringColors, add *addend) *pe.Program {
	xt, wt, pt, yt := f.x, f.w, f.psum, f.y
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
	stored := y
	finish := []pe.Instr{{Op: pe.Add, D: regOutput, Imm: 1}}
	if add != nil {
		// The addition follows on the ring's thread. Its output is the last one, for the counter has moved on.
		run := t * yt.Words()
		stored = pe.Memory(yt, add.product)
		sum := ring(pe.FAdd, pe.Indexed(yt, at.y-run, regOutput, run), pe.Indexed(yt, add.base-run, regOutput, run), stored)
		finish = append(finish, sum)
	}
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
		taskStore: control("add and store", CommandStore, end(ring(pe.FAdd, stored, in, psum), ring(pe.FMov, stored, in, none), finish...)),
		taskOnly:  control("store", CommandOnly, end(ring(pe.FMov, stored, psum, none), ring(pe.FMov, stored, zero, none), finish...)),
		taskEnd:   control("end", CommandEnd, []pe.Instr{{Op: pe.Halt}}),
	}
	if m.Columns == 1 { // no ring: its commands have no colors
		g.Tasks = append(g.Tasks[:taskStart:taskStart], g.Tasks[taskOnly:]...)
	} else {
		g.Tasks = append(g.Tasks[:taskOnly:taskOnly], g.Tasks[taskEnd])
	}
	return g
}
