package text

import (
	"fmt"
	"strings"
)

// EndOfText is the token GPT-2 puts between documents. Encode never gives it, even for
// a text that spells it out; the caller inserts EndOfTextID.
const EndOfText = "<|endoftext|>"

// Tokenizer maps text to token ids 0..Size()-1 and back. It is immutable and safe for
// concurrent use.
type Tokenizer struct {
	tokens []string       // [size] the bytes of each token
	byteID [256]int32     // the token that is one byte
	merges map[pair]merge // empty: one token per byte
	order  []pair         // merges by rank
	end    int32          // id of the end of a text
}

// pair is two neighbouring tokens, merge what they become and how early.
type pair struct{ left, right int32 }
type merge struct{ rank, token int32 }

// Bytes is the tokenizer of one token per byte, ids 0 to 255. The end of a text is
// byte 0, which the readers of this package refuse inside a text.
func Bytes() *Tokenizer {
	t := &Tokenizer{tokens: make([]string, 256)}
	for b := range t.tokens {
		t.tokens[b] = string([]byte{byte(b)})
		t.byteID[b] = int32(b)
	}
	return t
}

// Size is the number of tokens.
func (t *Tokenizer) Size() int { return len(t.tokens) }

// EndOfTextID is the token that ends a text or separates a prompt from its completion.
func (t *Tokenizer) EndOfTextID() int32 { return t.end }

// Token is the bytes of a token, which need not be whole characters. The error names an
// id out of range.
func (t *Tokenizer) Token(id int32) (string, error) {
	if id < 0 || int(id) >= len(t.tokens) {
		return "", fmt.Errorf("token id is %d, must be 0 to %d", id, len(t.tokens)-1)
	}
	return t.tokens[id], nil
}

// Decode is the inverse of Encode: the bytes of the ids in order. The error names the
// first id out of range and its position.
func (t *Tokenizer) Decode(ids []int32) (string, error) {
	var b strings.Builder
	for i, id := range ids {
		s, err := t.Token(id)
		if err != nil {
			return "", fmt.Errorf("position %d: %w", i, err)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// Encode gives the ids of s. Any bytes have ids, UTF-8 or not, and Decode gives s back.
func (t *Tokenizer) Encode(s string) []int32 {
	ids := make([]int32, 0, len(s)/3+8)
	if len(t.merges) == 0 {
		return t.appendBytes(ids, s)
	}
	// Words repeat: a word costs its merges once per call. The cache lives in the call,
	// so that a Tokenizer is read only.
	seen := make(map[string][2]int32) // word -> where its ids lie in ids
	m := merger{t: t}
	for len(s) > 0 {
		n := pretoken(s)
		word := s[:n]
		s = s[n:]
		if at, ok := seen[word]; ok {
			ids = append(ids, ids[at[0]:at[1]]...)
			continue
		}
		start := len(ids)
		ids = m.append(ids, word)
		seen[word] = [2]int32{int32(start), int32(len(ids))}
	}
	return ids
}

// appendBytes appends one token per byte of s.
func (t *Tokenizer) appendBytes(ids []int32, s string) []int32 {
	for i := 0; i < len(s); i++ {
		ids = append(ids, t.byteID[s[i]])
	}
	return ids
}
