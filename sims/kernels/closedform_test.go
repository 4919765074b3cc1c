package kernels

import (
	"math"
	"testing"
)

// TestAgainstMeasured: no constant is set for these cases. The two-phase reduce over elements is one cycle
// low throughout. Over group sizes it is 7 to 17 cycles high, what the clock of PE 0 may start later. The
// tree is within two cycles but where a round's elements last about as long as its way: 11 low at 128
// elements, 6 at 256, on any depth of buffers; why is not known. The points left out here for their time are within the same bounds.
func TestAgainstMeasured(t *testing.T) {
	t.Parallel()
	for _, m := range MeasuredReduces() {
		ends := m.Group == 2 || m.Keep && m.Group == 32 || m.Group == 256
		if testing.Short() && m.Elements > 64 || m.Elements > 1024 && !ends {
			continue
		}
		r := mustRun(t, Reduce{Algorithm: m.Algorithm, Group: m.Group, PEs: m.PEs, Elements: m.Elements, Keep: m.Keep}, wse2(t))
		low, high := -2, 2
		switch {
		case m.Algorithm == TreeReduce && m.Elements == 128:
			low, high = -11, -9 // a known deviation: closing it must break this
		case m.Algorithm == TreeReduce && m.Elements == 256:
			low, high = -6, -4 // and this
		case m.Keep:
			low, high = 7, 17 // and this
		}
		e := int(r.Cycles) - m.Cycles
		t.Logf("%s, group %d, %d elements: %d cycles, measured %d, error %+d", m.Algorithm, m.Group, m.Elements, r.Cycles, m.Cycles, e)
		if e < low || e > high {
			t.Errorf("%+v: %d cycles, error %+d, want %d to %d", m, r.Cycles, e, low, high)
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
		{"chain", func(p, b int) kernel { return Reduce{ChainReduce, 0, p, b, false, false} }, bounds{1, 1}, bounds{1, 1}},
		{"broadcast", func(p, b int) kernel { return Broadcast{p, b, false} }, bounds{1, 1}, bounds{1, 1}},
		{"broadcast 2-D", func(p, b int) kernel { return Broadcast2D{p / 4, 9, b, false} }, bounds{1, 1}, bounds{1, 1}},
		// With one element the model charges the star more for its links than they take.
		{"star", func(p, b int) kernel { return Reduce{StarReduce, 0, p, b, false, false} }, bounds{0.75, 1.02}, bounds{1, 1.002}},
		{"tree", func(p, b int) kernel { return Reduce{TreeReduce, 0, p, b, false, false} }, bounds{1.25, 2}, bounds{1.01, 1.15}},
		{"two-phase", func(p, b int) kernel { return Reduce{TwoPhaseReduce, 0, p, b, false, false} }, bounds{1.05, 1.45}, bounds{1.01, 1.15}},
		{"reduce 2-D", func(p, b int) kernel { return Reduce2D{ChainReduce, 0, p / 4, 9, b, false, false} }, bounds{1.05, 1.4}, bounds{1.01, 1.1}},
		{"reduce-broadcast", func(p, b int) kernel { return AllReduce{Algorithm: ReduceBroadcast, PEs: p, Elements: b} }, bounds{1.03, 1.4}, bounds{1.005, 1.07}},
		{"ring", func(p, b int) kernel { return AllReduce{Algorithm: RingAllReduce, PEs: p, Elements: b} }, bounds{4, 16}, bounds{2, 10}},
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
