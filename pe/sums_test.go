package pe

import (
	"testing"

	"cs2sim.dev/fabric"
)

// alone runs one task of code on a PE without fabric, its SRAM filled by fill, to its end.
func alone(t *testing.T, code []Instr, fill func(*PE)) *PE {
	t.Helper()
	m, err := fabric.NewMesh(fabric.Config{Width: 1, Height: 1, HopCycles: 1, RampCycles: 2, BufferDepth: 4, QueueWords: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Seal(); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	prog := &Program{Name: "alone", Words: cfg.SRAMBytes / 2, Start: []int{0}, Tasks: []Task{{Name: "task", Code: append(code, Instr{Op: Halt})}}}
	if err := prog.Verify(cfg); err != nil {
		t.Fatal(err)
	}
	p, err := New(&cfg, prog, m, 0)
	if err != nil {
		t.Fatal(err)
	}
	fill(p)
	for {
		at, due := m.Agenda().Next()
		if len(due) == 0 {
			return p
		}
		p.Step(at)
	}
}

// TestRowOfSums: an FMac whose accumulator has an inner dimension is one dot product per run,
// at the rate of its operands.
func TestRowOfSums(t *testing.T) {
	const runs, n, bank = 3, 4, 3072
	var x, y []float32
	for i := range runs * n {
		x = append(x, float32(i)-4.5)
	}
	for i := range n {
		y = append(y, float32(i*i)-2)
	}
	for _, accumulate := range []int{NewSum, -1} {
		for typ, steps := range map[Type]int64{F16: runs * n / 2, F32: runs * n} {
			sums := Memory(F32, 2*bank)
			sums.Fixed, sums.Inner, sums.Outer = true, n, 1
			repeated := Memory(typ, bank)
			repeated.Inner = n
			p := alone(t, []Instr{{Op: FMac, N: runs * n, Dst: sums, A: Memory(typ, 0), B: repeated, Accumulate: accumulate, Charge: Compute}}, func(p *PE) {
				p.Store(typ, 0, x)
				p.Store(typ, bank, y)
				p.Store(F32, 2*bank, []float32{100, 200, 300, 400})
			})
			want := []float32{100, 200, 300, 400}
			for r := range runs {
				if accumulate == NewSum {
					want[r] = 0
				}
				for i := range n {
					want[r] += x[r*n+i] * y[i]
				}
			}
			for i, got := range p.Load(F32, 2*bank, 4) {
				if got != want[i] {
					t.Errorf("%v, accumulate %d: sum %d is %v, want %v", typ, accumulate, i, got, want[i])
				}
			}
			if p.States[Compute] != steps || p.FMACs != runs*n {
				t.Errorf("%v: %d cycles for %d FMACs, want %d for %d", typ, p.States[Compute], p.FMACs, steps, runs*n)
			}
		}
	}
}

// TestWideTask: a data task may take all 32 bits of a wavelet as its value.
func TestWideTask(t *testing.T) {
	m, err := fabric.NewMesh(fabric.Config{Width: 1, Height: 1, HopCycles: 1, RampCycles: 2, BufferDepth: 4, QueueWords: 4})
	if err != nil {
		t.Fatal(err)
	}
	const color = 2
	ramp := fabric.Ports(fabric.Ramp)
	if err := m.SetRoute(fabric.Coord{}, color, fabric.Static(ramp, ramp)); err != nil {
		t.Fatal(err)
	}
	if err := m.Seal(); err != nil {
		t.Fatal(err)
	}
	prog := &Program{Name: "wide", Words: 16, Start: []int{0}, Tasks: []Task{
		{Name: "send", Code: []Instr{{Op: FMov, N: 1, Dst: Out(F32, color), A: Constant(F32, 0.1), Accumulate: -1}}},
		{Name: "take", Kind: Data, Color: color, Words: 1, Wide: true, Code: []Instr{{Op: Halt}}},
	}}
	cfg := testConfig()
	if err := prog.Verify(cfg); err != nil {
		t.Fatal(err)
	}
	p, err := New(&cfg, prog, m, 0)
	if err != nil {
		t.Fatal(err)
	}
	for {
		at, due := m.Agenda().Next()
		if len(due) == 0 {
			break
		}
		for _, a := range due {
			if a == 0 {
				m.StepRouter(0, at)
			} else {
				p.Step(at)
			}
		}
	}
	if got := float(p.Registers()[0]); got != 0.1 || !p.Halted() {
		t.Errorf("value %v, halted %v; want 0.1", got, p.Halted())
	}
	prog.Tasks[1].Words = 2
	if prog.Verify(testConfig()) == nil {
		t.Error("two wavelets of 32 bits passed verification")
	}
}
