package sims

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"strconv"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
	"cs2sim.dev/sims/kernels"
)

// Outcome is one kernel, run.
type Outcome struct {
	Args    Args
	Machine compiler.Target

	Cycles     float64  // of the average PE where they differ
	Min, Max   float64  // NaN where they do not
	Derived    *Derived // what the measurement states instead of cycles
	Mismatches int      // values that differ from the plain loop in the same order
	Measured   *Measured
	Watched    string // life of the wavelet that was followed

	Hops, Instructions int64
}

// Derived is a figure made of the cycles, such as cycles per cell.
type Derived struct {
	Name  string // as in JSON
	Value float64
}

// Compared is the figure that is held against a measurement, and its name.
func (o *Outcome) Compared() (float64, string) {
	if o.Derived != nil {
		return o.Derived.Value, o.Derived.Name
	}
	return o.Cycles, "cycles"
}

// RunKernel runs a kernel. What does not fit is an *InputError that names the flag; a failing
// simulated machine is a *runtime.Fault. progress may be nil; its total is an estimate.
func RunKernel(ctx context.Context, a Args, t compiler.Target, progress func(done, total int64)) (o *Outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &InternalError{v, debug.Stack()}
		}
	}()
	p := a.kernel.program(a)
	l, err := p.Layout(t.WithoutData())
	if err != nil {
		return nil, a.misfit(ctx, t, err)
	}
	if err := a.fitsHost(l); err != nil {
		return nil, err
	}
	if progress != nil {
		total := int64(p.Expect(t))
		ctx = kernels.WithProgress(ctx, func(c fabric.Cycle) { progress(min(int64(c), total*99/100), total) })
	}
	r, err := p.Run(ctx, t)
	if err != nil {
		return nil, a.unfit(err)
	}
	return newOutcome(a, t, r), nil
}

// The wavelet engine takes hostPE bytes per PE, and its SRAM some three times: before, during and after the run.
const (
	hostPE    = 4 << 10
	hostSRAM  = 3
	hostBytes = 8e9
)

// fitsHost refuses what would take more memory of the computer that simulates than most have.
func (a Args) fitsHost(l *compiler.Layout) error {
	bytes := 0
	for _, p := range l.PEs {
		bytes += hostPE
		if p.Role >= 0 {
			bytes += hostSRAM * 2 * l.Roles[p.Role].Words
		}
	}
	if bytes <= hostBytes {
		return nil
	}
	last := 0
	for i, p := range a.kernel.Params {
		if p.Axis != "" {
			last = i
		}
	}
	return &InputError{File: "--" + a.kernel.Params[last].Name, Value: a.values[last], Want: fmt.Sprintf(
		"makes %d PEs, about %.1f GB of this computer's memory with their SRAM, must be at most %.0f GB: fewer PEs, or less on each", len(l.PEs), float64(bytes)/1e9, hostBytes/1e9)}
}

func newOutcome(a Args, t compiler.Target, r *kernels.Result) *Outcome {
	o := &Outcome{
		Args: a, Machine: t, Cycles: float64(r.Cycles), Min: math.NaN(), Max: math.NaN(),
		Mismatches: r.Mismatches, Hops: r.Report.Hops, Instructions: r.Report.Instrs,
	}
	if r.Spread.Max > 0 {
		o.Cycles, o.Min, o.Max = r.Spread.Average, float64(r.Spread.Min), float64(r.Spread.Max)
	}
	if a.kernel.derive != nil {
		o.Derived = a.kernel.derive(a, r)
	}
	if t.Name == defaultPreset {
		o.Measured = measuredAt(a)
	}
	if a.kernel.chosen != nil {
		chosen := a.kernel.chosen(a, t)
		for i, p := range a.kernel.Params {
			if n, ok := chosen[p.Name]; ok && a.values[i] == "0" {
				o.Args = o.Args.with(i, strconv.Itoa(n))
			}
		}
	}
	return o
}

// Title is the command line and the machine.
func (o *Outcome) Title() string { return o.Args.String() + " on " + machineText(o.Machine) }

// Slowest is the cycles of the slowest PE.
func (o *Outcome) Slowest() float64 {
	if math.IsNaN(o.Max) {
		return o.Cycles
	}
	return o.Max
}

