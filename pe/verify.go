package pe

import (
	"fmt"

	"cs2sim.dev/fabric"
)

// Verify reports code that cannot run: operands out of SRAM, threads, tasks, registers or
// colors that do not exist, operand kinds an operation does not take.
func (g *Program) Verify(cfg Config) error {
	if err := g.verifySizes(cfg); err != nil {
		return fmt.Errorf("program %s: %w", g.Name, err)
	}
	for ti := range g.Tasks {
		t := &g.Tasks[ti]
		if t.Kind == Data && t.Words != 1 && t.Words != 2 {
			return fmt.Errorf("program %s: data task %s takes %d wavelets, must be 1 or 2", g.Name, t.Name, t.Words)
		}
		if t.Wide && (t.Kind != Data || t.Words != 1) {
			return fmt.Errorf("program %s: task %s takes a 32-bit value: it must be a data task of 1 wavelet", g.Name, t.Name)
		}
		if t.Kind != Local && t.Color >= fabric.NumColors {
			return fmt.Errorf("program %s: task %s: color %d, must be below %d", g.Name, t.Name, t.Color, fabric.NumColors)
		}
		if t.Triggered && (t.Kind == Local || len(t.Code) == 0 || !t.Code[0].Op.Tensor()) {
			return fmt.Errorf("program %s: task %s is triggered but does not open with a tensor instruction", g.Name, t.Name)
		}
		for ii := range t.Code {
			if err := g.verifyInstr(&t.Code[ii], len(t.Code)); err != nil {
				return fmt.Errorf("program %s: task %s: instruction %d (%v): %w", g.Name, t.Name, ii, t.Code[ii], err)
			}
		}
	}
	return nil
}

// TooFew is a program that needs more of something than the machine has.
type TooFew struct {
	Key        string // of Config
	Need, Have int
}

func (e *TooFew) Error() string { return fmt.Sprintf("%d %s, %d present", e.Need, e.Key, e.Have) }

func (g *Program) verifySizes(cfg Config) error {
	if 2*g.Words > cfg.SRAMBytes {
		return fmt.Errorf("%d bytes of SRAM used, %d present", 2*g.Words, cfg.SRAMBytes)
	}
	if len(g.Threads) > cfg.Microthreads {
		return &TooFew{"microthreads", len(g.Threads), cfg.Microthreads}
	}
	for i, depth := range g.Threads {
		if depth < 1 {
			return fmt.Errorf("microthread %d holds %d instructions, must be at least 1", i+1, depth)
		}
	}
	if len(g.Tasks) > 64 {
		return fmt.Errorf("%d tasks, must be at most 64", len(g.Tasks))
	}
	for _, t := range g.Start {
		if t < 0 || t >= len(g.Tasks) {
			return fmt.Errorf("task %d, active at the start, does not exist", t)
		}
		if g.Tasks[t].Kind != Local {
			return fmt.Errorf("task %s, active at the start, is a %v task, must be local", g.Tasks[t].Name, g.Tasks[t].Kind)
		}
	}
	return nil
}

func (g *Program) verifyInstr(in *Instr, codeLen int) error {
	for _, r := range in.registers() {
		if r < 0 || r > 15 {
			return fmt.Errorf("register %d, must be 0 to 15", r)
		}
	}
	for _, o := range [3]*Operand{&in.Dst, &in.A, &in.B} {
		if err := g.verifyOperand(in, o); err != nil {
			return err
		}
	}
	switch in.Op {
	case Jump, JumpZero, JumpIf:
		if in.Target < 0 || in.Target > codeLen {
			return fmt.Errorf("jump target %d, must be 0 to %d", in.Target, codeLen)
		}
	case Activate, Block, Unblock:
		return g.verifyTask(in.Task, in.Op)
	case Send:
		if in.Dst.Kind != FabOut {
			return fmt.Errorf("destination must be fabric output")
		}
	case Store:
		if in.Dst.Kind != Mem {
			return fmt.Errorf("destination must be memory")
		}
	case Load:
		if in.A.Kind != Mem {
			return fmt.Errorf("source must be memory")
		}
	}
	if !in.Op.Tensor() {
		return nil
	}
	return g.verifyTensor(in)
}

