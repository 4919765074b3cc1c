package trace

import (
	"iter"

	"cs2sim.dev/pe"
)

// Rows of the tables of phases, cells and memory. The tags are the columns, docs/trace.md describes them. Every column
// is required, plain and of a 32 or 64-bit integer or a string: all that table.go reads.

type phaseRow struct {
	Run       int32  `parquet:"run,plain"`
	Phase     int32  `parquet:"phase,plain"`
	Start     int64  `parquet:"start,plain"`
	Cycles    int64  `parquet:"cycles,plain"`
	Name      string `parquet:"name,plain"`
	Layer     int32  `parquet:"layer,plain"`
	LayerName string `parquet:"layer_name,plain"`
	Op        string `parquet:"op,plain"`
	Pass      string `parquet:"pass,plain"`
	Kernel    string `parquet:"kernel,plain"`
	Kind      int32  `parquet:"kind,plain"`
	FMACs     int64  `parquet:"fmacs,plain"`
	Hops      int64  `parquet:"hops,plain"`
	EdgeIn    int64  `parquet:"edge_in,plain"`
	EdgeOut   int64  `parquet:"edge_out,plain"`
}

type cellRow struct {
	Run      int32 `parquet:"run,plain"`
	Kind     int32 `parquet:"kind,plain"`
	X        int32 `parquet:"x,plain"`
	XStep    int32 `parquet:"x_step,plain"`
	XBlock   int32 `parquet:"x_block,plain"`
	XCount   int32 `parquet:"x_count,plain"`
	Y        int32 `parquet:"y,plain"`
	YStep    int32 `parquet:"y_step,plain"`
	YBlock   int32 `parquet:"y_block,plain"`
	YCount   int32 `parquet:"y_count,plain"`
	LateW    int64 `parquet:"late_wait_weights,plain"`
	LateP    int64 `parquet:"late_wait_partial_sums,plain"`
	Wavelets int64 `parquet:"wavelets,plain"`
	stateRow
}

// stateRow is the account of a cell, in the whole of its kind or in a window: the states of a block in the first row, and
// the sums over the cell of those that lateness changes.
type stateRow struct {
	Idle      int64 `parquet:"idle,plain"`
	Compute   int64 `parquet:"compute,plain"`
	RingAdd   int64 `parquet:"ring_add,plain"`
	Overhead  int64 `parquet:"overhead,plain"`
	Conflict  int64 `parquet:"memory_conflict,plain"`
	Weights   int64 `parquet:"wait_weights,plain"`
	Psums     int64 `parquet:"wait_partial_sums,plain"`
	Blocked   int64 `parquet:"blocked_output,plain"`
	SumIdle   int64 `parquet:"sum_idle,plain"`
	SumWeight int64 `parquet:"sum_wait_weights,plain"`
	SumPsums  int64 `parquet:"sum_wait_partial_sums,plain"`
}

func newStateRow(c *Cell) stateRow {
	s, sum := c.States, c.Sum()
	return stateRow{
		s[pe.Idle], s[pe.Compute], s[pe.RingAdd], s[pe.Overhead], s[pe.Conflict],
		s[pe.WaitWeight], s[pe.WaitPsum], s[pe.BlockedOut],
		sum[pe.Idle], sum[pe.WaitWeight], sum[pe.WaitPsum],
	}
}

func stateColumns() (columns []column) {
	for _, s := range pe.States() {
		columns = append(columns, column{s.Name(), typeInt64})
	}
	return append(columns, column{"sum_idle", typeInt64}, column{"sum_wait_weights", typeInt64}, column{"sum_wait_partial_sums", typeInt64})
}

type regionRow struct {
	Run   int32  `parquet:"run,plain"`
	Name  string `parquet:"name,plain"`
	Base  int32  `parquet:"base_bytes,plain"`
	Bytes int32  `parquet:"bytes,plain"`
	First int32  `parquet:"first_phase,plain"`
	Last  int32  `parquet:"last_phase,plain"`
}

func (r *Run) phaseRows(run int) iter.Seq[phaseRow] {
	return func(yield func(phaseRow) bool) {
		for i, p := range r.Phases {
			if !yield(phaseRow{
				int32(run), int32(i), p.Start, p.Cycles, p.Name, int32(p.Layer), p.LayerName, p.Op, p.Pass, p.Kernel,
				int32(p.Kind), p.FMACs, p.Hops, p.EdgeIn, p.EdgeOut,
			}) {
				return
			}
		}
	}
}

func (r *Run) cellRows(run int) iter.Seq[cellRow] {
	return func(yield func(cellRow) bool) {
		for k := range r.Kinds {
			for i := range r.Kinds[k].Cells {
				c := &r.Kinds[k].Cells[i]
				if !yield(cellRow{
					int32(run), int32(k),
					int32(c.X.From), int32(c.X.Step), int32(c.X.Block), int32(c.X.Count),
					int32(c.Y.From), int32(c.Y.Step), int32(c.Y.Block), int32(c.Y.Count),
					c.Late.Weights, c.Late.Psums, c.Wavelets, newStateRow(c),
				}) {
					return
				}
			}
		}
	}
}

