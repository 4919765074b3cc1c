package compiler

import (
	"strings"
	"testing"

	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// TestKernelsRefuse: what the stream cannot address or the bus cannot carry is an error that says so.
func TestKernelsRefuse(t *testing.T) {
	cfg := model.Config{Name: "small", Layers: 1, DModel: 12, Heads: 2, DFF: 3, Vocabulary: 7, SequenceLength: 4}
	s := testSpace(t, cfg, 8, 2, 0, 2, 4, model.Mixed)
	feat := &Tile{Name: "x", Bounds: s.Feat, Type: pe.F16, Base: 2048}
	few := &Tile{Name: "few", Bounds: s.FF, Type: pe.F16, Base: 4096}
	wide := &Tile{Name: "wide", Bounds: s.Feat, Type: pe.F32, Base: 4096}
	ones := func(base int) *Tile { return &Tile{Name: "ones", Type: pe.F16, Base: base} }
	for _, c := range []struct {
		kernel Kernel
		want   string
	}{
		{&Linear{Param: "w", Bias: "b", X: feat, Y: few, Ones: ones(2049)}, "ones at word 2049 cannot be reached from tile x at word 2048"},
		{&Linear{Param: "w", Bias: "b", X: feat, Y: few, Ones: ones(1024)}, "cannot be reached"},
		{&Linear{Param: "w", X: wide, Y: few}, "tile wide is f32"},
		{&Linear{Param: "w", X: feat, Y: few, Add: wide}, "tile wide cannot be added to tile few"},
		{&WeightGrad{Param: "w", DY: few, X: few}, "before columns with features of few are some without, and so of few: none can send in turn"},
		{&WeightGrad{Param: "w", DY: wide, X: feat}, "tile x"},
		{&WeightGrad{Param: "w", Bias: "b", DY: feat, X: few, Ones: ones(4097)}, "cannot be reached from tile few"},
		{&WeightGrad{Param: "w", Bias: "b", DY: feat, X: few, Ones: ones(4100)}, ""},
	} {
		_, err := c.kernel.Layout(s, 1, 1)
		if err == nil && c.want != "" || err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.kernel.Name(), err, c.want)
		}
	}
}

// TestGradientSides: the fewer features go over the bus, of equally many those that are less evenly
// spread, unless columns before others have none of them.
func TestGradientSides(t *testing.T) {
	tile := func(bounds ...int) *Tile { return &Tile{Bounds: bounds} }
	for _, c := range []struct {
		dy, x *Tile
		byDY  bool
	}{
		{tile(0, 2, 4), tile(0, 4, 8), true},
		{tile(0, 4, 8), tile(0, 2, 4), false},
		{tile(0, 2, 4), tile(0, 2, 4), true},
		{tile(0, 0, 1), tile(0, 4, 8), false},
		{tile(0, 4, 8), tile(0, 1, 1), false},
		{tile(0, 4, 8), tile(0, 0, 1), true},
		{tile(0, 3, 4, 4), tile(0, 1, 2, 4), true},
		{tile(0, 1, 2, 4), tile(0, 3, 4, 4), false},
	} {
		if got := (&WeightGrad{DY: c.dy, X: c.x}).ByDY(); got != c.byDY {
			t.Errorf("dY %v, X %v: dY is sent: %v", c.dy.Bounds, c.x.Bounds, got)
		}
	}
}
