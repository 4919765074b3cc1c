package trace

import (
	"testing"

	"cs2sim.dev/pe"
)

// TestStepTotals: a run's cells hold what the step's report says, PE by PE and in total.
func TestStepTotals(t *testing.T) {
	for _, s := range steps(t) {
		r := s.Run()
		if err := r.Check(); err != nil {
			t.Fatal(err)
		}
		if got, want := r.Totals(), s.Report.States; got != want {
			t.Errorf("%s: cells sum to %v, the report to %v", s.Name, got, want)
		}
		if got, want := r.Totals().Total(), r.PEs()*r.Cycles; got != want {
			t.Errorf("%s: %d PE-cycles, PEs x cycles is %d", s.Name, got, want)
		}
		for i, p := range s.Report.Phases {
			k := r.KindOf(2*i + 1)
			for y := range r.Place.Height {
				for x := range r.Place.Width {
					if got, want := k.At(x, y), p.Grid.At(x, y); got != want {
						t.Fatalf("phase %d, %s, PE %d,%d: %v in the trace, %v in the report", i, r.Phases[2*i+1].Name, x, y, got, want)
					}
				}
			}
		}
		for y := range r.Machine.Height {
			for x := range r.Machine.Width {
				if idle := r.Kinds[0].At(x, y)[pe.Idle]; (x >= r.Place.Width || y >= r.Place.Height) && idle != r.Kinds[0].Cycles {
					t.Fatalf("unused PE %d,%d is idle for %d cycles of %d", x, y, idle, r.Kinds[0].Cycles)
				}
			}
		}
	}
}
