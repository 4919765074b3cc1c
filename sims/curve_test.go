package sims

import (
	"context"
	"math"
	"testing"
)

// loadExample is the base curve of a run file in examples/.
func loadExample(t testing.TB, name string) Curve {
	t.Helper()
	s, err := Load("../examples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	curves, err := s.Curves()
	if err != nil {
		t.Fatal(err)
	}
	return curves[0]
}

// TestPublishedCurve: the ten measured speedups come out of the machine within 2 %, at full size.
func TestPublishedCurve(t *testing.T) {
	if testing.Short() {
		t.Skip("short: simulates the whole wafer ten times")
	}
	results, err := Simulate(context.Background(), []Curve{loadExample(t, "matmul12k.toml")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := results[0]
	if len(r.Points) != len(publishedSpeedup()) {
		t.Fatalf("%d points, want %d", len(r.Points), len(publishedSpeedup()))
	}
	for i, p := range r.Points {
		if p.Report.Width != 750 || p.Report.Height != 994 {
			t.Fatalf("%d x %d PEs, want 750 x 994", p.Report.Width, p.Report.Height)
		}
		if want := 750 * 994 * int64(p.Report.Cycles); p.Report.States.Total() != want {
			t.Errorf("sparsity %v: states sum to %d, PEs x cycles is %d", p.Input.Sparsity, p.Report.States.Total(), want)
		}
		got := float64(r.Dense.Report.Cycles) / float64(p.Report.Cycles)
		if want := publishedSpeedup()[i]; math.Abs(got/want-1) > 0.02 {
			t.Errorf("sparsity %v: speedup %.3f, published %.2f, %+.2f %%", p.Input.Sparsity, got, want, 100*(got/want-1))
		}
	}
}

// BenchmarkTenPoints is the README's main job without files and figures, on all processors.
func BenchmarkTenPoints(b *testing.B) {
	c := loadExample(b, "matmul12k.toml")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Simulate(context.Background(), []Curve{c}, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
