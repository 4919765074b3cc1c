package sims

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"cs2sim.dev/compiler"
	"cs2sim.dev/sims/kernels"
)

// Kernel is a program of sims/kernels with the parameters that fix its size.
type Kernel struct {
	Name   string
	Doc    string // one line
	Params []Param

	check   func(Args) *InputError // what no single parameter can tell; may be nil
	program func(Args) program
	derive  func(Args, *kernels.Result) *Derived       // nil: cycles are what is measured
	chosen  func(Args, compiler.Target) map[string]int // what stands for parameters left 0; may be nil
}

// program is a kernel of one size.
type program interface {
	Layout(compiler.Target) (*compiler.Layout, error)
	Run(context.Context, compiler.Target) (*kernels.Result, error)
	Expect(compiler.Target) float64
}

// Param is one parameter of a kernel: a word of Words, a boolean if Switch, else a whole number.
type Param struct {
	Name     string
	Words    []string
	Switch   bool
	Default  string
	Min, Max int
	Axis     Axes     // the number may not exceed that many PEs of the machine
	SRAM     bool     // the number decides the size of arrays: a kernel that does not fit has too large a one
	Only     []string // used only with one of these, each "NAME WORD"; nil: always
	Doc      string
}

// Axes are sides of the machine.
type Axes string

const (
	AcrossX Axes = "columns"
	AcrossY Axes = "rows"
	Both    Axes = "columns and rows"
)

// shown is a value as an error tells it: words in quotes, as in a run file.
func (p Param) shown(text string) string {
	if p.Words != nil {
		return tomlString(text)
	}
	return text
}

// Range says in words which values the parameter takes.
func (p Param) Range() string {
	switch {
	case p.Switch:
		return "true or false"
	case p.Words != nil:
		return oneOf(p.Words)
	}
	return fmt.Sprintf("a whole number, %d to %d", p.Min, p.Max)
}

// check returns an error that says what would be right if text is no value of the parameter on t.
func (p Param) check(text string, t compiler.Target) error {
	limit := map[Axes]int{AcrossX: t.Width(), AcrossY: t.Height(), Both: min(t.Width(), t.Height())}
	if most, ok := limit[p.Axis]; ok {
		p.Max = min(p.Max, most)
	}
	ok := false
	switch {
	case p.Switch:
		ok = text == "true" || text == "false"
	case p.Words != nil:
		ok = slices.Contains(p.Words, text)
	default:
		n, err := strconv.Atoi(text)
		ok = err == nil && n >= p.Min && n <= p.Max
	}
	if ok {
		return nil
	}
	if n := nearest(text, p.Words); n != "" {
		return fmt.Errorf("must be %s: did you mean %s?", p.Range(), n)
	}
	if p.Axis != "" {
		return fmt.Errorf("must be %s: machine %s has %d columns and %d rows of PEs", p.Range(), t.Name, t.Width(), t.Height())
	}
	return fmt.Errorf("must be %s", p.Range())
}

// Args are a kernel's parameters with their values, defaults included.
type Args struct {
	kernel *Kernel
	values []string // by parameter
}

// Args lays given values over the defaults and checks them against the machine. Errors name the
// parameters as flags.
func (k *Kernel) Args(given map[string]string, t compiler.Target) (Args, error) {
	a := Args{k, make([]string, len(k.Params))}
	for i, p := range k.Params {
		a.values[i] = p.Default
		if v, ok := given[p.Name]; ok {
			a.values[i] = v
			if n, err := strconv.Atoi(v); err == nil && p.Words == nil && !p.Switch {
				a.values[i] = strconv.Itoa(n) // 007, +7
			}
		}
	}
	var bad problems
	for i, p := range k.Params {
		if _, ok := given[p.Name]; ok && !a.used(p) {
			bad.add(&InputError{File: "--" + p.Name, Value: p.shown(a.values[i]), Want: "is used only with --" + oneOf(p.Only)})
		} else if err := p.check(a.values[i], t); err != nil && a.used(p) {
			bad.add(&InputError{File: "--" + p.Name, Value: p.shown(a.values[i]), Want: err.Error()})
		}
	}
	if len(bad) == 0 && k.check != nil {
		bad.add(k.check(a))
	}
	return a, bad.err()
}

// used reports whether the other parameters let p mean anything.
func (a Args) used(p Param) bool {
	if p.Only == nil {
		return true
	}
	for i, other := range a.kernel.Params {
		if slices.Contains(p.Only, other.Name+" "+a.values[i]) {
			return true
		}
	}
	return false
}

// Word is the value of a parameter as text; a name that does not exist is our own bug.
func (a Args) Word(name string) string {
	for i, p := range a.kernel.Params {
		if p.Name == name {
			return a.values[i]
		}
	}
	panic("sims: kernel " + a.kernel.Name + " has no parameter " + name)
}

// Int is the value of a number, On of a switch.
func (a Args) Int(name string) int {
	n, err := strconv.Atoi(a.Word(name))
	if err != nil {
		panic(err) // checked by Kernel.Args
	}
	return n
}

func (a Args) On(name string) bool { return a.Word(name) == "true" }

// with returns a copy with one value changed.
func (a Args) with(i int, v string) Args {
	a.values = slices.Clone(a.values)
	a.values[i] = v
	return a
}

// String is the command line of the arguments: parameters that mean something, in order.
func (a Args) String() string {
	text := a.kernel.Name
	for i, p := range a.kernel.Params {
		switch {
		case !a.used(p):
		case !p.Switch:
			text += " --" + p.Name + " " + a.values[i]
		case a.values[i] == "true":
			text += " --" + p.Name
		}
	}
	return text
}

// FindKernel returns the kernel of that name.
func FindKernel(name string) (*Kernel, bool) {
	for _, k := range Kernels() {
		if k.Name == name {
			return &k, true
		}
	}
	return nil, false
}
