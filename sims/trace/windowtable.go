package trace

import (
	"iter"

	"cs2sim.dev/pe"
)

// windowRow is a cell in a window of its kind: rows of the fourth table.
type windowRow struct {
	Run    int32 `parquet:"run,plain"`
	Kind   int32 `parquet:"kind,plain"`
	Window int32 `parquet:"window,plain"`
	Start  int64 `parquet:"start,plain"`
	Cycles int64 `parquet:"cycles,plain"`
	Cell   int32 `parquet:"cell,plain"`
	Blocks int64 `parquet:"blocks,plain"`
	LateW  int64 `parquet:"late_wait_weights,plain"`
	LateP  int64 `parquet:"late_wait_partial_sums,plain"`
	stateRow
}

func windowColumns() []column {
	columns := []column{
		{"run", typeInt32}, {"kind", typeInt32}, {"window", typeInt32}, {"start", typeInt64}, {"cycles", typeInt64},
		{"cell", typeInt32}, {"blocks", typeInt64}, {"late_wait_weights", typeInt64}, {"late_wait_partial_sums", typeInt64},
	}
	return append(columns, stateColumns()...)
}

func (r *Run) windowRows(run int) iter.Seq[windowRow] {
	return func(yield func(windowRow) bool) {
		for k := range r.Kinds {
			kind := &r.Kinds[k]
			start := int64(0)
			for n := range kind.Windows {
				w := &kind.Windows[n]
				for i := range kind.Cells {
					c := w.cell(kind, i)
					if !yield(windowRow{
						int32(run), int32(k), int32(n), start, w.Cycles, int32(i), int64(c.X.Count) * int64(c.Y.Count), c.Late.Weights, c.Late.Psums, newStateRow(&c),
					}) {
						return
					}
				}
				start += w.Cycles
			}
		}
	}
}

// setWindows takes the table after that of the cells. Every window has all cells of its kind, in order;
// kinds and windows ascend, kinds without windows left out. Kind.check follows.
func (r *Run) setWindows(t *table) bool {
	v := t.ints
	for i := 0; i < t.rows; {
		k, n := v[1][i], v[2][i]
		if k < 0 || k >= int64(len(r.Kinds)) {
			return false
		}
		kind := &r.Kinds[k]
		cells := len(kind.Cells)
		if n != int64(len(kind.Windows)) || n == 0 && i > 0 && k <= v[1][i-1] || cells == 0 || cells > t.rows-i {
			return false
		}
		w := Window{Cycles: v[4][i], States: make([]pe.StateCycles, cells), Late: make([]Late, cells)}
		for c := range cells {
			if v[1][i] != k || v[2][i] != n || v[4][i] != w.Cycles || v[5][i] != int64(c) {
				return false
			}
			w.Late[c] = Late{v[7][i], v[8][i]}
			for st := range pe.NumStates {
				w.States[c][st] = v[9+st][i]
			}
			i++
		}
		kind.Windows = append(kind.Windows, w)
	}
	return true
}
