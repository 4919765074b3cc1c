package kernels

import (
	"context"
	"reflect"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/runtime"
)

type blind struct{}

func (blind) Saw(fabric.Event) {}

// TestAheadOfTime: under an observer every PE decides cycle by cycle, and the mesh is run cycle by
// cycle. Without one PEs stream ahead, routers leave out what cannot move, and a busy mesh is run in
// lanes. All that anyone can see is the same.
func TestAheadOfTime(t *testing.T) {
	t.Parallel()
	m := wse2(t)
	for _, c := range []struct {
		name string
		k    interface {
			Layout(compiler.Target) (*compiler.Layout, error)
		}
	}{
		{"stencil", Stencil{NZ: 40, Width: 17, Height: 14, Steps: 2}},
		{"stencil, deep", Stencil{NZ: 300, Width: 9, Height: 8, Steps: 1}},
		{"stencil, one row", Stencil{NZ: 40, Width: 80, Height: 1, Steps: 2}},
		{"stencil, two words", Stencil{NZ: 150, Width: 70, Height: 9, Steps: 1}},
		{"reduce", Reduce2D{Width: 67, Height: 11, Elements: 200}},
		{"broadcast", Broadcast2D{Width: 66, Height: 10, Elements: 300}},
		{"ring", AllReduce{Algorithm: RingAllReduce, PEs: 64, Elements: 1024}},
		{"cannon", GEMM{Algorithm: "cannon", N: 48, Mesh: 12}},
		{"summa", GEMM{Algorithm: "summa", N: 48, Mesh: 12}},
		{"gemv", GEMV{N: 64, Mesh: 16}},
	} {
		l, err := c.k.Layout(m)
		if err != nil {
			t.Fatal(err)
		}
		run := func(o runtime.LayoutOptions) *runtime.LayoutReport {
			r, err := runtime.RunLayout(context.Background(), l, m, o)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			return r
		}
		got, want := run(runtime.LayoutOptions{}), run(runtime.LayoutOptions{Observer: blind{}})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d cycles, %v, cycle by cycle %d, %v; or another PE's states, stamps, memory or registers differ", c.name, got.Cycles, got.States, want.Cycles, want.States)
		}
	}
}
