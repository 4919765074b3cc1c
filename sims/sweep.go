package sims

import (
	"math"
	"strings"
)

// SweepTable has a column for each varied key and then those of a point; one row per grid point and
// sparsity. The results are those of Source.Grid's curves, in its order.
func SweepTable(axes []Axis, results []Result) Table {
	check := false
	for _, r := range results {
		check = check || r.Curve.Config.Check > 0
	}
	t := NewSweepTable(axes)
	t.Columns = append(t.Columns, pointColumns(check)...)
	for i, r := range results {
		cells := GridCells(axes, i)
		for _, row := range r.rows(check) {
			t.Rows = append(t.Rows, append(append([]any(nil), cells...), row...))
		}
	}
	return t
}

// NewSweepTable is a table with a column for each varied key and no rows.
func NewSweepTable(axes []Axis) Table {
	t := Table{Name: "sweep", Title: "sweep of " + axisNames(axes)}
	for _, a := range axes {
		t.Columns = append(t.Columns, Column{Name: a.Key.Name, Title: a.Key.Name, Unit: a.Key.Unit, Kind: a.kind()})
	}
	return t
}

// GridCells are the values of the varied keys at point i of the grid, for those columns.
func GridCells(axes []Axis, i int) (cells []any) {
	for a, v := range place(axes, i) {
		cells = append(cells, axes[a].cell(v))
	}
	return cells
}

// SweepSummary is the part of a sweep's table that a person reads first.
func SweepSummary(axes []Axis, t Table) Table {
	var names []string
	for _, a := range axes {
		names = append(names, a.Key.Name)
	}
	return t.Select(append(names, "sparsity", "theoretical_speedup", "simulated_speedup", "cycles", "milliseconds", "pe_utilization", "groups", "run_ahead")...)
}

func axisNames(axes []Axis) string {
	var names []string
	for _, a := range axes {
		names = append(names, a.Key.Name)
	}
	return strings.Join(names, ", ")
}

// kind is Number if every value is one number.
func (a Axis) kind() Kind {
	for i := range a.Values {
		if _, ok := a.number(i); !ok {
			return Text
		}
	}
	return Number
}

func (a Axis) number(i int) (float64, bool) {
	v := a.Key.shown(a.Values[i])
	if list, ok := v.([]float64); ok && len(list) == 1 {
		return list[0], true
	}
	if list, ok := v.([]int); ok && len(list) == 1 {
		return float64(list[0]), true
	}
	n, ok := asFloat(v)
	return n, ok && !math.IsNaN(n)
}

func (a Axis) cell(i int) any {
	if a.kind() == Number {
		n, _ := a.number(i)
		return n
	}
	if s, ok := a.Key.shown(a.Values[i]).(string); ok {
		return s
	}
	return tomlValue(a.Values[i])
}

// GridTable puts the varied keys before the tables of a grid's points, one below the other. The
// tables have the same columns.
func GridTable(axes []Axis, tables []Table) Table {
	t := Table{Name: "sweep", Title: "sweep of " + axisNames(axes)}
	for _, a := range axes {
		t.Columns = append(t.Columns, Column{Name: a.Key.Name, Title: a.Key.Name, Unit: a.Key.Unit, Kind: a.kind()})
	}
	if len(tables) > 0 {
		t.Columns = append(t.Columns, tables[0].Columns...)
	}
	for i, one := range tables {
		var cells []any
		for a, v := range place(axes, i) {
			cells = append(cells, axes[a].cell(v))
		}
		for _, row := range one.Rows {
			t.Rows = append(t.Rows, append(append([]any(nil), cells...), row...))
		}
	}
	return t
}
