package trace

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFailedRunLeavesNoProfile: a run whose tables could not be written has no part in the profile of the whole.
func TestFailedRunLeavesNoProfile(t *testing.T) {
	all := runs(t)
	dir := t.TempDir()
	w, err := Create(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(0, all[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, Folder, partName("cells", 1, "", "parquet")), 0o777); err != nil { // in the way
		t.Fatal(err)
	}
	if err := w.Add(1, all[1]); err == nil {
		t.Fatal("a table is put where a folder is")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, ProfileFile))
	if err != nil {
		t.Fatal(err)
	}
	if want, err := Profile(all[0]); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the profile of the whole is not that of its one run: %v", err)
	}
}
