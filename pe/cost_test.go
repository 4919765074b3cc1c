package pe

import (
	"errors"
	"strings"
	"testing"
)

// bankWords is a bank of the test machine.
const bankWords = 3072

func TestCostsOfTensorInstructions(t *testing.T) {
	cfg := testConfig()
	half := func(base int) Operand { return Memory(F16, base) }
	full := func(base int) Operand { return Memory(F32, base) }
	for name, c := range map[string]struct {
		in        Instr
		triggered bool
		want      Cost
	}{
		"fp16 axpy":            {Instr{N: 10, Dst: half(0), A: half(bankWords), B: Constant(F16, 2)}, false, Cost{6, 3, 0}},
		"mixed axpy":           {Instr{N: 10, Dst: full(0), A: half(bankWords), B: Constant(F16, 2)}, false, Cost{6, 5, 0}},
		"fp32 axpy":            {Instr{N: 10, Dst: full(0), A: full(bankWords), B: Constant(F32, 2)}, false, Cost{6, 10, 0}},
		"triggered":            {Instr{N: 10, Dst: half(0), A: half(bankWords), B: Constant(F16, 2)}, true, Cost{2, 3, 0}},
		"descriptors loaded":   {Instr{N: 10, Dst: full(0), A: full(bankWords), B: Constant(F32, 2), LoadDescriptors: true}, false, Cost{34, 10, 0}},
		"output loaded":        {Instr{N: 10, Dst: Out(F32, 3), A: full(0), B: Constant(F32, 2), LoadDescriptors: true}, false, Cost{34 + 17, 10, 0}},
		"destination loaded":   {Instr{N: 10, Dst: full(0), A: full(bankWords), B: Constant(F32, 2), LoadDestination: true}, false, Cost{6 + 10, 10, 0}},
		"output alone loaded":  {Instr{N: 10, Dst: Out(F32, 3), A: full(0), LoadDestination: true}, false, Cost{6 + 10 + 17, 10, 0}},
		"control, output kept": {Instr{Op: Send, Dst: Out(F32, 3), Control: true}, false, Cost{5, 0, 0}},
		"control, loaded":      {Instr{Op: Send, Dst: Out(F32, 3), Control: true, LoadDestination: true}, false, Cost{6 + 10 + 17 + 5, 0, 0}},
		"one bank":             {Instr{N: 10, Dst: full(0), A: full(100), B: Constant(F32, 2)}, false, Cost{6, 10, 10}},
		"one bank, three ways": {Instr{N: 10, Dst: full(0), A: full(100), B: full(200)}, false, Cost{6, 10, 10}},
		"crossing into it":     {Instr{N: 10, Dst: full(bankWords), A: full(bankWords - 8), B: Constant(F32, 2)}, false, Cost{6, 10, 6}},
		"crossing by stride":   {Instr{N: 10, Dst: full(bankWords), A: Operand{Kind: Mem, Type: F32, Base: bankWords - 8, Reg: -1, Stride: 2}, B: Constant(F32, 2)}, false, Cost{6, 10, 8}},
		"crossing in pairs":    {Instr{N: 16, Dst: half(bankWords), A: half(bankWords - 8), B: Constant(F16, 2)}, false, Cost{6, 4, 2}},
		"side by side":         {Instr{N: 2000, Dst: full(0), A: full(bankWords), B: Constant(F32, 2)}, false, Cost{6, 2000, 0}},
		"fixed accumulator":    {Instr{N: 10, Dst: Operand{Kind: Mem, Type: F32, Reg: -1, Fixed: true}, A: full(100), B: Constant(F32, 2)}, false, Cost{6, 10, 0}},
	} {
		if c.in.Op != Send {
			c.in.Op = FMac
		}
		c.in.Accumulate = -1
		if got := cfg.Cost(&c.in, c.triggered); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	add := Instr{Op: FAdd, N: 10, Dst: full(100), A: full(0), B: full(bankWords)}
	if got := cfg.Cost(&add, false); got != (Cost{6, 10, 0}) {
		t.Errorf("fadd does not read its destination, yet costs %+v", got)
	}
}

// TestConflictByResolvedAddress: the register decides the bank, not the base.
func TestConflictByResolvedAddress(t *testing.T) {
	for row, want := range map[int32]int64{0: 8, 1: 0, 2: 0} {
		in := Instr{Op: FMac, N: 8, Dst: Memory(F32, 0), A: Indexed(F32, 0, 2, bankWords), B: Constant(F32, 2), Accumulate: -1, Charge: Compute}
		g := local(memoryWords, []Instr{in})
		g.Registers[2] = row
		if r := runRig(t, testConfig(), g, nil, 0); r.States[Conflict] != want || r.States[Compute] != 8 {
			t.Errorf("row %d: states %v, want %d cycles of conflict", row, r.States, want)
		}
	}
}

// TestConflictWhileStreaming: an element from the fabric that meets two operands of one bank
// takes the datapath twice.
func TestConflictWhileStreaming(t *testing.T) {
	for base, want := range map[int]int64{100: 4, bankWords: 0, bankWords - 4: 2} {
		in := Instr{Op: FMac, N: 4, Dst: Memory(F32, 0), A: In(F32, inColor), B: Memory(F32, base), Accumulate: -1, Charge: Compute}
		feeds := []feed{{4, word(1)}, {5, word(1)}, {6, word(1)}, {7, word(1)}}
		if r := runRig(t, testConfig(), local(memoryWords, []Instr{in}), feeds, 0); r.States[Conflict] != want || r.States[Compute] != 4 {
			t.Errorf("base %d: states %v, want %d cycles of conflict", base, r.States, want)
		}
	}
}

func TestOutOfMemory(t *testing.T) {
	l := NewLayout(testConfig())
	a, err := l.Add("a", 20000, "")
	if err != nil {
		t.Fatal(err)
	}
	l.ApartFrom(a)
	b, err := l.Add("b", 3000, "")
	if err != nil || testConfig().Bank(b.Base) != 7 {
		t.Fatalf("b at %d: %v", b.Base, err)
	}
	_, err = l.Add("c", 100, "")
	var oom *OutOfMemory
	if !errors.As(err, &oom) || oom.Name != "c" || oom.HaveBytes != 48<<10 || oom.NeedBytes != 2*(7*bankWords+3000+100) {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(err.Error(), "56 bytes missing") {
		t.Errorf("error %v", err)
	}
}

func TestConfigRefused(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"scalar_cycles is 0":  func(c *Config) { c.ScalarCycles = 0 },
		"sram_bytes is 100":   func(c *Config) { c.SRAMBytes = 100 },
		"multiple of 14":      func(c *Config) { c.Banks = 7; c.SRAMBytes = 1000 },
		"microthreads is -1":  func(c *Config) { c.Microthreads = -1 },
		"must be 1 to 31":     func(c *Config) { c.Microthreads = 32 },
		"launch_cycles is -1": func(c *Config) { c.LaunchCycles = -1 },
	} {
		c := testConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
