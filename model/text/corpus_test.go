package text

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSplitText(t *testing.T) {
	train, valid, err := SplitText("日本語 text", 0.5)
	if err != nil || train != "日本語 " || valid != "text" {
		t.Errorf("%q, %q, %v", train, valid, err)
	}
	for _, c := range []struct {
		text     string
		fraction float64
		want     string
	}{
		{"", 0.5, "the text is empty"},
		{"ab", 0, "training fraction is 0"},
		{"ab", 1, "training fraction is 1"},
		{"ab", 0.1, "leaves one part empty"},
		{"a\nb\x00c", 0.5, "byte 0 on line 2"},
	} {
		if _, _, err := SplitText(c.text, c.fraction); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q at %v: %v, want %q", c.text, c.fraction, err, c.want)
		}
	}
	if train, valid, err := SplitText(shared(t, "text/tinyshakespeare/input.txt"), 0.9); err != nil ||
		len(train) != 1003854 || len(valid) != 111540 {
		t.Errorf("tiny Shakespeare: %d, %d, %v", len(train), len(valid), err)
	}
}

func TestReadTextNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "empty.txt")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadText(path); err == nil || err.Error() != path+": the text is empty" {
		t.Error(err)
	}
	if _, err := ReadText(path + "x"); err == nil || !strings.Contains(err.Error(), path+"x") {
		t.Error(err)
	}
}

func TestStream(t *testing.T) {
	tokens := []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	s, err := NewStream(tokens, 4, 10)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Windows(0); len(got) != 2 || !slices.Equal(got[0], tokens[:5]) || !slices.Equal(got[1], tokens[4:9]) {
		t.Errorf("windows %v", got)
	}
	if got := s.Windows(1); len(got) != 1 {
		t.Errorf("windows %v", got)
	}
	// Every start is drawn, 0 to 5, and step and seed decide.
	starts := map[int32]int{}
	for step := range 100 {
		a, b := s.Batch(7, step, 3), s.Batch(7, step, 3)
		for i := range a {
			if len(a[i]) != 5 || !slices.Equal(a[i], b[i]) || a[i][4] != a[i][0]+4 {
				t.Fatalf("step %d: %v and %v", step, a, b)
			}
			starts[a[i][0]]++
		}
	}
	if len(starts) != 6 || starts[0] == 0 || starts[5] == 0 {
		t.Errorf("starts drawn: %v", starts)
	}
	for _, c := range []struct {
		tokens        []int32
		seqLen, vocab int
		want          string
	}{
		{nil, 4, 10, "no tokens"},
		{tokens, 0, 10, "sequence length is 0"},
		{tokens, 10, 10, "has 10 tokens, sequences of length 10 need at least 11"},
		{tokens, 4, 9, "token 9 at position 9 is out of the vocabulary, must be 0 to 8"},
		{[]int32{3, -1, 3}, 2, 9, "token -1 at position 1"},
	} {
		if _, err := NewStream(c.tokens, c.seqLen, c.vocab); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error with %q, got %v", c.want, err)
		}
	}
}
