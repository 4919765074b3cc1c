package runtime_test

import (
	"context"
	"fmt"
	"log"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// A scatter: PE 0 sends four elements to PE 1 and four to PE 2 on one color. Between them a control wavelet turns PE 1's
// switch from its PE to passing by. The receivers take theirs on a microthread, whose end unblocks the task that sums.
func Example() {
	machine, err := compiler.Preset("wse2")
	if err != nil {
		log.Fatal(err)
	}
	b := compiler.NewBuilder("scatter", machine, 3, 1)
	c := b.Color("c", "the parts")
	ramp, east, west := fabric.Ports(fabric.Ramp), fabric.Ports(fabric.East), fabric.Ports(fabric.West)
	b.Route(c, compiler.At(0, 0), fabric.Static(ramp, east))
	b.Route(c, compiler.At(1, 0), fabric.Route{
		Positions:     []fabric.Position{{Rx: west, Tx: ramp}, {Rx: west, Tx: east}},
		FilterControl: true, // PE 1 does not see the control wavelet
	})
	b.Route(c, compiler.At(2, 0), fabric.Static(west, ramp))

	root := b.Role("root")
	v := root.Array("v", pe.F32, 8)
	send := root.Local("send")
	root.Start(send)
	send.FMov(4, pe.Out(pe.F32, c), v.All())
	send.SendControl(c, 0, fabric.SwitchStay, fabric.SwitchAdvance) // PE 0's router, then PE 1's
	send.FMov(4, pe.Out(pe.F32, c), v.From(4))
	send.Halt()
	b.Place(root, compiler.At(0, 0))
	b.Load(compiler.At(0, 0), v, []float32{1, 2, 3, 4, 50, 60, 70, 80})

	leaf := b.Role("leaf", 1) // a microthread that holds one instruction
	part := leaf.Array("part", pe.F32, 4)
	i, x, sum, clock := leaf.Reg("i", 0), leaf.Reg("x", 0), leaf.Reg("sum", 0), leaf.Reg("clock", 0)
	take, add := leaf.Local("take"), leaf.Local("add")
	leaf.Start(take)
	take.Block(add)
	take.Activate(add) // runs once it is unblocked
	take.FMov(4, part.All(), pe.In(pe.F32, c)).On(1).ThenUnblock(add)
	add.Label("next")
	add.Read(x, part.By(i, 1))
	compiler.Calc(add, pe.SAdd, sum, sum, x)
	add.Add(i, 1, 0)
	compiler.JumpIf(add, i, pe.LT, 4, "next")
	add.Timestamp("end", clock)
	add.Halt()
	b.Place(leaf, compiler.Area{X0: 1, X1: 3, Y1: 1})

	l, err := b.Build()
	if err != nil {
		log.Fatal(err)
	}
	r, err := runtime.RunLayout(context.Background(), l, machine, runtime.LayoutOptions{MaxCycles: 1e6})
	if err != nil {
		log.Fatal(err)
	}
	for x := 1; x < 3; x++ {
		end, _ := r.Stamp(x, 0, "end")
		fmt.Printf("PE %d: sum %v in cycle %d\n", x, pe.Value(pe.F32, uint32(r.Registers[x][sum])), end)
	}
	// Output:
	// PE 1: sum 10 in cycle 52
	// PE 2: sum 260 in cycle 64
}