// misfit turns a layout that was refused into an error about a flag, with the most that would fit.
func (a Args) misfit(ctx context.Context, t compiler.Target, err error) error {
	why := err
	if oom := (*pe.OutOfMemory)(nil); errors.As(err, &oom) {
		why = oom // and what follows from it
	}
	var sizes []int // those the user chose first: they are what to change
	for _, chosen := range []bool{true, false} {
		for i, p := range a.kernel.Params {
			if p.SRAM && a.used(p) && a.values[i] != "0" && chosen == (a.values[i] != p.Default) {
				sizes = append(sizes, i)
			}
		}
	}
	refuse := func(i int, format string, args ...any) error {
		return &InputError{File: "--" + a.kernel.Params[i].Name, Value: a.values[i], Want: fmt.Sprintf(format, args...)}
	}
	for _, i := range sizes {
		n, err := a.mostThatFits(ctx, i, t)
		if err != nil {
			return err
		}
		if n > 0 {
			return refuse(i, "must be at most %d here: %v", n, why)
		}
	}
	if len(sizes) == 0 {
		return &InputError{Want: err.Error()}
	}
	return refuse(sizes[0], "must be less, and other sizes with it: %v", why)
}

// unfit is what ended the run of a kernel that fits: a fault or its context, as they are, or a machine on which it cannot run.
func (a Args) unfit(err error) error {
	if errors.As(err, new(*runtime.Fault)) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if few := (*pe.TooFew)(nil); errors.As(err, &few) {
		return &InputError{File: machineTable + few.Key, Value: strconv.Itoa(few.Have), Want: fmt.Sprintf("must be at least %d for %s", few.Need, a.kernel.Name)}
	}
	return &InputError{Want: err.Error()}
}

// mostThatFits is the largest value of parameter i whose layout can be built; 0 if none can.
func (a Args) mostThatFits(ctx context.Context, i int, t compiler.Target) (int, error) {
	low, high := a.kernel.Params[i].Min-1, a.Int(a.kernel.Params[i].Name)
	for high-low > 1 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		mid := (low + high) / 2
		if _, err := a.kernel.program(a.with(i, strconv.Itoa(mid))).Layout(t.WithoutData()); err == nil {
			low = mid
		} else {
			high = mid
		}
	}
	return max(low, 0), nil
}

// MarshalJSON writes one flat object: case, parameters, machine, results.
func (o *Outcome) MarshalJSON() ([]byte, error) {
	j := object{}
	j.add("case", o.Args.kernel.Name)
	o.addParams(&j)
	j.add("machine", o.Machine.Name)
	if changed := overridden(o.Machine); len(changed) > 0 {
		fields := object{}
		for _, p := range changed {
			fields.add(p.Key, p.Value)
		}
		j.add("overrides", fields)
	}
	o.addResult(&j)
	if o.Watched != "" {
		j.add("watched", o.Watched)
	}
	return j.MarshalJSON()
}

// addParams adds the parameters that mean something, numbers as numbers.
func (o *Outcome) addParams(j *object) {
	for i, p := range o.Args.kernel.Params {
		name := string(bytes.ReplaceAll([]byte(p.Name), []byte("-"), []byte("_")))
		switch {
		case !o.Args.used(p):
		case p.Switch:
			j.add(name, o.Args.values[i] == "true")
		case p.Words != nil:
			j.add(name, o.Args.values[i])
		default:
			j.add(name, o.Args.Int(p.Name))
		}
	}
}

func (o *Outcome) addResult(j *object) {
	j.add("cycles", o.Cycles)
	if !math.IsNaN(o.Min) {
		j.add("min", o.Min)
		j.add("max", o.Max)
	}
	if o.Derived != nil {
		j.add(o.Derived.Name, o.Derived.Value)
	}
	j.add("mismatches", o.Mismatches)
	j.add("seconds", o.Slowest()/o.Machine.Get("clock_hz"))
	j.add("hops", o.Hops)
	j.add("instructions", o.Instructions)
	if m := o.Measured; m != nil {
		ours, name := o.Compared()
		j.add("published", m.Published)
		if name != "cycles" {
			j.add("published_is", name)
		}
		j.add("error", ours/m.Published-1)
		j.add("tolerance", m.Tolerance.String())
		j.add("source", m.Source)
	}
}

// object is a JSON object that keeps its order.
type object []field

type field struct {
	name  string
	value any
}

func (o *object) add(name string, value any) { *o = append(*o, field{name, value}) }

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
