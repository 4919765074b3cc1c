package pe

import (
	"strings"
	"testing"
)

// TestVerifyRefuses: every wrong program is refused with its place and what would be right.
func TestVerifyRefuses(t *testing.T) {
	m := func(base int) Operand { return Memory(F32, base) }
	one := func(in Instr) func(*Program) {
		return func(g *Program) { g.Tasks[0].Code = []Instr{in} }
	}
	good := Instr{Op: FAdd, N: 4, Dst: m(0), A: m(8), B: m(16), Accumulate: -1}
	with := func(change func(*Instr)) func(*Program) {
		in := good
		change(&in)
		return one(in)
	}
	for want, change := range map[string]func(*Program){
		"bytes of SRAM used, 49152 present":               func(g *Program) { g.Words = 30000 },
		"9 microthreads, 8 present":                       func(g *Program) { g.Threads = make([]int, 9) },
		"microthread 1 holds 0 instructions":              func(g *Program) { g.Threads = []int{0} },
		"65 tasks, must be at most 64":                    func(g *Program) { g.Tasks = make([]Task, 65) },
		"task 7, active at the start, does not exist":     func(g *Program) { g.Start = []int{7} },
		"is a data task, must be local":                   func(g *Program) { g.Tasks[0].Kind, g.Tasks[0].Words = Data, 1 },
		"takes 3 wavelets, must be 1 or 2":                func(g *Program) { g.Start, g.Tasks[0].Kind, g.Tasks[0].Words = nil, Data, 3 },
		"color 30, must be below 24":                      func(g *Program) { g.Start, g.Tasks[0].Kind, g.Tasks[0].Color = nil, Control, 30 },
		"does not open with a tensor instruction":         func(g *Program) { g.Tasks[0].Triggered = true },
		"jump target 9, must be 0 to 1":                   one(Instr{Op: Jump, Target: 9}),
		"jump target -1":                                  one(Instr{Op: JumpIf, Target: -1}),
		"task 4 does not exist":                           one(Instr{Op: Block, Task: 4}),
		"register 16, must be 0 to 15":                    one(Instr{Op: Mov, D: 16}),
		"register 17":                                     one(Instr{Op: Mov, X: R(17)}),
		"destination must be fabric output":               one(Instr{Op: Send, Dst: m(0)}),
		"destination must be memory":                      one(Instr{Op: Store, Dst: Register(F32, 2)}),
		"source must be memory":                           one(Instr{Op: Load, A: Register(F32, 2)}),
		"0 elements, must be at least 1":                  with(func(i *Instr) { i.N = 0 }),
		"microthread 1 does not exist":                    with(func(i *Instr) { i.Thread = 1 }),
		"memory, fabric output or a register":             with(func(i *Instr) { i.Dst = In(F32, 0) }),
		"source 1 is a fabric output":                     with(func(i *Instr) { i.B = Out(F32, 0) }),
		"fadd takes 2 sources":                            with(func(i *Instr) { i.B = Operand{} }),
		"fmov takes 1 sources":                            with(func(i *Instr) { i.Op = FMov }),
		"fmac has nothing to accumulate":                  with(func(i *Instr) { i.Op, i.Dst = FMac, Out(F32, 0) }),
		"both sources take color 0":                       with(func(i *Instr) { i.A, i.B = In(F32, 0), In(F32, 0) }),
		"color 24, must be below 24":                      with(func(i *Instr) { i.A = In(F32, 24) }),
		"an index leaves room for an fp16 value only":     with(func(i *Instr) { i.Dst = Out(F32, 0); i.Dst.Packed, i.Dst.Reg = true, -1 }),
		"reaches bytes 1980 to 2012, SRAM in use ends at": with(func(i *Instr) { i.A.Base = 990; i.N = 8 }),
		"task 9 does not exist":                           with(func(i *Instr) { i.Done = Action{Activate, 9} }),
	} {
		g := local(1000, []Instr{{Op: Halt}})
		change(g)
		err := g.Verify(testConfig())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "program test") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	g := local(1000, []Instr{good})
	if err := g.Verify(testConfig()); err != nil {
		t.Errorf("the good program is refused: %v", err)
	}
	g.Tasks = append(g.Tasks, Task{Name: "d", Kind: Data, Words: 1})
	g.Tasks[0].Code = []Instr{{Op: Activate, Task: 1}}
	if err := g.Verify(testConfig()); err == nil || !strings.Contains(err.Error(), "only local tasks are activated") {
		t.Errorf("activating a data task: %v", err)
	}
}
