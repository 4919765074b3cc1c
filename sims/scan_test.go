package sims

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScanLines(t *testing.T) {
	source := strings.Join([]string{
		/*  1 */ `# a comment with [table] and key = 1`,
		/*  2 */ `top = "a # no comment" # [x]`,
		/*  3 */ `a.b . "c d" = 1`,
		/*  4 */ `text = """`,
		/*  5 */ `fake = 1`,
		/*  6 */ `[fake]"""`,
		/*  7 */ `raw = '''`,
		/*  8 */ `x = 1'''''`,
		/*  9 */ `list = [ 1, # one`,
		/* 10 */ `  2,`,
		/* 11 */ `  [3, "]"] ]`,
		/* 12 */ `inline = { p = 1, q = { r = "}" } }`,
		/* 13 */ `[table . 'sub']`,
		/* 14 */ `key=1`,
		/* 15 */ `[[many]]`,
		/* 16 */ `name = "first"`,
		/* 17 */ `[[many]]`,
		/* 18 */ `  name = "second"`,
		/* 19 */ `[many.sub]`,
		/* 20 */ `"k\u0065y" = 2`,
	}, "\r\n")
	want := map[string]int{
		"top": 2, "a": 3, "a.b": 3, "a.b.c d": 3, "text": 4, "raw": 7,
		"list": 9, "list[0]": 9, "list[1]": 10, "list[2]": 11, "list[2][0]": 11, "list[2][1]": 11,
		"inline": 12, "inline.p": 12, "inline.q": 12, "inline.q.r": 12,
		"table.sub": 13, "table.sub.key": 14,
		"many[0]": 15, "many[0].name": 16, "many[1]": 17, "many[1].name": 18,
		"many[1].sub": 19, "many[1].sub.key": 20,
	}
	if diff := cmp.Diff(want, scanLines(source)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{
		"matmul.rowz":     "matmul.rows",
		"rows":            "matmul.rows",
		"token":           "matmul.tokens",
		"machine.tokens":  "matmul.tokens",
		"sed":             "seed",
		"mapping.runahed": "mapping.run_ahead",
		"clock_hz":        "machine.clock_hz",
		"zzzzzz":          "",
		"":                "",
	} {
		if got := nearest(word, keyNames()); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}
