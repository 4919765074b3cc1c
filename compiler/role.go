package compiler

import (
	"errors"
	"fmt"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Role is a program under construction, for all PEs that do the same.
type Role struct {
	prog    *pe.Program
	index   int
	memory  *pe.Layout
	fixed   []pe.Alloc // placed by address
	tasks   []*Task
	nextReg Reg
	placed  bool
	errs    []error
}

// Reg is a general-purpose register, 0 to 15.
type Reg int

// Value and Index are where a data task finds its wavelet.
const (
	Value Reg = 0
	Index Reg = 1
)

// Array is a named run of elements in the SRAM of a role's PEs.
type Array struct {
	pe.Alloc
	Len  int
	role *Role
}

// Role starts a program. Its microthreads are numbered from 1, each holding the given number
// of issued instructions.
func (b *Builder) Role(name string, threads ...int) *Role {
	r := &Role{prog: &pe.Program{Name: name, Threads: threads}, index: len(b.roles), memory: pe.NewLayout(b.core), nextReg: 2}
	b.roles = append(b.roles, r)
	b.l.Roles = append(b.l.Roles, r.prog)
	return r
}

func (r *Role) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

// Array allocates n elements behind what is allocated.
func (r *Role) Array(name string, t pe.Type, n int) Array {
	if n < 0 {
		r.fail("array %s has %d elements", name, n)
		n = 0
	}
	if _, taken := r.find(name); taken {
		r.fail("two arrays %q", name)
	}
	a, err := r.memory.Add(name, n*t.Words(), "")
	if err != nil {
		r.errs = append(r.errs, err)
	} else {
		r.memory.Allocs[len(r.memory.Allocs)-1].Type = t
	}
	a.Type = t
	return Array{Alloc: a, Len: n, role: r}
}

// Fixed is an array at a given address, as a memory plan places it. Arrays of other roles, and
// those that lie there at other times, may share it.
func (r *Role) Fixed(name string, t pe.Type, base, n int) Array {
	if base < 0 || n < 0 {
		r.fail("array %s of %d elements at word %d, must not be negative", name, n, base)
		base, n = 0, 0
	}
	a := Array{Alloc: pe.Alloc{Name: name, Base: base, Words: n * t.Words(), Type: t}, Len: n, role: r}
	r.fixed = append(r.fixed, a.Alloc)
	return a
}

// Apart is Array in a bank that no word of the given arrays lies in, nor any between.
func (r *Role) Apart(name string, t pe.Type, n int, from ...Array) Array {
	for _, a := range from {
		r.memory.ApartFrom(a.Alloc)
	}
	return r.Array(name, t, n)
}

// Named is an array allocated before.
func (r *Role) Named(name string) Array {
	if a, ok := r.find(name); ok {
		return Array{Alloc: a, Len: a.Words / a.Type.Words(), role: r}
	}
	r.fail("no array %q", name)
	return Array{Alloc: pe.Alloc{Name: name}, role: r}
}

func (r *Role) find(name string) (pe.Alloc, bool) {
	for _, a := range r.allocs() {
		if a.Name == name {
			return a, true
		}
	}
	return pe.Alloc{}, false
}

// All is the array from its first element on.
func (a Array) All() pe.Operand { return pe.Memory(a.Type, a.Base) }

// From is the array from element i on.
func (a Array) From(i int) pe.Operand { return pe.Memory(a.Type, a.Base+i*a.Type.Words()) }

// By is the array from element reg*scale on.
func (a Array) By(reg Reg, scale int) pe.Operand {
	if reg < 0 || reg > 15 {
		a.role.fail("array %s by register %d, must be 0 to 15", a.Name, reg)
	}
	return pe.Indexed(a.Type, a.Base, int(reg), scale*a.Type.Words())
}

// Again is All that starts over after the last element: for a stream of several vectors.
func (a Array) Again() pe.Operand {
	o := a.All()
	o.Inner = a.Len
	return o
}

// Rebased is the array from element reg on, where SetBase wrote reg.
func (a Array) Rebased(reg Reg) pe.Operand {
	o := a.By(reg, 1)
	o.Rebased = true
	return o
}

// Acc is element i as an accumulator: every element of an instruction meets this one.
func (a Array) Acc(i int) pe.Operand {
	o := a.From(i)
	o.Fixed = true
	return o
}

// Reg takes the next free register, with an initial value.
func (r *Role) Reg(name string, initial int) Reg {
	if r.nextReg > 15 {
		r.fail("register %q: all 16 are taken", name)
		return 15
	}
	if r.placed && initial != 0 {
		r.fail("register %q: its initial value comes after Place, which hands them to the PEs", name)
	}
	r.prog.Registers[r.nextReg] = int32(initial)
	r.nextReg++
	return r.nextReg - 1
}

// Start makes local tasks active when the program is launched.
func (r *Role) Start(tasks ...*Task) {
	for _, t := range tasks {
		if t.role != r {
			r.fail("task %s is one of role %s", t.task.Name, t.role.prog.Name)
		}
		r.prog.Start = append(r.prog.Start, t.index)
	}
}

// Local, Data and Control add tasks; earlier ones are dispatched first.
func (r *Role) Local(name string) *Task {
	return r.task(pe.Task{Name: name, Kind: pe.Local})
}

// Data adds a task triggered by every data wavelet of a color: its value in r0, its index in r1.
func (r *Role) Data(name string, c fabric.Color) *Task {
	return r.task(pe.Task{Name: name, Kind: pe.Data, Color: c, Words: 1, Wait: pe.WaitWeight})
}

// Control adds a task triggered by a control wavelet of a color whose value is entry: its index in r1.
func (r *Role) Control(name string, c fabric.Color, entry uint16) *Task {
	return r.task(pe.Task{Name: name, Kind: pe.Control, Color: c, Entry: entry})
}

func (r *Role) task(t pe.Task) *Task {
	b := &Task{role: r, index: len(r.tasks), task: t, labels: map[string]int{}}
	r.tasks = append(r.tasks, b)
	return b
}

// words is the SRAM in use, up to the highest array.
func (r *Role) words() (n int) {
	for _, a := range r.allocs() {
		n = max(n, a.Base+a.Words)
	}
	return n
}

func (r *Role) allocs() []pe.Alloc {
	return append(r.memory.Allocs[:len(r.memory.Allocs):len(r.memory.Allocs)], r.fixed...)
}

// finish hands tasks and memory over to the program. It may be called again.
func (r *Role) finish() error {
	errs := r.errs
	r.prog.Allocs, r.prog.Words = r.allocs(), r.words()
	r.prog.Tasks = r.prog.Tasks[:0]
	for _, t := range r.tasks {
		if err := t.finish(); err != nil {
			errs = append(errs, err)
		}
		for k := range t.code {
			if err := r.within(&t.code[k].Instr); err != nil {
				errs = append(errs, fmt.Errorf("task %s: instruction %d: %w", t.task.Name, k, err))
			}
		}
		r.prog.Tasks = append(r.prog.Tasks, t.task)
	}
	return errors.Join(errs...)
}

// within refuses an operand of known length that begins in an array and ends behind it.
func (r *Role) within(in *pe.Instr) error {
	if !in.Op.Tensor() || in.Len.InReg {
		return nil
	}
	for _, o := range [3]pe.Operand{in.Dst, in.A, in.B} {
		if o.Kind != pe.Mem || o.Reg >= 0 || o.Base < 0 {
			continue
		}
		first, end := o.Reach(in.N)
		inside, begins := false, ""
		for _, a := range r.prog.Allocs {
			if o.Base >= a.Base && o.Base < a.Base+a.Words {
				begins = a.Name
				inside = inside || first >= a.Base && end <= a.Base+a.Words
			}
		}
		if begins != "" && !inside {
			return fmt.Errorf("%v of %d elements leaves array %s", o, in.N, begins)
		}
	}
	return nil
}
