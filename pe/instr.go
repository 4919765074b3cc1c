package pe

import (
	"fmt"
	"strings"

	"cs2sim.dev/fabric"
)

// Op is an instruction's operation.
type Op uint8

const (
	// Tensor instructions work on N elements.
	FMov Op = iota // dst = a
	FAdd           // dst = a + b
	FSub           // dst = a - b
	FMul           // dst = a * b
	FMac           // dst = dst + a * b; overwrites if the Accumulate register is 0, and sets it
	// Scalar instructions work on registers and take one cycle.
	Set      // D = Imm
	Add      // D = D + Imm, back to 0 at Wrap (if Wrap > 0): a circular buffer's step
	JumpZero // if D == 0 go to Target
	Jump     // go to Target
	Activate // task
	Block    // task
	Unblock  // task
	Halt     // this PE dispatches no more tasks
	numOps
)

// Ops lists every operation.
func Ops() []Op {
	all := make([]Op, numOps)
	for i := range all {
		all[i] = Op(i)
	}
	return all
}

func (o Op) String() string {
	return [numOps]string{"fmov", "fadd", "fsub", "fmul", "fmac", "set", "add", "jz", "jmp", "activate", "block", "unblock", "halt"}[o]
}

// Tensor reports whether o works on vectors.
func (o Op) Tensor() bool { return o <= FMac }

// Type is an operand's element format.
type Type uint8

const (
	F16 Type = iota
	F32
)

// Words is the size of an element in 16-bit SRAM words.
func (t Type) Words() int { return int(t) + 1 }

func (t Type) String() string { return [2]string{"f16", "f32"}[t] }

// Kind is where an operand lives.
type Kind uint8

const (
	None   Kind = iota
	Mem         // SRAM, by descriptor
	FabIn       // input queue of Color, one element per wavelet
	FabOut      // to the router on Color, one element per wavelet
	Scalar      // register Reg, its low bits read as Type
	Const       // Value
)

// Operand is a data structure descriptor (DSD) or a scalar.
type Operand struct {
	Kind   Kind
	Type   Type
	Base   int // Mem: first word
	Reg    int // Mem: register whose value times Scale is added to Base, -1 none; Scalar: the register
	Scale  int // words
	Stride int // Mem: elements from one to the next; 0 means 1
	Color  fabric.Color
	Value  float32 // Const
}

// Memory returns a contiguous SRAM operand at base.
func Memory(t Type, base int) Operand { return Operand{Kind: Mem, Type: t, Base: base, Reg: -1} }

// Indexed returns a contiguous SRAM operand at base + register*scale words.
func Indexed(t Type, base, reg, scale int) Operand {
	return Operand{Kind: Mem, Type: t, Base: base, Reg: reg, Scale: scale}
}

// In returns a fabric input operand.
func In(t Type, c fabric.Color) Operand { return Operand{Kind: FabIn, Type: t, Color: c} }

// Out returns a fabric output operand.
func Out(t Type, c fabric.Color) Operand { return Operand{Kind: FabOut, Type: t, Color: c} }

// Register returns a scalar operand.
func Register(t Type, reg int) Operand { return Operand{Kind: Scalar, Type: t, Reg: reg} }

// Constant returns an immediate.
func Constant(t Type, v float32) Operand { return Operand{Kind: Const, Type: t, Value: v} }

func (o Operand) String() string {
	switch o.Kind {
	case Mem:
		text := fmt.Sprintf("%v[%#x", o.Type, 2*o.Base)
		if o.Reg >= 0 {
			text += fmt.Sprintf("+r%d*%d", o.Reg, 2*o.Scale)
		}
		if o.Stride > 1 {
			text += fmt.Sprintf(" stride %d", o.Stride)
		}
		return text + "]"
	case FabIn:
		return fmt.Sprintf("%v fabin(%d)", o.Type, o.Color)
	case FabOut:
		return fmt.Sprintf("%v fabout(%d)", o.Type, o.Color)
	case Scalar:
		return fmt.Sprintf("%v r%d", o.Type, o.Reg)
	case Const:
		return fmt.Sprintf("%v %g", o.Type, o.Value)
	}
	return ""
}

// Instr is one instruction. Register fields name GPRs 0..15.
type Instr struct {
	Op Op

	// Tensor.
	N               int
	Dst, A, B       Operand
	Accumulate      int   // FMac: predicate register, -1 always accumulates
	Thread          int   // 0: the task waits for it; 1..: issued to that microthread, which runs its instructions in order
	Priority        bool  // takes the datapath ahead of instructions without
	LoadDescriptors bool  // start includes loading them
	Charge          State // of its datapath steps
	Wait            State // of waiting for its fabric input
	Done            Action

	// Scalar.
	D, Imm, Wrap, Target int
	Task                 int
}

// Action is what the completion of a tensor instruction triggers.
type Action struct {
	Op   Op // Activate or Unblock; anything else does nothing
	Task int
}

func (i Instr) String() string {
	if !i.Op.Tensor() {
		switch i.Op {
		case Set:
			return fmt.Sprintf("set r%d = %d", i.D, i.Imm)
		case Add:
			if i.Wrap > 0 {
				return fmt.Sprintf("add r%d += %d mod %d", i.D, i.Imm, i.Wrap)
			}
			return fmt.Sprintf("add r%d += %d", i.D, i.Imm)
		case JumpZero:
			return fmt.Sprintf("jz r%d -> %d", i.D, i.Target)
		case Jump:
			return fmt.Sprintf("jmp -> %d", i.Target)
		case Activate, Block, Unblock:
			return fmt.Sprintf("%v task %d", i.Op, i.Task)
		}
		return i.Op.String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v x%d %v", i.Op, i.N, i.Dst)
	if i.Op == FMac {
		b.WriteString(" += ")
	} else {
		b.WriteString(" = ")
	}
	b.WriteString(i.A.String())
	switch i.Op {
	case FAdd:
		b.WriteString(" + ")
	case FSub:
		b.WriteString(" - ")
	case FMul, FMac:
		b.WriteString(" * ")
	}
	b.WriteString(i.B.String())
	if i.Op == FMac && i.Accumulate >= 0 {
		fmt.Fprintf(&b, " (overwrites while r%d = 0)", i.Accumulate)
	}
	if i.Thread > 0 {
		fmt.Fprintf(&b, " async thread %d", i.Thread)
	}
	if i.Priority {
		b.WriteString(" priority")
	}
	return b.String()
}
