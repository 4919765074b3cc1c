package text

import (
	"os"
	"path/filepath"
	"testing"
)

// shared is the contents of a file of the data that lies beside the repository; the
// test is skipped without it.
func shared(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(sharedPath(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func sharedPath(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("../../../shared/data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs %s beside the repository", filepath.Join("shared/data", name))
	}
	return path
}

func gpt2(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := LoadGPT2(sharedPath(t, "gpt2-bpe/encoder.json"), sharedPath(t, "gpt2-bpe/vocab.bpe"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}
