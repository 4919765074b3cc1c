package kernels

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// ringPart is the part c of n elements cut into p parts, the first n % p of them one longer.
func ringPart(n, p, c int) (first, length int) {
	q, r := n/p, n%p
	first, length = c*q+min(c, r), q
	if c < r {
		length++
	}
	return first, length
}

// ring lays a ring over the row: one hop east from PE to PE, and from the last all the way west to the
// first. In round s PE x sends chunk x - s and adds to its own what it gets of chunk x - s - 1;
// after P - 1 rounds chunk x + 1 is complete at PE x and goes round once more. A microthread sends while the
// task adds, on one datapath: an element that passes a PE takes two of its cycles.
func (c *collective) ring() (*compiler.Layout, error) {
	p := c.w
	colors := [2]fabric.Color{c.b.Color("even", "chunks from PEs of even x"), c.b.Color("odd", "chunks from PEs of odd x")}
	wrap := c.b.Color("wrap", "chunks from the last PE to the first")
	out := func(x int) fabric.Color {
		if x == p-1 {
			return wrap
		}
		return colors[x%2]
	}
	roles := map[[2]fabric.Color]*compiler.Role{}
	for x := range p {
		key := [2]fabric.Color{out((x + p - 1) % p), out(x)}
		r := roles[key]
		if r == nil {
			r = c.b.Role([4]string{"first", "even", "odd", "last"}[c.place(x)], 2)
			roles[key] = r
			c.ringProgram(r, key[0], key[1])
		}
		at := compiler.At(x, 0)
		c.b.Place(r, at)
		c.b.Param(at, ringChunk, x)
		c.b.Load(at, r.Named("v"), chainInput(x, c.n))
		if p > 1 {
			c.b.Wire(out(x), fabric.Coord{X: x}, fabric.Coord{X: (x + 1) % p})
		}
	}
	return c.b.Build()
}

func (c *collective) place(x int) int {
	switch {
	case x == 0:
		return 0
	case x == c.w-1:
		return 3
	}
	return 1 + x%2
}

// ringChunk is the first register a role takes.
const ringChunk compiler.Reg = 2

func (c *collective) ringProgram(r *compiler.Role, from, to fabric.Color) {
	v := r.Array("v", c.t, c.n)
	at := r.Reg("chunk", 0)
	first, length := r.Reg("first", 0), r.Reg("length", 0)
	left, clock := r.Reg("left", 0), r.Reg("clock", 0)
	q, longer := c.n/c.w, c.n%c.w

	run := r.Local("run")
	r.Start(run)
	// locate sets first and length for the chunk.
	locate := func(label string) {
		compiler.Calc(run, pe.IMul, first, at, q)
		compiler.Mov(run, length, q)
		if longer == 0 {
			return
		}
		compiler.JumpIf(run, at, pe.GE, longer, label+" short")
		compiler.Calc(run, pe.IAdd, first, first, at)
		compiler.Calc(run, pe.IAdd, length, length, 1)
		run.Jump(label + " located")
		run.Label(label + " short")
		compiler.Calc(run, pe.IAdd, first, first, longer)
		run.Label(label + " located")
	}
	rounds := func(label string, receive func(chunk, in pe.Operand) *compiler.Instr) {
		compiler.Mov(run, left, c.w-1)
		run.Label(label)
		run.FMov(0, pe.Out(c.t, to), v.By(first, 1)).Count(length).On(1).LoadDSDs()
		compiler.Calc(run, pe.ISub, at, at, 1)
		compiler.JumpIf(run, at, pe.GE, 0, label+" inside")
		compiler.Calc(run, pe.IAdd, at, at, c.w)
		run.Label(label + " inside")
		locate(label)
		receive(v.By(first, 1), pe.In(c.t, from)).Count(length).LoadDSDs()
		compiler.Calc(run, pe.ISub, left, left, 1)
		compiler.JumpIf(run, left, pe.NE, 0, label)
	}
	if c.w > 1 {
		locate("begin")
		rounds("reduce", func(chunk, in pe.Operand) *compiler.Instr { return run.FAdd(0, chunk, in, chunk) })
		rounds("gather", func(chunk, in pe.Operand) *compiler.Instr { return run.FMov(0, chunk, in) })
	}
	run.Timestamp("end", clock)
	run.Halt()
}

// ringTotal sums as the ring does: chunk c from PE c round to PE c - 1.
func ringTotal(t pe.Type, v [][]float32) []float32 {
	p := len(v)
	sum := make([]float32, len(v[0]))
	for c := range p {
		first, length := ringPart(len(sum), p, c)
		part := sum[first : first+length]
		copy(part, v[c][first:])
		for s := 1; s < p; s++ {
			addTo(t, part, v[(c+s)%p][first:])
		}
	}
	return sum
}
