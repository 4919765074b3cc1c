package kernels

import (
	"context"
	"math"
	"strings"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// kernel is what all collectives do.
type kernel interface {
	Run(context.Context, compiler.Target) (*Result, error)
	Model() []Terms
}

func energy(k kernel) (e float64) {
	for _, m := range k.Model() {
		e += m.Energy
	}
	return e
}

func mustRun(t testing.TB, k kernel, m compiler.Target) *Result {
	t.Helper()
	r, err := k.Run(context.Background(), m)
	if err != nil {
		t.Fatalf("%+v: %v", k, err)
	}
	if r.Mismatches > 0 {
		t.Fatalf("%+v: %d wrong values", k, r.Mismatches)
	}
	if total := r.Report.States.Total(); total != int64(len(r.Report.PEs))*int64(r.Report.Cycles) {
		t.Fatalf("%+v: states sum to %d, want %d PEs x %d cycles", k, total, len(r.Report.PEs), r.Report.Cycles)
	}
	return r
}

// anyKernel draws a collective of any size and shape.
func anyKernel(t *rapid.T) (k kernel, pes, elements int) {
	w, h := rapid.IntRange(1, 40).Draw(t, "width"), 1
	elements = rapid.IntRange(1, 70).Draw(t, "elements")
	a := rapid.SampledFrom(Algorithms()).Draw(t, "algorithm")
	group := 0
	if a == TwoPhaseReduce {
		group = rapid.IntRange(0, 45).Draw(t, "group")
	}
	fp16 := rapid.Bool().Draw(t, "fp16")
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if kind < 2 {
		w, h = 1+w/3, rapid.IntRange(1, 12).Draw(t, "height")
	}
	keep := rapid.Bool().Draw(t, "keep")
	switch kind {
	case 0:
		k = Reduce2D{a, group, w, h, elements, fp16, keep}
	case 1:
		k = Broadcast2D{w, h, elements, fp16}
	case 2:
		k = Reduce{a, group, w, elements, fp16, keep}
	case 3:
		k = Broadcast{w, elements, fp16}
	case 4:
		k = AllReduce{ReduceBroadcast, a, group, w, elements, fp16}
	default:
		k = AllReduce{Algorithm: RingAllReduce, PEs: w, Elements: elements, FP16: fp16}
	}
	return k, w * h, elements
}

// TestCollectivesAnySize: on any wires and buffers the values are those of the plain loop, near
// the exact sum, every wavelet takes its hops, and no algorithm beats what any must take.
func TestCollectivesAnySize(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k, pes, elements := anyKernel(rt)
		m := wse2(t)
		for _, key := range []string{"hop_cycles", "ramp_cycles", "buffer_depth", "queue_words"} {
			var err error
			if m, err = m.With(key, float64(rapid.IntRange(2, 5).Draw(rt, key))); err != nil {
				rt.Fatal(err)
			}
		}
		r := mustRun(t, k, m)
		all, _ := k.(AllReduce)
		ring := all.Algorithm == RingAllReduce
		if e := energy(k); !ring && (float64(r.Report.Hops) < e || float64(r.Report.Hops) > e+float64(pes*pes)) {
			rt.Errorf("%+v: %d hops, want %v and at most some control wavelets", k, r.Report.Hops, e)
		}
		if pes > 1 && !ring && r.Cycles < int64(elements) {
			rt.Errorf("%+v: %d cycles for %d elements over a ramp", k, r.Cycles, elements)
		}
		half := false
		switch k := k.(type) {
		case Broadcast, Broadcast2D:
			return
		case Reduce:
			half = k.FP16
		case Reduce2D:
			half = k.FP16
		case AllReduce:
			half = k.FP16
		}
		tolerance := 1e-3
		if half {
			tolerance = 1
		}
		got := r.Report.Read(0, 0, "v")
		for i := range got {
			exact := 0.0
			for x := range pes {
				exact += float64(chainInput(x, elements)[i])
			}
			if math.Abs(float64(got[i])-exact) > tolerance {
				rt.Fatalf("%+v: element %d is %v, the exact sum %v", k, i, got[i], exact)
			}
		}
	})
}

// TestReduceIsChain: the general reduce runs the same chain as the program of the walk-through.
func TestReduceIsChain(t *testing.T) {
	for _, n := range [][2]int{{1, 3}, {2, 1}, {33, 100}} {
		chain, err := Chain{PEs: n[0], Elements: n[1]}.Run(context.Background(), wse2(t))
		if err != nil {
			t.Fatal(err)
		}
		if r := mustRun(t, Reduce{PEs: n[0], Elements: n[1]}, wse2(t)); r.Cycles != chain.Cycles {
			t.Errorf("%v PEs, elements: %d cycles, the chain %d", n, r.Cycles, chain.Cycles)
		}
	}
}

// TestTwoPhaseOverlaps: the last group's leader sends on what it is adding, and its stream waits
// before the next leader when that one is done with its group.
func TestTwoPhaseOverlaps(t *testing.T) {
	const pes, elements = 512, 1024
	for _, group := range []int{2, 32, 128, 256} {
		r := mustRun(t, Reduce{Algorithm: TwoPhaseReduce, Group: group, PEs: pes, Elements: elements}, wse2(t))
		first := mustRun(t, Reduce{PEs: group, Elements: elements}, wse2(t)).Cycles
		start := 51 // of the leaders' second instruction, which sends
		if pes/group == 2 {
			start = 34 // PE 0's, which does not
		}
		second := start + elements + (pes/group-1)*(group+5) // group hops to the next leader
		if saved := first + int64(second) - r.Cycles; saved < int64(group) || saved > int64(group+6) {
			t.Errorf("group %d: %d cycles, the phases one by one %d + %d: %d saved, want one stage of %d hops", group, r.Cycles, first, second, saved, group)
		}
	}
}

