package text

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTrainByHand: "aab aab ab" is the words aab, " aab", " ab". Pairs: a b 3, a a 2,
// " " a 2. First a b -> ab (3). Then a ab 2 and " " a 1, " " ab 1: a ab -> aab.
func TestTrainByHand(t *testing.T) {
	tok, err := Train("aab aab ab", 259)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range tok.order {
		got = append(got, tok.tokens[p.left]+"+"+tok.tokens[p.right])
	}
	if want := []string{"a+b", "a+ab"}; !slices.Equal(got, want) {
		t.Errorf("merges %v, want %v", got, want)
	}
	if tok.Size() != 259 || tok.EndOfTextID() != 258 {
		t.Errorf("size %d, end %d", tok.Size(), tok.EndOfTextID())
	}
	if _, err := Train("aab aab ab", 260); err == nil || !strings.Contains(err.Error(), "259 at most") {
		t.Errorf("260 tokens: %v", err)
	}
	if _, err := Train("aab", 257); err == nil || !strings.Contains(err.Error(), "at least 258") {
		t.Errorf("257 tokens: %v", err)
	}
}

// TestTrainTies: of equal counts the smaller ids win. x and y have larger ids than a, b.
func TestTrainTies(t *testing.T) {
	tok, err := Train("xy xy ab ab", 258)
	if err != nil {
		t.Fatal(err)
	}
	if p := tok.order[0]; tok.tokens[p.left]+tok.tokens[p.right] != "ab" {
		t.Errorf("first merge %q + %q, want a + b", tok.tokens[p.left], tok.tokens[p.right])
	}
}

// naiveTrain is Train by its definition: count all pairs again before each merge.
func naiveTrain(sample string, merges int) []string {
	var words [][]string
	for sample != "" {
		n := pretoken(sample)
		words = append(words, strings.Split(sample[:n], ""))
		sample = sample[n:]
	}
	ids := map[string]int{}
	for i, b := range visibleFirst() {
		ids[b] = i
	}
	var out []string
	for range merges {
		count := map[[2]string]int{}
		for _, w := range words {
			for k := 0; k+1 < len(w); k++ {
				count[[2]string{w[k], w[k+1]}]++
			}
		}
		var best [2]string
		most := 1
		for p, n := range count {
			smaller := ids[p[0]] < ids[best[0]] || p[0] == best[0] && ids[p[1]] < ids[best[1]]
			if n > most || n == most && most > 1 && smaller {
				best, most = p, n
			}
		}
		if most < 2 {
			break
		}
		joined := best[0] + best[1]
		out = append(out, best[0]+"+"+best[1])
		if _, ok := ids[joined]; !ok {
			ids[joined] = len(ids)
		}
		for i, w := range words {
			var next []string
			for k := 0; k < len(w); k++ {
				if k+1 < len(w) && w[k] == best[0] && w[k+1] == best[1] {
					next = append(next, joined)
					k++
				} else {
					next = append(next, w[k])
				}
			}
			words[i] = next
		}
	}
	return out
}

func visibleFirst() []string {
	var order []string
	for _, v := range []bool{true, false} {
		for b := range 256 {
			if visible(b) == v {
				order = append(order, string([]byte{byte(b)}))
			}
		}
	}
	return order
}

func TestTrainAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sample := rapid.StringMatching(`[abc ]{1,80}`).Draw(r, "sample")
		want := naiveTrain(sample, 40)
		// The most tokens the sample gives: Train says when one asks for more.
		var tok *Tokenizer
		for size := SmallestVocab; ; size++ {
			next, err := Train(sample, size)
			if err != nil {
				break
			}
			tok = next
		}
		if tok == nil {
			if len(want) > 0 {
				r.Fatalf("no merges, want %v", want)
			}
			return
		}
		for i, p := range tok.order {
			if got := tok.tokens[p.left] + "+" + tok.tokens[p.right]; i < len(want) && got != want[i] {
				r.Fatalf("merge %d is %s, want %s of %v", i, got, want[i], want)
			}
		}
		if back, err := tok.Decode(tok.Encode(sample)); err != nil || back != sample {
			r.Fatalf("%q came back as %q, %v", sample, back, err)
		}
	})
}

