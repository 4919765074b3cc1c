package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"cs2sim.dev/sims"
)

// Collective draws a collective's cycles over its elements, both axes logarithmic: simulated points, and in the same
// colour the closed form as a line, for every number of PEs. The table has the number columns pes,
// elements, cycles and closed_form, all above 0. A cell of the last two may be NaN: it is passed over.
func Collective(t sims.Table) (LineChart, error) {
	fail := func(err error) (LineChart, error) { return LineChart{}, fmt.Errorf("collective figure: %w", err) }
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fail(fmt.Errorf("table %q, row %d: %d cells for %d columns", t.Name, i, len(row), len(t.Columns)))
		}
	}
	columns := map[string][]float64{}
	for _, name := range []string{"pes", "elements", "cycles", "closed_form"} {
		_, values, err := numbers(t, name, t.Rows)
		if err != nil {
			return fail(err)
		}
		columns[name] = values
	}
	c := LineChart{
		Title:  cmp.Or(t.Title, t.Name),
		XLabel: "Elements per PE", YLabel: "Cycles", LogX: true, LogY: true,
		Subtitle: "Points: simulated. Lines: closed form (Luczynski et al., HPDC 2024) and the machine's start",
	}
	pes, elements := distinct(columns["pes"]), distinct(columns["elements"])
	for _, b := range elements {
		c.XTicks = append(c.XTicks, Tick{b, groupDigits(strconv.FormatFloat(b, 'f', -1, 64))})
	}
	order := make([]int, len(t.Rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(columns["elements"][a], columns["elements"][b]) })
	for _, p := range pes {
		form := Series{Style: LineStyle{Stroke: Solid, Thin: true}}
		points := Series{Name: groupDigits(strconv.FormatFloat(p, 'f', -1, 64)) + " PEs", Style: LineStyle{Stroke: NoLine, Paired: true}}
		for _, i := range order {
			if columns["pes"][i] != p {
				continue
			}
			form.add(columns["elements"][i], columns["closed_form"][i])
			points.add(columns["elements"][i], columns["cycles"][i])
		}
		if len(form.X) == 0 || len(points.X) == 0 {
			return fail(fmt.Errorf("table %q: no cycles, or no closed form, at %v PEs", t.Name, p))
		}
		c.Series = append(c.Series, form, points)
	}
	return c, nil
}

func (s *Series) add(x, y float64) {
	if !math.IsNaN(y) {
		s.X, s.Y = append(s.X, x), append(s.Y, y)
	}
}

// distinct sorts values and drops repetitions.
func distinct(values []float64) []float64 {
	s := slices.Clone(values)
	slices.Sort(s)
	return slices.Compact(s)
}
