package runtime

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// build finishes a layout that must be right.
func build(t *testing.T, b *compiler.Builder) *compiler.Layout {
	t.Helper()
	l, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func runLayout(t *testing.T, l *compiler.Layout, o LayoutOptions) *LayoutReport {
	t.Helper()
	r, err := RunLayout(context.Background(), l, machine(t, nil), o)
	if err != nil {
		t.Fatal(err)
	}
	if total := r.States.Total(); total != int64(len(l.PEs))*int64(r.Cycles) {
		t.Errorf("states sum to %d, want %d PEs x %d cycles", total, len(l.PEs), r.Cycles)
	}
	return r
}

// scaler is a column of PEs that gets weights from the north edge. Each adds weight * index to
// its own count; a control wavelet makes the last send its count over the south edge.
func scaler(t *testing.T, height int, rate float64, list []fabric.Wavelet) *compiler.Layout {
	b := compiler.NewBuilder("scaler", machine(t, nil), 1, height)
	in, out := b.Color("in", "weights"), b.Color("out", "the count")
	north, ramp := fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp)
	for y := range height {
		r := b.Role("row")
		count, term := r.Reg("count", 0), r.Reg("term", 0)
		w := r.Data("weight", in)
		compiler.Calc(w, pe.IMul, term, compiler.Value, compiler.Index)
		compiler.Calc(w, pe.IAdd, count, count, term)
		end := r.Control("end", in, 3)
		tx := fabric.Ports(fabric.Ramp, fabric.South)
		if y == height-1 {
			end.Send(out, count)
			tx = ramp
			b.Route(out, compiler.At(0, y), fabric.Static(ramp, fabric.Ports(fabric.South)))
		}
		end.Halt()
		b.Place(r, compiler.At(0, y))
		b.Param(compiler.At(0, y), count, 1000*y)
		b.Route(in, compiler.At(0, y), fabric.Static(north, tx))
	}
	b.EdgeIn(compiler.EdgeIn{Name: "weights", Port: fabric.North, Color: in, List: list, Rate: rate})
	b.EdgeOut(compiler.EdgeOut{Name: "count", At: fabric.Coord{Y: height - 1}, Port: fabric.South, Color: out})
	return build(t, b)
}

func TestEdgeToEdge(t *testing.T) {
	list := []fabric.Wavelet{{Data: fabric.Pack(3, 2)}, {Data: fabric.Pack(5, 10)}, {Control: true, Data: fabric.Pack(3, 0)}}
	for _, rate := range []float64{0, 0.03} {
		l := scaler(t, 3, rate, list)
		r := runLayout(t, l, LayoutOptions{})
		// Row 2 sees a wavelet sent in cycle t in t + 1 (edge) + 2 hops + 2 (ramp). Two tasks of 10 + 2
		// cycles, the switch to the third, the send; then ramp 2 + 1, and 1 over the edge.
		first := fabric.Cycle(0 + 1 + 2 + 2)
		sent := first + 12 + 12 + 10
		if rate > 0 {
			sent = first + 67 + 10 // the third leaves when 0.03 per cycle have come to 2
		}
		want := Arrival{Cycle: sent + 3 + 1, Wavelet: fabric.Wavelet{Data: 2056, Color: 1}}
		if got := r.Out[0].Arrivals; len(got) != 1 || got[0] != want || r.Out[0].Name != "count" {
			t.Errorf("rate %v: arrived %+v, want %+v", rate, got, want)
		}
		for y := range 3 {
			if got := r.Registers[y][2]; got != int32(1000*y+56) {
				t.Errorf("row %d counts %d", y, got)
			}
		}
	}
}

func TestEdgeGenerator(t *testing.T) {
	l := scaler(t, 2, 0, nil)
	n := 0
	l.In[0].Next = func() (fabric.Wavelet, bool) {
		n++
		return fabric.Wavelet{Control: n == 101, Data: fabric.Pack(3, 1)}, n <= 101
	}
	if r := runLayout(t, l, LayoutOptions{}); r.Registers[0][2] != 300 {
		t.Errorf("count %d, want 300", r.Registers[0][2])
	}
}

// doubler doubles its array in place.
func doubler(t *testing.T) *compiler.Layout {
	b := compiler.NewBuilder("doubler", machine(t, nil), 2, 1)
	r := b.Role("double")
	x := r.Array("x", pe.F32, 3)
	run := r.Local("run")
	r.Start(run)
	run.FAdd(3, x.All(), x.All(), x.All())
	run.Halt()
	b.Place(r, compiler.At(1, 0)) // PE 0 runs nothing
	b.Load(compiler.At(1, 0), x, []float32{1, 2, 3})
	return build(t, b)
}

// TestImagesCarryOver: the memory of one run is the start of the next; the layout stays as it was.
func TestImagesCarryOver(t *testing.T) {
	l := doubler(t)
	r := runLayout(t, l, LayoutOptions{})
	for range 2 {
		r = runLayout(t, l, LayoutOptions{Images: r.Images})
	}
	if got := r.Read(1, 0, "x"); !slices.Equal(got, []float32{8, 16, 24}) {
		t.Errorf("after three runs x is %v", got)
	}
	if got := runLayout(t, l, LayoutOptions{}).Read(1, 0, "x"); !slices.Equal(got, []float32{2, 4, 6}) {
		t.Errorf("a fresh run leaves %v", got)
	}
	if r.PEs[0] != (pe.StateCycles{pe.Idle: int64(r.Cycles)}) {
		t.Errorf("the unused PE: %v", r.PEs[0])
	}
	_, err := RunLayout(context.Background(), l, machine(t, nil), LayoutOptions{Images: [][]uint16{nil, {1}}})
	if err == nil || !strings.Contains(err.Error(), "image of 1 words") {
		t.Errorf("a short image: %v", err)
	}
}

