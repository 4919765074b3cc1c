package kernels

import (
	"os"
	"strings"
	"testing"
)

// TestWalkThrough: docs/programming.md shows the chain reduce and a whole program as they are: its Go blocks are
// parts of chain.go and of a tested example, word for word, and its listing is what the layout of four PEs prints.
func TestWalkThrough(t *testing.T) {
	doc, err := os.ReadFile("../../docs/programming.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("chain.go")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../runtime/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	source = append(source, example...)
	l, err := Chain{PEs: 4, Elements: 16}.Layout(wse2(t))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(doc), "```")
	code, listings := 0, 0
	for i := 1; i < len(parts); i += 2 {
		kind, body, _ := strings.Cut(parts[i], "\n")
		switch kind {
		case "go":
			code++
			if !strings.Contains(string(source), body) {
				t.Errorf("neither sims/kernels/chain.go nor runtime/example_test.go contains this block of docs/programming.md:\n%s", body)
			}
		case "listing":
			listings++
			if body != l.List() {
				t.Errorf("the listing of docs/programming.md is not what the layout prints:\n%s", l.List())
			}
		}
	}
	if code < 6 || listings != 1 {
		t.Errorf("%d code blocks and %d listings in docs/programming.md", code, listings)
	}
}
