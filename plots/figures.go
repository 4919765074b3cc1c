package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"cs2sim.dev/sims"
)

const (
	sparsityColumn    = "sparsity"
	theoreticalColumn = "theoretical_speedup"
	publishedColumn   = "published_speedup"
	simulatedColumn   = "simulated_speedup"
	speedupSuffix     = "_speedup"
	cyclesPrefix      = "cycles_"
	computeColumn     = "cycles_compute"
)

// Speedup draws measured against theoretical speedup over weight sparsity. The table has the number columns
// sparsity (a fraction, or Unit "%"), theoretical_speedup, published_speedup and simulated_speedup; any
// further number column ending in _speedup becomes a thin curve named by its Title. A cell of a
// speedup column may be NaN: it is passed over, and a column of nothing but NaN is left out,
// except for theory and simulation, which must be there.
//
// The x axis is linear in 1/(1-sparsity): there the ideal is a straight line, and the
// sparsities of equal theoretical steps, which crowd towards 100 %, stand apart.
func Speedup(t sims.Table) (LineChart, error) {
	fail := func(err error) (LineChart, error) { return LineChart{}, fmt.Errorf("speedup figure: %w", err) }
	rows, sparsity, err := sparsities(t)
	if err != nil {
		return fail(err)
	}
	columns := []string{theoreticalColumn, publishedColumn, simulatedColumn}
	for _, c := range t.Columns {
		if c.Kind == sims.Number && strings.HasSuffix(c.Name, speedupSuffix) && !slices.Contains(columns, c.Name) {
			columns = append(columns, c.Name)
		}
	}
	chart := LineChart{
		Title:  cmp.Or(t.Title, "Speedup of sparse over dense"),
		XLabel: "Weight sparsity, and the theoretical speedup 1 / (1 − sparsity)",
		YLabel: "Speedup over dense (×)",
	}
	ideal := make([]float64, len(rows))
	for i, s := range sparsity {
		ideal[i] = 1 / (1 - s)
		if i == 0 || s != sparsity[i-1] {
			factor := strconv.FormatFloat(math.Round(10*ideal[i])/10, 'f', -1, 64)
			chart.XTicks = append(chart.XTicks, Tick{ideal[i], percentLabel(s) + "\n" + factor + "×"})
		}
	}
	for _, name := range columns {
		c, values, err := numbers(t, name, rows)
		if err != nil {
			return fail(err)
		}
		s := Series{Name: cmp.Or(c.Title, c.Name)}
		for i, v := range values {
			if math.IsInf(v, 0) || v < 0 {
				return fail(fmt.Errorf("column %q, sparsity %v: a speedup of %v", name, sparsity[i], v))
			}
			if !math.IsNaN(v) {
				s.X, s.Y = append(s.X, ideal[i]), append(s.Y, v)
			}
		}
		required := name == theoreticalColumn || name == simulatedColumn
		switch {
		case len(s.X) == 0 && required:
			return fail(fmt.Errorf("column %q has no values", name))
		case len(s.X) == 0:
			continue
		case name == theoreticalColumn:
			s.Style = LineStyle{Stroke: Dashed, Muted: true}
		case name == publishedColumn:
			s.Style = LineStyle{Stroke: Dotted, Marker: true}
		case name == simulatedColumn:
			s.Style = LineStyle{Stroke: Solid, Marker: true}
		default:
			s.Style = LineStyle{Marker: true, Thin: true}
		}
		chart.Series = append(chart.Series, s)
	}
	if chart.Subtitle, err = agreement(t, rows); err != nil {
		return fail(err)
	}
	return chart, nil
}

// agreement says how far simulation and publication are apart, where both have a value.
func agreement(t sims.Table, rows [][]any) (string, error) {
	_, published, err := numbers(t, publishedColumn, rows)
	if err != nil {
		return "", err
	}
	_, simulated, err := numbers(t, simulatedColumn, rows)
	if err != nil {
		return "", err
	}
	points, worst := 0, 0.0
	for i := range rows {
		if published[i] > 0 && simulated[i] >= 0 { // false for NaN
			points++
			worst = max(worst, math.Abs(simulated[i]/published[i]-1))
		}
	}
	if points == 0 {
		return "", nil
	}
	at := strconv.Itoa(points) + " published points"
	if points == 1 {
		at = "the one published point"
	}
	return fmt.Sprintf("Simulation against publication: at most %.1f %% apart at %s", 100*worst, at), nil
}

