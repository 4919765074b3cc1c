package runtime

import (
	"fmt"
	"reflect"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

type blind struct{}

func (blind) Saw(fabric.Event) {}

// counters is a mesh of PEs that count down from a number of their own, then read far outside of their SRAM.
func counters(t *testing.T, side int, from func(x, y int) int) *compiler.Layout {
	b := compiler.NewBuilder("counters", machine(t, nil), side, side)
	r := b.Role("count")
	v := r.Array("v", pe.F32, 3)
	n, far := r.Reg("n", 0), r.Reg("far", 1<<20)
	run := r.Local("run")
	r.Start(run)
	run.Label("again")
	run.Add(n, -1, 0)
	compiler.JumpIf(run, n, pe.NE, 0, "again")
	run.FAdd(3, v.All(), v.All(), v.By(far, 1))
	run.Halt()
	for y := range side {
		for x := range side {
			b.Place(r, compiler.At(x, y))
			b.Param(compiler.At(x, y), n, from(x, y))
		}
	}
	return build(t, b)
}

// TestFirstFault: in lanes a later fault may come up before the first one; the first one counts,
// and of several in a cycle the first PE's. An observer has the mesh run cycle by cycle.
func TestFirstFault(t *testing.T) {
	for name, from := range map[string]func(x, y int) int{
		"the last PEs": func(x, y int) int { return 200 - x/12*(y/12) },
		"all at once":  func(x, y int) int { return 200 },
		"one of two":   func(x, y int) int { return 200 - (x+y)%2 },
	} {
		const side = 20
		got := layoutFault(t, counters(t, side, from), LayoutOptions{})
		want := layoutFault(t, counters(t, side, from), LayoutOptions{Observer: blind{}})
		if got.Error() != want.Error() || got.Cycle != want.Cycle {
			t.Errorf("%s: %v\ncycle by cycle: %v", name, got, want)
		}
	}
}

// TestLimitOfBusyMesh: a limit ends the run in the cycle it says.
func TestLimitOfBusyMesh(t *testing.T) {
	l := counters(t, 12, func(x, y int) int { return 1000 + x })
	for limit := fabric.Cycle(300); limit < 340; limit += 3 {
		got := layoutFault(t, l, LayoutOptions{MaxCycles: limit})
		want := layoutFault(t, l, LayoutOptions{MaxCycles: limit, Observer: blind{}})
		if got.Kind != "limit" || got.Error() != want.Error() {
			t.Errorf("limit %d: %v\ncycle by cycle: %v", limit, got, want)
		}
	}
}

// TestDeadlockOfBusyMesh: who waits for what, and since when, is told alike after lanes. All rows send 400 elements
// east, of which those at the end take fewer.
func TestDeadlockOfBusyMesh(t *testing.T) {
	const width, height = 9, 12
	b := compiler.NewBuilder("deadlock", machine(t, nil), width, height)
	colors := [2]fabric.Color{b.Color("even", "from even columns"), b.Color("odd", "from odd ones")}
	for x := range width {
		in, out := colors[(x+1)%2], colors[x%2]
		r := b.Role(fmt.Sprint("column ", x))
		v := r.Array("v", pe.F32, 400)
		n := r.Reg("n", 400)
		run := r.Local("run")
		r.Start(run)
		switch x {
		case 0:
			run.FMov(400, pe.Out(pe.F32, out), v.All())
		case width - 1:
			run.FMov(400, v.All(), pe.In(pe.F32, in)).Count(n)
		default:
			run.FAdd(400, pe.Out(pe.F32, out), pe.In(pe.F32, in), v.All())
		}
		run.Halt()
		for y := range height {
			at := compiler.At(x, y)
			b.Place(r, at)
			if x > 0 {
				b.Route(in, at, fabric.Static(fabric.Ports(fabric.West), fabric.Ports(fabric.Ramp)))
			}
			if x < width-1 {
				b.Route(out, at, fabric.Static(fabric.Ports(fabric.Ramp), fabric.Ports(fabric.East)))
			} else {
				b.Param(at, n, 310-17*y)
			}
		}
	}
	l := build(t, b)
	got := layoutFault(t, l, LayoutOptions{})
	want := layoutFault(t, l, LayoutOptions{Observer: blind{}})
	if got.Kind != "deadlock" || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nrouter by router: %v", got, want)
	}
}