// TestTreePaysStarts: each round is an instruction of its own at the root.
func TestTreePaysStarts(t *testing.T) {
	slow, err := wse2(t).With("tensor_start_cycles", 16)
	if err != nil {
		t.Fatal(err)
	}
	k := Reduce{Algorithm: TreeReduce, PEs: 60, Elements: 300}
	if more := mustRun(t, k, slow).Cycles - mustRun(t, k, wse2(t)).Cycles; more != 6*10 {
		t.Errorf("a start of 10 cycles more costs %d cycles in 6 rounds, want 60", more)
	}
}

// TestStarRampBound: the root adds one wavelet per cycle, from the first to the last.
func TestStarRampBound(t *testing.T) {
	for _, n := range [][2]int{{2, 1}, {17, 256}, {100, 1}, {100, 2}, {100, 40}} {
		r := mustRun(t, Reduce{Algorithm: StarReduce, PEs: n[0], Elements: n[1]}, wse2(t))
		adds := int64(n[1] * (n[0] - 1))
		if r.Cycles != adds+61+6 || r.Report.PEs[0][pe.Compute] != adds {
			t.Errorf("%v PEs, elements: %d cycles, want %d adds, start 61, and 6 to the first", n, r.Cycles, adds)
		}
	}
}

func TestCollectivesDeterministic(t *testing.T) {
	for _, k := range []kernel{
		Reduce2D{Algorithm: TreeReduce, Width: 13, Height: 6, Elements: 40},
		Reduce{Algorithm: TwoPhaseReduce, PEs: 50, Elements: 90},
		AllReduce{Algorithm: RingAllReduce, PEs: 11, Elements: 100},
	} {
		a, b := mustRun(t, k, wse2(t)), mustRun(t, k, wse2(t))
		if diff := cmp.Diff(a.Report.PEs, b.Report.PEs); diff != "" || !cmp.Equal(a.Report.Stamps, b.Report.Stamps) || !cmp.Equal(a.Report.Images, b.Report.Images) {
			t.Errorf("%+v: two runs differ: %s", k, diff)
		}
	}
}

func TestCollectivesRefused(t *testing.T) {
	for want, k := range map[string]kernel{
		"0 x 1 PEs and 5 elements":       Reduce{Elements: 5},
		"4 x 1 PEs and 0 elements":       Broadcast{PEs: 4},
		"2000000000 x 1 PEs, the":        AllReduce{PEs: 2e9, Elements: 5},
		"3 x 995 PEs, the machine has":   Broadcast2D{Width: 3, Height: 995, Elements: 1},
		"at most 12288 fit the SRAM":     Reduce{PEs: 3, Elements: 2e9},
		`"heap", must be one of chain, `: Reduce{Algorithm: "heap", PEs: 3, Elements: 5},
		`all-reduce algorithm "tree"`:    AllReduce{Algorithm: "tree", PEs: 3, Elements: 5},
		"group size -2":                  Reduce{Algorithm: TwoPhaseReduce, Group: -2, PEs: 3, Elements: 5},
		"tree reduce: group size 4":      Reduce{Algorithm: TreeReduce, Group: 4, PEs: 3, Elements: 5},
		"group size 4, must be absent":   AllReduce{Algorithm: RingAllReduce, Group: 4, PEs: 3, Elements: 5},
	} {
		if _, err := k.Run(context.Background(), wse2(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func FuzzParseAlgorithm(f *testing.F) {
	for _, s := range []string{"", "chain", "star", "tree", "two-phase", "ring", "reduce-broadcast", "Two-Phase", "tree "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := ParseAlgorithm(s); (err == nil) != (a != "") || err == nil && s != "" && string(a) != s {
			t.Errorf("%q: %q, %v", s, a, err)
		}
		if a, err := ParseAllReduce(s); (err == nil) != (a != "") || err == nil && s != "" && string(a) != s {
			t.Errorf("%q: %q, %v", s, a, err)
		}
	})
}

// TestTreeSwitches: routers start with their PE's own ways and turn to what crosses them, and only they.
func TestTreeSwitches(t *testing.T) {
	l, err := Reduce{Algorithm: TreeReduce, PEs: 8, Elements: 4}.Layout(wse2(t))
	if err != nil {
		t.Fatal(err)
	}
	ways := map[int]string{}
	for _, r := range l.Routes {
		for _, p := range r.Route.Positions {
			ways[r.Area.X0] += " " + string('a'+byte(r.Color)) + ":" + p.Rx.String() + ">" + p.Tx.String()
		}
	}
	want := map[int]string{ // color a leaves even depth, b odd depth; the streams 1>0, 2>0, 3>2, 4>0, 5>4, 6>4, 7>6
		0: " b:E>R", 1: " b:R>W b:E>W", 2: " a:E>R b:R>W b:E>W", 3: " a:R>W b:E>W",
		4: " a:E>R b:R>W", 5: " a:R>W a:E>W", 6: " a:R>W b:E>R", 7: " b:R>W",
	}
	if diff := cmp.Diff(want, ways); diff != "" {
		t.Errorf("ways (-want +got):\n%s", diff)
	}
}
