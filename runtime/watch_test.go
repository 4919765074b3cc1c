package runtime

import (
	"context"
	"strings"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// cast is PE (2,0) sending n elements west to PEs (1,0) and (0,0); the latter loads its
// descriptors first. PE (1,0) sends one wavelet of another color to PE (0,0) over the same link.
func cast(t *testing.T, n int) *compiler.Layout {
	b := compiler.NewBuilder("cast", machine(t, nil), 3, 1)
	east, west, ramp := fabric.Ports(fabric.East), fabric.Ports(fabric.West), fabric.Ports(fabric.Ramp)
	c, d := b.Color("cast", "the vector"), b.Color("note", "one wavelet")
	b.Route(c, compiler.At(2, 0), fabric.Static(ramp, west))
	b.Route(c, compiler.At(1, 0), fabric.Static(east, ramp|west))
	b.Route(c, compiler.At(0, 0), fabric.Static(east, ramp))
	b.Wire(d, fabric.Coord{X: 1}, fabric.Coord{X: 0})
	for x := range 3 {
		r := b.Role([]string{"far", "near", "sender"}[x], 1)
		v := r.Array("v", pe.F32, n)
		run := r.Local("run")
		r.Start(run)
		switch x {
		case 0:
			run.FMov(n, v.All(), pe.In(pe.F32, c)).LoadDSDs()
			run.FMov(1, v.All(), pe.In(pe.F32, d))
		case 1:
			run.FMov(n, v.All(), pe.In(pe.F32, c)).On(1)
			run.FMov(1, pe.Out(pe.F32, d), v.All())
		case 2:
			run.FMov(n, pe.Out(pe.F32, c), v.All())
		}
		run.Halt()
		b.Place(r, compiler.At(x, 0))
		if x == 2 {
			values := make([]float32, n)
			for i := range values {
				values[i] = float32(1 + i)
			}
			b.Load(compiler.At(x, 0), v, values)
		}
	}
	return build(t, b)
}

func follow(t *testing.T, l *compiler.Layout, w *Watch) (string, *LayoutReport) {
	t.Helper()
	r, err := RunLayout(WithWatch(context.Background(), w), l, machine(t, nil), LayoutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Found(); err != nil {
		t.Fatal(err)
	}
	return w.Life(), r
}

// TestWatch: lives computed by hand. Launch 17, switch 10, start 6: element i leaves the sender in
// 33 + i and is at its router 3 later, then a hop per router, 2 to a PE. PE (1,0) interleaves two
// starts, takes element 0 in 39, sends its note in 40 and halts in 42: element i is taken in 41 + i
// at the earliest. PE (0,0) begins in 61: until then its queue (6, with the ramp) holds elements 0 to 5,
// its router's buffer 6 to 9, and element 10 waits at router (1,0).
func TestWatch(t *testing.T) {
	for _, c := range []struct {
		n    int
		w    Watch
		want string
	}{
		{2, Watch{At: fabric.Coord{X: 2}, Index: 0}, `wavelet 0 of color 0 (cast) from (2,0), payload 0x3f800000

 cycle  place
    16  PE (2,0)      sends it: task run: fmov x2 f32 fabout(0) = f32[0x0], element 0
    19  router (2,0)  ramp -> west
    20  router (1,0)  east -> west + ramp
    21  router (0,0)  east -> ramp
    22  PE (1,0)      takes it: microthread 1: fmov x2 f32[0x0] = f32 fabin(0) async thread 1, element 0
    23  (0,0)         waits 21 cycles: start of task run: fmov x2 f32[0x0] = f32 fabin(0)
    44  PE (0,0)      takes it: task run: fmov x2 f32[0x0] = f32 fabin(0), element 0
`},
		{100, Watch{At: fabric.Coord{X: 2}, Index: 6}, `wavelet 6 of color 0 (cast) from (2,0), payload 0x40e00000

 cycle  place
    22  PE (2,0)      sends it: task run: fmov x100 f32 fabout(0) = f32[0x0], element 6
    25  router (2,0)  ramp -> west
    26  (1,0)         waits 1 cycle: link west carries color 1 (note)
    27  router (1,0)  east -> west + ramp
    28  (0,0)         waits 17 cycles: no room for color 0 (cast) at PE (0,0)
    29  (1,0)         waits 1 cycle: behind 1 wavelet of its color
    30  PE (1,0)      takes it: microthread 1: fmov x100 f32[0x0] = f32 fabin(0) async thread 1, element 6
    45  router (0,0)  east -> ramp
    47  (0,0)         waits 3 cycles: behind 3 wavelets of its color
    50  PE (0,0)      takes it: task run: fmov x100 f32[0x0] = f32 fabin(0), element 6
`},
		{100, Watch{At: fabric.Coord{X: 2}, Index: 10}, `wavelet 10 of color 0 (cast) from (2,0), payload 0x41300000

 cycle  place
    26  PE (2,0)      sends it: task run: fmov x100 f32 fabout(0) = f32[0x0], element 10
    29  router (2,0)  ramp -> west
    30  (1,0)         waits 1 cycle: behind 1 wavelet of its color
    31  (1,0)         waits 15 cycles: no room for color 0 (cast) at router (0,0)
    46  router (1,0)  east -> west + ramp
    47  (0,0)         waits 2 cycles: behind 2 wavelets of its color
    48  PE (1,0)      takes it: microthread 1: fmov x100 f32[0x0] = f32 fabin(0) async thread 1, element 10
    49  router (0,0)  east -> ramp
    51  (0,0)         waits 3 cycles: behind 3 wavelets of its color
    54  PE (0,0)      takes it: task run: fmov x100 f32[0x0] = f32 fabin(0), element 10
`},
		{100, Watch{At: fabric.Coord{X: 1}, Color: 1}, `wavelet 0 of color 1 (note) from (1,0), payload 0x3f800000

 cycle  place
    23  PE (1,0)      sends it: task run: fmov x1 f32 fabout(1) = f32[0x0], element 0
    26  router (1,0)  ramp -> west
    27  router (0,0)  east -> ramp
    29  (0,0)         waits 15 cycles: start of task run: fmov x100 f32[0x0] = f32 fabin(0)
    44  (0,0)         waits 100 cycles: task run: fmov x100 f32[0x0] = f32 fabin(0)
   144  (0,0)         waits 6 cycles: start of task run: fmov x1 f32[0x0] = f32 fabin(1)
   150  PE (0,0)      takes it: task run: fmov x1 f32[0x0] = f32 fabin(1), element 0
`},
	} {
		got, r := follow(t, cast(t, c.n), &c.w)
		if got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
		if plain := runLayout(t, cast(t, c.n), LayoutOptions{}); plain.Cycles != r.Cycles || plain.States != r.States {
			t.Errorf("watched: %d cycles, %v; not watched: %d, %v", r.Cycles, r.States, plain.Cycles, plain.States)
		}
	}
}

func TestWatchNotFound(t *testing.T) {
	for want, w := range map[string]*Watch{
		"no such wavelet: at (2,0) enter color 0 (cast), index 0 to 1": {At: fabric.Coord{X: 2}, Index: 2},
		"no wavelet enters at (0,0)":                                   {},
	} {
		if _, err := RunLayout(WithWatch(context.Background(), w), cast(t, 2), machine(t, nil), LayoutOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := w.Found(); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// TestWatchWeights: a weight that enters at the north edge, multicast down its column.
func TestWatchWeights(t *testing.T) {
	m := machine(t, fields{{"width", 4}, {"height", 3}})
	p := compile(t, model.MatMul("m", 12, 8, 8, model.MaskSpec{Kind: model.MaskUnstructured}, 1, model.Mixed), m, compiler.Options{Groups: 1, RunAhead: 2})
	w := &Watch{At: fabric.Coord{X: 1}, Index: 5}
	if _, err := Run(WithWatch(context.Background(), w), p, Options{Fidelity: Wavelet}); err != nil {
		t.Fatal(err)
	}
	life := w.Life()
	for _, want := range []string{"wavelet 5 of color 0 (weights) from (1,0)", "edge (1,0)", "north -> south + ramp", "router (1,2)  north -> ramp", "PE (1,2)", "starts task"} {
		if !strings.Contains(life, want) {
			t.Errorf("no %q in\n%s", want, life)
		}
	}
}

// TestWatchFault: after a fault the life says where the wavelet was left.
func TestWatchFault(t *testing.T) {
	w := &Watch{At: fabric.Coord{X: 1}, Index: 9}
	if _, err := RunLayout(WithWatch(context.Background(), w), handover(t, 10, 8), machine(t, nil), LayoutOptions{}); err == nil {
		t.Fatal("no fault, though two wavelets are not taken")
	}
	if want := "   end  (0,0)         left in the input queue of the PE, 1 ahead of it\n"; !strings.HasSuffix(w.Life(), want) {
		t.Errorf("life does not end with %q:\n%s", want, w.Life())
	}
}
