package sims

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	table := func(rows ...[]any) Table {
		return Table{Name: "results", Rows: rows, Columns: []Column{
			{Name: "model", Kind: Text}, {Name: "sparsity", Kind: Number}, {Name: "cycles", Kind: Number}, {Name: "kept", Kind: Text},
		}}
	}
	a := table([]any{"x", 0.0, 100.0, "saved"}, []any{"x", 0.5, 60.0, "saved"}, []any{"y", 0.0, math.NaN(), "saved"}, []any{"x", 0.75, 0.0, "saved"})
	b := table([]any{"x", 0.0, 100.0 * (1 + 1e-15), "saved"}, []any{"x", 0.5, 66.0, "again"}, []any{"z", 0.0, 1.0, "saved"}, []any{"x", 0.75, 3.0, "saved"})
	got := Compare(a, b, "model", "sparsity", "none")
	want := [][]any{
		{"x", 0.5, "cycles", "60", "66", 10.0},
		{"x", 0.5, "kept", "saved", "again", math.NaN()},
		{"y", 0.0, "row", "yes", "no", math.NaN()},
		{"x", 0.75, "cycles", "0", "3", math.NaN()}, // no percentage of 0
		{"z", 0.0, "row", "no", "yes", math.NaN()},
	}
	nan := cmp.Comparer(func(x, y float64) bool { return math.Abs(x-y) < 1e-9 || math.IsNaN(x) && math.IsNaN(y) })
	if diff := cmp.Diff(want, got.Rows, nan); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if n := len(Compare(a, a, "model", "sparsity").Rows); n != 0 {
		t.Errorf("a table differs from itself in %d cells", n)
	}
}
