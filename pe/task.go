package pe

import "cs2sim.dev/fabric"

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
	Wide      bool  // Data: a wavelet is one 32-bit value without index
	Triggered bool  // Data or Control: opens with a tensor instruction whose descriptors stay loaded
	Wait      State // what the PE waits for while the queue of Color is empty; Idle for a control task that only ends the program
	Code      []Instr
}

// Program is what one PE runs; PEs of one role share it. Earlier tasks are dispatched first.
type Program struct {
	Name      string
	Tasks     []Task
	Threads   []int // microthreads 1..len: how many instructions each holds, the running one included
	Allocs    []Alloc
	Registers [16]int32 // at load
	Start     []int     // local tasks active at launch
	Stamps    []string  // names of timestamps, by the instruction's Imm
	Words     int       // SRAM used
}

// Path is what one run of a task's code amounts to: its scalar cycles and the tensor
// instructions it issues, in order.
type Path struct {
	Before, After int // scalar cycles before and after the first tensor instruction
	Issued        []*Instr
}

// Walk follows a task's scalar code with the given registers, which it updates, without
// executing what needs SRAM or the fabric. Both engines charge from the same code: the wavelet engine
// runs it, the stream engine walks it once per case.
func (t *Task) Walk(c Config, r *[16]int32) Path {
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
			p.Before += c.scalarCost(in)
		} else {
			p.After += c.scalarCost(in)
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