// naiveEncode joins by the rule merger states, on slices.
func naiveEncode(t *Tokenizer, s string) []int32 {
	var out []int32
	for s != "" {
		n := pretoken(s)
		ids := t.appendBytes(nil, s[:n])
		s = s[n:]
		for {
			best, rank := pair{}, int32(-1)
			for k := 0; k+1 < len(ids); k++ {
				p := pair{ids[k], ids[k+1]}
				if m, ok := t.merges[p]; ok && (rank < 0 || m.rank < rank) {
					best, rank = p, m.rank
				}
			}
			if rank < 0 {
				break
			}
			var next []int32
			for k := 0; k < len(ids); k++ {
				if k+1 < len(ids) && ids[k] == best.left && ids[k+1] == best.right {
					next = append(next, t.merges[best].token)
					k++
				} else {
					next = append(next, ids[k])
				}
			}
			ids = next
		}
		out = append(out, ids...)
	}
	return out
}

// TestEncodeAgainstDefinition: also with the ranks turned round, where a joined pair can
// rank below the one just joined.
func TestEncodeAgainstDefinition(t *testing.T) {
	tok, err := Train(strings.Repeat("abba baab aabb abab bbaa cabac aaaa ", 3), 275)
	if err != nil {
		t.Fatal(err)
	}
	turned := *tok
	turned.merges = make(map[pair]merge)
	for p, m := range tok.merges {
		turned.merges[p] = merge{rank: int32(len(tok.order)) - m.rank, token: m.token}
	}
	rapid.Check(t, func(r *rapid.T) {
		s := rapid.StringMatching(`[abc ]{0,60}`).Draw(r, "s")
		for _, tok := range []*Tokenizer{tok, &turned} {
			if got, want := tok.Encode(s), naiveEncode(tok, s); !slices.Equal(got, want) {
				r.Fatalf("%q: %v, want %v", s, got, want)
			}
		}
	})
}

func TestTrainedFilesComeBack(t *testing.T) {
	sample := strings.Repeat("To be, or not to be: that is \"the\" \\ question<.\n", 4)
	tok, err := Train(sample, 284)
	if err != nil {
		t.Fatal(err)
	}
	var enc, mer strings.Builder
	if err := tok.WriteGPT2(&enc, &mer); err != nil {
		t.Fatal(err)
	}
	back, err := ParseGPT2([]byte(enc.String()), []byte(mer.String()))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(back.tokens, tok.tokens) || !slices.Equal(back.order, tok.order) || back.end != tok.end {
		t.Error("another tokenizer came back")
	}
	if got, want := back.Encode(sample), tok.Encode(sample); !slices.Equal(got, want) || len(got) >= len(sample) {
		t.Errorf("%d and %d tokens of %d bytes", len(got), len(want), len(sample))
	}
}

func FuzzEncode(f *testing.F) {
	tok, err := Train(strings.Repeat("low lower lowest newest wider ", 9), 272)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("lowest <|endoftext|>\x00\xff")
	f.Fuzz(func(t *testing.T, s string) {
		for _, tok := range []*Tokenizer{tok, Bytes()} {
			ids := tok.Encode(s)
			if back, err := tok.Decode(ids); err != nil || back != s {
				t.Errorf("%q came back as %q, %v", s, back, err)
			}
		}
		if slices.Contains(tok.Encode(s), tok.EndOfTextID()) {
			t.Errorf("%q encodes to the end of a text", s)
		}
	})
}

func BenchmarkTrain(b *testing.B) {
	text := shared(b, "text/tinyshakespeare/input.txt")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Train(text, 1024); err != nil {
			b.Fatal(err)
		}
	}
}
