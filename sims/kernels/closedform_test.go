package kernels

import (
	"math"
	"testing"
)

// TestAgainstMeasured: no constant is set for these cases. Two-phase is a constant 21 cycles high, of
// which 5 are the start of its clock and the rest descriptors that its program keeps loaded for the
// second phase. The tree is up to 21 cycles low at few elements; why is not known. The points left out
// here for their time are within the same bounds.
func TestAgainstMeasured(t *testing.T) {
	t.Parallel()
	for _, m := range MeasuredReduces() {
		ends := m.Group == 2 || m.Group == 32 || m.Group == 256
		if testing.Short() && m.Elements > 64 || m.Elements > 1024 && !ends {
			continue
		}
		r := mustRun(t, Reduce{Algorithm: m.Algorithm, Group: m.Group, PEs: m.PEs, Elements: m.Elements}, wse2(t))
		e := float64(r.Cycles)/float64(m.Cycles) - 1
		t.Logf("%s, group %d, %d elements: %d cycles, measured %d, error %+.2f %%", m.Algorithm, m.Group, m.Elements, r.Cycles, m.Cycles, 100*e)
		lo, hi := -0.005, 0.005
		if m.Algorithm == TreeReduce && m.Elements <= 256 {
			lo, hi = -0.03, -0.004 // a known deviation: closing it must break this
		}
		if e < lo || e > hi {
			t.Errorf("%+v: %d cycles, error %+.4f, want %v to %v", m, r.Cycles, e, lo, hi)
		}
	}
}

// TestAgainstClosedForms says how far the machine is from the model of the paper, which knows a single start and none between
// rounds, and a PE that receives and sends in the same cycle.
func TestAgainstClosedForms(t *testing.T) {
	t.Parallel()
	type bounds struct{ lo, hi float64 } // of cycles / closed form
	for _, c := range []struct {
		name string
		make func(p, b int) kernel
		few  bounds // up to 64 elements
		many bounds
	}{
		{"chain", func(p, b int) kernel { return Reduce{ChainReduce, 0, p, b, false} }, bounds{1, 1}, bounds{1, 1}},
		{"broadcast", func(p, b int) kernel { return Broadcast{p, b, false} }, bounds{1, 1}, bounds{1, 1}},
		{"broadcast 2-D", func(p, b int) kernel { return Broadcast2D{p / 4, 9, b, false} }, bounds{1, 1}, bounds{1, 1}},
		// With one element the model charges the star more for its links than they take.
		{"star", func(p, b int) kernel { return Reduce{StarReduce, 0, p, b, false} }, bounds{0.75, 1.02}, bounds{1, 1.002}},
		{"tree", func(p, b int) kernel { return Reduce{TreeReduce, 0, p, b, false} }, bounds{1.25, 1.95}, bounds{1.01, 1.15}},
		{"two-phase", func(p, b int) kernel { return Reduce{TwoPhaseReduce, 0, p, b, false} }, bounds{1.05, 1.4}, bounds{1.01, 1.15}},
		{"reduce 2-D", func(p, b int) kernel { return Reduce2D{ChainReduce, 0, p / 4, 9, b, false} }, bounds{1.05, 1.3}, bounds{1.01, 1.1}},
		{"reduce-broadcast", func(p, b int) kernel { return AllReduce{Algorithm: ReduceBroadcast, PEs: p, Elements: b} }, bounds{1.03, 1.3}, bounds{1.005, 1.06}},
		{"ring", func(p, b int) kernel { return AllReduce{Algorithm: RingAllReduce, PEs: p, Elements: b} }, bounds{4, 11}, bounds{2, 9}},
	} {
		for _, p := range []int{12, 32, 100} {
			for _, b := range []int{1, 8, 64, 300, 1500} {
				k, want := c.make(p, b), c.few
				if b > 64 {
					want = c.many
				}
				ratio := float64(mustRun(t, k, wse2(t)).Cycles) / ClosedForm(wse2(t), k.Model())
				if !(ratio >= want.lo-1e-12 && ratio <= want.hi+1e-12) {
					t.Errorf("%s, %d PEs, %d elements: %.4f times the closed form, want %v to %v", c.name, p, b, ratio, want.lo, want.hi)
				}
			}
		}
	}
}

// TestModel holds the counted terms against the formulas the paper prints, T_R = 2.
func TestModel(t *testing.T) {
	for _, c := range []struct {
		k    kernel
		want float64
	}{
		{Reduce{PEs: 512, Elements: 100}, 100 + 6*511},
		{Broadcast{PEs: 512, Elements: 100}, 100 + 512 + 4},
		{Reduce{Algorithm: StarReduce, PEs: 10, Elements: 7}, 7*9 + 5},
		{Reduce{Algorithm: TreeReduce, PEs: 64, Elements: 1000}, 6000 + 5*6},
		{Reduce{Algorithm: TwoPhaseReduce, PEs: 64, Elements: 1000}, 2000 + 5*14},
		{AllReduce{Algorithm: RingAllReduce, PEs: 10, Elements: 70}, 2*9*7 + 4*10 - 6 + 2*9*5},
	} {
		if got := ClosedForm(wse2(t), c.k.Model()) - 61; math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%+v: %v cycles, want %v", c.k, got, c.want)
		}
	}
}
