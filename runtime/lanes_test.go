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

// TestFirstFault: in squares a later fault may come up before the first one; the first one counts,
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
