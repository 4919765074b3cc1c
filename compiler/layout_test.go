package compiler

import (
	"errors"
	"strings"
	"testing"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// pairOf is PE 1 sending a vector to PE 0.
func pairOf(t *testing.T) *Layout {
	t.Helper()
	b := NewBuilder("pair", wse2(t), 2, 1)
	c := b.Color("c", "the vector")
	b.Wire(c, fabric.Coord{X: 1}, fabric.Coord{X: 0})
	taker, sender := b.Role("taker"), b.Role("sender")
	v := taker.Array("v", pe.F32, 4)
	run := taker.Local("run")
	taker.Start(run)
	run.FMov(4, v.All(), pe.In(pe.F32, c))
	run = sender.Local("run")
	sender.Start(run)
	run.FMov(4, pe.Out(pe.F32, c), pe.Constant(pe.F32, 1))
	b.Place(taker, At(0, 0))
	b.Place(sender, At(1, 0))
	l, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wse2(t testing.TB) Target {
	t.Helper()
	m, err := Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestLayoutRefused: every wrong layout is refused before the run, by PE and color.
func TestLayoutRefused(t *testing.T) {
	west, ramp := fabric.Ports(fabric.West), fabric.Ports(fabric.Ramp)
	for want, change := range map[string]func(*Layout){
		"two routes for color 0 at PE (1,0)":                          func(l *Layout) { l.Routes = append(l.Routes, l.Routes[0]) },
		"unrouted color 0: PE (1,0) sends it west, PE (0,0) does not": func(l *Layout) { l.Routes = l.Routes[:1] },
		"unrouted color 0 at PE (1,0): program sender sends it":       func(l *Layout) { l.Routes = l.Routes[1:] },
		"unrouted color 0 at PE (0,0): program taker reads it": func(l *Layout) {
			l.Routes[1].Route = fabric.Static(fabric.Ports(fabric.East), west)
			l.Out = []EdgeOut{{Port: fabric.West}}
		},
		"sends it west over the edge, where no port takes it":             func(l *Layout) { l.Routes[1].Route = fabric.Static(fabric.Ports(fabric.East), west|ramp) },
		"send without a receiver: color 0 is delivered to PE (0,0)":       func(l *Layout) { l.PEs[0].Role = -1 },
		"color 24, must be below 24":                                      func(l *Layout) { l.Routes[0].Color = 24 },
		"must be a part of the 2 x 1 rectangle":                           func(l *Layout) { l.Routes[0].Area.X1 = 3 },
		"3 x 1 rectangle":                                                 func(l *Layout) { l.Width = 3; l.PEs = append(l.PEs, PlacedPE{Role: -1}); l.Routes[0].Area.X1 = 4 },
		"PE (1,0) runs role 5, there are 2":                               func(l *Layout) { l.PEs[1].Role = 5 },
		"1 PEs described, the rectangle has 2":                            func(l *Layout) { l.PEs = l.PEs[:1] },
		"SRAM image of 3 words, program taker 8":                          func(l *Layout) { l.PEs[0].Image = make([]uint16, 3) },
		"bytes of SRAM used, 49152 present":                               func(l *Layout) { l.Roles[0].Words = 1 << 20 },
		"microthread 1 does not exist":                                    func(l *Layout) { l.Roles[1].Tasks[0].Code[0].Thread = 1 },
		"the machine has 750 x 994":                                       func(l *Layout) { l.Height = 995 },
		`edge input "e": port east of PE (0,0) is not at the edge`:        func(l *Layout) { l.In = []EdgeIn{{Name: "e", Port: fabric.East}} },
		`edge input "e": color 0 at PE (0,0): no route receives it north`: func(l *Layout) { l.In = []EdgeIn{{Name: "e", Port: fabric.North}} },
		`edge output "e": color 0 at PE (0,0): no route sends it north`:   func(l *Layout) { l.Out = []EdgeOut{{Name: "e", Port: fabric.North}} },
		`edge input "e": port north of PE (7,0) is not at the edge`:       func(l *Layout) { l.In = []EdgeIn{{Name: "e", At: fabric.Coord{X: 7}, Port: fabric.North}} },
		`edge input "e": a second port for color 0 at PE (0,0) east`: func(l *Layout) {
			l.Width, l.PEs, l.Routes = 1, l.PEs[:1], l.Routes[1:]
			l.In = []EdgeIn{{Name: "d", Port: fabric.East}, {Name: "e", Port: fabric.East}}
		},
		"color 0 at PE (0,0): program taker reads it, nobody sends it there": func(l *Layout) { l.PEs[1].Role = -1 },
		"program taker reads it, nobody sends it": func(l *Layout) {
			l.Routes[1].Route = fabric.Static(fabric.Ports(fabric.North), ramp) // waits for the other side
			l.Routes[0].Route = fabric.Static(ramp, fabric.Ports(fabric.East))
			l.Out = []EdgeOut{{Name: "o", At: fabric.Coord{X: 1}, Port: fabric.East}}
		},
	} {
		l := pairOf(t)
		change(l)
		err := l.Verify(wse2(t))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "layout pair") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := pairOf(t).Verify(wse2(t)); err != nil {
		t.Errorf("the good layout is refused: %v", err)
	}
}

// TestCircleRefused: a route that only goes round has no receiver.
func TestCircleRefused(t *testing.T) {
	b := NewBuilder("circle", wse2(t), 2, 2)
	c := b.Color("c", "goes round")
	n, e, s, w := fabric.Ports(fabric.North), fabric.Ports(fabric.East), fabric.Ports(fabric.South), fabric.Ports(fabric.West)
	b.Route(c, At(0, 0), fabric.Static(s|fabric.Ports(fabric.Ramp), e))
	b.Route(c, At(1, 0), fabric.Static(w, s))
	b.Route(c, At(1, 1), fabric.Static(n, w))
	b.Route(c, At(0, 1), fabric.Static(e, n))
	r := b.Role("r")
	run := r.Local("run")
	r.Start(run)
	run.FMov(1, pe.Out(pe.F32, c), pe.Constant(pe.F32, 1))
	b.Place(r, At(0, 0))
	l, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Verify(wse2(t)); err == nil || !strings.Contains(err.Error(), "send without a receiver: color 0, which enters at PE (0,0) ramp, is routed in a circle") {
		t.Errorf("error %v", err)
	}
}

// TestTwoWiresIntoOnePE: a router has one route per color, so two lines of one color cannot end at one PE.
func TestTwoWiresIntoOnePE(t *testing.T) {
	b := NewBuilder("two", wse2(t), 3, 1)
	c := b.Color("c", "from both sides")
	b.Wire(c, fabric.Coord{}, fabric.Coord{X: 1})
	b.Wire(c, fabric.Coord{X: 2}, fabric.Coord{X: 1})
	l, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Verify(wse2(t)); err == nil || !strings.Contains(err.Error(), "two routes for color 0 at PE (1,0)") {
		t.Errorf("error %v", err)
	}
}

// TestBuilderErrors: Build reports all that is wrong, not only the first.
func TestBuilderErrors(t *testing.T) {
	b := NewBuilder("bad", wse2(t), 2, 2)
	r := b.Role("r")
	r.Array("big", pe.F32, 20000)
	for range 15 {
		r.Reg("x", 0)
	}
	task := r.Local("t")
	task.Jump("nowhere")
	task.Label("here")
	task.Label("here")
	Calc(task, pe.Mov, 2, 1, 2)
	task.Unary(pe.Shl, 2, 3)
	b.Wire(0, fabric.Coord{}, fabric.Coord{X: 1, Y: 1})
	b.Place(r, Area{0, 0, 3, 1})
	b.Place(r, At(0, 0))
	b.Place(r, At(0, 0))
	small := b.Role("small").Array("small", pe.F16, 2)
	b.Load(At(0, 0), small, []float32{1, 2, 3})
	b.Load(At(0, 0), small, []float32{1})
	for range 25 {
		b.Color("c", "")
	}
	l, err := b.Build()
	if err == nil || l != nil {
		t.Fatalf("built %v, error %v", l, err)
	}
	for _, want := range []string{
		`"big" does not fit: 80000 bytes needed, 49152 bytes present`, "all 16 are taken", `no label "nowhere"`, `label "here" twice`,
		"mov is no register instruction of two sources", "shl is no register instruction of one source",
		"no straight line from PE (0,0) to PE (1,1)", "leaves the 2 x 2 rectangle", "has role r already",
		"array small holds 2 elements, 3 loaded", "array small belongs to role small", "all 24 are taken",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("errors lack %q:\n%v", want, err)
		}
	}
	var oom *pe.OutOfMemory
	if !errors.As(err, &oom) {
		t.Error("no *pe.OutOfMemory among the errors")
	}
	if _, err := NewBuilder("wide", wse2(t), 751, 1).Build(); err == nil || !strings.Contains(err.Error(), "751 x 1 PEs, the machine has 750 x 994") {
		t.Errorf("too wide: %v", err)
	}
}