// LostCycles draws where the PE-cycles went, one bar per sparsity. The table has the number columns sparsity
// (a fraction, or Unit "%") and one per state whose Name starts with cycles_, its share of all PE-cycles in
// percent, named by its Title; they are stacked in the order of the
// columns, cycles_compute first.
func LostCycles(t sims.Table) (StackedBars, error) {
	fail := func(err error) (StackedBars, error) {
		return StackedBars{}, fmt.Errorf("lost-cycles figure: %w", err)
	}
	rows, sparsity, err := sparsities(t)
	if err != nil {
		return fail(err)
	}
	bars := StackedBars{
		Title:    "Where the PE-cycles went",
		Subtitle: t.Title,
		XLabel:   "Weight sparsity",
		YLabel:   "Share of all PE-cycles (%)",
	}
	totals := make([]float64, len(rows))
	for _, s := range sparsity {
		bars.Categories = append(bars.Categories, percentLabel(s))
	}
	for _, c := range t.Columns {
		if c.Kind != sims.Number || !strings.HasPrefix(c.Name, cyclesPrefix) {
			continue
		}
		_, values, err := numbers(t, c.Name, rows)
		if err != nil {
			return fail(err)
		}
		for i, v := range values {
			totals[i] += v
			if !(v >= 0) || totals[i] > 100.5 {
				return fail(fmt.Errorf("column %q, sparsity %v: a share of %v %% brings the sum to %v %%", c.Name, sparsity[i], v, totals[i]))
			}
		}
		name := cmp.Or(c.Title, strings.ReplaceAll(strings.TrimPrefix(c.Name, cyclesPrefix), "_", " "))
		layer := Layer{name, values}
		if c.Name == computeColumn { // the useful part stands on the axis, the lost ones on it
			bars.Layers = append([]Layer{layer}, bars.Layers...)
			continue
		}
		bars.Layers = append(bars.Layers, layer)
	}
	if len(bars.Layers) == 0 {
		return fail(fmt.Errorf("table %q has no number column starting with %q", t.Name, cyclesPrefix))
	}
	return bars, nil
}

// sparsities gives the rows in order of sparsity, and the sparsities as fractions.
func sparsities(t sims.Table) (rows [][]any, fractions []float64, err error) {
	if len(t.Rows) == 0 {
		return nil, nil, fmt.Errorf("table %q has no rows", t.Name)
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return nil, nil, fmt.Errorf("table %q, row %d: %d cells for %d columns", t.Name, i, len(row), len(t.Columns))
		}
	}
	c, values, err := numbers(t, sparsityColumn, t.Rows)
	if err != nil {
		return nil, nil, err
	}
	order := make([]int, len(values))
	for i, v := range values {
		order[i] = i
		if c.Unit == "%" {
			values[i] = v / 100
		}
		if !(values[i] >= 0 && values[i] < 1) {
			return nil, nil, fmt.Errorf("table %q, row %d: sparsity %v is not in [0, 1)", t.Name, i, values[i])
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	for _, i := range order {
		rows, fractions = append(rows, t.Rows[i]), append(fractions, values[i])
	}
	return rows, fractions, nil
}

// numbers gives the cells of a number column. The rows are those of t, in any order, and not ragged.
func numbers(t sims.Table, name string, rows [][]any) (sims.Column, []float64, error) {
	at := slices.IndexFunc(t.Columns, func(c sims.Column) bool { return c.Name == name })
	if at < 0 {
		return sims.Column{}, nil, fmt.Errorf("table %q has no column %q", t.Name, name)
	}
	c := t.Columns[at]
	if c.Kind != sims.Number {
		return c, nil, fmt.Errorf("table %q: column %q is %s, want %s", t.Name, name, c.Kind, sims.Number)
	}
	values := make([]float64, len(rows))
	for i, row := range rows {
		v, ok := row[at].(float64)
		if !ok {
			return c, nil, fmt.Errorf("table %q: column %q holds %v (%T), want a float64", t.Name, name, row[at], row[at])
		}
		values[i] = v
	}
	return c, values, nil
}

// percentLabel writes a fraction as percent, with a decimal only where it says something.
func percentLabel(fraction float64) string {
	decimals := 1
	if fraction > 0.99 {
		decimals = 3
	}
	s := strconv.FormatFloat(100*fraction, 'f', decimals, 64)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + " %"
}
