package sims

import (
	"fmt"
	"math"
	"strings"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// Results is what results.json holds: everything tables and figures need but the wafer maps, which
// come from the points.
type Results struct {
	Version    string           `json:"version"`
	Experiment string           `json:"experiment"`
	Seed       int              `json:"seed"`
	Fidelity   runtime.Fidelity `json:"fidelity"`
	Complete   bool             `json:"complete"`
	Note       string           `json:"note,omitempty"` // why it is not complete
	Machine    compiler.Target  `json:"machine"`
	Results    Table            `json:"results"`            // of the run itself
	Variants   *Table           `json:"variants,omitempty"` // of its variants, if any
}

// MatMulResults makes the tables of a run: the first curve is the run itself, the others are its variants.
func MatMulResults(results []Result) Results {
	c := results[0].Curve.Config
	out := Results{
		Version: Version, Experiment: c.Experiment, Seed: c.Seed, Fidelity: c.Fidelity,
		Machine: c.Machine, Complete: Complete(results),
		Results: Table{Name: "results", Title: title(c), Columns: pointColumns(c.Check > 0)},
	}
	out.Results.Rows = results[0].rows(c.Check > 0)
	if len(results) == 1 {
		return out
	}
	check := false
	for _, r := range results[1:] {
		check = check || r.Curve.Config.Check > 0
	}
	out.Variants = &Table{
		Name: "variants", Title: title(c) + ": variants",
		Columns: append([]Column{{Name: "variant", Title: "variant", Kind: Text}}, pointColumns(check)...),
	}
	for _, r := range results[1:] {
		for _, row := range r.rows(check) {
			out.Variants.Rows = append(out.Variants.Rows, append([]any{r.Curve.Name}, row...))
		}
	}
	return out
}

func title(c Config) string {
	text := formatNumber(float64(c.MatMul.Rows)) + " x " + formatNumber(float64(c.MatMul.Cols)) + " MatMul on " + c.Machine.Name
	// A preset's name stands for its numbers: what differs is named beside it.
	changed := overridden(c.Machine)
	for i, p := range changed[:min(3, len(changed))] {
		text += []string{" with ", ", ", ", "}[i] + p.Key + " " + formatNumber(p.Value)
	}
	if rest := len(changed) - 3; rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}

// pointColumns are the columns of one point, in the order of Result.rows.
func pointColumns(check bool) []Column {
	columns := []Column{
		{"sparsity", "sparsity", "", Number, "%.4f"},
		{"theoretical_speedup", "theoretical speedup", "", Number, "%.2f"},
		{"published_speedup", "published speedup", "", Number, "%.2f"},
		{"simulated_speedup", "simulated speedup", "", Number, "%.2f"},
		{"error_percent", "error", "%", Number, "%+.2f"},
		{"cycles", "cycles", "cycles", Number, "%.0f"},
		{"pe_utilization", "PE utilization", "", Number, "%.3f"},
		{"milliseconds", "time", "ms", Number, "%.3f"},
		{"non_zeros", "non-zeros", "", Number, "%.0f"},
		{"fmacs", "FMACs", "", Number, "%.0f"},
		{"edge_wavelets", "edge wavelets", "", Number, "%.0f"},
		{"edge_rate", "edge rate", "wavelets/cycle", Number, "%.2f"},
		{"groups", "groups", "", Number, "%.0f"},
		{"columns", "columns", "per group", Number, "%.0f"},
		{"rows_used", "rows used", "", Number, "%.0f"},
		{"tokens_per_pe", "tokens", "per PE", Number, "%.0f"},
		{"run_ahead", "run-ahead", "rows", Number, "%.0f"},
	}
	for _, s := range pe.States() {
		columns = append(columns, Column{"cycles_" + s.Name(), strings.ReplaceAll(s.Name(), "_", " "), "%", Number, "%.1f"})
	}
	if check {
		columns = append(columns,
			Column{"check_entries", "checked", "entries", Number, "%.0f"},
			Column{"check_mismatches", "mismatches", "entries", Number, "%.0f"},
			Column{"check_max_error", "largest error", "", Number, "%.3g"})
	}
	return columns
}

// rows are the finished points of a curve in its order of sparsities.
func (r Result) rows(check bool) (rows [][]any) {
	for _, p := range r.Points {
		if p != nil {
			rows = append(rows, r.row(p, check))
		}
	}
	return rows
}

func (r Result) row(p *Point, check bool) []any {
	c, rep := r.Curve.Config, &p.Report
	real := published(c.MatMul, p.Input.Sparsity)
	speedup := math.NaN()
	if r.Dense != nil {
		speedup = float64(r.Dense.Report.Cycles) / float64(rep.Cycles)
	}
	row := []any{
		p.Input.Sparsity,
		1 / (1 - p.Input.Sparsity),
		real,
		speedup,
		100 * (speedup/real - 1),
		float64(rep.Cycles),
		rep.Utilization(),
		1e3 * c.Machine.Seconds(rep.Cycles),
		float64(rep.NonZeros),
		float64(rep.FMACs),
		float64(rep.EdgeWavelets),
		rep.EdgeRate,
		float64(p.Mapping.Groups),
		float64(p.Mapping.Columns),
		float64(rep.Rows),
		float64(p.Mapping.Tokens),
		float64(p.Mapping.RunAhead),
	}
	for _, s := range pe.States() {
		row = append(row, 100*float64(rep.States[s])/float64(rep.States.Total()))
	}
	if check {
		k := rep.Check
		if k == nil {
			k = &runtime.Check{MaxError: math.NaN()}
		}
		row = append(row, float64(k.Entries), float64(k.Mismatches), k.MaxError)
	}
	return row
}

// Mismatches counts the checked output entries that differ from the reference, over all points.
func Mismatches(results []Result) (n int) {
	for _, r := range results {
		for _, p := range r.Points {
			if p != nil && p.Report.Check != nil {
				n += p.Report.Check.Mismatches
			}
		}
	}
	return n
}

// Busy returns the share of cycles in which the datapath or dispatcher of PE (x, y) worked, NaN for a
// PE that holds no tokens.
func (p *Point) Busy(x, y int) float64 {
	if y >= p.Report.Rows || x >= min(len(p.Columns), p.Mapping.Groups*p.Mapping.Columns) {
		return math.NaN()
	}
	busy, all := int64(0), p.Columns[x].Total()
	for _, s := range pe.States() {
		if s.Busy() {
			busy += p.Columns[x][s]
		}
	}
	return float64(busy) / float64(all)
}
