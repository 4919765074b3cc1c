package sims

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAxis(t *testing.T) {
	for text, want := range map[string][]any{
		"matmul.tokens=5":                           {5},
		"matmul.tokens= 10 , 20":                    {10, 20},
		"matmul.tokens=10:40:10":                    {10, 20, 30, 40},
		"matmul.tokens=10:45:10":                    {10, 20, 30, 40},
		"matmul.tokens=30:10:-10":                   {30, 20, 10},
		"matmul.tokens=1:8:x2":                      {1, 2, 4, 8},
		"matmul.tokens=2:5:x1.5":                    {2, 3, 5}, // 2, 3, 4.5
		"matmul.tokens=1,4:6:1,9":                   {1, 4, 5, 6, 9},
		"mapping.groups=auto,1:2:1":                 {autoValue, 1, 2},
		"machine.clock_hz=1e9:1.2e9:1e8":            {1e9, 1.1e9, 1.2e9},
		"matmul.sparsities=0.1:0.4:0.1":             {[]float64{0.1}, []float64{0.2}, []float64{0.3}, []float64{0.4}},
		"matmul.mask=unstructured,nm":               {"unstructured", "nm"},
		`matmul.mask="row_balanced",'nm'`:           {"row_balanced", "nm"},
		`mapping.groups="auto"`:                     {autoValue},
		"mapping.per_sparsity=true,false":           {true, false},
		"machine.joules_per_bit_hop=1e-13:2e-13:x2": {1e-13, 2e-13},
	} {
		a, err := ParseAxis(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, a.Values); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseAxisErrors(t *testing.T) {
	for text, want := range map[string]string{
		"matmul.tokens":               "must be KEY=VALUES",
		"matmul.tokens=":              "must be KEY=VALUES",
		"matmul.token=1":              "unknown key: did you mean matmul.tokens?",
		"matmul.tokens=0":             "value 0: is out of range",
		"matmul.tokens=a":             `value "a": is a string`,
		"matmul.tokens=1:2":           "must be a range lo:hi:step or lo:hi:xFACTOR",
		"matmul.tokens=1:x:1":         `"x" is not a number`,
		"matmul.tokens=1:5:0":         "a step other than 0",
		"matmul.tokens=5:1:1":         "leads away from its end",
		"matmul.tokens=1:5:x1":        "a factor other than 1",
		"matmul.tokens=0:5:x2":        "all above 0",
		"matmul.tokens=1:1e9:1":       "more than 1000 values",
		"matmul.tokens=1:nan:1":       "is not a number",
		"matmul.sparsities=0.5:1:0.1": "value 1.0: is out of range",
		"matmul.mask=nothing":         `must be "unstructured"`,
		"extends=a.toml":              "unknown key",
		"machine.file=nope.toml":      "there is no such file",
	} {
		_, err := ParseAxis(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %s", text, err, want)
		}
	}
}

func TestGrid(t *testing.T) {
	s, err := Load(filepath.Join(write(t, map[string]string{"run.toml": smallRun}), "run.toml"))
	if err != nil {
		t.Fatal(err)
	}
	axes := axesOf(t, "matmul.tokens=10,20", "matmul.mask=unstructured,row_balanced")
	curves, err := s.Grid(axes)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range curves {
		names = append(names, c.Name)
	}
	want := []string{
		`matmul.tokens=10 matmul.mask="unstructured"`, `matmul.tokens=10 matmul.mask="row_balanced"`,
		`matmul.tokens=20 matmul.mask="unstructured"`, `matmul.tokens=20 matmul.mask="row_balanced"`,
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	results, err := Simulate(t.Context(), curves, Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := SweepTable(axes, results)
	if len(table.Rows) != 12 || table.Rows[3][0] != 10.0 || table.Rows[3][1] != "row_balanced" {
		t.Errorf("%d rows, fourth begins %v", len(table.Rows), table.Rows[3][:2])
	}
	key, lines := SweepLines(axes, results)
	if key != "matmul.tokens" || len(lines) != 6 || lines[0].Name != "sparsity 0.5, mask unstructured" || len(lines[0].X) != 2 {
		t.Errorf("figure over %q: %+v", key, lines)
	}
	if _, err := s.Grid(axesOf(t, "seed=1", "seed=2")); err == nil {
		t.Error("a key varied twice is accepted")
	}
	if _, err := s.Grid(axesOf(t, "mapping.groups=12:13:1")); err == nil || !strings.Contains(err.Error(), "--vary: mapping.groups: value 13") {
		t.Errorf("error is %v, want one about 13 groups on 12 columns", err)
	}
}

func axesOf(t *testing.T, texts ...string) (axes []Axis) {
	t.Helper()
	for _, text := range texts {
		a, err := ParseAxis(text)
		if err != nil {
			t.Fatal(err)
		}
		axes = append(axes, a)
	}
	return axes
}

func FuzzParseAxis(f *testing.F) {
	f.Add("matmul.tokens=1,2:8:x2,10:20:5")
	f.Add("matmul.sparsities=0:0.9:0.1")
	f.Add("machine.clock_hz=1e308:-1e308:-1e-308")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "file") {
			t.Skip("would open files")
		}
		a, err := ParseAxis(text)
		if err == nil && (len(a.Values) == 0 || len(a.Values) > maxValues || len(a.Values) != len(a.sets)) {
			t.Fatalf("%d values, %d settings", len(a.Values), len(a.sets))
		}
	})
}
