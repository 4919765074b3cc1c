package pe

import (
	"math"
	"slices"
	"strings"
	"testing"

	"cs2sim.dev/fabric"
)

// TestRepeatedDescriptor: one instruction adds several vectors into one array, an element per cycle.
func TestRepeatedDescriptor(t *testing.T) {
	y := Memory(F32, 100)
	y.Inner = 3
	in := Instr{Op: FAdd, N: 7, Dst: y, A: In(F32, inColor), B: y, Accumulate: -1, Charge: Compute}
	var feeds []feed
	for i := range 7 {
		feeds = append(feeds, feed{fabric.Cycle(40 + i), word(math.Float32bits(float32(int(1) << i)))})
	}
	r := runRig(t, testConfig(), local(200, []Instr{in, stampNow(0)}), feeds, 0)
	if got, want := r.Load(F32, 100, 4), []float32{1 + 8 + 64, 2 + 16, 4 + 32, 0}; !slices.Equal(got, want) {
		t.Errorf("sums %v, want %v", got, want)
	}
	if got := r.stamp(t, 0); got != 40+7 {
		t.Errorf("done at cycle %d, want one element per cycle from 40 on", got)
	}
}

// TestAdvanceOnLast: the last wavelet of an output descriptor, and no other, moves the switch.
func TestAdvanceOnLast(t *testing.T) {
	in := Instr{Op: FMov, N: 5, Dst: Out(F32, outColor), A: Memory(F32, 0), Accumulate: -1, Switches: uint16(fabric.SwitchAdvance)}
	m, err := fabric.NewMesh(fabric.Config{Width: 2, Height: 1, HopCycles: 1, RampCycles: 2, BufferDepth: 4, QueueWords: 4})
	if err != nil {
		t.Fatal(err)
	}
	// PE 0 sends to itself until the switch moves, then would send east.
	ramp, east, west := fabric.Ports(fabric.Ramp), fabric.Ports(fabric.East), fabric.Ports(fabric.West)
	for _, err := range []error{
		m.SetRoute(fabric.Coord{}, outColor, fabric.Route{Positions: []fabric.Position{{Rx: ramp, Tx: ramp}, {Rx: ramp, Tx: east}}}),
		m.SetRoute(fabric.Coord{X: 1}, outColor, fabric.Static(west, ramp)),
		m.Seal(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	plain := in
	plain.Switches, plain.N = 0, 2
	cfg := testConfig()
	p, err := New(&cfg, local(200, []Instr{in, plain}), m, 0)
	if err != nil {
		t.Fatal(err)
	}
	for {
		now, due := m.Agenda().Next()
		if now == fabric.Never {
			break
		}
		for _, actor := range due {
			if actor < 2 {
				m.StepRouter(actor, now)
			} else if actor == m.PEActor(0) {
				p.Step(now)
				for q := m.RampOut(0, outColor); ; m.Pop(q, now) {
					if _, ready, ok := m.Peek(q); !ok || ready > now {
						break
					}
				}
			}
		}
	}
	if own, next := m.LinkUse(0, fabric.Ramp), m.LinkUse(0, fabric.East); own != 5 || next != 2 {
		t.Errorf("%d wavelets before the switch moved and %d after, want 5 and 2", own, next)
	}
}

func TestDescriptorsRefused(t *testing.T) {
	y := Memory(F32, 0)
	for want, in := range map[string]Instr{
		"gives one, after fabric": {Op: FAdd, N: 4, Dst: y, A: y, B: y, Accumulate: -1, Switches: 1},
		"switch commands 0x5":     {Op: FMov, N: 4, Dst: Out(F32, outColor), A: y, Accumulate: -1, Switches: 5},
	} {
		if err := local(200, []Instr{in}).Verify(testConfig()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
