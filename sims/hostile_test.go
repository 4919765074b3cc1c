package sims

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestHostileSources: a file within the bound on its size is refused at once and in few words, whatever it holds.
func TestHostileSources(t *testing.T) {
	many := func(format string) string { return strings.Repeat(format, maxFileBytes/len(format)-100) }
	for name, source := range map[string]string{
		"lists":           "x = " + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000),
		"inline tables":   "x = " + strings.Repeat("{a=", 100_000) + "1" + strings.Repeat("}", 100_000),
		"a dotted key":    strings.Repeat("a.", 300_000) + "a = 1",
		"a dotted table":  "[" + strings.Repeat("a.", 300_000) + "a]\nb = 1",
		"a dotted lists":  "x = [" + many("{a.b.c.d.e.f=1},") + "1]",
		"bare brackets":   many("["),
		"quotes":          many(`"`),
		"long key":        many("k") + " = 1",
		"unknown keys":    numbered("k%=1\n", 60_000),
		"unknown tables":  numbered("[k%]\n", 60_000),
		"nameless curves": many("[[variant]]\n"),
	} {
		start := time.Now()
		_, bad := load("run.toml", "experiment = \"matmul\"\n"+source, nil)
		err := bad.err()
		if err == nil {
			t.Fatalf("%s: is taken", name)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if n := len(err.Error()); n > 10_000 {
			t.Errorf("%s: an error of %d bytes", name, n)
		}
	}
}

// numbered repeats text n times with % replaced by a number.
func numbered(text string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Replace(text, "%", strings.Repeat("x", i%7)+string(rune('a'+i%26))+strconv.Itoa(i), 1))
	}
	return b.String()
}

func TestTooDeep(t *testing.T) {
	for source, line := range map[string]int{
		"a = [[[1.5]]]\nb.c.d = { e = 1 }": 0,
		"a = 1 # " + strings.Repeat("[", 300) + "\nb = '" + strings.Repeat("{", 300) + "'\nc = \"\"\"" + strings.Repeat("\n.[", 300) + "\"\"\"": 0,
		"a = [" + strings.Repeat("1.5, ", 300) + "]":                        0,
		"\na = [\n" + strings.Repeat("[", 300):                              3,
		"\n\n" + strings.Repeat("a.", 300) + "a=1":                          3,
		strings.Repeat("\"a\" . ", 300) + "a=1":                             1,
		strings.Repeat("a = []\n", 300) + strings.Repeat("{", maxNesting+1): 301,
	} {
		if got := tooDeep(source); got != line {
			t.Errorf("%.40q: line %d, want %d", source, got, line)
		}
	}
}

// TestReadFile: what never ends, or would not fit into memory, is refused before it is read.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge")
	f, err := os.Create(huge)
	if err == nil {
		err = f.Truncate(1 << 40) // without blocks on the disk
	}
	if err != nil {
		t.Skip("no sparse files")
	}
	f.Close()
	for _, path := range []string{huge, dir, os.DevNull, filepath.Join(dir, "absent")} {
		if _, err := readAtMost(path, 1<<16); err == nil {
			t.Errorf("%s is read", path)
		}
	}
	if data, err := readAtMost(write(t, map[string]string{"a": "text"})+"/a", 4); err != nil || string(data) != "text" {
		t.Errorf("%q, %v", data, err)
	}
}
