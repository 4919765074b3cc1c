package sims

import (
	"os"
	"testing"

	"cs2sim.dev/sims/trace"
)

// TestKeptTrace: from the first moment of a resumed run to the last, its folder has the runs of the earlier trace.
func TestKeptTrace(t *testing.T) {
	results, err := Simulate(t.Context(), smallCurves(t)[:1], Options{})
	if err != nil {
		t.Fatal(err)
	}
	runs := Traces(results)
	dir := write(t, map[string]string{runFileName: marker + "\n"})
	if err := trace.Write(dir, Version, runs...); err != nil {
		t.Fatal(err)
	}
	open := func() *Folder { // as another process would after a kill
		t.Helper()
		f, err := OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	has := func(f *Folder, at string) {
		t.Helper()
		got, ended := f.EarlierRuns()
		for _, r := range runs {
			if got[r.Name] == nil {
				t.Fatalf("%s: there is no %q", at, r.Name)
			}
		}
		if !ended {
			t.Errorf("%s: the earlier run did not end", at)
		}
	}
	for _, moment := range []string{"moved", "cleaned", "new one begun"} {
		f := open()
		has(f, "before "+moment)
		if err := f.KeepTrace(); err != nil {
			t.Fatal(err)
		}
		if moment != "moved" {
			if err := f.Clean(nil); err != nil {
				t.Fatal(err)
			}
		}
		if moment == "new one begun" {
			w, err := trace.Create(dir, Version)
			if err == nil {
				err = w.Add(0, runs[0])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		has(f, moment)
		f.Close()
	}
	f := open()
	defer f.Close()
	if err := f.Clean(nil); err != nil { // a run that is not resumed
		t.Fatal(err)
	}
	if got, _ := f.EarlierRuns(); len(got) > 0 {
		t.Errorf("%d runs stay where nothing is resumed", len(got))
	}
	if entries, err := os.ReadDir(f.PointsDir()); err != nil || len(entries) > 0 {
		t.Errorf("left among the points: %v, %v", entries, err)
	}
}
