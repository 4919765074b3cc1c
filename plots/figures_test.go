package plots

import (
	"math"
	"slices"
	"strings"
	"testing"

	"cs2sim.dev/sims"
)

func TestSpeedup(t *testing.T) {
	table := variantsTable()
	slices.Reverse(table.Rows)
	table.Rows[4][2] = math.NaN() // no publication at 83.3 %
	for _, row := range table.Rows {
		row[5] = math.NaN() // run-ahead 0 was not simulated
	}
	c, err := Speedup(table)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range c.Series {
		names = append(names, s.Name)
		if !slices.IsSorted(s.X) {
			t.Errorf("series %q is not in order of sparsity: %v", s.Name, s.X)
		}
	}
	if got, want := strings.Join(names, "; "), "Theoretical, 1 / (1 − s); Published, CS-2 (SPDF); Simulated, cs2sim; One token group; Row-balanced mask"; got != want {
		t.Errorf("series %s, want %s", got, want)
	}
	if got := len(c.Series[1].X); got != 9 {
		t.Errorf("%d published points, want the 9 that have a value", got)
	}
	if got, want := c.XTicks[2].Label, "66.7 %\n3×"; got != want {
		t.Errorf("third tick %q, want %q", got, want)
	}
	if want := "Simulation against publication: at most 1.2 % apart at 9 published points"; c.Subtitle != want {
		t.Errorf("subtitle %q, want %q", c.Subtitle, want)
	}
	if _, err := c.Render(SVG); err != nil {
		t.Error(err)
	}
}

func TestSpeedupInPercent(t *testing.T) {
	table := speedupTable()
	table.Columns[0].Unit = "%"
	for _, row := range table.Rows {
		row[0] = 100 * row[0].(float64)
	}
	c, err := Speedup(table)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Series[0].X[9]; math.Abs(got-10) > 1e-9 {
		t.Errorf("90 %% sparsity stands at %v, want 10", got)
	}
}

func TestLostCycles(t *testing.T) {
	b, err := LostCycles(cyclesTable())
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Layers) != 8 || b.Layers[0].Name != "FMAC" || b.Categories[5] != "83.3 %" {
		t.Errorf("layers %v, categories %v", b.Layers, b.Categories)
	}
	if _, err := b.Render(SVG); err != nil {
		t.Error(err)
	}
}

func TestWrongTableIsAnError(t *testing.T) {
	change := func(t sims.Table, f func(*sims.Table)) sims.Table { f(&t); return t }
	dropped := func(name string) func(*sims.Table) {
		return func(t *sims.Table) {
			i := slices.IndexFunc(t.Columns, func(c sims.Column) bool { return c.Name == name })
			t.Columns = slices.Delete(t.Columns, i, i+1)
			for r := range t.Rows {
				t.Rows[r] = slices.Delete(t.Rows[r], i, i+1)
			}
		}
	}
	set := func(column int, v any) func(*sims.Table) {
		return func(t *sims.Table) {
			for _, row := range t.Rows {
				row[column] = v
			}
		}
	}
	noRows := func(t *sims.Table) { t.Rows = nil }
	ragged := func(t *sims.Table) { t.Rows[3] = t.Rows[3][:2] }
	for want, table := range map[string]sims.Table{
		`no column "sparsity"`:              change(speedupTable(), dropped("sparsity")),
		`no column "theoretical_speedup"`:   change(speedupTable(), dropped("theoretical_speedup")),
		`no column "published_speedup"`:     change(speedupTable(), dropped("published_speedup")),
		`no column "simulated_speedup"`:     change(speedupTable(), dropped("simulated_speedup")),
		`"simulated_speedup" has no values`: change(speedupTable(), set(3, math.NaN())),
		`"simulated_speedup" holds 3 (int)`: change(speedupTable(), set(3, 3)),
		"a speedup of +Inf":                 change(speedupTable(), set(3, math.Inf(1))),
		"sparsity 1 is not in [0, 1)":       change(speedupTable(), set(0, 1.0)),
		"sparsity NaN is not in [0, 1)":     change(speedupTable(), set(0, math.NaN())),
		`column "sparsity" is text`:         change(speedupTable(), func(t *sims.Table) { t.Columns[0].Kind = "text" }),
		`table "speedup" has no rows`:       change(speedupTable(), noRows),
		"row 3: 2 cells for 4 columns":      change(speedupTable(), ragged),
	} {
		if _, err := Speedup(table); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for want, table := range map[string]sims.Table{
		`no column "sparsity"`:           change(cyclesTable(), dropped("sparsity")),
		`no number column starting with`: speedupTable(),
		"a share of NaN %":               change(cyclesTable(), set(2, math.NaN())),
		"a share of -1 %":                change(cyclesTable(), set(2, -1.0)),
		"a share of 99 % brings the sum": change(cyclesTable(), set(2, 99.0)),
		`table "cycles" has no rows`:     change(cyclesTable(), noRows),
		"row 3: 2 cells for 9 columns":   change(cyclesTable(), ragged),
	} {
		if _, err := LostCycles(table); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
