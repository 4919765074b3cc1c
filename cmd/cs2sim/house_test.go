package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "cs2sim.dev/"

// allowed is the house: what each room may import of ours. Imports go down only.
var allowed = map[string][]string{
	"fabric":      {},
	"model":       {},
	"pe":          {"fabric"},
	"compiler":    {"fabric", "model", "pe"},
	"runtime":     {"fabric", "model", "pe", "compiler", "runtime/vec"},
	"runtime/vec": {"pe", "model"},                                                  // model in tests, as the truth
	"sims":        {"fabric", "model", "pe", "compiler", "runtime", "sims/kernels"}, // its kernels too
	"plots":       {"sims"},
	"cmd/cs2sim":  {"compiler", "runtime", "sims", "sims/kernels", "plots"},
}

// eachFile parses every Go file of the rooms.
func eachFile(t *testing.T, visit func(room, path string, f *ast.File, lines int)) {
	t.Helper()
	const root = "../.."
	for room := range allowed {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
			if err != nil {
				return err
			}
			visit(room, path, f, strings.Count(string(text), "\n"))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestImportsGoDown(t *testing.T) {
	std := map[string]int{} // files that import both our runtime and Go's
	eachFile(t, func(room, path string, f *ast.File, _ int) {
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if name == "runtime" {
				if spec.Name == nil || spec.Name.Name != "goruntime" {
					t.Errorf("%s imports Go's runtime without the name goruntime", path)
				}
				if !strings.HasSuffix(path, "_test.go") {
					std[path]++
				}
			}
			ours, ok := strings.CutPrefix(name, module)
			// A room's subpackages are part of it; a house table that lists a room opens them.
			inner, _, _ := strings.Cut(ours, "/")
			if ok && inner != room && !slices.Contains(allowed[room], ours) && !slices.Contains(allowed[room], inner) {
				t.Errorf("%s: room %s may not import %s", path, room, ours)
			}
			if !ok && room == "fabric" && strings.Contains(name, ".") && !strings.HasSuffix(path, "_test.go") {
				t.Errorf("%s: fabric imports %s", path, name)
			}
		}
	})
	if len(std) > 2 {
		t.Errorf("Go's runtime is imported in %d files, at most 2: %v", len(std), std)
	}
}

// TestNoInit: nothing happens before main.
func TestNoInit(t *testing.T) {
	eachFile(t, func(_, path string, f *ast.File, lines int) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", path)
			}
		}
		if lines > 500 {
			t.Errorf("%s has %d lines: more than one idea", path, lines)
		}
	})
}