// TestSwitch: a control wavelet turns the sender's own router from one neighbour to the other.
func TestSwitch(t *testing.T) {
	b := compiler.NewBuilder("switch", machine(t, nil), 3, 1)
	c := b.Color("c", "west, then east")
	ramp, east, west := fabric.Ports(fabric.Ramp), fabric.Ports(fabric.East), fabric.Ports(fabric.West)
	b.Route(c, compiler.At(1, 0), fabric.Route{Positions: []fabric.Position{{Rx: ramp, Tx: west}, {Rx: ramp, Tx: east}}})
	b.Route(c, compiler.At(0, 0), fabric.Static(east, ramp))
	b.Route(c, compiler.At(2, 0), fabric.Static(west, ramp))
	s := b.Role("sender")
	send := s.Local("send")
	s.Start(send)
	compiler.SendIndexed(send, c, 5, 6)
	send.SendControl(c, 1, fabric.SwitchAdvance)
	compiler.SendIndexed(send, c, 7, 8)
	send.SendControl(c, 1, fabric.SwitchReset)
	b.Place(s, compiler.At(1, 0))
	for _, x := range []int{0, 2} {
		r := b.Role("receiver")
		got := r.Reg("got", 0)
		compiler.Calc(r.Data("take", c), pe.IAdd, got, compiler.Value, 0)
		r.Control("end", c, 1).Halt()
		b.Place(r, compiler.At(x, 0))
	}
	r := runLayout(t, build(t, b), LayoutOptions{})
	if r.Registers[0][2] != 5 || r.Registers[2][2] != 7 {
		t.Errorf("west got %d, east %d, want 5 and 7", r.Registers[0][2], r.Registers[2][2])
	}
}

// handover is PE 1 sending n elements to PE 0, which takes m.
func handover(t *testing.T, n, m int) *compiler.Layout {
	b := compiler.NewBuilder("handover", machine(t, nil), 2, 1)
	c := b.Color("c", "the vector")
	b.Wire(c, fabric.Coord{X: 1}, fabric.Coord{X: 0})
	for x, k := range []int{m, n} {
		r := b.Role([]string{"taker", "sender"}[x])
		v := r.Array("v", pe.F32, k)
		run := r.Local("run")
		r.Start(run)
		if x == 0 {
			run.FMov(k, v.All(), pe.In(pe.F32, c))
		} else {
			run.FMov(k, pe.Out(pe.F32, c), v.All())
		}
		run.Halt()
		b.Place(r, compiler.At(x, 0))
	}
	return build(t, b)
}

func layoutFault(t *testing.T, l *compiler.Layout, o LayoutOptions) *Fault {
	t.Helper()
	_, err := RunLayout(context.Background(), l, machine(t, nil), o)
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatalf("error %v, want a fault", err)
	}
	return f
}

func TestLayoutDeadlock(t *testing.T) {
	runLayout(t, handover(t, 8, 8), LayoutOptions{})
	f := layoutFault(t, handover(t, 8, 10), LayoutOptions{})
	// Switch 10, start 6: elements leave in 16..23, and are taken 6 later.
	if f.Kind != "deadlock" || !strings.Contains(f.Error(), "PE (0,0) in wait_partial_sums since cycle 30, color 0") {
		t.Errorf("too few wavelets: %v", f)
	}
	f = layoutFault(t, handover(t, 100, 8), LayoutOptions{})
	if !strings.Contains(f.Error(), "PE (1,0) in blocked_output since cycle") || !strings.Contains(f.Error(), "of color 0 at (0,0), PE input queue") {
		t.Errorf("too many wavelets: %v", f)
	}
	f = layoutFault(t, handover(t, 10, 8), LayoutOptions{})
	if !strings.Contains(f.Error(), "wavelets are left") || !strings.Contains(f.Error(), "2 wavelets of color 0 at (0,0)") {
		t.Errorf("two wavelets over: %v", f)
	}
}

// TestSenderThatNeverSends: its code could, so the layout is not refused; the fault names who waits for
// which color since when.
func TestSenderThatNeverSends(t *testing.T) {
	l := handover(t, 8, 8)
	g := l.Roles[1]
	g.Tasks[0].Code = append([]pe.Instr{{Op: pe.Jump, Target: 2}}, g.Tasks[0].Code...)
	f := layoutFault(t, l, LayoutOptions{})
	// The taker: switch 10, start 6.
	if f.Kind != "deadlock" || len(f.PEs) != 1 || !strings.Contains(f.Error(), "PE (0,0) in wait_partial_sums since cycle 16, color 0") {
		t.Errorf("fault %v", f)
	}
}

func TestLayoutLimitAndFault(t *testing.T) {
	l := doubler(t)
	l.Roles[0].Tasks[0].Code = []pe.Instr{{Op: pe.Jump, Target: 0}}
	if f := layoutFault(t, l, LayoutOptions{MaxCycles: 1000}); f.Kind != "limit" || f.Cycle != 1001 && f.Cycle < 1000 {
		t.Errorf("fault %v", f)
	}
	l = doubler(t)
	l.Roles[0].Tasks[0].Code[0].A.Reg, l.Roles[0].Tasks[0].Code[0].A.Scale = 3, 1
	l.PEs[1].Registers[3] = 1 << 20
	if f := layoutFault(t, l, LayoutOptions{}); f.Kind != "pe" || !strings.Contains(f.Error(), "PE (1,0), cycle 10") {
		t.Errorf("fault %v", f)
	}
}
