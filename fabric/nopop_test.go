package fabric

import "testing"

// TestCommandKept: with KeepCommand one Advance goes down a line to the first router that still
// takes for its own PE; routers before it stand at their last position. Longer than eight, the
// commands of a wavelet.
func TestCommandKept(t *testing.T) {
	const n = 11
	r := newRig(t, defaults(1, n+1))
	for y := 0; y <= n; y++ {
		route := Route{Positions: []Position{{Ports(North), Ports(Ramp)}, {Ports(North), Ports(South)}}, KeepCommand: true}
		switch y {
		case 0:
			route.Positions = []Position{{Ports(Ramp), Ports(South)}}
		case n:
			route.Positions = route.Positions[:1]
		}
		if err := r.m.SetRoute(Coord{0, y}, 0, route); err != nil {
			t.Fatal(err)
		}
	}
	r.seal()
	src := r.peSource(0, 0, 2*n, 0)
	for i := 1; i < 2*n; i += 2 { // a value and an end for every PE
		src.send[i].Control, src.send[i].Switches = true, uint16(SwitchAdvance)
	}
	var sinks []*sink
	for y := 1; y <= n; y++ {
		sinks = append(sinks, r.peSink(int32(y), 0, 0))
	}
	r.run()
	for i, s := range sinks {
		if len(s.got) != 2 || s.got[0].Data != uint32(2*i) || !s.got[1].Control {
			t.Errorf("PE %d got %v, want wavelets %d and %d", i+1, s.got, 2*i, 2*i+1)
		}
	}
}

// TestSwitchedEdgeOutput: two switch positions may send over the same edge port.
func TestSwitchedEdgeOutput(t *testing.T) {
	r := newRig(t, defaults(1, 2))
	err := r.m.SetRoute(Coord{0, 0}, 0, Route{Positions: []Position{{Ports(Ramp), Ports(North)}, {Ports(South), Ports(North)}}})
	if err != nil {
		t.Fatal(err)
	}
	r.route(0, 1, 0, Ports(Ramp), Ports(North))
	port := r.m.AddActor()
	if err := r.m.EdgeOut(Coord{0, 0}, North, 0, port); err != nil {
		t.Fatal(err)
	}
	r.seal()
	first := r.peSource(0, 0, 2, 0)
	first.send[1].Control, first.send[1].Switches = true, uint16(SwitchAdvance)
	second := r.peSource(1, 0, 1, 0)
	second.send[0].Data = 9
	out := &sink{queue: r.m.EdgeQueue(Coord{0, 0}, North, 0, false)}
	r.sinks[port] = out
	r.m.Agenda().Wake(port, 0)
	r.run()
	if len(out.got) != 3 || out.got[0].Data != 0 || out.got[2].Data != 9 {
		t.Errorf("the edge got %v, want wavelets 0, 1, 9", out.got)
	}
}
