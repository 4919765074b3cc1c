package trace

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files are those of a trace by kind, and the manifest.
func files(t testing.TB) (manifest []byte, tables map[string][]byte) {
	dir, _ := written(t)
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, Folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	tables = map[string][]byte{}
	for _, kind := range tableKinds() {
		tables[kind] = read(partName(kind, 0, "", "parquet"))
	}
	return read(ManifestFile), tables
}

// TestHostileManifest: each change of the manifest is refused by a reason that names it.
func TestHostileManifest(t *testing.T) {
	good, tables := files(t)
	read := func(data []byte) error {
		m, err := readManifest(data)
		if err != nil {
			return err
		}
		for i := range m.Runs[:1] {
			if err := m.Runs[i].read(func(kind string) ([]byte, error) { return tables[kind], nil }); err != nil {
				return err
			}
		}
		return nil
	}
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, reason string }{
		{`"version": 2`, `"version": 1`, "version is 1"},
		{`cs2sim trace`, `other`, "format"},
		{`"compute"`, `"computes"`, "states"},
		{`"width": 15`, `"width": 1000000000`, "must be 1 to 4096"},
		{`"width": 15`, `"width": 14`, "PEs"},
		{`"width": 15`, `"width": -1`, "must be 1 to 4096"},
		{`"clock_hz": 1100000000`, `"clock_hz": 0`, "clock_hz"},
		{`"name": "pretrain 0 %"`, `"name": "<script>alert(1)</script>"`, "holds"},
		{`"name": "pretrain 0 %"`, `"name": "a\u0000b"`, "holds"},
		{`"name": "pretrain 0 %"`, `"name": "` + strings.Repeat("x", 201) + `"`, "at most 200"},
		{`"sparsity": 0,`, `"sparsity": 1.5,`, "sparsity"},
		{`"groups": 2`, `"groups": 4000`, "do not lie"},
		{`"part": 0`, `"part": 1`, "parts must ascend"},
		{`"part": 0`, `"part": -1`, "parts must ascend"},
		{`"part": 0`, `"part": 0, "extra": 1`, "unknown field"},
		{`"idle": `, `"idle": 1`, "the manifest says"},
		{`"cells": `, `"cells": 9`, "the manifest says"},
		{`"cells": `, `"cells": -`, "at most"},
		{`"cells": `, `"cells": 20971520`, "at most"},
		{`"windows": `, `"windows": 9`, "the manifest says"},
		{`"windows": `, `"windows": 20971520`, "at most"},
		{`"sparsity": 0,`, `"sparsity": 0, "of_phases": 1,`, "phases of 1"},
	} {
		bad := strings.Replace(string(good), c.old, c.new, 1)
		if bad == string(good) {
			t.Errorf("nothing to replace: %s", c.old)
		}
		if err := read([]byte(bad)); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: error is %v, must say %q", c.new, err, c.reason)
		}
	}
}

// TestHostileTables: a table that is cut off anywhere, or has any one byte changed, is read as what
// it is or refused.
func TestHostileTables(t *testing.T) {
	manifest, tables := files(t)
	read := func(kind string, data []byte) error {
		m, err := readManifest(manifest)
		if err != nil {
			t.Fatal(err)
		}
		return m.Runs[0].read(func(k string) ([]byte, error) {
			if k == kind {
				return data, nil
			}
			return tables[k], nil
		})
	}
	for kind, good := range tables {
		step := 1 + len(good)/200
		if testing.Short() {
			step *= 10
		}
		for n := 0; n < len(good); n += step {
			if read(kind, good[:n]) == nil {
				t.Errorf("%s of %d bytes cut to %d is read", kind, len(good), n)
			}
		}
		for i := 0; i < len(good); i += step {
			bad := append([]byte(nil), good...)
			bad[i] ^= 0xff
			_ = read(kind, bad) // a byte that means nothing may pass; none may crash
		}
	}
	if read("cells", tables["phases"]) == nil || read("windows", tables["cells"]) == nil {
		t.Error("one table is read as another")
	}
}

