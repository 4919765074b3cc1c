package gpt

import (
	"strings"

	"cs2sim.dev/sims"
)

// column is the part's name in the breakdown table, such as part_ring_adds_ms.
func (p Part) column() string {
	return partPrefix + strings.ReplaceAll(strings.ToLower(string(p)), " ", "_") + "_ms"
}

// Names in the breakdown table.
const (
	partPrefix       = "part_"
	columnFLOPTime   = "flop_proportional_ms"
	columnUpdateTime = "update_ms"
)

// breakdownTable is the time of an update by part, pre-training at every sparsity, and the time the
// dense update would take if it shrank as its FLOPs.
func breakdownTable(all []Outcome) sims.Table {
	t := sims.Table{Name: "breakdown", Title: "time of an update of pre-training by part", Columns: []sims.Column{
		text("model", "model"),
		number("systems", "systems", "", "%.0f"),
		number("sparsity", "sparsity", "", "%.2f"),
		number(columnUpdateTime, "update", "ms", "%.1f"),
		number(columnFLOPTime, "FLOP-proportional", "ms", "%.1f"),
	}}
	for _, p := range Parts() {
		t.Columns = append(t.Columns, number(p.column(), string(p), "ms", "%.1f"))
	}
	for i := range all {
		o := &all[i]
		dense := find(all, o, 0, "")
		if o.Task != "" || o.Update == nil || dense == nil {
			continue
		}
		ms := 1e3 / o.Job.Machine.Get("clock_hz")
		row := []any{o.Model.Name, float64(o.Systems), o.Sparsity, 1e3 * o.Update.Seconds, 1e3 * dense.Update.Seconds * o.FLOPs() / dense.FLOPs()}
		for _, v := range o.Update.Breakdown() {
			row = append(row, v*ms)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// excessTable says where the difference between FLOP speedup and machine speedup goes: of every
// part the time it takes beyond its dense time scaled by the FLOPs. The excesses of a sparsity sum to what the update
// takes longer than proportional to its FLOPs.
func excessTable(all []Outcome) sims.Table {
	t := sims.Table{Name: "excess", Title: "where the FLOP speedup goes: time beyond FLOP-proportional", Columns: []sims.Column{
		text("model", "model"),
		number("systems", "systems", "", "%.0f"),
		number("sparsity", "sparsity", "", "%.2f"),
		text("part", "part"),
		number("dense_ms", "dense", "ms", "%.2f"),
		number("sparse_ms", "sparse", "ms", "%.2f"),
		number("excess_ms", "excess", "ms", "%+.2f"),
		number("excess_percent", "of the FLOP-proportional update", "%", "%+.1f"),
	}}
	for i := range all {
		o := &all[i]
		dense := find(all, o, 0, "")
		if o.Task != "" || o.Update == nil || dense == nil || o.Sparsity == 0 {
			continue
		}
		ms := 1e3 / o.Job.Machine.Get("clock_hz")
		ratio := o.FLOPs() / dense.FLOPs()
		ideal := 1e3 * dense.Update.Seconds * ratio
		was, is := dense.Update.Breakdown(), o.Update.Breakdown()
		add := func(name string, was, is float64) {
			excess := (is - was*ratio) * ms
			t.Rows = append(t.Rows, []any{o.Model.Name, float64(o.Systems), o.Sparsity, name, was * ms, is * ms, excess, 100 * excess / ideal})
		}
		for n, p := range Parts() {
			if was[n] != 0 || is[n] != 0 {
				add(string(p), was[n], is[n])
			}
		}
		add("all", float64(dense.Update.Cycles), float64(o.Update.Cycles))
	}
	return t
}
