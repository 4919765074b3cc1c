package kernels

import (
	"context"
	"strings"
	"testing"

	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

// TestChainAnySize: values are right for any size, and on any wires an element takes two ramps,
// a hop and an add per PE.
func TestChainAnySize(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := Chain{PEs: rapid.IntRange(1, 40).Draw(rt, "pes"), Elements: rapid.IntRange(1, 60).Draw(rt, "elements")}
		m := wse2(t)
		hop, ramp := rapid.IntRange(1, 3).Draw(rt, "hop"), rapid.IntRange(1, 3).Draw(rt, "ramp")
		for key, v := range map[string]int{"hop_cycles": hop, "ramp_cycles": ramp} {
			var err error
			if m, err = m.With(key, float64(v)); err != nil {
				rt.Fatal(err)
			}
		}
		r, err := k.Run(context.Background(), m)
		if err != nil {
			rt.Fatal(err)
		}
		want := k.Elements + (2*ramp+hop+1)*(k.PEs-1) + 61
		if k.PEs == 1 {
			want = 10 // task switch: nothing to add
		}
		if r.Mismatches > 0 || int(r.Cycles) != want {
			rt.Fatalf("%+v, hop %d, ramp %d: %d cycles, want %d; %d wrong sums", k, hop, ramp, r.Cycles, want, r.Mismatches)
		}
	})
}

func TestFMacFormats(t *testing.T) {
	for _, c := range []struct {
		k    FMac
		want int64
	}{
		{FMac{Elements: 1001, Dst: pe.F16, Src: pe.F16}, 6 + 251},
		{FMac{Elements: 1001, Dst: pe.F16, Src: pe.F16, Conflict: true}, 6 + 2*251},
		{FMac{Elements: 1001, Dst: pe.F32, Src: pe.F16}, 6 + 501},
		{FMac{Elements: 1, Dst: pe.F32, Src: pe.F32, LoadDescriptors: true, Conflict: true}, 34 + 2},
	} {
		r, err := c.k.Run(context.Background(), wse2(t))
		if err != nil {
			t.Fatal(err)
		}
		if r.Cycles != c.want || r.Mismatches > 0 {
			t.Errorf("%+v: %d cycles, want %d; %d wrong values", c.k, r.Cycles, c.want, r.Mismatches)
		}
	}
}

func TestSizesRefused(t *testing.T) {
	ctx, m := context.Background(), wse2(t)
	for want, run := range map[string]func() (*Result, error){
		"0 PEs and 5 elements":         func() (*Result, error) { return Chain{Elements: 5}.Run(ctx, m) },
		"751 x 1 PEs, the machine has": func() (*Result, error) { return Chain{PEs: 751, Elements: 5}.Run(ctx, m) },
		`"v" does not fit`:             func() (*Result, error) { return Chain{PEs: 2, Elements: 20000}.Run(ctx, m) },
		"fmac: 0 elements":             func() (*Result, error) { return FMac{}.Run(ctx, m) },
		`"x" does not fit`:             func() (*Result, error) { return FMac{Elements: 7000, Dst: pe.F32, Src: pe.F32}.Run(ctx, m) },
		"in place f32 and f16 differ":  func() (*Result, error) { return FMac{Elements: 7, Dst: pe.F32, Conflict: true}.Run(ctx, m) },
	} {
		if _, err := run(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
