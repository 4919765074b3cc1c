package kernels

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// collective is a layout in which every PE works off a list of steps on its own vector v. Lists
// that are alike become one role.
type collective struct {
	b       *compiler.Builder
	w, h, n int // PEs, elements of v
	t       pe.Type
	keep    bool     // descriptors of sources stay loaded
	steps   [][]step // per PE
}

// step is one tensor instruction over v.
type step struct {
	do      action
	in, out fabric.Color
	vectors int  // add: how many one instruction takes back to back
	times   int  // add: how often, in a loop if more than once
	after   turn // send, relay
}

type action uint8

const (
	stepAdd   action = iota // v += in
	stepRelay               // out = in + v
	stepSend                // out = v
	stepTake                // v = in
)

// turn is what moves router switches behind a vector that is sent.
type turn uint8

const (
	turnNone turn = iota
	turnOwn       // at the own router only
	turnWay       // a control wavelet: at the own router and up to the receiver's
)

// newCollective starts a layout of w x h PEs with n elements each, fp16 or else fp32.
func newCollective(name string, t compiler.Target, w, h, n int, fp16 bool) (*collective, error) {
	if w < 1 || h < 1 || n < 1 {
		return nil, fmt.Errorf("%s: %d x %d PEs and %d elements, must be at least 1 each", name, w, h, n)
	}
	if w > t.Width() || h > t.Height() {
		return nil, fmt.Errorf("%s: %d x %d PEs, the machine has %d x %d", name, w, h, t.Width(), t.Height())
	}
	if size, have := elementType(fp16).Words()*2, t.Core().SRAMBytes; n > have/size {
		return nil, fmt.Errorf("%s: %d elements, at most %d fit the SRAM of a PE", name, n, have/size)
	}
	return &collective{b: compiler.NewBuilder(name, t, w, h), w: w, h: h, n: n, t: elementType(fp16), steps: make([][]step, w*h)}, nil
}

func elementType(fp16 bool) pe.Type {
	if fp16 {
		return pe.F16
	}
	return pe.F32
}

func (c *collective) then(at fabric.Coord, s ...step) {
	i := at.Y*c.w + at.X
	c.steps[i] = append(c.steps[i], s...)
}

// last is the PE's last step so far.
func (c *collective) last(at fabric.Coord) *step {
	if s := c.steps[at.Y*c.w+at.X]; len(s) > 0 {
		return &s[len(s)-1]
	}
	return nil
}

// layout turns the steps into roles and loads the inputs.
func (c *collective) layout() (*compiler.Layout, error) {
	roles := map[string]*compiler.Role{}
	for i, steps := range c.steps {
		key := fmt.Sprint(steps)
		if roles[key] == nil {
			roles[key] = c.b.Role(fmt.Sprintf("role %d", len(roles)))
			c.program(roles[key], steps)
		}
		at := compiler.At(i%c.w, i/c.w)
		c.b.Place(roles[key], at)
	}
	c.b.LoadEach("v", func(x, y int) []float32 { return chainInput(y*c.w+x, c.n) })
	return c.b.Build()
}

// program is one task. Each instruction loads its descriptors, as compiled code does that names
// them where it uses them; so the second vector a PE handles costs a second start, and a control wavelet
// one too. Code that keeps those of its sources loads the destination's alone as long as they are the same.
func (c *collective) program(r *compiler.Role, steps []step) {
	v := r.Array("v", c.t, c.n)
	clock := r.Reg("clock", 0)
	run := r.Local("run")
	r.Start(run)
	count, left := r.Reg("count", 0), r.Reg("left", 0)
	loaded := pe.Operand{} // the fabric input whose descriptor is
	next := func(i *compiler.Instr, in pe.Operand) *compiler.Instr {
		if c.keep && in == loaded {
			return i.LoadDst()
		}
		loaded = in
		return i.LoadDSDs()
	}
	for k, s := range steps {
		in, out := pe.In(c.t, s.in), pe.Out(c.t, s.out)
		switch s.do {
		case stepAdd:
			again := v.All()
			if s.vectors > 1 {
				again = v.Again()
			}
			add := func() { next(run.FAdd(c.n*s.vectors, again, in, again), in) }
			if s.times == 1 {
				add()
				break
			}
			if c.keep { // before the loop, which has one instruction for all its turns
				add()
				s.times--
			}
			// The loop counts up: compare, branch, add, jump.
			loop, done := fmt.Sprint("loop ", k), fmt.Sprint("done ", k)
			compiler.Mov(run, count, 0)
			run.Label(loop)
			compiler.Calc(run, pe.ISub, left, s.times, count)
			compiler.JumpIf(run, left, pe.EQ, 0, done)
			add()
			run.Add(count, 1, 0)
			run.Jump(loop)
			run.Label(done)
		case stepRelay:
			s.turn(run, next(run.FAdd(c.n, out, in, v.All()), in))
		case stepSend:
			s.turn(run, run.FMov(c.n, out, v.All()).LoadDSDs())
		case stepTake:
			run.FMov(c.n, v.All(), in).LoadDSDs()
		}
	}
	run.Timestamp("end", clock)
	run.Halt()
}

// turn completes an instruction that sends.
func (s step) turn(run *compiler.Task, in *compiler.Instr) {
	switch s.after {
	case turnOwn:
		in.ThenAdvance()
	case turnWay:
		run.SendControl(s.out, 0, fabric.SwitchAdvance).LoadDst()
	}
}

// peLine is n PEs in a row or a column, counted from the root.
type peLine struct {
	root fabric.Coord
	down bool // south, else east
	n    int
}

func (l peLine) at(i int) fabric.Coord {
	if l.down {
		return fabric.Coord{X: l.root.X, Y: l.root.Y + i}
	}
	return fabric.Coord{X: l.root.X + i, Y: l.root.Y}
}

// ports are those away from the root and towards it.
func (l peLine) ports() (away, home fabric.Port) {
	if l.down {
		return fabric.South, fabric.North
	}
	return fabric.East, fabric.West
}

// storedInputs are the vectors of PEs first, first+stride, ... as stored.
func storedInputs(t pe.Type, first, stride, count, n int) [][]float32 {
	all := make([][]float32, count)
	for k := range all {
		all[k] = chainInput(first+k*stride, n)
		for i, v := range all[k] {
			all[k][i] = pe.Round(t, v)
		}
	}
	return all
}

// runCollective executes a layout in the end of which each of the first PEs holds want.
func runCollective(ctx context.Context, l *compiler.Layout, t compiler.Target, want []float32, pes int) (*Result, error) {
	r, err := run(ctx, l, t)
	if err != nil {
		return nil, err
	}
	out := &Result{Report: r}
	for i := range pes {
		x, y := i%l.Width, i/l.Width
		end, _ := r.Stamp(x, y, "end")
		out.Cycles = max(out.Cycles, int64(end))
		out.Mismatches += differ(r.Read(x, y, "v"), want)
	}
	return out, nil
}
