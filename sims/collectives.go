package sims

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/sims/kernels"
)

// CollectiveGrid is the points at which collectives are simulated. A 2-D collective of P PEs has the
// rectangle of P that is nearest to a square.
type CollectiveGrid struct {
	PEs, Elements []int
	MaxHops       float64 // points of more wavelet hops are left out; 0: none
}

// DefaultCollectives is a grid of some ten seconds.
func DefaultCollectives() CollectiveGrid {
	return CollectiveGrid{
		PEs:      []int{4, 16, 64, 256, 512},
		Elements: []int{1, 4, 16, 64, 256, 1024, 4096},
		MaxHops:  1e7,
	}
}

// collective is one of them: its table's name and title, and its kernel at a point.
type collective struct {
	name, title, algorithm string
	at                     func(pes, elements int) collectiveKernel
}

type collectiveKernel interface {
	Run(context.Context, compiler.Target) (*kernels.Result, error)
	Model() []kernels.Terms
}

func collectives() (all []collective) {
	titles := map[kernels.Algorithm]string{
		kernels.ChainReduce: "Chain reduce", kernels.StarReduce: "Star reduce",
		kernels.TreeReduce: "Binary tree reduce", kernels.TwoPhaseReduce: "Two-phase reduce, groups of √P",
	}
	for _, a := range kernels.Algorithms() {
		all = append(all, collective{"reduce_" + nameOf(string(a)), titles[a], string(a), func(p, b int) collectiveKernel {
			return kernels.Reduce{Algorithm: a, PEs: p, Elements: b}
		}})
	}
	all = append(all, collective{"broadcast", "Flooding broadcast", "broadcast", func(p, b int) collectiveKernel {
		return kernels.Broadcast{PEs: p, Elements: b}
	}})
	for _, a := range kernels.AllReduceAlgorithms() {
		title := "Ring all-reduce"
		if a == kernels.ReduceBroadcast {
			title = "All-reduce by chain reduce and broadcast"
		}
		all = append(all, collective{"allreduce_" + nameOf(string(a)), title, string(a), func(p, b int) collectiveKernel {
			return kernels.AllReduce{Algorithm: a, PEs: p, Elements: b}
		}})
	}
	return append(all,
		collective{"reduce_2d", "2-D reduce by chains, x then y", "chain", func(p, b int) collectiveKernel {
			w, h := rectangle(p)
			return kernels.Reduce2D{Width: w, Height: h, Elements: b}
		}},
		collective{"broadcast_2d", "2-D flooding broadcast, x then y", "broadcast", func(p, b int) collectiveKernel {
			w, h := rectangle(p)
			return kernels.Broadcast2D{Width: w, Height: h, Elements: b}
		}})
}

// nameOf makes a column-like name of an algorithm's.
func nameOf(algorithm string) string {
	b := []byte(algorithm)
	for i, c := range b {
		if c == '-' {
			b[i] = '_'
		}
	}
	return string(b)
}

// rectangle is the width and height of p PEs, width the larger, with the least difference.
func rectangle(p int) (w, h int) {
	for d := 1; d*d <= p; d++ {
		if p%d == 0 {
			w, h = p/d, d
		}
	}
	return w, h
}

// Check refuses a machine on which the grid does not fit, at the key to change.
func (g CollectiveGrid) Check(t compiler.Target) error {
	need := map[string]int{}
	for _, p := range g.PEs {
		_, h := rectangle(p)
		need["width"], need["height"] = max(need["width"], p), max(need["height"], h)
	}
	for _, b := range g.Elements {
		need["sram_bytes"] = max(need["sram_bytes"], 4*b)
	}
	for _, key := range []string{"width", "height", "sram_bytes"} {
		if have := t.Get(key); have < float64(need[key]) {
			return &InputError{File: machineTable + key, Value: formatNumber(have), Want: fmt.Sprintf("must be at least %d for the collectives", need[key])}
		}
	}
	return nil
}

// CollectiveTables simulates every collective on the grid: one table each, one row per point, with
// the closed form of the paper, and the machine's start, beside the cycles. progress may be nil. If ctx ends, the
// tables are those that were finished, and the error is ctx's.
func CollectiveTables(ctx context.Context, t compiler.Target, g CollectiveGrid, progress func(done, total int)) ([]Table, error) {
	if err := g.Check(t); err != nil {
		return nil, err
	}
	var tables []Table
	list := collectives()
	for i, c := range list {
		table, err := c.table(ctx, t, g)
		if err != nil {
			return tables, err
		}
		tables = append(tables, table)
		if progress != nil {
			progress(i+1, len(list))
		}
	}
	return tables, nil
}

func (c collective) table(ctx context.Context, t compiler.Target, g CollectiveGrid) (Table, error) {
	table := Table{Name: c.name, Title: c.title + " on " + machineText(t), Columns: []Column{
		{"algorithm", "algorithm", "", Text, ""},
		{"pes", "PEs", "", Number, "%.0f"},
		{"elements", "elements", "", Number, "%.0f"},
		{"cycles", "cycles", "cycles", Number, "%.0f"},
		{"closed_form", "closed form", "cycles", Number, "%.1f"},
	}}
	for _, p := range g.PEs {
		for _, b := range g.Elements {
			if p < 1 || b < 1 {
				return table, fmt.Errorf("collectives: a grid point of %d PEs and %d elements, must be at least 1 each", p, b)
			}
			k := c.at(p, b)
			hops := 0.0
			for _, m := range k.Model() {
				hops += m.Energy
			}
			if g.MaxHops > 0 && hops > g.MaxHops {
				continue
			}
			r, err := k.Run(ctx, t)
			if err != nil {
				return table, err
			}
			if r.Mismatches > 0 {
				return table, fmt.Errorf("collectives: %s, %d PEs, %d elements: %d values differ from the plain loop", c.name, p, b, r.Mismatches)
			}
			table.Rows = append(table.Rows, []any{c.algorithm, float64(p), float64(b), float64(r.Cycles), kernels.ClosedForm(t, k.Model())})
		}
	}
	return table, nil
}
