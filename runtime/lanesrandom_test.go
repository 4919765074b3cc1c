package runtime

import (
	"fmt"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// pieces cuts n elements at random.
func pieces(t *rapid.T, n int) (all []int) {
	for n > 0 {
		k := min(n, rapid.IntRange(1, 90).Draw(t, "piece"))
		all, n = append(all, k), n-k
	}
	return all
}

// TestStreamsInLanes: rows of PEs take from the row above and send to the one below, in pieces of any length, on threads
// of their own, out of one small array, so that what comes in, what goes out, sums in place and registers meet the same words.
// Whatever the order, lanes and cycle by cycle have the same machine.
func TestStreamsInLanes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const side, words = 9, 120
		b := compiler.NewBuilder("streams", machine(t, nil), side, side)
		colors := [2]fabric.Color{b.Color("even", "from even rows"), b.Color("odd", "from odd ones")}
		elements := make([]int, side) // from row to row
		for y := range elements {
			elements[y] = rapid.IntRange(100, 500).Draw(rt, "elements")
		}
		for y := range side {
			in, out := colors[(y+1)%2], colors[y%2]
			r := b.Role(fmt.Sprint("row ", y), 12, 12, 12)
			v := r.Array("v", pe.F32, words)
			at, x := r.Reg("at", y), r.Reg("x", 0)
			run := r.Local("run")
			r.Start(run)
			part := func(n int) pe.Operand { return v.From(rapid.IntRange(0, words-n).Draw(rt, "from")) }
			var takes, gives []int
			if y > 0 {
				takes = pieces(rt, elements[y-1])
			}
			if y < side-1 {
				gives = pieces(rt, elements[y])
			}
			for len(takes)+len(gives) > 0 {
				switch kind := rapid.IntRange(0, 9).Draw(rt, "kind"); {
				case kind < 4 && len(takes) > 0:
					n := takes[0]
					takes = takes[1:]
					if kind < 2 {
						run.FMov(n, part(n), pe.In(pe.F32, in)).On(1)
					} else {
						run.FMul(n, part(n), pe.In(pe.F32, in), pe.Constant(pe.F32, 0.5)).On(1)
					}
				case kind < 8 && len(gives) > 0:
					n := gives[0]
					gives = gives[1:]
					if kind == 4 && len(takes) > 0 && takes[0] == n { // passes on, what it adds to
						takes = takes[1:]
						run.FAdd(n, pe.Out(pe.F32, out), pe.In(pe.F32, in), part(n)).On(1)
					} else {
						run.FMov(n, pe.Out(pe.F32, out), part(n)).On(2)
					}
				case kind == 8:
					n := rapid.IntRange(1, words).Draw(rt, "sum")
					o := part(n)
					run.FAdd(n, o, o, part(n)).On(3)
				case kind == 9:
					run.Read(x, v.By(at, 1))
					run.Write(v.By(at, 1), x)
				}
			}
			run.Halt()
			row := compiler.Area{Y0: y, X1: side, Y1: y + 1}
			b.Place(r, row)
			for x := range side {
				b.Load(compiler.At(x, y), v, values(words, x+3*y))
				b.Param(compiler.At(x, y), at, (5*x+7*y)%words)
			}
			southward(b, y, side, colors)
		}
		inAndOut(t, build(t, b))
		if t.Failed() {
			rt.FailNow()
		}
	})
}
