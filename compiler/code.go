package compiler

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Task is a task's code under construction. Each call adds an instruction.
type Task struct {
	role   *Role
	index  int
	task   pe.Task
	code   []*Instr
	labels map[string]int
	errs   []error
}

// Instr is one added instruction; its methods refine it.
type Instr struct {
	pe.Instr
	label string // jump target
	task  *Task  // activated, blocked or unblocked
	errs  []error
}

func (t *Task) add(in pe.Instr) *Instr {
	i := &Instr{Instr: in}
	t.code = append(t.code, i)
	return i
}

func (t *Task) tensor(op pe.Op, n int, dst, a, b pe.Operand) *Instr {
	if n > math.MaxInt32 {
		t.errs = append(t.errs, fmt.Errorf("%v of %d elements, must be at most %d", op, n, math.MaxInt32))
	}
	return t.add(pe.Instr{Op: op, N: n, Dst: dst, A: a, B: b, Accumulate: -1, Charge: pe.Compute, Wait: pe.WaitPsum})
}

// Tensor instructions on n elements.
func (t *Task) FMov(n int, dst, a pe.Operand) *Instr {
	return t.tensor(pe.FMov, n, dst, a, pe.Operand{})
}
func (t *Task) FNeg(n int, dst, a pe.Operand) *Instr {
	return t.tensor(pe.FNeg, n, dst, a, pe.Operand{})
}

// Special is a function that software evaluates element by element: pe.FRecip to pe.FGELUErfSlope.
func (t *Task) Special(op pe.Op, n int, dst, a pe.Operand) *Instr {
	if !op.Special() {
		t.errs = append(t.errs, fmt.Errorf("%v is no special function", op))
	}
	return t.tensor(op, n, dst, a, pe.Operand{})
}
func (t *Task) FAdd(n int, dst, a, b pe.Operand) *Instr { return t.tensor(pe.FAdd, n, dst, a, b) }
func (t *Task) FSub(n int, dst, a, b pe.Operand) *Instr { return t.tensor(pe.FSub, n, dst, a, b) }
func (t *Task) FMul(n int, dst, a, b pe.Operand) *Instr { return t.tensor(pe.FMul, n, dst, a, b) }
func (t *Task) FMax(n int, dst, a, b pe.Operand) *Instr { return t.tensor(pe.FMax, n, dst, a, b) }
func (t *Task) FMac(n int, dst, a, b pe.Operand) *Instr { return t.tensor(pe.FMac, n, dst, a, b) }

// On issues the instruction to a microthread instead of waiting for it.
func (i *Instr) On(thread int) *Instr { i.Thread = thread; return i }

// ThenAdvance moves the own router's switch for the output's color once the last wavelet has
// left it (advance_switch of an output descriptor in the Cerebras SDK).
func (i *Instr) ThenAdvance() *Instr { i.Switches = uint16(fabric.SwitchAdvance); return i }

// First lets the instruction take the datapath ahead of others.
func (i *Instr) First() *Instr { i.Priority = true; return i }

// LoadDSDs makes the start include loading the descriptors.
func (i *Instr) LoadDSDs() *Instr { i.LoadDescriptors = true; return i }

// LoadDst makes the start include loading the destination's descriptor alone: those of the sources
// are still loaded.
func (i *Instr) LoadDst() *Instr { i.LoadDestination = true; return i }

// Count takes the length from a register.
func (i *Instr) Count(r Reg) *Instr { i.Len = pe.R(int(r)); return i }

// As sets what the datapath steps are charged as, and what waiting for input is.
func (i *Instr) As(charge, wait pe.State) *Instr { i.Charge, i.Wait = charge, wait; return i }

// OverwriteWhileZero makes an fmac overwrite its destination while r is 0, and sets r to 1.
func (i *Instr) OverwriteWhileZero(r Reg) *Instr { i.Accumulate = int(r); return i }

// NewSum makes an fmac start its sum afresh: a dot product, if its destination is an accumulator.
func (i *Instr) NewSum() *Instr { i.Accumulate = pe.NewSum; return i }

// AsControl makes what an instruction sends control wavelets with switch commands. A tensor
// instruction that receives them takes them as values.
func (i *Instr) AsControl(switches ...fabric.SwitchCommand) *Instr {
	i.Control = true
	if len(switches) > 8 {
		i.errs = append(i.errs, fmt.Errorf("%d switch commands, a wavelet carries at most 8", len(switches)))
	}
	for k, s := range switches {
		i.Switches |= uint16(s) << (2 * k)
	}
	return i
}

// ThenActivate and ThenUnblock name a task for the completion.
func (i *Instr) ThenActivate(t *Task) *Instr {
	i.Done, i.task = pe.Action{Op: pe.Activate, Task: t.index}, t
	return i
}
func (i *Instr) ThenUnblock(t *Task) *Instr {
	i.Done, i.task = pe.Action{Op: pe.Unblock, Task: t.index}, t
	return i
}

// Triggered says that a data task's descriptors stay loaded: no task switch, a short start.
func (t *Task) Triggered() *Task { t.task.Triggered = true; return t }

// Awaited makes the PE wait for a control task's wavelet in a state, not be idle.
func (t *Task) Awaited(s pe.State) *Task { t.task.Wait = s; return t }

// Wide makes a data task take a wavelet as one 32-bit value without index.
func (t *Task) Wide() *Task { t.task.Wide = true; return t }

// Words2 makes a data task take an index wavelet and then a 32-bit value.
func (t *Task) Words2() *Task { t.task.Words = 2; return t }

// Src is what scalar instructions read: a Reg or an int.
type Src interface{ Reg | int }

