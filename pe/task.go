package pe

import (
	"fmt"

	"cs2sim.dev/fabric"
)

// TaskKind is what makes a task run.
type TaskKind uint8

const (
	Local   TaskKind = iota // activated by an instruction
	Data                    // a data wavelet of Color: its value in r0, its index in r1
	Control                 // a control wavelet of Color whose value is Entry: its index in r1
)

func (k TaskKind) String() string { return [3]string{"local", "data", "control"}[k] }

// Task is a piece of code and its trigger.
type Task struct {
	Name      string
	Kind      TaskKind
	Color     fabric.Color
	Entry     uint16
	Words     int   // Data: wavelets taken at dispatch; 2 is an index wavelet, then a 32-bit value
	Triggered bool  // Data: opens with a tensor instruction whose descriptors stay loaded
	Wait      State // what the PE waits for while the queue of Color is empty
	Code      []Instr
}

// Program is what one PE runs; PEs of one role share it. Earlier tasks are dispatched first.
type Program struct {
	Name      string
	Tasks     []Task
	Threads   []int // microthreads 1..len: how many instructions each holds, the running one included
	Allocs    []Alloc
	Registers [16]int32 // at load
	Start     []int     // tasks active at cycle 0
	Words     int       // SRAM used
}

// Verify reports code that cannot run: operands out of SRAM, threads or tasks that do not exist.
func (g *Program) Verify(cfg Config) error {
	if 2*g.Words > cfg.SRAMBytes {
		return fmt.Errorf("program %s: %d bytes of SRAM used, %d present", g.Name, 2*g.Words, cfg.SRAMBytes)
	}
	if len(g.Threads) > cfg.Microthreads {
		return fmt.Errorf("program %s: %d microthreads, %d present", g.Name, len(g.Threads), cfg.Microthreads)
	}
	if len(g.Tasks) > 64 {
		return fmt.Errorf("program %s: %d tasks, must be at most 64", g.Name, len(g.Tasks))
	}
	for ti := range g.Tasks {
		t := &g.Tasks[ti]
		if t.Kind == Data && t.Words != 1 && t.Words != 2 {
			return fmt.Errorf("program %s: data task %s takes %d wavelets, must be 1 or 2", g.Name, t.Name, t.Words)
		}
		for ii := range t.Code {
			if err := g.verifyInstr(&t.Code[ii], len(t.Code)); err != nil {
				return fmt.Errorf("program %s: task %s: instruction %d (%v): %w", g.Name, t.Name, ii, t.Code[ii], err)
			}
		}
	}
	return nil
}

func (g *Program) verifyInstr(in *Instr, codeLen int) error {
	if !in.Op.Tensor() {
		if (in.Op == Jump || in.Op == JumpZero) && (in.Target < 0 || in.Target > codeLen) {
			return fmt.Errorf("jump target %d, must be 0 to %d", in.Target, codeLen)
		}
		if (in.Op == Activate || in.Op == Block || in.Op == Unblock) && (in.Task < 0 || in.Task >= len(g.Tasks)) {
			return fmt.Errorf("task %d does not exist", in.Task)
		}
		return nil
	}
	if in.N < 1 {
		return fmt.Errorf("%d elements, must be at least 1", in.N)
	}
	if in.Thread < 0 || in.Thread > len(g.Threads) {
		return fmt.Errorf("microthread %d does not exist", in.Thread)
	}
	if in.Dst.Kind != Mem && in.Dst.Kind != FabOut {
		return fmt.Errorf("destination must be memory or fabric output")
	}
	for _, o := range []*Operand{&in.Dst, &in.A, &in.B} {
		if o.Kind == Mem && o.Reg < 0 {
			if last := o.word(o.Base, in.N-1) + o.Type.Words(); o.Base < 0 || last > g.Words {
				return fmt.Errorf("operand %v reaches byte %d, SRAM in use ends at %d", o, 2*last, 2*g.Words)
			}
		}
	}
	return nil
}

// Path is what one run of a task's code amounts to: its scalar cycles and the tensor
// instructions it issues, in order.
type Path struct {
	Before, After int // scalar cycles before and after the first tensor instruction
	Issued        []*Instr
}

// Walk follows a task's scalar code with the given registers, which it updates, without
// executing tensor instructions. Both engines charge from the same code: the wavelet engine
// runs it, the stream engine walks it once per case.
func (t *Task) Walk(r *[16]int32) Path {
	var p Path
	for pc := 0; pc < len(t.Code); {
		in := &t.Code[pc]
		pc++
		if in.Op.Tensor() {
			p.Issued = append(p.Issued, in)
			if in.Op == FMac && in.Accumulate >= 0 {
				r[in.Accumulate] = 1
			}
			continue
		}
		if len(p.Issued) == 0 {
			p.Before++
		} else {
			p.After++
		}
		if next, jumped := scalar(in, r); jumped {
			pc = next
		}
		if in.Op == Halt {
			break
		}
	}
	return p
}

// scalar executes a register instruction; jumped says that control goes to next.
func scalar(in *Instr, r *[16]int32) (next int, jumped bool) {
	switch in.Op {
	case Set:
		r[in.D] = int32(in.Imm)
	case Add:
		r[in.D] += int32(in.Imm)
		if in.Wrap > 0 && r[in.D] >= int32(in.Wrap) {
			r[in.D] -= int32(in.Wrap)
		}
	case JumpZero:
		return in.Target, r[in.D] == 0
	case Jump:
		return in.Target, true
	}
	return 0, false
}
