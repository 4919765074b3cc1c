package pe

import (
	"testing"

	"pgregory.net/rapid"
)

// TestTwoDimensionalDescriptors: runs every so far apart, and runs that repeat, address what a
// pair of nested loops does, and their span holds every address.
func TestTwoDimensionalDescriptors(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := Operand{
			Kind: Mem, Reg: -1,
			Type:   rapid.SampledFrom([]Type{F16, F32}).Draw(rt, "type"),
			Stride: rapid.IntRange(1, 4).Draw(rt, "stride"),
			Inner:  rapid.IntRange(1, 5).Draw(rt, "inner"),
			Outer:  rapid.IntRange(0, 9).Draw(rt, "outer"),
		}
		n := rapid.IntRange(1, 20).Draw(rt, "n")
		const base = 1000
		first, last := o.span(base, n)
		i := 0
		for outer := 0; i < n; outer++ {
			for inner := 0; inner < o.Inner && i < n; inner++ {
				want := base + (outer*o.Outer+inner*o.Stride)*o.Type.Words()
				if got := o.word(base, i); got != want || got < first || got > last {
					rt.Fatalf("element %d at %d, want %d in [%d, %d]", i, got, want, first, last)
				}
				i++
			}
		}
	})
}

// TestSumOverRuns: a destination that repeats accumulates run after run, as a sum over the
// features of a tile does, and two sources in one bank are charged for it.
func TestSumOverRuns(t *testing.T) {
	sum := Memory(F32, 0)
	sum.Inner = 3
	fill := func(base int, v float32) Instr {
		return Instr{Op: FMov, N: 3, Dst: Memory(F32, base), A: Constant(F32, v), Accumulate: -1}
	}
	in := Instr{Op: FAdd, N: 6, Dst: sum, A: sum, B: Memory(F32, bankWords), Accumulate: -1, Charge: Compute}
	p := runRig(t, testConfig(), local(memoryWords, []Instr{fill(bankWords, 1), fill(bankWords+6, 10), in}), nil, 0)
	if got := p.Load(F32, 0, 3); got[0] != 11 || got[1] != 11 || got[2] != 11 {
		t.Errorf("sums %v, want 1 + 10 each", got)
	}
	in.B = Memory(F32, 100)
	if c := testConfig(); c.Cost(&in, false) != (Cost{6, 6, 6}) {
		t.Errorf("one bank costs %+v, want a conflict in each of 6 steps", c.Cost(&in, false))
	}
}
