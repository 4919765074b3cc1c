package text

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestE2EFiles(t *testing.T) {
	for _, c := range []struct {
		file            string
		rows, groups    int
		twice, refsLeft int // groups of 2 or more, and their references but the first
	}{
		{"e2e/devset.csv", 4672, 547, 547, 4125},
		{"e2e/testset_w_refs.csv", 4693, 630, 616, 4063},
	} {
		pairs, err := ReadE2E(sharedPath(t, c.file), true)
		if err != nil {
			t.Fatal(err)
		}
		groups := GroupPairs(pairs)
		twice, left := 0, 0
		for _, g := range groups {
			if len(g.Refs) > 1 {
				twice++
				left += len(g.Refs) - 1
			}
		}
		if len(pairs) != c.rows || len(groups) != c.groups || twice != c.twice || left != c.refsLeft {
			t.Errorf("%s: %d rows, %d groups, %d of 2 or more with %d references left", c.file, len(pairs), len(groups), twice, left)
		}
	}
}

// TestE2ELengths: the token counts of shared/data/README.md, of mr, newline, ref as they
// stand in the file.
func TestE2ELengths(t *testing.T) {
	tok := gpt2(t)
	for file, want := range map[string]string{"e2e/devset.csv": "63.6 133", "e2e/testset_w_refs.csv": "72.1 141"} {
		rows, err := csv.NewReader(strings.NewReader(shared(t, file))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		sum, most := 0, 0
		for _, row := range rows[1:] {
			n := len(tok.Encode(row[0] + "\n" + row[1]))
			sum, most = sum+n, max(most, n)
		}
		if got := fmt.Sprintf("%.1f %d", float64(sum)/float64(len(rows)-1), most); got != want {
			t.Errorf("%s: mean and most are %s, want %s", file, got, want)
		}
	}
}

func TestDARTFile(t *testing.T) {
	path := sharedPath(t, "dart/dart-v1.1.1-full-dev.json")
	pairs, err := ReadDART(path)
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string]bool{}
	for _, p := range pairs {
		sets[p.At] = true
	}
	if len(pairs) != 6980 || len(sets) != 2768 {
		t.Errorf("%d texts of %d triple sets, want 6980 of 2768", len(pairs), len(sets))
	}
	if p := pairs[1]; p.At != path+":23" || p.Prompt != "Newberry College : nickname : Wolves" ||
		p.Completion != "Newberry College's nickname is the wolves." {
		t.Errorf("%+v", p)
	}
	if p := pairs[0].Prompt; p != "Mars Hill College : joined : 1973 | Mars Hill College : location : Mars Hill, North Carolina" {
		t.Errorf("%q", p)
	}
	if testing.Short() {
		return
	}
	// shared/data/README.md: mean 70.6 tokens, at most 240, with the relations in capitals
	// as the file has them.
	var entries []dartEntry
	if err := json.Unmarshal([]byte(shared(t, "dart/dart-v1.1.1-full-dev.json")), &entries); err != nil {
		t.Fatal(err)
	}
	tok, texts, sum, most := gpt2(t), 0, 0, 0
	for _, e := range entries {
		var parts []string
		for _, triple := range e.Tripleset {
			parts = append(parts, strings.Join(triple, " : "))
		}
		for _, a := range e.Annotations {
			n := len(tok.Encode(strings.Join(parts, " | ") + " || " + a.Text))
			texts, sum, most = texts+1, sum+n, max(most, n)
		}
	}
	if mean := fmt.Sprintf("%.1f", float64(sum)/float64(texts)); mean != "70.6" || most != 240 {
		t.Errorf("mean %s tokens, at most %d", mean, most)
	}
}