// inAndOut runs a layout in lanes, and cycle by cycle, and holds all that the two report against each other.
func inAndOut(t *testing.T, l *compiler.Layout) {
	t.Helper()
	core := machine(t, nil).Core()
	w, _, err := loadLayout(l, machine(t, nil), &core, LayoutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if w.mesh.Slice(0) == nil {
		t.Fatal("the mesh cannot be put in lanes")
	}
	got, want := runLayout(t, l, LayoutOptions{}), runLayout(t, l, LayoutOptions{Observer: blind{}})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d cycles, %v, cycle by cycle %d, %v; or another PE's states, stamps, memory or registers differ", got.Cycles, got.States, want.Cycles, want.States)
	}
}

// TestMemoryInLanes: elements that are only counted while instructions are under way are there for whoever looks, as if they were
// done one by one. Even rows send an array south that registers and a sum write to meanwhile; odd ones read what
// arrives, send it on from where it arrives, and sum it.
func TestMemoryInLanes(t *testing.T) {
	const side, n = 12, 300
	for round := range 4 {
		b := compiler.NewBuilder("memory", machine(t, nil), side, side)
		ab, ba := b.Color("a", "from even rows"), b.Color("b", "from odd ones")
		for y := range side {
			in, out := ba, ab
			if y%2 != 0 {
				in, out = ab, ba
			}
			r := b.Role(fmt.Sprint("row ", y), 1, 1)
			there, sums := r.Array("there", pe.F32, n), r.Array("sums", pe.F32, n)
			at, step, value, sum, wait := r.Reg("at", 0), r.Reg("step", 1), r.Reg("value", 3), r.Reg("sum", 0), r.Reg("wait", 1)
			run, again := r.Local("run"), r.Local("again")
			r.Start(run)
			if y > 0 {
				run.FMov(n, there.All(), pe.In(pe.F32, in)).On(1)
			}
			if y < side-1 {
				run.FMov(n, pe.Out(pe.F32, out), there.All()).On(2)
			}
			run.Activate(again)
			again.Label("wait")
			again.Add(wait, -1, 0)
			compiler.JumpIf(again, wait, pe.GE, 0, "wait")
			again.Read(value, there.By(at, 1))
			compiler.Calc(again, pe.IAdd, sum, sum, value)
			if (y+round)%3 > 0 {
				again.FAdd(40+y, sums.All(), sums.All(), there.All())
			}
			if y%2 == 0 {
				again.Write(there.By(at, 1), sum)
			}
			compiler.Calc(again, pe.IAdd, at, at, step)
			compiler.Mov(again, wait, 40*round)
			compiler.JumpIf(again, at, pe.LT, n, "wait")
			again.Halt()
			for x := range side {
				c := compiler.At(x, y)
				b.Place(r, c)
				b.Load(c, there, values(n, x+y*side))
				b.Param(c, at, (7*x+3*y)%20)
				b.Param(c, step, 3+(x+y+round)%9)
			}
			southward(b, y, side, [2]fabric.Color{ab, ba})
		}
		inAndOut(t, build(t, b))
	}
}

// TestOwedInLanes: an instruction that begins in lanes sends from where another one has taken elements in that are counted and
// not yet done. Rows in threes: the first sends slowly, the second stores and sends zeros, then what it has stored.
func TestOwedInLanes(t *testing.T) {
	const side, n = 12, 300
	for early := 5; early <= 150; early += 5 {
		b := compiler.NewBuilder("owed", machine(t, nil), side, side)
		ab, bc := b.Color("ab", ""), b.Color("bc", "")
		first, second, third := b.Role("first", 1, 1, 1), b.Role("second", 1, 2), b.Role("third")
		v, w := first.Array("v", pe.F32, n), first.Array("w", pe.F32, n)
		run := first.Local("run")
		first.Start(run)
		run.FMov(n, pe.Out(pe.F32, ab), v.All()).On(1)
		for thread := 2; thread <= 3; thread++ {
			run.FAdd(n, w.All(), w.All(), w.All()).On(thread)
		}
		run.Halt()
		stored, zeros := second.Array("stored", pe.F32, n), second.Array("zeros", pe.F32, n)
		run = second.Local("run")
		second.Start(run)
		run.FMov(n, stored.All(), pe.In(pe.F32, ab)).On(1)
		run.FMov(early, pe.Out(pe.F32, bc), zeros.All()).On(2)
		run.FMov(early/5, pe.Out(pe.F32, bc), stored.All()).On(2)
		run.Halt()
		got := third.Array("got", pe.F32, early+early/5)
		run = third.Local("run")
		third.Start(run)
		run.FMov(early+early/5, got.All(), pe.In(pe.F32, bc))
		run.Halt()
		out, in := fabric.Static(fabric.Ports(fabric.Ramp), fabric.Ports(fabric.South)), fabric.Static(fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp))
		for y := range side {
			row := compiler.Area{Y0: y, X1: side, Y1: y + 1}
			b.Place([]*compiler.Role{first, second, third}[y%3], row)
			switch y % 3 {
			case 0:
				b.Route(ab, row, out)
				b.Load(row, v, values(n, 1))
			case 1:
				b.Route(ab, row, in)
				b.Route(bc, row, out)
			case 2:
				b.Route(bc, row, in)
			}
		}
		inAndOut(t, build(t, b))
	}
}

