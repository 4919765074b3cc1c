package runtime

import (
	"math"
	"slices"
	"testing"

	"cs2sim.dev/compiler"
	"pgregory.net/rapid"
)

// treeMachine has a clock of 1 GHz and round links: 8e9 bit/s is a byte per cycle.
func treeMachine(link, memoryx, edge float64) fields {
	return fields{
		{"clock_hz", 1e9}, {"swarmx_bits_per_second", 8e9 * link}, {"memoryx_bits_per_second", 8e9 * memoryx}, {"io_bits_per_second", 8e9 * edge},
		{"swarmx_level_seconds", 1e-6}, {"swarmx_granule_bytes", 100},
	}
}

func TestTreeShape(t *testing.T) {
	for systems, want := range map[int][]int{1: nil, 2: {1}, 4: {1}, 5: {1, 2}, 16: {1, 4}, 17: {1, 2, 5}, 192: {1, 3, 12, 48}} {
		if tree := NewTree(machine(t, nil), systems); !slices.Equal(tree.Nodes, want) {
			t.Errorf("%d systems: %v nodes per level, want %v", systems, tree.Nodes, want)
		}
	}
}

// TestTurnaroundByHand: 8 systems hang under two levels, so that a granule of 100 bytes crosses
// three links each way and two nodes of 1000 cycles.
func TestTurnaroundByHand(t *testing.T) {
	for _, c := range []struct {
		name                string
		link, memoryx, edge float64 // bytes per cycle
		weights             int64
		backlog, perWeight  float64
		want                Turnaround
	}{
		{"latency alone", 1, 1, 1, 25, 0, 0, Turnaround{4600, 4600, 0, 0}},
		{"a small optimiser hides behind the links", 1, 1, 1, 1000, 0, 1, Turnaround{
			Cycles:  (2300 + 39*100) + 25 + 2300, // the last of 40 granules, its update, and down
			Latency: 4600, Optimiser: 1000, Reduction: 39*100 + 25 - 1000,
		}},
		{"a slow optimiser hides the links", 1, 1, 1, 1000, 500, 10, Turnaround{4600 + 500 + 10000, 4600, 10500, 0}},
		{"the edge is the slowest link", 1, 1, 0.5, 1000, 0, 0, Turnaround{
			Cycles: 2400 + 39*200 + 2400, Latency: 4800, Reduction: 39 * 200,
		}},
		{"MemoryX is the slowest link", 1, 0.25, 1, 1000, 0, 0, Turnaround{
			Cycles: 2600 + 39*400 + 2600, Latency: 5200, Reduction: 39 * 400,
		}},
		{"an incomplete granule takes as long", 1, 1, 1, 26, 0, 0, Turnaround{4600 + 100, 4600, 0, 100}},
	} {
		tree := NewTree(machine(t, treeMachine(c.link, c.memoryx, c.edge)), 8)
		if got := tree.Turnaround(c.weights, c.backlog, c.perWeight); !near(got.Cycles, c.want.Cycles) || !near(got.Latency, c.want.Latency) ||
			!near(got.Optimiser, c.want.Optimiser) || !near(got.Reduction, c.want.Reduction) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// TestTurnaroundOrder: the parts sum up, none is negative, one system has only its optimiser, and no
// wider link, no smaller table, no fewer systems takes longer.
func TestTurnaroundOrder(t *testing.T) {
	of := func(f fields) compiler.Target { return machine(t, f) }
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.Float64Range(0.1, 20)
		link, memoryx, edge := width.Draw(t, "link"), width.Draw(t, "memoryx"), width.Draw(t, "edge")
		systems := rapid.IntRange(1, 300).Draw(t, "systems")
		weights := rapid.Int64Range(1, 5000).Draw(t, "weights")
		backlog := rapid.Float64Range(0, 1e4).Draw(t, "backlog")
		perWeight := rapid.Float64Range(0, 10).Draw(t, "per weight")
		at := func(link, memoryx, edge float64, systems int, weights int64) Turnaround {
			return NewTree(of(treeMachine(link, memoryx, edge)), systems).Turnaround(weights, backlog, perWeight)
		}
		r := at(link, memoryx, edge, systems, weights)
		if !near(r.Cycles, r.Latency+r.Optimiser+r.Reduction) || r.Latency < 0 || r.Reduction < -1e-6 {
			t.Fatalf("%+v does not add up", r)
		}
		if systems == 1 && (r.Latency != 0 || r.Reduction != 0) {
			t.Fatalf("one system waits for a tree: %+v", r)
		}
		faster := rapid.Float64Range(1, 4).Draw(t, "faster")
		for name, other := range map[string]Turnaround{
			"wider links": at(link*faster, memoryx, edge, systems, weights), "a wider MemoryX": at(link, memoryx*faster, edge, systems, weights),
			"a wider edge": at(link, memoryx, edge*faster, systems, weights), "fewer systems": at(link, memoryx, edge, (systems+1)/2, weights),
			"a smaller table": at(link, memoryx, edge, systems, (weights+1)/2),
		} {
			if other.Cycles > r.Cycles*(1+1e-9) {
				t.Fatalf("%s: %v cycles, before %v", name, other.Cycles, r.Cycles)
			}
		}
	})
}
