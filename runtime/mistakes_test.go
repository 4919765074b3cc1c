package runtime

import (
	"strings"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// TestAccessLeavesSRAM: a scalar access beyond it is the PE's fault, not ours.
func TestAccessLeavesSRAM(t *testing.T) {
	for name, access := range map[string]func(*compiler.Role, *compiler.Task){
		"read, no SRAM at all": func(r *compiler.Role, run *compiler.Task) {
			run.Read(r.Reg("to", 0), r.Array("v", pe.F32, 0).By(r.Reg("at", 3), 1))
		},
		"write of 32 bits into one word": func(r *compiler.Role, run *compiler.Task) {
			o := r.Array("v", pe.F16, 1).By(r.Reg("at", 0), 1)
			o.Type = pe.F32
			run.Write(o, r.Reg("from", 1))
		},
	} {
		b := compiler.NewBuilder("access", machine(t, nil), 1, 1)
		r := b.Role("r")
		run := r.Local("run")
		r.Start(run)
		access(r, run)
		run.Halt()
		b.Place(r, compiler.At(0, 0))
		if f := layoutFault(t, build(t, b), LayoutOptions{}); f.Kind != "pe" || !strings.Contains(f.Error(), "PE (0,0), cycle 1") {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// TestDeadlockCycle: it is the last in which something moved, in lanes too, not one in which PEs were woken in vain.
func TestDeadlockCycle(t *testing.T) {
	for _, side := range []int{6, 12} { // 36 PEs are never run in lanes
		b := compiler.NewBuilder("deadlock", machine(t, nil), side, side)
		c := b.Color("c", "south")
		send, take := b.Role("send"), b.Role("take")
		v, u := send.Array("v", pe.F32, 400), take.Array("u", pe.F32, 300)
		run := send.Local("run")
		send.Start(run)
		run.FMov(400, pe.Out(pe.F32, c), v.All())
		run.Halt()
		run = take.Local("run")
		take.Start(run)
		run.FMov(300, u.All(), pe.In(pe.F32, c))
		run.Halt()
		for y := range side {
			row := compiler.Area{Y0: y, X1: side, Y1: y + 1}
			if y%2 == 0 {
				b.Place(send, row)
				b.Route(c, row, fabric.Static(fabric.Ports(fabric.Ramp), fabric.Ports(fabric.South)))
			} else {
				b.Place(take, row)
				b.Route(c, row, fabric.Static(fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp)))
			}
		}
		l := build(t, b)
		for _, o := range []LayoutOptions{{}, {Observer: blind{}}} {
			// The last of 300 taken in 16 + 6 + 299 makes room for those behind it.
			if f := layoutFault(t, l, o); f.Kind != "deadlock" || f.Cycle != 333 {
				t.Errorf("%d x %d: %s at cycle %d, want 333", side, side, f.Kind, f.Cycle)
			}
		}
	}
}

// TestFaultTellsTasks: of a PE that waits for no color, which task is blocked; of one that still runs, what it runs.
func TestFaultTellsTasks(t *testing.T) {
	b := compiler.NewBuilder("tasks", machine(t, nil), 1, 1)
	r := b.Role("r")
	run, never, again := r.Local("run"), r.Local("never"), r.Local("again")
	r.Start(run)
	run.Block(never)
	run.Activate(never)
	never.Halt()
	again.Activate(again)
	b.Place(r, compiler.At(0, 0))
	if f := layoutFault(t, build(t, b), LayoutOptions{}); !strings.Contains(f.Error(), "PE (0,0) in idle since cycle 12, task never is blocked") {
		t.Errorf("a task that nobody unblocks: %v", f)
	}
	run.Activate(again)
	f := layoutFault(t, build(t, b), LayoutOptions{MaxCycles: 1000})
	if f.Kind != "limit" || !strings.Contains(f.Error(), "PE (0,0) running: ") || !strings.Contains(f.Error(), "task again") {
		t.Errorf("a task that activates itself: %v", f)
	}
}

// TestNegativeWithIndex: a 16-bit value keeps to its half of the wavelet.
func TestNegativeWithIndex(t *testing.T) {
	b := compiler.NewBuilder("negative", machine(t, nil), 2, 1)
	c := b.Color("c", "")
	b.Wire(c, fabric.Coord{}, fabric.Coord{X: 1})
	s, r := b.Role("sender"), b.Role("receiver")
	run := s.Local("run")
	s.Start(run)
	compiler.SendIndexed(run, c, -2, 5)
	run.Halt()
	value, index := r.Reg("value", 0), r.Reg("index", 0)
	take := r.Data("take", c)
	compiler.Mov(take, value, compiler.Value)
	compiler.Mov(take, index, compiler.Index)
	b.Place(s, compiler.At(0, 0))
	b.Place(r, compiler.At(1, 0))
	got := runLayout(t, build(t, b), LayoutOptions{})
	if v, i := got.Registers[1][value], got.Registers[1][index]; v != 0xfffe || i != 5 {
		t.Errorf("value %#x, index %d, want 0xfffe and 5", v, i)
	}
	func() {
		defer func() {
			if v := recover(); v != `runtime: PE (2,0) of layout negative has no array "v"` {
				t.Errorf("reading a PE that does not exist: %v", v)
			}
		}()
		got.Read(2, 0, "v")
	}()
	if _, ok := got.Stamp(-1, 1, "end"); ok {
		t.Error("a PE that does not exist has a timestamp")
	}
}
