package sims

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Compare lists what differs between two tables of the same columns: rows are matched by their key
// columns, and every other cell of a matched row that is not the same is a row of the result. Rows that
// one table has alone are listed once each.
func Compare(a, b Table, keys ...string) Table {
	t := Table{Name: "compare", Title: "what changed"}
	for _, k := range keys {
		if i := a.column(k); i >= 0 && b.column(k) >= 0 {
			t.Columns = append(t.Columns, a.Columns[i])
		}
	}
	keys = nil
	for _, c := range t.Columns {
		keys = append(keys, c.Name)
	}
	t.Columns = append(t.Columns,
		Column{Name: "column", Title: "column", Kind: Text},
		Column{Name: "a", Title: "A", Kind: Text},
		Column{Name: "b", Title: "B", Kind: Text},
		Column{Name: "change_percent", Title: "change", Unit: "%", Kind: Number, Format: "%+.2f"})
	rowsB := map[string][]any{}
	for _, row := range b.Rows {
		rowsB[b.key(row, keys)] = row
	}
	alone := func(from Table, row []any, in, missing string) {
		out := from.cells(row, keys)
		t.Rows = append(t.Rows, append(out, "row", in, missing, math.NaN()))
	}
	seen := map[string]bool{}
	for _, row := range a.Rows {
		key := a.key(row, keys)
		seen[key] = true
		other, ok := rowsB[key]
		if !ok {
			alone(a, row, "yes", "no")
			continue
		}
		for i, c := range a.Columns {
			k := b.column(c.Name)
			if k < 0 || b.Columns[k].Kind != c.Kind || slices.Contains(keys, c.Name) || same(row[i], other[k]) {
				continue
			}
			change := math.NaN()
			if was, ok := row[i].(float64); ok && was != 0 {
				change = 100 * (other[k].(float64)/was - 1)
			}
			out := a.cells(row, keys)
			t.Rows = append(t.Rows, append(out, c.Name, shortCell(row[i]), shortCell(other[k]), change))
		}
	}
	for _, row := range b.Rows {
		if !seen[b.key(row, keys)] {
			alone(b, row, "no", "yes")
		}
	}
	return t
}

// cells are the row's cells in the named columns.
func (t Table) cells(row []any, names []string) (out []any) {
	for _, n := range names {
		out = append(out, row[t.column(n)])
	}
	return out
}

func (t Table) key(row []any, names []string) string {
	var parts []string
	for _, v := range t.cells(row, names) {
		parts = append(parts, csvCell(v))
	}
	return strings.Join(parts, "\x00")
}

// same is equality up to the last bits of a computation; NaN equals NaN.
func same(a, b any) bool {
	x, ok := a.(float64)
	y, also := b.(float64)
	if !ok || !also {
		return a == b
	}
	const rounding = 1e-12
	return math.IsNaN(x) && math.IsNaN(y) || x == y || math.Abs(x-y) <= rounding*math.Max(math.Abs(x), math.Abs(y))
}

func shortCell(v any) string {
	f, ok := v.(float64)
	switch {
	case !ok:
		return v.(string)
	case math.IsNaN(f):
		return ""
	}
	return fmt.Sprintf("%.6g", f)
}

// CompareSettings lists the keys of the run files of two result folders that differ.
func CompareSettings(a, b string) (Table, error) {
	t := Table{Name: "settings", Title: "settings that differ", Columns: []Column{
		{Name: "key", Title: "key", Kind: Text},
		{Name: "a", Title: "A", Kind: Text},
		{Name: "b", Title: "B", Kind: Text},
	}}
	configs := [2]Config{}
	for i, dir := range []string{a, b} {
		path := filepath.Join(dir, runFileName)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return t, &InputError{File: dir, Want: "holds no " + runFileName + ", must be the folder of a run"}
		}
		s, err := Load(path)
		if err != nil {
			return t, err
		}
		c, err := s.Base()
		if err != nil {
			return t, err
		}
		configs[i] = c.Config
	}
	for _, k := range Schema() {
		if !k.Of(configs[0].Experiment) && !k.Of(configs[1].Experiment) {
			continue
		}
		x, y := tomlValue(k.Value(&configs[0])), tomlValue(k.Value(&configs[1]))
		if x != y {
			t.Rows = append(t.Rows, []any{k.Name, x, y})
		}
	}
	return t, nil
}
