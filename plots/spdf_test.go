package plots

import (
	"math"
	"strings"
	"testing"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/spdf"
)

func word(name string) sims.Column { return sims.Column{Name: name, Title: name, Kind: sims.Text} }

// spdfTables are of an invented experiment of two seeds.
func spdfTables() spdf.Results {
	nan := math.NaN()
	r := spdf.Results{
		Summary: sims.Table{Name: "summary", Columns: []sims.Column{number("sparsity", ""), word("finetune"), number("seeds", ""), number("bleu", ""), number("bleu_std", "")}, Rows: [][]any{
			{0.0, "dense", 2.0, 67.0, 0.6}, {0.5, "dense", 2.0, 66.0, 0.4}, {0.5, "sparse", 2.0, 65.0, 0.3}, {0.75, "dense", 2.0, 64.0, nan}, {0.75, "sparse", 2.0, 60.0, nan},
		}},
		Baselines: sims.Table{Name: "baselines", Columns: []sims.Column{word("baseline"), number("bleu", "")}, Rows: [][]any{{"copy", 3.0}, {"most frequent", 9.0}}},
		Curves: sims.Table{Name: "curves", Columns: []sims.Column{
			number("seed", ""), number("sparsity", ""), word("stage"), number("step", ""), number("loss", ""), number("validation_loss", "")}},
		Cosine: sims.Table{Name: "cosine", Columns: []sims.Column{number("sparsity", ""), word("finetune"), word("module"), number("layer", ""), number("cosine_distance", "")}},
	}
	for seed := 1.0; seed <= 2; seed++ {
		for _, stage := range []string{"pretrain", "dense", "sparse"} {
			for step := 0.0; step <= 4; step++ {
				loss, valid := 5-step, nan
				if step == 0 || step == 4 {
					valid = 5.5 - step
				}
				if step == 0 {
					loss = nan
				}
				r.Curves.Rows = append(r.Curves.Rows, []any{seed, 0.5, stage, step, loss, valid})
			}
		}
		for i, m := range spdf.Modules() {
			for layer := 1.0; layer <= 3; layer++ {
				r.Cosine.Rows = append(r.Cosine.Rows, []any{0.5, "dense", m.Name, layer, seed * (float64(i) + layer) / 20})
			}
		}
	}
	return r
}

func TestSPDFLoss(t *testing.T) {
	r := spdfTables()
	pre, err := SPDFLoss(r.Curves, spdf.Pretrain)
	if err != nil {
		t.Fatal(err)
	}
	if len(pre.Series) != 2 || len(pre.Series[0].X) != 4 || len(pre.Series[1].X) != 2 || pre.Series[1].Y[0] != 5.5 || !strings.HasSuffix(pre.Subtitle, "Seed 1") {
		t.Errorf("%+v", pre)
	}
	fine, err := SPDFLoss(r.Curves, spdf.FinetuneSparse)
	if err != nil {
		t.Fatal(err)
	}
	if len(fine.Series) != 4 || fine.Series[2].Name != "50 %, sparse" {
		t.Errorf("%+v", fine)
	}
	if l := fine.looks(); l[0].color != l[1].color || l[1].color == l[2].color {
		t.Error("a curve and its validation must have one colour, and no other curve it")
	}
	r.Curves.Rows = r.Curves.Rows[:5]
	if _, err := SPDFLoss(r.Curves, spdf.FinetuneDense); err == nil {
		t.Error("a figure of nothing")
	}
}

func TestSPDFScores(t *testing.T) {
	r := spdfTables()
	c, err := SPDFScores(r.Summary, r.Baselines)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Series) != 4 || len(c.Series[0].X) != 3 || len(c.Series[1].X) != 3 || c.Series[1].Y[0] != 67 || c.Series[1].Err[1] != 0.3 {
		t.Errorf("%+v", c.Series)
	}
	for _, f := range []Format{PNG, SVG} {
		if _, err := c.Render(f); err != nil {
			t.Error(err)
		}
	}
	r.Summary.Rows = nil
	if _, err := SPDFScores(r.Summary, r.Baselines); err == nil {
		t.Error("a figure of nothing")
	}
}

func TestSPDFDistances(t *testing.T) {
	r := spdfTables()
	h, err := SPDFDistances(r.Cosine, 0.5, spdf.FinetuneDense)
	if err != nil {
		t.Fatal(err)
	}
	if h.Width != 3 || h.Height != 6 || h.YNames[1] != "WQ" || h.XNames[2] != "3" || math.Abs(h.At(2, 1)-1.5*4/20) > 1e-12 || h.Max != 2*8.0/20 {
		t.Errorf("%+v, %v", h, h.At(2, 1))
	}
	svg, err := h.Render(SVG)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(svg), "WO") {
		t.Error("modules are not named")
	}
	if _, err := SPDFDistances(r.Cosine, 0.75, spdf.FinetuneDense); err == nil {
		t.Error("a figure of nothing")
	}
	h.YNames = h.YNames[1:]
	if _, err := h.Render(SVG); err == nil {
		t.Error("five names for six rows")
	}
}

func TestErrorBars(t *testing.T) {
	c := LineChart{Series: []Series{{Name: "a", X: []float64{1, 2, 3}, Y: []float64{5, 6, 7}, Err: []float64{1, math.NaN(), 4}}}}
	_, y, err := c.axes()
	if err != nil {
		t.Fatal(err)
	}
	if y.lo > 3 || y.hi < 11 {
		t.Errorf("the axis from %v to %v cuts the bar from 3 to 11", y.lo, y.hi)
	}
	for _, bad := range [][]float64{{1}, {1, 2, -1}, {1, 2, math.Inf(1)}} {
		c.Series[0].Err = bad
		if _, err := c.Render(SVG); err == nil {
			t.Errorf("error bars %v are drawn", bad)
		}
	}
}
