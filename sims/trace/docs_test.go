package trace

import (
	"os"
	"strings"
	"testing"
)

// TestDocs: docs/trace.md has every column of every table.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../../docs/trace.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for table, columns := range map[string][]column{
		"`phases`:": phaseColumns(), "`cells`:": cellColumns(), "`windows`:": windowColumns(), "`memory`:": regionColumns(), "`links`:": linkColumns(),
	} {
		_, section, ok := strings.Cut(text, "\n"+table)
		if !ok {
			t.Fatalf("no section %s", table)
		}
		section, _, _ = strings.Cut(section, "\n\n`")
		for _, c := range columns {
			if !strings.Contains(section, "`"+c.name+"`") && !((table == "`cells`:" || table == "`windows`:") && strings.Contains(text, "| `"+c.name+"` |")) {
				t.Errorf("section %s does not describe %s", table, c.name)
			}
		}
	}
}
