package text

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestGPT2Vectors(t *testing.T) {
	tok := gpt2(t)
	if tok.Size() != 50257 || tok.EndOfTextID() != 50256 {
		t.Fatalf("%d tokens, end %d", tok.Size(), tok.EndOfTextID())
	}
	var vectors []struct {
		Text string
		IDs  []int32
	}
	if err := json.Unmarshal([]byte(shared(t, "gpt2-bpe/testvectors.json")), &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 12 {
		t.Fatalf("%d vectors, want 12", len(vectors))
	}
	for _, v := range vectors {
		if got := tok.Encode(v.Text); !slices.Equal(got, v.IDs) {
			t.Errorf("%q: %v, want %v", v.Text, got, v.IDs)
		}
		if back, err := tok.Decode(v.IDs); err != nil || back != v.Text {
			t.Errorf("%v: %q, %v, want %q", v.IDs, back, err, v.Text)
		}
	}
}

// TestGPT2Corpora: the counts of shared/data/README.md, and every id of tiny Shakespeare.
func TestGPT2Corpora(t *testing.T) {
	tok := gpt2(t)
	train, valid, err := SplitText(shared(t, "text/tinyshakespeare/input.txt"), 0.9)
	if err != nil {
		t.Fatal(err)
	}
	a, b := tok.Encode(train), tok.Encode(valid)
	if len(a) != 301966 || len(b) != 36059 {
		t.Errorf("%d and %d tokens, want 301966 and 36059", len(a), len(b))
	}
	h := sha256.New()
	for i, id := range append(slices.Clone(a), b...) {
		if i > 0 {
			io.WriteString(h, ",")
		}
		io.WriteString(h, strconv.Itoa(int(id)))
	}
	if got, want := hex.EncodeToString(h.Sum(nil)), "44b84e03fcb25a4f6cd8133bc48074518c033cb4f9ba12b3d8dd9faeccdc3748"; got != want {
		t.Errorf("ids have sha256 %s, want %s", got, want)
	}
	if testing.Short() {
		return
	}
	for name, want := range map[string]int{"valid": 258659, "test": 295877} {
		text := shared(t, "text/wikitext-2/"+name+".txt")
		ids := tok.Encode(text)
		if len(ids) != want {
			t.Errorf("wikitext-2 %s: %d tokens, want %d", name, len(ids), want)
		}
		if back, err := tok.Decode(ids); err != nil || back != text {
			t.Errorf("wikitext-2 %s does not come back (%v)", name, err)
		}
	}
}

// TestPretoken: each case by GPT-2's pattern, by hand.
func TestPretoken(t *testing.T) {
	for text, want := range map[string]string{
		"Hello world":         "Hello| world",
		"a  b":                "a| | b",
		"a   b":               "a|  | b",
		"a \n b":              "a| \n| b",
		"a\n\nb":              "a|\n|\n|b",
		"a\tb":                "a|\t|b",
		"end  ":               "end|  ",
		" ":                   " ",
		"it's 'tis I'M we've": "it|'s| '|tis| I|'|M| we|'ve",
		"x''s":                "x|''|s",
		"3rd 20-25":           "3|rd| 20|-|25",
		"a\u00a0b":            "a|\u00a0|b",
		"a \u3000 b":          "a| \u3000| b",
		"½²x":                 "½²|x",
		"e\u0301":             "e|\u0301",
		"\xff\xfe a":          "\xff\xfe| a",
		"日本語 テ":               "日本語| テ",
	} {
		var parts []string
		for s := text; s != ""; {
			n := pretoken(s)
			parts = append(parts, s[:n])
			s = s[n:]
		}
		if got := strings.Join(parts, "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestDecodeRefusesForeignIDs(t *testing.T) {
	for _, id := range []int32{-1, 256} {
		if _, err := Bytes().Decode([]int32{65, id}); err == nil || !strings.Contains(err.Error(), "position 1") {
			t.Errorf("id %d: %v", id, err)
		}
	}
}

// TestParseGPT2Errors: each broken pair of files, and what the error must name.
func TestParseGPT2Errors(t *testing.T) {
	tok, err := Train(strings.Repeat("low lower lowest ", 9), 262)
	if err != nil {
		t.Fatal(err)
	}
	var enc, mer strings.Builder
	if err := tok.WriteGPT2(&enc, &mer); err != nil {
		t.Fatal(err)
	}
	swap := func(s, old, new string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("%q not in the file", old)
		}
		return strings.Replace(s, old, new, 1)
	}
	e, m := enc.String(), mer.String()
	for _, c := range []struct{ encoder, merges, want string }{
		{"", m, "encoder.json: ends inside"},
		{"[]", m, "must be an object"},
		{e[:len(e)/2], m, "encoder.json: "},
		{e + "1", m, "more text"},
		{swap(e, `"!": 0`, `"!": 1`), m, `token "\"": id 1 is taken`},
		{swap(e, `"!": 0`, `"!": 0.5`), m, `"!": id is 0.5`},
		{swap(e, `"!": 0`, `"!": "0"`), m, `"!": id is 0, must be a number`},
		{swap(e, `"!": 0`, `"!": 900`), m, "262 tokens take ids 0 to 261"},
		{swap(e, `"!": 0`, `"#": 0`), m, `"#" comes twice`},
		{swap(e, `"!": 0`, `"!!": 0`), m, "no token for byte 0x21"},
		{swap(e, `"!": 0`, `"": 0`), m, "is empty"},
		{swap(e, `"!": 0`, `"日": 0`), m, "stands for no byte"},
		{swap(e, EndOfText, "<end>"), m, "the end of a text"},
		{e, "", "vocab.bpe: line 1"},
		{e, "#version: 0.2\n", "no merges"},
		{e, m[:len(m)-1], "line 6"},
		{e, swap(m, "l o\n", "lo\n"), "line 2 is"},
		{e, swap(m, "l o\n", "l o w\n"), "line 2 is"},
		{e, swap(m, "l o\n", "l q\n"), `line 2: token "lq" has no id`},
		{e, m + "l o\n", `line 7: pair "l o" comes twice`},
	} {
		if _, err := ParseGPT2([]byte(c.encoder), []byte(c.merges)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error with %q, got %v", c.want, err)
		}
	}
	if err := Bytes().WriteGPT2(io.Discard, io.Discard); err == nil {
		t.Error("the byte tokenizer wrote merges")
	}
}

func FuzzParseGPT2(f *testing.F) {
	tok, err := Train(strings.Repeat("low lower lowest ", 9), 262)
	if err != nil {
		f.Fatal(err)
	}
	var enc, mer strings.Builder
	if err := tok.WriteGPT2(&enc, &mer); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(enc.String()), []byte(mer.String()))
	f.Add([]byte(`{"a": 0, "a": 0}`), []byte("#version: 0.2\na a\n"))
	f.Add([]byte(`{"a": 1e3}`), []byte("\n"))
	f.Fuzz(func(t *testing.T, encoder, merges []byte) {
		tok, err := ParseGPT2(encoder, merges)
		if err != nil {
			return
		}
		// What parses is a tokenizer: any bytes come back, the end of a text but by its id.
		s := string(encoder) + string(merges)
		if back, err := tok.Decode(tok.Encode(s)); err != nil || back != s {
			t.Errorf("%q came back as %q, %v", s, back, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	tok := gpt2(b)
	text := shared(b, "text/wikitext-2/valid.txt")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		tok.Encode(text)
	}
}
