package sims

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFolderRefusesWhatIsNotOurs(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"other files":        {"thesis.txt": "x"},
		"another's run.toml": {"run.toml": "experiment = \"matmul\""},
	} {
		dir := write(t, files)
		if _, err := OpenFolder(dir); !errors.As(err, new(*InputError)) {
			t.Errorf("%s: error is %v", name, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != len(files) {
			t.Errorf("%s: the folder was changed: %v", name, entries)
		}
	}
	file := filepath.Join(write(t, map[string]string{"file": ""}), "file")
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if _, err := OpenFolder(dir); !errors.As(err, new(*InputError)) {
			t.Errorf("%s: error is %v", dir, err)
		}
	}
}

func TestFolderIsLocked(t *testing.T) {
	dir := t.TempDir()
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(dir); !errors.As(err, new(*InputError)) {
		t.Errorf("second open: error is %v", err)
	}
	f.Close()
	if f, err = OpenFolder(dir); err != nil {
		t.Fatalf("after Close: %v", err)
	}
	f.Close()
}

func TestFolderLeavesNoTraceIfUnused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the empty folder is still there: %v", err)
	}
}

func TestCleanRemovesOurFilesOnly(t *testing.T) {
	dir := write(t, map[string]string{
		"run.toml": marker + "\n", "results.csv": "", "speedup.png": "", "utilization-s0.9.svg": "", "notes.md": "",
		".results.json123": "", ".bashrc": "", ".run.toml99": "", "speedup.pngx": "",
	})
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range []string{"s0.5000-aa.json", "s0.9000-bb.json", ".s0.9000-bb.json77", "own.json"} {
		if err := os.WriteFile(filepath.Join(dir, "points", name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Clean(map[string]bool{"s0.9000-bb.json": true}); err != nil {
		t.Fatal(err)
	}
	var left []string
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			left = append(left, rel)
		}
		return err
	})
	want := []string{".bashrc", "notes.md", "points/own.json", "points/s0.9000-bb.json", "run.toml", "speedup.pngx"}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}