func (g *Program) verifyTask(task int, op Op) error {
	if task < 0 || task >= len(g.Tasks) {
		return fmt.Errorf("task %d does not exist", task)
	}
	if op == Activate && g.Tasks[task].Kind != Local {
		return fmt.Errorf("task %s is a %v task; only local tasks are activated", g.Tasks[task].Name, g.Tasks[task].Kind)
	}
	return nil
}

func (g *Program) verifyTensor(in *Instr) error {
	if in.N < 1 && !in.Len.InReg {
		return fmt.Errorf("%d elements, must be at least 1", in.N)
	}
	if in.Thread < 0 || in.Thread > len(g.Threads) {
		return fmt.Errorf("microthread %d does not exist", in.Thread)
	}
	if in.Dst.Kind == None || in.Dst.Kind == FabIn || in.Dst.Kind == Const {
		return fmt.Errorf("destination must be memory, fabric output or a register")
	}
	if in.Op.Special() && in.Streams() {
		return fmt.Errorf("%v is software, for operands in SRAM; move them there first", in.Op)
	}
	if in.Control && in.Dst.Kind != FabOut {
		return fmt.Errorf("control wavelets without a fabric output")
	}
	if in.Op == FMac && in.Dst.Kind == FabOut {
		return fmt.Errorf("fmac has nothing to accumulate into in a fabric output")
	}
	if in.Switches != 0 && !in.Control && (in.Dst.Kind != FabOut || in.Switches > uint16(fabric.SwitchReset)) {
		return fmt.Errorf("switch commands %#x, a tensor instruction gives one, after fabric output", in.Switches)
	}
	for i, o := range [2]*Operand{&in.A, &in.B} {
		if o.Kind == FabOut {
			return fmt.Errorf("source %d is a fabric output", i)
		}
		if i == 0 && o.Kind == None || i == 1 && in.Op.Unary() != (o.Kind == None) {
			return fmt.Errorf("%v takes %d sources", in.Op, map[bool]int{true: 1, false: 2}[in.Op.Unary()])
		}
	}
	if in.A.Kind == FabIn && in.B.Kind == FabIn && in.A.Color == in.B.Color {
		return fmt.Errorf("both sources take color %d", in.A.Color)
	}
	if in.Done.Op == Activate || in.Done.Op == Unblock {
		return g.verifyTask(in.Done.Task, in.Done.Op)
	}
	return nil
}

func (g *Program) verifyOperand(in *Instr, o *Operand) error {
	switch o.Kind {
	case FabIn, FabOut:
		if o.Color >= fabric.NumColors {
			return fmt.Errorf("color %d, must be below %d", o.Color, fabric.NumColors)
		}
		if o.Packed && o.Type != F16 {
			return fmt.Errorf("operand %v: an index leaves room for an fp16 value only", o)
		}
	case Mem:
		n := in.N
		if !in.Op.Tensor() {
			n = 1
		}
		if o.Reg >= 0 || in.Len.InReg || n < 1 {
			return nil // decided at run time
		}
		first, last := o.span(o.Base, n)
		if last += o.Type.Words(); first < 0 || last > g.Words {
			return fmt.Errorf("operand %v reaches bytes %d to %d, SRAM in use ends at %d", o, 2*first, 2*last, 2*g.Words)
		}
	}
	return nil
}

// registers lists the GPRs the instruction names.
func (i *Instr) registers() []int {
	all := []int{i.D}
	for _, s := range [3]Src{i.X, i.Y, i.Len} {
		if s.InReg {
			all = append(all, s.Reg)
		}
	}
	for _, o := range [3]*Operand{&i.Dst, &i.A, &i.B} {
		indexed := o.Kind == Mem || o.Kind == FabOut && o.Packed
		if o.Kind == Scalar || indexed && (o.Reg >= 0 || o.Advance != 0) {
			all = append(all, o.Reg)
		}
	}
	if i.Op == FMac && i.Accumulate >= 0 {
		all = append(all, i.Accumulate)
	}
	return all
}
