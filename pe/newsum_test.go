package pe

import (
	"testing"

	"cs2sim.dev/fabric"
)

// TestNewSum: an accumulator is overwritten by the first product and by no other, in every
// format and kind of destination, whatever it held.
func TestNewSum(t *testing.T) {
	cfg := testConfig()
	const n, bank = 5, 3072
	x, y := []float32{1, -2, 3, 0.5, 7}, []float32{2, 3, -1, 4, 0.25}
	want := float32(0)
	for i := range n {
		want += x[i] * y[i]
	}
	for _, typ := range []Type{F16, F32} {
		fixed := Memory(F32, 2*bank)
		fixed.Fixed = true
		for _, dst := range []Operand{fixed, Register(F32, 5)} {
			m, err := fabric.NewMesh(fabric.Config{Width: 1, Height: 1, HopCycles: 1, RampCycles: 2, BufferDepth: 4, QueueWords: 4})
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Seal(); err != nil {
				t.Fatal(err)
			}
			prog := &Program{Name: "dot", Words: 3 * bank, Start: []int{0}, Tasks: []Task{{Name: "dot", Code: []Instr{
				{Op: FMac, N: n, Dst: dst, A: Memory(typ, 0), B: Memory(typ, bank), Accumulate: NewSum, Charge: Compute},
				{Op: Halt},
			}}}}
			prog.Registers[5] = bits32(1000)
			if err := prog.Verify(cfg); err != nil {
				t.Fatal(err)
			}
			p, err := New(&cfg, prog, m, 0)
			if err != nil {
				t.Fatal(err)
			}
			p.Store(typ, 0, x)
			p.Store(typ, bank, y)
			p.Store(F32, 2*bank, []float32{1000})
			for {
				at, due := m.Agenda().Next()
				if len(due) == 0 {
					break
				}
				p.Step(at)
			}
			got := p.Load(F32, 2*bank, 1)[0]
			if dst.Kind == Scalar {
				got = float(p.Registers()[5])
			}
			if got != want || p.FMACs != n {
				t.Errorf("%v into %v: %v by %d FMACs, want %v by %d", typ, dst, got, p.FMACs, want, n)
			}
		}
	}
}

// TestControlOutput: a tensor instruction may send control wavelets, whose switch commands the
// routers obey: the first goes east, and each moves the router on to the next way.
func TestControlOutput(t *testing.T) {
	cfg := testConfig()
	m, err := fabric.NewMesh(fabric.Config{Width: 1, Height: 1, HopCycles: 1, RampCycles: 2, BufferDepth: 4, QueueWords: 4})
	if err != nil {
		t.Fatal(err)
	}
	ramp := fabric.Ports(fabric.Ramp)
	err = m.SetRoute(fabric.Coord{}, 3, fabric.Route{Positions: []fabric.Position{{Rx: ramp, Tx: fabric.Ports(fabric.East)}, {Rx: ramp, Tx: fabric.Ports(fabric.West)}}})
	if err != nil {
		t.Fatal(err)
	}
	actor := m.AddActor()
	for _, port := range []fabric.Port{fabric.East, fabric.West} {
		if err := m.EdgeOut(fabric.Coord{}, port, 3, actor); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Seal(); err != nil {
		t.Fatal(err)
	}
	prog := &Program{Name: "turn", Words: 16, Start: []int{0}, Tasks: []Task{{Name: "turn", Code: []Instr{
		{Op: FMov, N: 2, Dst: Out(F16, 3), A: Memory(F16, 0), Control: true, Switches: uint16(fabric.SwitchAdvance)},
		{Op: Halt},
	}}}}
	p, err := New(&cfg, prog, m, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.Store(F16, 0, []float32{1, 2})
	for {
		at, due := m.Agenda().Next()
		if len(due) == 0 {
			break
		}
		for _, a := range due {
			switch a {
			case 0:
				m.StepRouter(0, at)
			case 1:
				p.Step(at)
			}
		}
	}
	for i, port := range []fabric.Port{fabric.East, fabric.West} {
		w, _, ok := m.Peek(m.EdgeQueue(fabric.Coord{}, port, 3, false))
		if !ok || !w.Control || Value(F16, w.Data) != float32(i+1) {
			t.Errorf("%v: got %+v, %v; want control wavelet of %d", port, w, ok, i+1)
		}
	}
}
