package pe

import (
	"math"
	"testing"
)

// TestRebasedOperands: rows that software addresses meet in 3 of 16 steps wherever they lie,
// unless their banks say more; an operand alone meets none.
func TestRebasedOperands(t *testing.T) {
	cfg := testConfig()
	rebased := func(o Operand) Operand { o.Rebased = true; return o }
	for name, c := range map[string]struct {
		dst, a Operand
		n      int
		want   int
	}{
		"apart":     {Memory(F32, 0), rebased(Memory(F32, bankWords)), 68, 13},
		"rounded":   {rebased(Memory(F32, 0)), rebased(Memory(F32, bankWords)), 132, 25},
		"one bank":  {rebased(Memory(F32, 0)), rebased(Memory(F32, 1000)), 68, 68},
		"alone":     {Memory(F32, 0), Constant(F32, 1), 68, 0},
		"not moved": {Memory(F32, 0), Memory(F32, bankWords), 68, 0},
	} {
		in := Instr{Op: FMac, N: c.n, Dst: c.dst, A: c.a, B: Constant(F32, 2), Accumulate: -1}
		if got := cfg.Cost(&in, false).Conflict; got != c.want {
			t.Errorf("%s: %d steps of conflict, want %d", name, got, c.want)
		}
	}
}

// TestSetBase: the first costs its start too, and it takes effect on the operand it addresses.
func TestSetBase(t *testing.T) {
	cfg := testConfig()
	g := local(memoryWords, []Instr{
		stampNow(0), {Op: SetBase, D: 3, X: I(8)},
		stampNow(1), {Op: SetBase, D: 3, X: I(4)},
		stampNow(2), {Op: Load, D: 4, A: Indexed(F16, 0, 3, 1)},
	})
	r := runRig(t, cfg, g, nil, 0)
	first := r.stamp(t, 1) - r.stamp(t, 0) - 7
	second := r.stamp(t, 2) - r.stamp(t, 1) - 7
	if first != 113 || second != 13 || r.regs[3] != 4 {
		t.Errorf("%d cycles, then %d; base %d", first, second, r.regs[3])
	}
}

func TestTruncate(t *testing.T) {
	for v, want := range map[float32]int32{1.9: 1, -1.9: -1, 0: 0, 1e10: math.MaxInt32, -1e10: math.MinInt32, 16777216: 16777216} {
		r := [16]int32{3: bits32(v)}
		scalar(&Instr{Op: Trunc, D: 4, X: R(3)}, &r)
		if r[4] != want {
			t.Errorf("trunc %v is %d, want %d", v, r[4], want)
		}
	}
	if truncate(float32(math.NaN())) != 0 {
		t.Error("not a number must become 0")
	}
}
