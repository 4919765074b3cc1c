package main

import (
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestFidelityIsAsserted: every row of docs/fidelity.md names tests, and they exist.
func TestFidelityIsAsserted(t *testing.T) {
	data, err := os.ReadFile("../../docs/fidelity.md")
	if err != nil {
		t.Fatal(err)
	}
	exist := map[string]bool{}
	eachFile(t, func(_, path string, f *ast.File, _ int) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasSuffix(path, "_test.go") {
				exist[fn.Name.Name] = true
			}
		}
	})
	cited, name := map[string]bool{}, regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	rows := 0
	for n, line := range strings.Split(string(data), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| topic |") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(line, "|"), "|")
		tests := name.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(cells) != 5 || len(tests) == 0 {
			t.Errorf("docs/fidelity.md:%d: %d cells and %d tests, must be 5 and at least 1", n+1, len(cells), len(tests))
		}
		for _, m := range tests {
			cited[m[1]] = true
			if !exist[m[1]] {
				t.Errorf("docs/fidelity.md:%d: there is no test %s", n+1, m[1])
			}
		}
	}
	if rows < 20 {
		t.Errorf("%d rows found in docs/fidelity.md", rows)
	}
	for test := range exist {
		if strings.HasPrefix(test, "TestGap") && !cited[test] {
			t.Errorf("the gap that %s asserts is not in docs/fidelity.md", test)
		}
	}
}