// southward routes what row y of side x side PEs takes from the row above and sends to the one below, on the colors of even and
// odd rows.
func southward(b *compiler.Builder, y, side int, colors [2]fabric.Color) {
	row := compiler.Area{Y0: y, X1: side, Y1: y + 1}
	for k, color := range colors { // lanes need them in the same order everywhere
		switch sends := k == y%2; {
		case sends && y < side-1:
			b.Route(color, row, fabric.Static(fabric.Ports(fabric.Ramp), fabric.Ports(fabric.South)))
		case !sends && y > 0:
			b.Route(color, row, fabric.Static(fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp)))
		}
	}
}

func values(n, from int) []float32 {
	v := make([]float32, n)
	for k := range v {
		v[k] = float32(from + k%7)
	}
	return v
}

// TestLoopInLanes: of two PEs, one below the other, each adds to what the other one sends, so that neither's elements can
// be done before the other's, nor after them.
func TestLoopInLanes(t *testing.T) {
	const side, n = 12, 500
	for prime := 1; prime <= 3; prime++ {
		b := compiler.NewBuilder("loop", machine(t, nil), side, side)
		south, north := b.Color("south", ""), b.Color("north", "")
		first, second := b.Role("first"), b.Role("second")
		for i, r := range []*compiler.Role{first, second} {
			v, last := r.Array("v", pe.F32, n+prime), r.Array("last", pe.F32, prime)
			run := r.Local("run")
			r.Start(run)
			if i == 0 {
				run.FMov(prime, pe.Out(pe.F32, south), v.All())
				run.FAdd(n, pe.Out(pe.F32, south), pe.In(pe.F32, north), v.All())
				run.FMov(prime, last.All(), pe.In(pe.F32, north))
			} else {
				run.FAdd(n+prime, pe.Out(pe.F32, north), pe.In(pe.F32, south), v.All())
			}
			run.Halt()
			for y := i; y < side; y += 2 {
				for x := range side {
					c := compiler.At(x, y)
					b.Place(r, c)
					b.Load(c, v, values(n+prime, i))
					to, from := fabric.Static(fabric.Ports(fabric.Ramp), fabric.Ports(fabric.South)), fabric.Static(fabric.Ports(fabric.South), fabric.Ports(fabric.Ramp))
					if i == 1 {
						to, from = fabric.Static(fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp)), fabric.Static(fabric.Ports(fabric.Ramp), fabric.Ports(fabric.North))
					}
					b.Route(south, c, to)
					b.Route(north, c, from)
				}
			}
		}
		inAndOut(t, build(t, b))
	}
}

// TestTwoTakersInLanes: two instructions of a PE take turns at what one color brings.
func TestTwoTakersInLanes(t *testing.T) {
	const side, n = 12, 400
	b := compiler.NewBuilder("takers", machine(t, nil), side, side)
	south := b.Color("south", "")
	send, take := b.Role("send"), b.Role("take", 1, 1)
	v := send.Array("v", pe.F32, n)
	out := send.Local("run")
	send.Start(out)
	out.FMov(n, pe.Out(pe.F32, south), v.All())
	out.Halt()
	one, two := take.Array("one", pe.F32, n/2), take.Array("two", pe.F32, n/2)
	in := take.Local("run")
	take.Start(in)
	in.FMov(n/2, one.All(), pe.In(pe.F32, south)).On(1)
	in.FMul(n/2, two.All(), pe.In(pe.F32, south), pe.Constant(pe.F32, 3)).On(2)
	in.Halt()
	for y := range side {
		for x := range side {
			c := compiler.At(x, y)
			if y%2 == 0 {
				b.Place(send, c)
				b.Load(c, v, values(n, x))
				b.Route(south, c, fabric.Static(fabric.Ports(fabric.Ramp), fabric.Ports(fabric.South)))
			} else {
				b.Place(take, c)
				b.Route(south, c, fabric.Static(fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp)))
			}
		}
	}
	inAndOut(t, build(t, b))
}