// TestNames: what a person can write as a name is made harmless, and a script is none.
func TestNames(t *testing.T) {
	for _, bad := range []string{"<b>", `a"b`, "a'b", "a&b", "a\nb", "a\\b", "\xff", "`x`", strings.Repeat("x", maxName+1), "a\u202eb"} {
		if checkName(bad) == nil {
			t.Errorf("%q is a name", bad)
		}
		if err := checkName(Clean(bad)); err != nil {
			t.Errorf("cleaned: %v", err)
		}
	}
	for _, good := range []string{"h.3.mlp.fc", "pretrain 75 %", "12,288 x 12,288", "größer (2:4)"} {
		if checkName(good) != nil || Clean(good) != good {
			t.Errorf("%q is no name", good)
		}
	}
}

// TestOutside: nothing outside of the folder is opened, whatever links say.
func TestOutside(t *testing.T) {
	dir, _ := written(t)
	other := t.TempDir()
	table := filepath.Join(dir, Folder, "cells-000.parquet")
	if err := os.Rename(table, filepath.Join(other, "cells")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(other, "cells"), table); err != nil {
		t.Skip("no symbolic links")
	}
	if _, err := Read(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	for _, bad := range []string{other, filepath.Join(other, "absent"), table} {
		if _, err := Read(bad); err == nil {
			t.Errorf("%s is read as a trace", bad)
		}
	}
}

// FuzzManifest: any manifest is read or refused.
func FuzzManifest(f *testing.F) {
	good, tables := files(f)
	f.Add(good)
	f.Add([]byte(`{"format":"cs2sim trace","version":1,"runs":[{"part":0}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := readManifest(data)
		if err != nil {
			return
		}
		for i := range m.Runs {
			p := &m.Runs[i]
			if p.read(func(kind string) ([]byte, error) { return tables[kind], nil }) == nil {
				use(t, &p.Run)
			}
		}
	})
}

// FuzzTable: any bytes in place of a table are read or refused.
func FuzzTable(f *testing.F) {
	manifest, tables := files(f)
	kinds := tableKinds()
	for i, kind := range kinds {
		f.Add(i, tables[kind])
		f.Add(i, tables[kind][:len(tables[kind])/2])
	}
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		kind := kinds[uint(which)%uint(len(kinds))]
		m, err := readManifest(manifest)
		if err != nil {
			t.Fatal(err)
		}
		p := &m.Runs[0]
		if p.read(func(k string) ([]byte, error) {
			if k == kind {
				return data, nil
			}
			return tables[k], nil
		}) == nil {
			use(t, &p.Run)
		}
	})
}

// use makes every view of a run that was read.
func use(t *testing.T, r *Run) {
	if got, want := r.Totals().Total(), r.PEs()*r.Cycles; got != want {
		t.Errorf("%d PE-cycles read, PEs x cycles is %d", got, want)
	}
	if _, err := Profile(r); err != nil {
		t.Error(err)
	}
	if _, err := Timeline(nil, r); err != nil {
		t.Error(err)
	}
	if _, err := json.Marshal(r.Notable()); err != nil {
		t.Error(err)
	}
}

// TestFull: what its readers would refuse is not written, and what was there before still opens.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	r := runs(t)[0]
	if err := w.Add(0, r); err != nil {
		t.Fatal(err)
	}
	if err := w.Update(1, r); err != nil { // a draft of it does not stay either
		t.Fatal(err)
	}
	w.manifest.Runs[0].Rows.Cells = mostRows().Cells // as if the first had been so large
	if err := w.Add(1, r); !errors.Is(err, ErrFull) {
		t.Fatalf("a run beyond all bounds: error %v, want ErrFull", err)
	}
	if files, err := filepath.Glob(filepath.Join(dir, Folder, "*-001.*")); err != nil || len(files) > 0 {
		t.Errorf("it left %v, %v", files, err)
	}
	w.manifest.Runs[0].Rows.Cells = r.rows().Cells
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if back, err := Read(dir); err != nil || len(back.Runs) != 1 {
		t.Errorf("the rest: %v", err)
	}
}