func src[S Src](s S) pe.Src {
	switch v := any(s).(type) {
	case Reg:
		return pe.R(int(v))
	case int:
		return pe.I(int32(v))
	}
	panic("compiler: no such source")
}

// Mov is D = x.
func Mov[S Src](t *Task, d Reg, x S) { t.add(pe.Instr{Op: pe.Mov, D: int(d), X: src(x)}) }

// Calc is D = x op y, where op is one of pe's two-source register instructions.
func Calc[X, Y Src](t *Task, op pe.Op, d Reg, x X, y Y) {
	if op < pe.IAdd || op > pe.SMul {
		t.errs = append(t.errs, fmt.Errorf("%v is no register instruction of two sources", op))
	}
	t.add(pe.Instr{Op: op, D: int(d), X: src(x), Y: src(y)})
}

// Add is D += imm, back to 0 at wrap if wrap > 0.
func (t *Task) Add(d Reg, imm, wrap int) {
	t.add(pe.Instr{Op: pe.Add, D: int(d), Imm: imm, Wrap: wrap})
}

// Unary is D = op x: recip, widen, narrow or trunc.
func (t *Task) Unary(op pe.Op, d, x Reg) {
	if op < pe.Recip || op > pe.Trunc {
		t.errs = append(t.errs, fmt.Errorf("%v is no register instruction of one source", op))
	}
	t.add(pe.Instr{Op: op, D: int(d), X: pe.R(int(x))})
}

// SetBase writes the base of the descriptor that addresses an operand by d; see Array.Rebased.
func (t *Task) SetBase(d, x Reg) {
	t.add(pe.Instr{Op: pe.SetBase, D: int(d), X: pe.R(int(x))})
}

// Read is D = the 16 or 32 bits at an SRAM operand; Write is the reverse.
func (t *Task) Read(d Reg, a pe.Operand)    { t.add(pe.Instr{Op: pe.Load, D: int(d), A: a}) }
func (t *Task) Write(dst pe.Operand, x Reg) { t.add(pe.Instr{Op: pe.Store, Dst: dst, X: pe.R(int(x))}) }

// Label names the next instruction.
func (t *Task) Label(name string) {
	if _, twice := t.labels[name]; twice {
		t.errs = append(t.errs, fmt.Errorf("label %q twice", name))
	}
	t.labels[name] = len(t.code)
}

// Jump goes to a label; JumpIf does if x cmp y.
func (t *Task) Jump(label string) { t.add(pe.Instr{Op: pe.Jump}).label = label }

// JumpIf goes to a label if x cmp y.
func JumpIf[Y Src](t *Task, x Reg, cmp pe.Cmp, y Y, label string) {
	t.add(pe.Instr{Op: pe.JumpIf, X: pe.R(int(x)), Y: src(y), Cmp: cmp}).label = label
}

// Send puts one wavelet on a color: 32 bits, or a value with its index.
func (t *Task) Send(c fabric.Color, value Reg) {
	t.add(pe.Instr{Op: pe.Send, Dst: pe.Out(pe.F32, c), X: pe.R(int(value))})
}

// SendIndexed puts a 16-bit value and a 16-bit index on a color.
func SendIndexed[X, Y Src](t *Task, c fabric.Color, value X, index Y) {
	t.add(pe.Instr{Op: pe.Send, Dst: pe.Out(pe.F16, c), X: src(value), Y: src(index)})
}

// SendControl puts a control wavelet on a color: the entry of the task it triggers, and switch
// commands, which routers on its way execute one after the other.
func (t *Task) SendControl(c fabric.Color, entry uint16, switches ...fabric.SwitchCommand) *Instr {
	return t.add(pe.Instr{Op: pe.Send, Dst: pe.Out(pe.F32, c), X: pe.I(int32(entry))}).AsControl(switches...)
}

// Timestamp reads the cycle counter: all of it into the report under a name, its low half into a register.
func (t *Task) Timestamp(name string, d Reg) {
	t.add(pe.Instr{Op: pe.Timestamp, D: int(d), Imm: t.role.stamp(name)})
}

func (r *Role) stamp(name string) int {
	for i, n := range r.prog.Stamps {
		if n == name {
			return i
		}
	}
	r.prog.Stamps = append(r.prog.Stamps, name)
	return len(r.prog.Stamps) - 1
}

// Activate, Block and Unblock act on a task of the same PE.
func (t *Task) Activate(o *Task) { t.of(pe.Activate, o) }
func (t *Task) Block(o *Task)    { t.of(pe.Block, o) }
func (t *Task) Unblock(o *Task)  { t.of(pe.Unblock, o) }

func (t *Task) of(op pe.Op, o *Task) { t.add(pe.Instr{Op: op, Task: o.index}).task = o }

// Halt ends the PE's program.
func (t *Task) Halt() { t.add(pe.Instr{Op: pe.Halt}) }

// finish resolves labels. It may be called again.
func (t *Task) finish() error {
	errs := slices.Clone(t.errs)
	t.task.Code = t.task.Code[:0]
	for _, in := range t.code {
		errs = append(errs, in.errs...)
		if o := in.task; o != nil && o.role != t.role {
			errs = append(errs, fmt.Errorf("task %s is one of role %s", o.task.Name, o.role.prog.Name))
		}
		switch in.Op {
		case pe.Jump, pe.JumpIf, pe.JumpZero:
			target, ok := t.labels[in.label]
			if !ok {
				errs = append(errs, fmt.Errorf("no label %q", in.label))
			}
			in.Target = target
		}
		t.task.Code = append(t.task.Code, in.Instr)
	}
	for i, err := range errs {
		errs[i] = fmt.Errorf("task %s: %w", t.task.Name, err)
	}
	return errors.Join(errs...)
}
