package sims

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestPublishedAgainstSource(t *testing.T) {
	const path = "../../shared/data/spdf/appendix_figure1.csv"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("the data of the paper is not here: %v", err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(publishedSpeedup()) {
		t.Fatalf("%d rows, want %d", len(rows), 1+len(publishedSpeedup()))
	}
	for _, r := range rows[1:] {
		sparsity, _ := strconv.ParseFloat(r[0], 64)
		want, _ := strconv.ParseFloat(r[2], 64)
		if got := published(MatMul{Rows: 12288, Cols: 12288}, sparsity); got != want {
			t.Errorf("sparsity %v: %v, the paper has %v", sparsity, got, want)
		}
	}
}

func TestPublishedOnlyForItsLayer(t *testing.T) {
	for _, m := range []MatMul{{Rows: 12288, Cols: 12287}, {Rows: 1, Cols: 1}} {
		if v := published(m, 0); !math.IsNaN(v) {
			t.Errorf("%d x %d has a published speedup of %v", m.Rows, m.Cols, v)
		}
	}
	if v := published(MatMul{Rows: 12288, Cols: 12288}, 0.55); !math.IsNaN(v) {
		t.Errorf("sparsity 0.55 has a published speedup of %v", v)
	}
}

func sampleTable() Table {
	return Table{
		Name: "sample", Title: "Sample",
		Columns: []Column{
			{Name: "name", Title: "name", Kind: Text},
			{Name: "a_value", Title: "a value", Unit: "%", Kind: Number, Format: "%.2f"},
			{Name: "count", Title: "count", Kind: Number},
		},
		Rows: [][]any{{"plain", 1.0 / 3, 1e6}, {`with "quotes", commas`, math.NaN(), -0.5}},
	}
}

func TestTableCSV(t *testing.T) {
	want := "name,a_value,count\nplain,0.3333333333333333,1000000\n\"with \"\"quotes\"\", commas\",,-0.5\n"
	if diff := cmp.Diff(want, string(sampleTable().CSV())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A long text goes on below itself; the other cells of its row stay in the first line.
func TestTableWrapsText(t *testing.T) {
	table := Table{Columns: []Column{{Name: "n", Title: "n", Kind: Number}, {Name: "source", Title: "source", Kind: Text}},
		Rows: [][]any{{1.0, strings.Repeat("word ", 40) + "end"}, {2.0, "short"}}}
	lines := strings.Split(table.Terminal(), "\n")
	for _, l := range lines {
		if n := len([]rune(l)); n > maxTextCell+8 {
			t.Errorf("a line of %d columns: %q", n, l)
		}
	}
	if text := table.Terminal(); strings.Count(text, "word") != 40 || !strings.Contains(text, "\n 2  short\n") {
		t.Errorf("text is lost or misaligned:\n%s", text)
	}
}

func TestParagraph(t *testing.T) {
	const text = "every word of this sentence is kept "
	got := Paragraph(strings.Repeat(text, 10))
	if words := strings.Join(strings.Fields(got), " ") + " "; words != strings.Repeat(text, 10) {
		t.Errorf("words changed: %q", got)
	}
	for _, l := range strings.Split(got, "\n") {
		if len(l) > 120 || strings.TrimSpace(l) != l || l == "" {
			t.Errorf("line %q", l)
		}
	}
}

// A machine that is not its preset says so where results are titled.
func TestTitleNamesChanges(t *testing.T) {
	for _, c := range []struct {
		set  map[string]float64
		want string
	}{
		{nil, "12288 x 12288 MatMul on wse2"},
		{map[string]float64{"width": 24}, "12288 x 12288 MatMul on wse2 with width 24"},
		{map[string]float64{"width": 24, "height": 8, "clock_hz": 8.5e8, "hop_cycles": 2}, "12288 x 12288 MatMul on wse2 with width 24, height 8, clock_hz 8.5e+08 and 1 more"},
	} {
		config := Defaults()
		for key, v := range c.set {
			machine, err := config.Machine.With(key, v)
			if err != nil {
				t.Fatal(err)
			}
			config.Machine = machine
		}
		if got := title(config); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestTableTerminal(t *testing.T) {
	want := `
                            a
                        value
 name                       %    count
───────────────────────────────────────
 plain                   0.33  1000000
 with "quotes", commas      -     -0.5
`
	if diff := cmp.Diff(want[1:], sampleTable().Terminal()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTableJSON(t *testing.T) {
	data, err := json.Marshal(sampleTable())
	if err != nil {
		t.Fatal(err)
	}
	var back Table
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sampleTable(), back, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{
		`{"columns":[{"name":"a","kind":"number"}],"rows":[["x"]]}`,
		`{"columns":[{"name":"a","kind":"text"}],"rows":[[null]]}`,
		`{"columns":[{"name":"a","kind":"other"}],"rows":[[1]]}`,
		`{"columns":[{"name":"a","kind":"number"}],"rows":[[1,2]]}`,
		`[]`,
	} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestSpeedupsOfVariants(t *testing.T) {
	columns := []Column{{Name: "sparsity", Kind: Number}, {Name: "simulated_speedup", Kind: Number}}
	r := Results{
		Results: Table{Columns: columns, Rows: [][]any{{0.0, 1.0}, {0.5, 2.0}}},
		Variants: &Table{
			Columns: append([]Column{{Name: "variant", Kind: Text}}, columns...),
			Rows:    [][]any{{"b", 0.5, 1.5}, {"b", 0.7, 9.0}, {"a", 0.0, 1.0}, {"a", 0.5, 1.7}},
		},
	}
	got := r.Speedups()
	want := [][]any{{0.0, 1.0, math.NaN(), 1.0}, {0.5, 2.0, 1.5, 1.7}}
	if diff := cmp.Diff(want, got.Rows, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Columns[2].Title != "b" || got.Columns[3].Name != "variant2_speedup" {
		t.Errorf("columns are %+v", got.Columns)
	}
	if len(r.Results.Columns) != 2 || len(r.Results.Rows[0]) != 2 {
		t.Error("the results themselves were changed")
	}
}
