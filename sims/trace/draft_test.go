package trace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cs2sim.dev/pe"
)

// firstPhases is a step's report when so many of its phases are known.
func firstPhases(s Step, n int) Step {
	r := *s.Report
	r.Phases, r.Cycles, r.States = r.Phases[:n:n], 0, pe.StateCycles{}
	sp := r.Step.Space
	width, height := sp.Groups*sp.Columns, sp.Rows()
	for _, p := range r.Phases {
		r.Cycles += p.Cycles + r.Switch
		r.States.Add(p.Grid.Sum(width, height), 1)
	}
	used, all := int64(width)*int64(height), int64(sp.Target.Width())*int64(sp.Target.Height())
	r.States[pe.Overhead] += r.Switch * int64(n) * used
	r.States[pe.Idle] += (all - used) * r.Cycles
	return Step{s.Experiment, s.Name, s.Sparsity, &r}
}

// TestDraft: a run under way is readable after each of its drafts, whatever of the next is there, and gone
// from the folder when it is whole.
func TestDraft(t *testing.T) {
	dir, all := t.TempDir(), steps(t)
	w, err := Create(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(0, all[0].Run()); err != nil {
		t.Fatal(err)
	}
	names := func(pattern string) (names []string) {
		names, _ = filepath.Glob(filepath.Join(dir, Folder, pattern))
		return names
	}
	for n := 1; n < len(all[1].Report.Phases); n++ {
		part := firstPhases(all[1], n)
		run := part.Run()
		if err := w.Update(1, run); err != nil {
			t.Fatal(err)
		}
		// The next draft was on its way.
		next := "b"
		if n%2 == 0 {
			next = "a"
		}
		if err := os.WriteFile(filepath.Join(dir, Folder, partName("cells", 1, next, "parquet")), []byte("PAR1"), 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got.Complete || len(got.Runs) != 2 || !cmp.Equal(got.Runs[1], run) {
			t.Fatalf("after phase %d: complete %t, %d runs: %s", n, got.Complete, len(got.Runs), cmp.Diff(got.Runs[1], run))
		}
		r := got.Runs[1]
		if r.Totals() != part.Report.States || len(r.Phases) != 2*n || r.Of != 2*len(all[1].Report.Phases) {
			t.Errorf("after phase %d: %d phases of %d, %v, the report says %v", n, len(r.Phases), r.Of, r.Totals(), part.Report.States)
		}
		if files := names("windows-001*"); len(files) != 1 {
			t.Errorf("after phase %d there are %v", n, files)
		}
	}
	// A run that ends early closes a trace that is not complete; its views are there.
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(dir); err != nil || got.Complete {
		t.Errorf("a trace with a run under way is complete, or %v", err)
	}
	if err := w.Add(1, all[1].Run()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil || !got.Complete || got.Runs[1].Of != 0 || !cmp.Equal(got.Runs[1], all[1].Run()) {
		t.Errorf("the whole run is not read: %v", err)
	}
	for _, name := range names("*-001[ab].parquet") {
		if !strings.Contains(name, "cells") { // the planted one, which the next trace takes away
			t.Errorf("%s is left", name)
		}
	}
	if _, err := Create(dir, "test"); err != nil {
		t.Fatal(err)
	}
	if left := names("*"); len(left) > 0 {
		t.Errorf("an earlier trace left %v", left)
	}
}

// TestFullDisk: what cannot be written leaves the trace as it was.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("nothing is read-only for root; cmd/cs2sim fills a disk")
	}
	dir, all := t.TempDir(), runs(t)
	w, err := Create(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(0, all[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, Folder), 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(dir, Folder), 0o755)
	if w.Add(1, all[1]) == nil || w.Update(1, all[1]) == nil {
		t.Error("written where nothing can be")
	}
	got, err := Read(dir)
	if err != nil || len(got.Runs) != 1 || !cmp.Equal(got.Runs[0], all[0]) {
		t.Errorf("what was finished is not read: %v", err)
	}
}
