package compiler

import (
	"fmt"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// seat is a PE's place in a chain over the columns of a group (west to east) or over the rows
// (last to first): what its code depends on.
type seat struct {
	first, last bool
	odd         int // parity of its number: which of the chain's two colors it sends on
}

func (p seat) only() bool { return p.first && p.last }

func (p seat) String() string {
	switch {
	case p.only():
		return "only"
	case p.first:
		return fmt.Sprint("first ", p.odd)
	case p.last:
		return fmt.Sprint("last ", p.odd)
	}
	return fmt.Sprint("middle ", p.odd)
}

// columnSeat is column c's in the row chain.
func (s *Space) columnSeat(c int) seat {
	return seat{first: c == 0, last: c == s.Columns-1, odd: c % 2}
}

// rowSeat is row y's in a chain up the column.
func rowSeat(y, rows int) seat {
	return seat{first: y == rows-1, last: y == 0, odd: y % 2}
}

// stepLayout starts the layout of a kernel on the first rows PE rows of the first groups
// groups. All of them share the I/O link, and what all systems share the way from MemoryX.
func stepLayout(k Kernel, s *Space, groups, rows int) *Builder {
	b := NewBuilder(k.Name(), s.Target, groups*s.Columns, rows)
	rate := s.Target.IORate()
	if Shared(k) {
		rate = s.StreamRate
	}
	b.l.InRate, b.l.OutRate = rate, rate
	return b
}

// use lists a color of a step.
func (b *Builder) use(c fabric.Color, name, what string) {
	b.l.Colors = append(b.l.Colors, ColorUse{c, name, what})
}

func one(p fabric.Port) fabric.PortSet { return fabric.Ports(p) }

// routeDown multicasts a color down every column from the north edge, and declares the edge
// inputs, the same for all groups: In[c] feeds column c.
func (b *Builder) routeDown(c fabric.Color, s *Space, groups, rows int) {
	b.use(c, "weights", "parameters and commands, down each column")
	x1 := groups * s.Columns
	if rows > 1 {
		b.Route(c, Area{0, 0, x1, rows - 1}, fabric.Static(one(fabric.North), fabric.Ports(fabric.South, fabric.Ramp)))
	}
	b.Route(c, Area{0, rows - 1, x1, rows}, fabric.Static(one(fabric.North), one(fabric.Ramp)))
	for x := range s.Columns {
		e := EdgeIn{Name: fmt.Sprintf("weights of column %d", x), At: fabric.Coord{X: x}, Port: fabric.North, Color: c}
		for g := 1; g < groups; g++ {
			e.Also = append(e.Also, fabric.Coord{X: g*s.Columns + x})
		}
		b.EdgeIn(e)
	}
}

// routeRow lays the chain east over the columns of every group and the broadcast back west.
func (b *Builder) routeRow(s *Space, groups, rows int) {
	if s.Columns == 1 {
		return
	}
	b.use(rowEast, "row east 0", "sums over the columns of a group, out of even columns")
	b.use(rowEast2, "row east 1", "sums over the columns of a group, out of odd columns")
	b.use(rowWest, "row west", "the group's result, from its last column to all others")
	last := s.Columns - 1
	for g := range groups {
		at := func(x int) Area { return Area{g*s.Columns + x, 0, g*s.Columns + x + 1, rows} }
		for x := range last {
			c := rowEast + fabric.Color(x%2)
			b.Route(c, at(x), fabric.Static(one(fabric.Ramp), one(fabric.East)))
			b.Route(c, at(x+1), fabric.Static(one(fabric.West), one(fabric.Ramp)))
		}
		b.Route(rowWest, at(last), fabric.Static(one(fabric.Ramp), one(fabric.West)))
		for x := 1; x < last; x++ {
			b.Route(rowWest, at(x), fabric.Static(one(fabric.East), fabric.Ports(fabric.West, fabric.Ramp)))
		}
		b.Route(rowWest, at(0), fabric.Static(one(fabric.East), one(fabric.Ramp)))
	}
}

// routeUp lays the chain up every column of xs from the last row to row 0 and over the edge;
// Out gets a port per column, in their order.
func (b *Builder) routeUp(xs []int, rows int) {
	b.use(gradNorth, "sums north 0", "sums over the rows, out of even rows")
	b.use(gradNorth2, "sums north 1", "sums over the rows, out of odd rows")
	for _, x := range xs {
		for y := range rows {
			c := gradNorth + fabric.Color(y%2)
			b.Route(c, At(x, y), fabric.Static(one(fabric.Ramp), one(fabric.North)))
			if y > 0 {
				b.Route(c, At(x, y-1), fabric.Static(one(fabric.South), one(fabric.Ramp)))
			}
		}
		b.EdgeOut(EdgeOut{Name: fmt.Sprintf("sums of column %d", x), At: fabric.Coord{X: x}, Port: fabric.North, Color: gradNorth})
	}
}

// routeBlocks lays the distribution of row after row: the router of row y takes what comes
// from the north for its own row, until the control wavelet behind the block turns it south.
// A block goes to the PE of column x, and with along to all PEs of its group's row.
func (b *Builder) routeBlocks(c fabric.Color, s *Space, groups, rows int, along bool) {
	own, wide := one(fabric.Ramp), s.Columns
	if along && s.Columns > 1 {
		own = fabric.Ports(fabric.Ramp, fabric.East)
	}
	if !along {
		wide = 1
	}
	take := fabric.Position{Rx: one(fabric.North), Tx: own}
	pass := fabric.Position{Rx: one(fabric.North), Tx: one(fabric.South)}
	for x := 0; x < groups*s.Columns; x += wide {
		if rows > 1 {
			b.Route(c, Area{x, 0, x + 1, rows - 1}, fabric.Route{Positions: []fabric.Position{take, pass}, KeepCommand: true})
		}
		b.Route(c, At(x, rows-1), fabric.Route{Positions: []fabric.Position{take}, KeepCommand: true})
		if wide > 2 {
			b.Route(c, Area{x + 1, 0, x + wide - 1, rows}, fabric.Static(one(fabric.West), fabric.Ports(fabric.Ramp, fabric.East)))
		}
		if wide > 1 {
			b.Route(c, Area{x + wide - 1, 0, x + wide, rows}, fabric.Static(one(fabric.West), one(fabric.Ramp)))
		}
		b.EdgeIn(EdgeIn{Name: fmt.Sprintf("blocks of column %d", x), At: fabric.Coord{X: x}, Port: fabric.North, Color: c})
	}
}

// passOn adds n fp32 sums of the PE to those that come along a chain of colors c and c+1, and
// sends them on; the chain's last PE puts them into total, or with none sends them too.
func (t *Task) passOn(p seat, c fabric.Color, op pe.Op, n int, total, own pe.Operand) *Instr {
	dst, in := pe.Out(pe.F32, c+fabric.Color(p.odd)), pe.In(pe.F32, c+fabric.Color(1-p.odd))
	if p.last && total.Kind != pe.None {
		dst = total
	}
	var i *Instr
	if p.first {
		i = t.FMov(n, dst, own)
	} else {
		i = t.tensor(op, n, dst, in, own)
	}
	return i.As(pe.RingAdd, pe.WaitPsum).LoadDSDs()
}

// rowTotal reduces over the columns of a group and leaves the result with its last.
func (t *Task) rowTotal(p seat, op pe.Op, n int, x pe.Operand) {
	if !p.only() {
		t.passOn(p, rowEast, op, n, x, x)
	}
}

// spread copies n fp32 of the group's last column to all others.
func (t *Task) spread(p seat, n int, x pe.Operand) {
	switch {
	case p.only():
	case p.last:
		t.FMov(n, pe.Out(pe.F32, rowWest), x).As(pe.RingAdd, pe.WaitPsum).LoadDSDs()
	default:
		t.FMov(n, x, pe.In(pe.F32, rowWest)).As(pe.RingAdd, pe.WaitPsum).LoadDSDs()
	}
}

// next is the array from element reg*scale on; reg then counts one more.
func (a Array) next(reg Reg, scale int) pe.Operand {
	o := a.By(reg, scale)
	o.Advance = 1
	return o
}

// again is the first n elements over and over, for sums over features.
func (a Array) again(n int) pe.Operand {
	o := a.All()
	o.Inner = n
	return o
}

// weightValue is a data task's value of a parameter in the format of weights.
func weightValue(s *Space) pe.Operand { return pe.Register(s.Type(), int(Value)) }

// parameter adds a task for the parameters of a color that opens with a tensor instruction.
func (r *Role) parameter(name string, s *Space) *Task {
	t := r.Data(name, weightColor).Triggered()
	if s.Type() == pe.F32 {
		t.Words2() // a 32-bit value and an index do not fit one payload
	}
	return t
}
