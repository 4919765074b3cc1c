package sims

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the key tables of docs/runfile.md from the schema")

// The tables of docs/runfile.md are the schema: go test ./sims -run TestDocs -update writes them.
func TestDocs(t *testing.T) {
	const path = "../docs/runfile.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, table := range []string{"top", "machine", "matmul", "mapping", "model", "data", "pretrain", "finetune", "decode", "spdf", "gpt", "documents"} {
		begin, end := "<!-- keys: "+table+" -->\n", "<!-- end -->\n"
		before, rest, ok := strings.Cut(text, begin)
		have, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Errorf("%s has no place for the table %q", path, table)
			continue
		}
		want := keyTable(table)
		if have != want && !*update {
			t.Errorf("%s, table %q (-schema +docs); go test ./sims -run TestDocs -update:\n%s", path, table, cmp.Diff(want, have))
		}
		text = before + begin + want + end + after
	}
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// keyTable is one table of the documentation.
func keyTable(table string) string {
	keys := Schema()
	if table == "documents" {
		keys = documentKeys()
	}
	var b strings.Builder
	b.WriteString("| key | type | unit | default | range | meaning |\n|---|---|---|---|---|---|\n")
	c := Defaults()
	for _, k := range keys {
		in, _, dotted := strings.Cut(k.Name, ".")
		if !dotted {
			in = "top"
		}
		if table != "documents" && in != table {
			continue
		}
		value, within := "", ""
		if table == "documents" {
			within = map[Type]string{Path: "a file", String: "printable, at most 60 bytes", Keyed: "any keys of this page"}[k.Type]
		} else {
			value, within = "`"+tomlValue(k.Value(&c))+"`", k.Range()
			if len(value) > 60 {
				value = "1 - 1/k, k = 1 to 10"
			}
		}
		if k.Required {
			value = "required"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", k.Name, k.Type, k.Unit, value, within, k.Doc)
	}
	return b.String()
}

func TestSchemaIsWhole(t *testing.T) {
	seen := map[string]bool{}
	c := Defaults()
	for _, k := range Schema() {
		if seen[k.Name] {
			t.Errorf("%s is listed twice", k.Name)
		}
		seen[k.Name] = true
		if k.Doc == "" || k.Range() == "" {
			t.Errorf("%s is not documented", k.Name)
		}
		value := k.Value(&c)
		switch list := value.(type) {
		case []float64:
			value = anyList(list)
		case []string:
			value = anyList(list)
		case []int:
			var wide []any
			for _, n := range list {
				wide = append(wide, int64(n))
			}
			value = wide
		}
		if n, ok := value.(int); ok {
			value = int64(n)
		}
		if _, miss := k.accept(value); miss != nil {
			t.Errorf("%s: its default %v is refused: %s", k.Name, value, miss.want)
		}
	}
	for _, key := range c.Machine.Keys() {
		if !seen[machineTable+key] {
			t.Errorf("machine field %s is no key of a run file", key)
		}
	}
}

func anyList[T any](list []T) (out []any) {
	out = []any{}
	for _, v := range list {
		out = append(out, v)
	}
	return out
}

func TestExamplesResolve(t *testing.T) {
	entries, err := os.ReadDir("../examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".toml") {
			continue
		}
		s, err := Load("../examples/" + e.Name())
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if _, err := s.Curves(); err != nil {
			t.Errorf("%v", err)
		}
	}
}