func (r *Run) regionRows(run int) iter.Seq[regionRow] {
	return func(yield func(regionRow) bool) {
		for _, m := range r.Memory {
			if !yield(regionRow{int32(run), m.Name, int32(m.Base), int32(m.Bytes), int32(m.First), int32(m.Last)}) {
				return
			}
		}
	}
}

// outTable is a table of a run on its way to a file.
type outTable struct {
	kind   string
	encode func() ([]byte, error)
}

// tables are all tables of a run.
func (r *Run) tables(run int) []outTable {
	return []outTable{
		{"phases", func() ([]byte, error) { return encode(r.phaseRows(run)) }},
		{"cells", func() ([]byte, error) { return encode(r.cellRows(run)) }},
		{"windows", func() ([]byte, error) { return encode(r.windowRows(run)) }},
		{"memory", func() ([]byte, error) { return encode(r.regionRows(run)) }},
		{"links", func() ([]byte, error) { return encode(r.linkRows(run)) }},
	}
}

// rows are the lengths of the tables.
func (r *Run) rows() Rows {
	n := Rows{Phases: len(r.Phases), Memory: len(r.Memory)}
	for i := range r.Kinds {
		k := &r.Kinds[i]
		n.Cells += len(k.Cells)
		n.Windows += len(k.Windows) * len(k.Cells)
		n.Links += len(k.Links)
	}
	return n
}

func tableKinds() []string { return []string{"phases", "cells", "windows", "memory", "links"} }

// setPhases, setCells and setRegions take what the tables hold, unchecked: Run.Check follows.

func (r *Run) setPhases(t *table) {
	ints, texts := t.ints, t.texts
	for i := range t.rows {
		r.Phases = append(r.Phases, Phase{
			Start: ints[2][i], Cycles: ints[3][i], Name: texts[4][i], Layer: int(ints[5][i]), LayerName: texts[6][i],
			Op: texts[7][i], Pass: texts[8][i], Kernel: texts[9][i], Kind: int(ints[10][i]),
			FMACs: ints[11][i], Hops: ints[12][i], EdgeIn: ints[13][i], EdgeOut: ints[14][i],
		})
	}
}

// setCells appends a kind for each new number, which must be the next one.
func (r *Run) setCells(t *table) bool {
	v := t.ints
	at := func(column, row int) int { return int(v[column][row]) }
	for i := range t.rows {
		switch k := at(1, i); {
		case k == len(r.Kinds):
			r.Kinds = append(r.Kinds, Kind{})
		case k != len(r.Kinds)-1:
			return false
		}
		c := Cell{
			X:    Span{at(2, i), at(3, i), at(4, i), at(5, i)},
			Y:    Span{at(6, i), at(7, i), at(8, i), at(9, i)},
			Late: Late{v[10][i], v[11][i]}, Wavelets: v[12][i],
		}
		for st := range pe.NumStates {
			c.States[st] = v[13+st][i]
		}
		k := &r.Kinds[len(r.Kinds)-1]
		if block := int64(c.X.Block) * int64(c.Y.Block); len(k.Cells) == 0 && block > 0 {
			k.Cycles = c.States.Total() / block // Check holds all others to it
		}
		k.Cells = append(k.Cells, c)
	}
	return true
}

func (r *Run) setRegions(t *table) {
	v := t.ints
	for i := range t.rows {
		r.Memory = append(r.Memory, Region{t.texts[1][i], int(v[2][i]), int(v[3][i]), int(v[4][i]), int(v[5][i])})
	}
}

// column is a column of a table as table.go expects it.
type column struct {
	name string
	kind int64 // a Parquet physical type
}

func phaseColumns() []column {
	return []column{
		{"run", typeInt32}, {"phase", typeInt32}, {"start", typeInt64}, {"cycles", typeInt64}, {"name", typeBytes},
		{"layer", typeInt32}, {"layer_name", typeBytes}, {"op", typeBytes}, {"pass", typeBytes}, {"kernel", typeBytes},
		{"kind", typeInt32}, {"fmacs", typeInt64}, {"hops", typeInt64}, {"edge_in", typeInt64}, {"edge_out", typeInt64},
	}
}

func cellColumns() []column {
	columns := []column{{"run", typeInt32}, {"kind", typeInt32}}
	for _, name := range []string{"x", "x_step", "x_block", "x_count", "y", "y_step", "y_block", "y_count"} {
		columns = append(columns, column{name, typeInt32})
	}
	columns = append(columns, column{"late_wait_weights", typeInt64}, column{"late_wait_partial_sums", typeInt64}, column{"wavelets", typeInt64})
	return append(columns, stateColumns()...)
}

func regionColumns() []column {
	return []column{
		{"run", typeInt32}, {"name", typeBytes}, {"base_bytes", typeInt32}, {"bytes", typeInt32},
		{"first_phase", typeInt32}, {"last_phase", typeInt32},
	}
}