// TestSpaced: forms seen in the LoRA code's files.
func TestSpaced(t *testing.T) {
	for text, want := range map[string]string{
		"In the city centre, Alimentum, isn't family-friendly.":      "In the city centre , Alimentum , isn 't family - friendly .",
		"People aren't allowed":                                      "People aren 't allowed",
		"a non-family-friendly place, that's it!":                    "a non - family - friendly place , that 's it !",
		"It is not family -friendly, however":                        "It is not family -friendly , however",
		"less than £20":                                              "less than £ 20",
		"north of the City centre, 'The Mill' coffee shop serves it": "north of the City centre , ' The Mill ' coffee shop serves it",
		"£20-25. £30.99 (\"cheap\"); 1,000":                          "£ 20 - 25 . £ 30.99 ( \" cheap \" ) ; 1,000",
	} {
		if got := Spaced(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParseE2E(t *testing.T) {
	const row = "\"name[The Mill], eatType[pub], priceRange[less than £20], familyFriendly[no], customer rating[3 out of 5]\",\"A \"\"pub\"\",\r\nnot for families.\"\r\n"
	pairs, err := ParseE2E("x.csv", "mr,ref\r\n"+row+row, true)
	if err != nil {
		t.Fatal(err)
	}
	want := Pair{"name : The Mill | Type : pub | price : less than £ 20 | family friendly : no | customer rating : 3 out of 5",
		`A " pub " , not for families .`, "x.csv:4"}
	if len(pairs) != 2 || pairs[1] != want {
		t.Errorf("%q", pairs)
	}
	pairs, err = ParseE2E("x.csv", "mr,ref\r\n"+row, false)
	if err != nil || !strings.Contains(pairs[0].Prompt, "than £20 |") || pairs[0].Completion != `A "pub", not for families.` {
		t.Errorf("%q, %v", pairs, err)
	}
}

func TestPairErrors(t *testing.T) {
	e2e := func(name, data string) ([]Pair, error) { return ParseE2E(name, data, false) }
	for _, c := range []struct {
		parse      func(name, data string) ([]Pair, error)
		data, want string
	}{
		{ParsePairs, "", "f: the text is empty"},
		{ParsePairs, "a\tb\nc\n", "f:2: has 0 tabs"},
		{ParsePairs, "a\tb\tc\n", "f:1: has 2 tabs"},
		{ParsePairs, "\tb\n", "f:1: the prompt is empty"},
		{ParsePairs, "a\tb\r\na\t\r\n", "f:2: the completion is empty"},
		{ParsePairs, "a\tb\nc\xff\td\n", "f: line 2 is not UTF-8"},
		{e2e, "MR\nname[x]\n", `f:1: the columns are "MR", must be mr,ref`},
		{e2e, "mr,ref\n", "f: has no rows"},
		{e2e, "mr,ref\nname[x],y,z\n", "f: record on line 2: wrong number of fields"},
		{e2e, "mr,ref\n\"name[x],y\n", "f: parse error on line 2"},
		{e2e, "mr,ref\nname[x],y\nname,y\n", `f:3: mr "name": no [`},
		{e2e, "mr,ref\nname[x,y\n", "no ] after"},
		{e2e, "mr,ref\nname[],y\n", "value is empty"},
		{e2e, "mr,ref\nname[x]food[y],z\n", "must be a comma"},
		{e2e, "mr,ref\nname[x], \n", "f:2: the ref is empty"},
		{ParseDART, "{}", "f:1: must be a JSON array"},
		{ParseDART, "[]", "f: has no texts"},
		{ParseDART, "[\n\n{\"tripleset\": [[\"a\", \"b\"]]}]", "f:3: triple 1 has 2 parts"},
		{ParseDART, "[\n{\"annotations\": []}]", "f:2: tripleset is empty"},
		{ParseDART, "[{\"triples\": []}]", `unknown field "triples"`},
		{ParseDART, `[{"tripleset": [["a","b","c"]], "annotations": [{"source": "s", "text": " "}]}]`, "annotation 1 has no text"},
		{ParseDART, `[{"tripleset": [["a","b",3]]}]`, "f:1: json:"},
		{ParseDART, `[{"tripleset": [["a","b","c"]]},` + "\n", "f:2: "},
		{ParseDART, `[] []`, "more text after the array"},
	} {
		if _, err := c.parse("f", c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.data, err, c.want)
		}
	}
}

// TestPairSet: ids by hand. Bytes: prompt "ab" is 97 98, separator 0, completion " c",
// end 0, padding 0.
func TestPairSet(t *testing.T) {
	pairs := []Pair{{"ab", "c", "f:1"}, {"ab", "cdef", "f:2"}}
	s, err := NewPairSet(Bytes(), pairs, 6)
	if err != nil {
		t.Fatal(err)
	}
	want := []Example{
		{[]int32{97, 98, 0, 32, 99, 0, 0}, []bool{false, false, true, true, true, false}},
		{[]int32{97, 98, 0, 32, 99, 100, 101}, []bool{false, false, true, true, true, true}},
	}
	for i, e := range s.All() {
		if !slices.Equal(e.Tokens, want[i].Tokens) || !slices.Equal(e.Loss, want[i].Loss) {
			t.Errorf("%d: %v, want %v", i, e, want[i])
		}
	}
	if s.Len() != 2 || s.Truncated() != 1 {
		t.Errorf("%d examples, %d truncated", s.Len(), s.Truncated())
	}
	if _, err := NewPairSet(Bytes(), pairs, 2); err == nil || !strings.Contains(err.Error(), "f:1: the prompt and its separator have 3 tokens") {
		t.Error(err)
	}
	if _, err := NewPairSet(Bytes(), pairs, 3); err != nil {
		t.Error(err)
	}
	if _, err := NewPairSet(Bytes(), nil, 3); err == nil {
		t.Error("no pairs were taken")
	}
	if _, err := NewPairSet(Bytes(), pairs, 0); err == nil {
		t.Error("length 0 was taken")
	}
	if got, err := Completion(Bytes(), []int32{32, 99, 100, 0, 101}); err != nil || got != "cd" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestPairBatches: each epoch takes every example once, epochs differ, steps repeat.
func TestPairBatches(t *testing.T) {
	var pairs []Pair
	for _, c := range "abcdefg" {
		pairs = append(pairs, Pair{string(c), "x", ""})
	}
	s, err := NewPairSet(Bytes(), pairs, 5)
	if err != nil {
		t.Fatal(err)
	}
	var drawn string
	for step := range 7 {
		batch := s.Batch(3, step, 2)
		for i, e := range s.Batch(3, step, 2) {
			if &e.Tokens[0] != &batch[i].Tokens[0] {
				t.Fatalf("step %d differs from itself", step)
			}
			drawn += string(rune(e.Tokens[0]))
		}
	}
	first, second := []byte(drawn[:7]), []byte(drawn[7:])
	if drawn[:7] == drawn[7:] {
		t.Errorf("both epochs go %s", first)
	}
	slices.Sort(first)
	slices.Sort(second)
	if string(first) != "abcdefg" || string(second) != "abcdefg" {
		t.Errorf("epochs have %s and %s", first, second)
	}
}

func FuzzPairs(f *testing.F) {
	f.Add("mr,ref\r\n\"name[x], food[y]\",\"z\"\r\n")
	f.Add("a\tb\n")
	f.Add(`[{"tripleset": [["a","b","c"]], "annotations": [{"source": "s", "text": "t"}]}]`)
	f.Fuzz(func(t *testing.T, data string) {
		for _, parse := range []func(name, data string) ([]Pair, error){
			ParsePairs, ParseDART, func(n, d string) ([]Pair, error) { return ParseE2E(n, d, true) },
		} {
			pairs, err := parse("f", data)
			if err != nil {
				if !strings.HasPrefix(err.Error(), "f:") {
					t.Errorf("error does not name the file: %v", err)
				}
				continue
			}
			for _, p := range pairs {
				if p.Prompt == "" || p.Completion == "" || !strings.HasPrefix(p.At, "f:") {
					t.Errorf("%+v", p)
				}
			}
			if len(pairs) == 0 {
				t.Errorf("%q: no pairs and no error", data)
			}
		}
	})
}
