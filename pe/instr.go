package pe

import (
	"strconv"

	"cs2sim.dev/fabric"
)

// Op is an instruction's operation.
type Op uint8

const (
	// Tensor instructions work on N elements.
	FMov          Op = iota // dst = a
	FNeg                    // dst = -a
	FAdd                    // dst = a + b
	FSub                    // dst = a - b
	FMul                    // dst = a * b
	FMax                    // dst = max(a, b)
	FRecip                  // dst = 1 / a
	FRSqrt                  // dst = 1 / sqrt(a)
	FExp                    // dst = e^a
	FLog                    // dst = ln a
	FGELU                   // dst = gelu(a), GPT-2's form
	FGELUSlope              // dst = gelu'(a)
	FGELUErf                // dst = gelu(a), the form with erf
	FGELUErfSlope           // dst = its derivative
	FMac                    // dst = dst + a * b; overwrites if the Accumulate register is 0, and sets it; an accumulator only at its first element

	// Scalar instructions work on registers.
	Set       // D = Imm
	Add       // D = D + Imm, back to 0 at Wrap (if Wrap > 0): a circular buffer's step
	Mov       // D = X
	IAdd      // D = X + Y
	ISub      // D = X - Y
	IMul      // D = X * Y, low 32 bits
	And       // D = X & Y
	Or        // D = X | Y
	Shl       // D = X << Y
	Shr       // D = X >> Y, zeros shifted in
	SAdd      // D = X + Y, fp32
	SSub      // D = X - Y, fp32
	SMul      // D = X * Y, fp32
	Recip     // D = 1 / X, fp32
	Widen     // D = the fp32 of X's low half, an fp16
	Narrow    // D = the fp16 of X, an fp32
	Trunc     // D = the integer of X, an fp32, towards zero
	SetBase   // D = X, where D addresses a Rebased operand: writes the base of its descriptor
	Load      // D = the 16 (zero-extended) or 32 bits at A
	Store     // the 16 or 32 bits at Dst = X
	JumpZero  // if D == 0 go to Target
	JumpIf    // if X Cmp Y go to Target
	Jump      // go to Target
	Send      // one wavelet X | Y << 16 to Dst, a fabric output; a control wavelet if Control
	Timestamp // D = low half of the cycle counter; the report gets all of it as stamp Imm
	Activate  // task
	Block     // task
	Unblock   // task
	Halt      // this PE dispatches no more tasks
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
	if o >= numOps {
		return "operation " + strconv.Itoa(int(o))
	}
	return [numOps]string{
		"fmov", "fneg", "fadd", "fsub", "fmul", "fmax",
		"frecip", "frsqrt", "fexp", "flog", "fgelu", "fgelu_slope", "fgelu_erf", "fgelu_erf_slope", "fmac",
		"set", "add", "mov", "iadd", "isub", "imul", "and", "or", "shl", "shr",
		"sadd", "ssub", "smul", "recip", "widen", "narrow", "trunc", "setbase", "load", "store",
		"jz", "jif", "jmp", "send", "timestamp", "activate", "block", "unblock", "halt",
	}[o]
}

// Tensor reports whether o works on vectors.
func (o Op) Tensor() bool { return o <= FMac }

// Special reports whether o is a function that software evaluates element by element.
func (o Op) Special() bool { return FRecip <= o && o <= FGELUErfSlope }

// Unary reports whether a tensor instruction has one source.
func (o Op) Unary() bool { return o == FMov || o == FNeg || o.Special() }

// Cmp is a signed comparison.
type Cmp uint8

const (
	EQ Cmp = iota
	NE
	LT
	GE
)

func (c Cmp) String() string { return [4]string{"==", "!=", "<", ">="}[c] }

// Holds reports whether x c y.
func (c Cmp) Holds(x, y int32) bool {
	switch c {
	case EQ:
		return x == y
	case NE:
		return x != y
	case LT:
		return x < y
	}
	return x >= y
}

// Src is a scalar source: a register or an immediate. The zero value is the immediate 0.
type Src struct {
	InReg bool
	Reg   int
	Imm   int32
}

// R reads a register, I is an immediate.
func R(reg int) Src   { return Src{InReg: true, Reg: reg} }
func I(imm int32) Src { return Src{Imm: imm} }

func (s Src) value(r *[16]int32) int32 {
	if s.InReg {
		return r[s.Reg]
	}
	return s.Imm
}

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
	Kind    Kind
	Type    Type
	Base    int  // Mem: first word; FabOut: first index, if Packed
	Reg     int  // Mem, packed FabOut: register whose value times Scale is added to Base, -1 none; Scalar: the register
	Scale   int  // words, or indices
	Advance int  // added to Reg once the instruction is issued: the descriptor stays loaded and moves on
	Stride  int  // Mem: elements from one to the next; 0 means 1
	Inner   int  // Mem: elements of a run; 0 means all: a second dimension of runs
	Outer   int  // Mem: elements from the first of a run to the first of the next; 0 repeats the run
	Rebased bool // Mem: SetBase wrote the base, so where it lies relative to other operands was not planned
	Fixed   bool // Mem: all elements (with Inner: of a run) are the first, an accumulator held by the datapath
	Packed  bool // FabOut: the wavelet's upper half is a running index
	Color   fabric.Color
	Value   float32 // Const
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

// OutIndexed returns a fabric output of fp16 values that carry the running index
// base + register*scale, one more per element, as a weight does.
func OutIndexed(c fabric.Color, base, reg, scale int) Operand {
	return Operand{Kind: FabOut, Type: F16, Packed: true, Base: base, Reg: reg, Scale: scale, Color: c}
}

// NewSum is the Accumulate of an FMac that starts afresh: with an accumulator as destination, a
// dot product (A: the datapath's accumulator is cleared by the start).
const NewSum = -2

// Instr is one instruction. Register fields name GPRs 0..15.
type Instr struct {
	Op Op

	// Tensor.
	N               int
	Len             Src // length, if in a register; else N
	Dst, A, B       Operand
	Accumulate      int   // FMac: predicate register, -1 always accumulates, NewSum never
	Thread          int   // 0: the task waits for it; 1..: issued to that microthread, which runs its instructions in order
	Priority        bool  // takes the datapath ahead of instructions without
	LoadDescriptors bool  // start includes loading them
	LoadDestination bool  // start includes loading the destination's alone
	Charge          State // of its datapath steps
	Wait            State // of waiting for its fabric input
	Done            Action

	// Scalar.
	D, Imm, Wrap, Target int
	X, Y                 Src
	Cmp                  Cmp
	Control              bool   // Send, or a tensor instruction to the fabric: control wavelets
	Switches             uint16 // of a control wavelet: switch commands; of data to the fabric: one, carried by the last wavelet
	Task                 int
}

// Action is what the completion of a tensor instruction triggers.
type Action struct {
	Op   Op // Activate or Unblock; anything else does nothing
	Task int
}
