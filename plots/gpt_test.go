package plots

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/gpt"
)

func gptColumns(names ...string) (out []sims.Column) {
	for _, n := range names {
		kind := sims.Number
		if n == "model" || n == "task" || n == "op" || n == "kernel" || n == "pass" || n == "scaling" {
			kind = sims.Text
		}
		out = append(out, sims.Column{Name: n, Title: n, Kind: kind})
	}
	return out
}

// drawn renders a figure in both formats and returns the SVG.
func drawn(t *testing.T, f interface{ Render(Format) ([]byte, error) }, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if png, err := f.Render(PNG); err != nil || !bytes.HasPrefix(png, []byte("\x89PNG")) {
		t.Fatalf("PNG: %v", err)
	}
	svg, err := f.Render(SVG)
	if err != nil {
		t.Fatal(err)
	}
	return string(svg)
}

func TestStepTime(t *testing.T) {
	table := sims.Table{Name: "breakdown", Columns: gptColumns("model", "systems", "sparsity", "flop_proportional_ms", "part_00", "part_01"), Rows: [][]any{
		{"m", 1.0, 0.75, 40.0, 20.0, 40.0}, {"m", 1.0, 0.0, 100.0, 60.0, 40.0}, {"m", 4.0, 0.0, 30.0, 10.0, 10.0}, {"other", 1.0, 0.0, 1.0, 1.0, 0.0},
	}}
	chart, err := StepTime(table, "m")
	svg := drawn(t, chart, err)
	if got := strings.Join(chart.Categories, " "); got != "0 % 75 %" {
		t.Errorf("categories %q: not the fewest systems in order of sparsity", got)
	}
	for _, want := range []string{"FLOP-proportional", "part_00", "Time per update (ms)"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the figure does not say %q", want)
		}
	}
	if _, err := StepTime(table, "none"); err == nil {
		t.Error("a model without rows is drawn")
	}
	if _, err := StepTime(table.Select("model", "sparsity"), "m"); err == nil || !strings.Contains(err.Error(), "systems") {
		t.Errorf("a table without systems: %v", err)
	}
	both, err := CompareSteps(table, table)
	if drawn(t, both, err); len(both.Categories) != 4 {
		t.Errorf("comparison of %v", both.Categories)
	}
}

func TestBarLineRefuses(t *testing.T) {
	bars := StackedBars{Categories: []string{"a", "b"}, Layers: []Layer{{"x", []float64{1, 2}}}}
	for _, values := range [][]float64{{1}, {1, -1}, {1, math.Inf(1)}} {
		bars.Lines = []BarLine{{"line", values}}
		if _, err := bars.Render(SVG); err == nil {
			t.Errorf("a line of %v is drawn", values)
		}
	}
	bars.Lines = []BarLine{{"line", []float64{math.NaN(), 5}}}
	if _, err := bars.Render(SVG); err != nil {
		t.Errorf("a line with a missing value: %v", err)
	}
}

func TestRoofline(t *testing.T) {
	r := gpt.Results{Machine: sims.Defaults().Machine, Precision: "mixed", Kernels: sims.Table{
		Columns: gptColumns("model", "systems", "sparsity", "op", "kernel", "pass", "share_percent", "flops_per_second", "flops_per_byte"), Rows: [][]any{
			{"m", 1.0, 0.0, "mlp.fc", "linear", "forward", 40.0, 2e15, 6e4}, {"m", 1.0, 0.0, "mlp.fc", "linear", "recompute", 40.0, 2e15, 6e4},
			{"m", 1.0, 0.0, "lm_head", "weight gradient", "backward", 10.0, 1e15, 1e4}, {"m", 1.0, 0.0, "attn", "attention", "forward", 9.0, 5e14, math.NaN()},
			{"m", 1.0, 0.0, "loss", "loss reduce", "forward", 0.1, 1e9, 0.5},
			{"m", 4.0, 0.0, "mlp.fc", "linear", "forward", 40.0, 5e14, 2e4}, {"m", 4.0, 0.75, "mlp.fc", "linear", "forward", 40.0, 5e14, 2e4},
		}}}
	chart, err := Roofline(r, "m", 0)
	svg := drawn(t, chart, err)
	for _, want := range []string{"I/O link", "weight gradient, vocabulary", "attention 0.5", "datapath, mixed"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the figure does not say %q", want)
		}
	}
	for _, s := range chart.Series {
		if s.Name == "linear" && len(s.X) != 1 {
			t.Errorf("%d points of the linear kernel, must be that of one system", len(s.X))
		}
	}
	if _, err := Roofline(r, "m", 0.75); err == nil {
		t.Error("a sparsity that has rows on more systems only is drawn")
	}
	if chart.Series[1].Style == chart.Series[2].Style {
		t.Errorf("the roofs %s and %s look alike", chart.Series[1].Name, chart.Series[2].Name)
	}
	if strings.Contains(svg, "loss reduce") {
		t.Error("a kernel of a thousandth of the step is drawn")
	}
	if _, err := Roofline(r, "m", 0.5); err == nil {
		t.Error("a sparsity without rows is drawn")
	}
}

func TestGPTLines(t *testing.T) {
	answer := sims.Table{Columns: gptColumns("model", "systems", "sparsity", "task", "flop_speedup", "machine_speedup"), Rows: [][]any{
		{"m", 1.0, 0.5, "pre-training alone", 1.66, 1.43}, {"m", 1.0, 0.5, "E2E", 1.6, 1.4}, {"m", 1.0, 0.75, "pre-training alone", 2.49, 1.88},
	}}
	chart, err := SPDFSpeedup(answer)
	if drawn(t, chart, err); len(chart.Series) != 2 || len(chart.Series[1].X) != 3 {
		t.Errorf("%d series", len(chart.Series))
	}
	scaling := sims.Table{Columns: gptColumns("model", "sparsity", "scaling", "systems", "speedup", "efficiency_percent"), Rows: [][]any{
		{"m", 0.0, "strong", 1.0, 1.0, 100.0}, {"m", 0.0, "strong", 4.0, 3.1, 77.5}, {"m", 0.0, "weak", 1.0, 1.0, 100.0}, {"m", 0.0, "weak", 4.0, 3.9, 97.5},
	}}
	strong, err := Scaling(scaling, gpt.StrongScaling)
	if drawn(t, strong, err); len(strong.Series) != 2 || strong.Series[0].Y[1] != 4 {
		t.Errorf("strong scaling has %d series", len(strong.Series))
	}
	weak, err := Scaling(scaling, gpt.WeakScaling)
	if drawn(t, weak, err); len(weak.Series) != 2 || weak.Series[0].Y[1] != 100 || weak.Series[1].Y[1] != 97.5 {
		t.Errorf("weak scaling has %d series", len(weak.Series))
	}
	results := sims.Table{Columns: gptColumns("model", "sequences_per_second", "published_sequences_per_second"), Rows: [][]any{
		{"a", 380.0, 373.0}, {"b", 50.0, math.NaN()}, {"c", 9.0, 11.9},
	}}
	rates, ok, err := Throughput(results)
	if drawn(t, rates, err); !ok || len(rates.Series[0].X) != 2 {
		t.Error("throughput is not that of the two published models")
	}
	results.Rows = results.Rows[1:2]
	if _, ok, err := Throughput(results); ok || err != nil {
		t.Errorf("throughput without published rows: drawn %v, %v", ok, err)
	}
}
