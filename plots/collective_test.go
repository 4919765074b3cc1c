package plots

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"cs2sim.dev/sims"
)

func collectiveTable() sims.Table {
	t := sims.Table{Name: "reduce_chain", Title: "Chain reduce", Columns: []sims.Column{
		{Name: "algorithm", Title: "algorithm", Kind: sims.Text},
		number("pes", "PEs"), number("elements", "elements"), number("cycles", "cycles"), number("closed_form", "closed form"),
	}}
	for _, p := range []float64{512, 4} {
		for _, b := range []float64{4096, 1, 64} {
			form := b + 6*(p-1) + 61
			t.Rows = append(t.Rows, []any{"chain", p, b, math.Round(1.02 * form), form})
		}
	}
	return t
}

func TestCollective(t *testing.T) {
	table := collectiveTable()
	table.Rows[5][3] = math.NaN() // 4 PEs, 64 elements: not simulated
	c, err := Collective(table)
	if err != nil {
		t.Fatal(err)
	}
	if !c.LogX || !c.LogY || len(c.XTicks) != 3 || c.XTicks[2].Label != "4096" {
		t.Errorf("axes: %v %v, ticks %v", c.LogX, c.LogY, c.XTicks)
	}
	if len(c.Series) != 4 || c.Series[1].Name != "4 PEs" || c.Series[3].Name != "512 PEs" {
		t.Fatalf("series %+v, want a line and points for 4 and for 512 PEs", c.Series)
	}
	if got := c.Series[1]; len(got.X) != 2 || got.X[0] != 1 || got.X[1] != 4096 {
		t.Errorf("points at %v, want 1 and 4096 elements, in that order", got.X)
	}
	looks := c.looks()
	if looks[0].color != looks[1].color || looks[2].color != looks[3].color || looks[0].color == looks[2].color {
		t.Error("a line and its points have one colour, other PEs another")
	}
	if looks[1].pen.width != 0 || looks[0].marker != noMarker {
		t.Error("the closed form is a line without points, the simulation points without a line")
	}
	svg, err := c.Render(SVG)
	if err != nil || !bytes.Contains(svg, []byte("512 PEs")) {
		t.Errorf("rendered %d bytes, error %v", len(svg), err)
	}
}

func TestCollectiveErrors(t *testing.T) {
	for want, spoil := range map[string]func(*sims.Table){
		`no column "closed_form"`: func(t *sims.Table) { t.Columns[4].Name = "form" },
		"row 2: 4 cells for 5":    func(t *sims.Table) { t.Rows[2] = t.Rows[2][:4] },
		"no cycles, or no closed form, at 4 PEs": func(t *sims.Table) {
			for i := 3; i < 6; i++ {
				t.Rows[i][3] = math.NaN()
			}
		},
	} {
		table := collectiveTable()
		spoil(&table)
		if _, err := Collective(table); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	table := collectiveTable()
	table.Rows[0][3] = 0.0
	c, err := Collective(table)
	if err == nil {
		_, err = c.Render(SVG)
	}
	if err == nil {
		t.Error("0 cycles on a logarithmic axis accepted")
	}
}
