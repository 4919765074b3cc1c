package metrics

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMTEvalTokens(t *testing.T) {
	for text, want := range map[string]string{
		"It isn't family-friendly.":    "It isn't family-friendly .",
		"£20-25, or £1,000.50!":        "£20 - 25 , or £1,000.50 !",
		"A (cheap) \"pub\" & bar/café": `A ( cheap ) " pub " & bar / café`,
		"&quot;5*&amp;&lt;x&gt;":       `" 5 * & < x >`,
		"a..b 1.. .5":                  "a . . b 1 . . . 5",
		"end- line-\nbreak\nnext":      "end- linebreak next",
		"<skipped>a_b[c]{d}~`^":        "a _ b [ c ] { d } ~ ` ^",
		" \t ":                         "",
	} {
		if got := strings.Join(mtevalTokens(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := strings.Join(perlTokens("CAFÉ É"), " "); got != "cafÉ É" {
		t.Errorf("Perl lower case: %q", got)
	}
	if got := strings.Join(pythonTokens("CAFÉ É"), " "); got != "café é" {
		t.Errorf("Python lower case: %q", got)
	}
}

// TestBLEUByHand: 1-grams 5 of 6 (no sat), 2-grams the-cat on-the the-mat of 5, 3-grams
// on-the-mat of 4, 4-grams none of 3; the reference of 6 words is the closest.
func TestBLEUByHand(t *testing.T) {
	hyps := []string{"The cat sat on the mat"}
	refs := [][]string{{"There is a cat on the mat", "the cat is on the mat"}}
	b, err := BLEUv13a(hyps, refs)
	if err != nil {
		t.Fatal(err)
	}
	if b.Hits != [4]int{5, 3, 1, 0} || b.Totals != [4]int{6, 5, 4, 3} || b.HypLen != 6 || b.RefLen != 6 {
		t.Errorf("%+v", b)
	}
	digits(t, "v13a", "%.6f", b.Score, 0.379918) // (5/6 3/5 1/4 1/6)^(1/4)
	if b, err = MultiBLEU(hyps, refs, true); err != nil || b.Score != 0 || b.Hits != [4]int{5, 3, 1, 0} {
		t.Errorf("multi-bleu %+v, %v, want 0 without smoothing", b, err)
	}
	if b, err = MultiBLEU(hyps, refs, false); err != nil || b.Hits != [4]int{4, 2, 1, 0} {
		t.Errorf("multi-bleu %+v, %v, case counts", b, err)
	}
	short, err := BLEUv13a([]string{"a b c d"}, [][]string{{"a b c d e"}})
	if err != nil {
		t.Fatal(err)
	}
	digits(t, "brevity", "%.6f", short.Score, 0.778801) // exp(1-5/4)
	for _, f := range []func([]string, [][]string) (BLEU, error){
		BLEUv13a, func(h []string, r [][]string) (BLEU, error) { return MultiBLEU(h, r, false) },
	} {
		if b, err := f([]string{""}, [][]string{{"a"}}); err != nil || b.Score != 0 {
			t.Errorf("no output: %+v, %v", b, err)
		}
	}
}

// TestEmptyReferences: an empty reference is 4 words away, the other 5.
func TestEmptyReferences(t *testing.T) {
	hyps := []string{"a b c d", "a b c d"}
	refs := [][]string{{"a b c d e f g h i", ""}, {"a b c d"}}
	m, err := MultiBLEU(hyps, refs, false)
	if err != nil || m.RefLen != 4 || m.Score != 1 {
		t.Errorf("multi-bleu: %+v, %v", m, err)
	}
	v, err := BLEUv13a(hyps, refs)
	if err != nil || v.RefLen != 13 {
		t.Errorf("v13a: %+v, %v", v, err)
	}
}

func TestNISTByHand(t *testing.T) {
	for _, c := range []struct {
		hyps         []string
		refs         [][]string
		perl, python float64
	}{
		// a twice in 4 words 1 bit, b 2, b after a 1: (1+2)/2 + 1/1.
		{[]string{"a b"}, [][]string{{"a b", "a c"}}, 2.5, 2.5},
		// Perl takes "0 b" for a word: log2(4/1).
		{[]string{"0 b"}, [][]string{{"0 b", "0 c"}}, 3.5, 2.5},
		// (log2 5 + log2 5/4)/2 = 1.321928; 2 words against 5/2 and against 1 + 2.
		{[]string{"a", "b"}, [][]string{{"a"}, {"b", "b b b"}}, 1.071603, 0.660964},
	} {
		n, err := NISTv13a(c.hyps, c.refs)
		if err != nil {
			t.Fatal(err)
		}
		digits(t, fmt.Sprint("Perl ", c.hyps), "%.6f", n.Perl, c.perl)
		digits(t, fmt.Sprint("Python ", c.hyps), "%.6f", n.Python, c.python)
	}
}

// TestROUGEByHand: precision 2/3 and recall 2/4 from the first reference.
func TestROUGEByHand(t *testing.T) {
	r, err := ROUGEL([]string{"The cat sat."}, [][]string{{"A cat sat down.", "the dog"}})
	if err != nil {
		t.Fatal(err)
	}
	digits(t, "ROUGE-L", "%.6f", r, 0.557078) // 2.44/3 / (0.5 + 0.96)
	if r, err = ROUGEL([]string{"a", "."}, [][]string{{"b"}, {""}}); err != nil || r != 0.5 {
		t.Errorf("no word and an empty text: %v, %v", r, err)
	}
	for text, want := range map[string]string{
		"It's \"cheap\", isn't it?":     "it 's cheap is n't it",
		"We'll say 'The Mill' (£30.99)": "we 'll say the mill ( £ 30.99 )",
		"kid-friendly £20-25; they’re":  "kid-friendly £ 20-25 they 're",
		"3 -- or more...":               "3 or more",
	} {
		if got := strings.Join(ptbTokens(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		hyps []string
		refs [][]string
		want string
	}{
		{[]string{"a"}, nil, "1 hypotheses but 0 sets"},
		{nil, nil, "nothing to score"},
		{[]string{"a", "b"}, [][]string{{"a"}, {}}, "hypothesis 1 has no references"},
	} {
		_, bleu := BLEUv13a(c.hyps, c.refs)
		_, nist := NISTv13a(c.hyps, c.refs)
		_, multi := MultiBLEU(c.hyps, c.refs, false)
		_, rouge := ROUGEL(c.hyps, c.refs)
		for _, err := range []error{bleu, nist, multi, rouge} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want an error with %q, got %v", c.want, err)
			}
		}
	}
	if _, err := NISTv13a([]string{"a"}, [][]string{{""}}); err == nil {
		t.Error("NIST without a reference word")
	}
	if _, err := MultiBLEU([]string{"a"}, [][]string{{""}}, false); err == nil {
		t.Error("multi-bleu without a reference word")
	}
}

// TestScoreProperties: scores lie in their range, a text against itself has the best,
// and more references never lower the hits.
func TestScoreProperties(t *testing.T) {
	sentence := rapid.StringMatching(`([abcd] ){4,9}`)
	rapid.Check(t, func(r *rapid.T) {
		hyps := rapid.SliceOfN(sentence, 1, 4).Draw(r, "hyps")
		refs, same := make([][]string, len(hyps)), make([][]string, len(hyps))
		for i := range refs {
			refs[i] = rapid.SliceOfN(sentence, 1, 3).Draw(r, "refs")
			same[i] = append([]string{hyps[i]}, refs[i]...)
		}
		some, err := BLEUv13a(hyps, refs)
		all, err2 := BLEUv13a(hyps, same)
		multi, err3 := MultiBLEU(hyps, refs, false)
		rouge, err4 := ROUGEL(hyps, refs)
		if err != nil || err2 != nil || err3 != nil || err4 != nil {
			r.Fatal(err, err2, err3, err4)
		}
		if all.Score < 1-1e-12 || all.Score > 1 {
			r.Fatalf("a text against itself scores %v", all.Score)
		}
		for n := range some.Hits {
			if some.Hits[n] > all.Hits[n] {
				r.Fatalf("%v hits with fewer references, %v with more", some.Hits, all.Hits)
			}
		}
		if some.Score < 0 || some.Score > 1 || multi.Score > some.Score+1e-12 || rouge < 0 || rouge > 1 {
			r.Fatalf("BLEU %v, multi-bleu %v, ROUGE-L %v", some.Score, multi.Score, rouge)
		}
	})
}

func FuzzTokens(f *testing.F) {
	f.Add("It's £20-25, isn't it?\n&quot;\xff\u0130 \u00a0")
	f.Fuzz(func(t *testing.T, s string) {
		for _, split := range []func(string) []string{perlTokens, pythonTokens, asciiFields, ptbTokens} {
			for _, token := range split(s) {
				if token == "" || strings.Contains(token, " ") {
					t.Errorf("%q: token %q", s, token)
				}
			}
		}
		if _, err := BLEUv13a([]string{s}, [][]string{{s, "a"}}); err != nil {
			t.Error(err)
		}
	})
}
