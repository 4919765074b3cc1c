package text

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// LoadGPT2 reads a byte-pair encoding from GPT-2's two files, encoder.json (token ->
// id) and vocab.bpe (the merges, earliest first). See ParseGPT2.
func LoadGPT2(encoderPath, mergesPath string) (*Tokenizer, error) {
	encoder, err := os.ReadFile(encoderPath)
	if err != nil {
		return nil, err
	}
	merges, err := os.ReadFile(mergesPath)
	if err != nil {
		return nil, err
	}
	t, err := parseGPT2(encoderPath, encoder, mergesPath, merges)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ParseGPT2 is LoadGPT2 on the contents of the two files. The ids must be 0..n-1, each
// once; every byte must be a token; every merge must join two tokens to a token; there
// must be an end of text. Errors name the file, and the line or the token.
func ParseGPT2(encoder, merges []byte) (*Tokenizer, error) {
	return parseGPT2("encoder.json", encoder, "vocab.bpe", merges)
}

func parseGPT2(encoderName string, encoder []byte, mergesName string, merges []byte) (*Tokenizer, error) {
	alphabet := newAlphabet()
	ids, err := parseEncoder(encoder, alphabet)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", encoderName, err)
	}
	t := &Tokenizer{tokens: make([]string, len(ids)), merges: make(map[pair]merge)}
	for _, e := range ids {
		t.tokens[e.id] = e.token
	}
	byToken := make(map[string]int32, len(ids))
	for id, token := range t.tokens {
		byToken[token] = int32(id)
	}
	for b := range 256 {
		id, ok := byToken[string([]byte{byte(b)})]
		if !ok {
			return nil, fmt.Errorf("%s: no token for byte 0x%02x, written %q", encoderName, b, alphabet.char[b])
		}
		t.byteID[b] = id
	}
	end, ok := byToken[EndOfText]
	if !ok {
		return nil, fmt.Errorf("%s: no token %q, the end of a text", encoderName, EndOfText)
	}
	t.end = end
	if err := t.parseMerges(merges, byToken, alphabet); err != nil {
		return nil, fmt.Errorf("%s: %w", mergesName, err)
	}
	return t, nil
}

// entry is one token of encoder.json, its bytes decoded.
type entry struct {
	token string
	id    int
}

// parseEncoder reads the object token -> id. It goes token by token, because
// encoding/json into a map takes the last of two equal keys.
func parseEncoder(data []byte, alphabet *alphabet) ([]entry, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if tok, err := d.Token(); err != nil {
		return nil, noEOF(err)
	} else if tok != json.Delim('{') {
		return nil, fmt.Errorf("starts with %v, must be an object of token: id", tok)
	}
	var entries []entry
	seen := make(map[string]bool)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, noEOF(err)
		}
		text := key.(string) // a key of an object is a string
		token, err := alphabet.decode(text)
		if err != nil {
			return nil, fmt.Errorf("token %q: %w", text, err)
		}
		if seen[token] {
			return nil, fmt.Errorf("token %q comes twice", text)
		}
		seen[token] = true
		value, err := d.Token()
		if err != nil {
			return nil, noEOF(err)
		}
		number, ok := value.(json.Number)
		if !ok {
			return nil, fmt.Errorf("token %q: id is %v, must be a number", text, value)
		}
		id, err := number.Int64()
		if err != nil || id < 0 || id >= 1<<31 {
			return nil, fmt.Errorf("token %q: id is %v, must be a whole number of 0 or more", text, number)
		}
		entries = append(entries, entry{token, int(id)})
	}
	if _, err := d.Token(); err != nil {
		return nil, noEOF(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("has more text after the object")
	}
	used := make([]bool, len(entries))
	for _, e := range entries {
		if e.id >= len(entries) {
			return nil, fmt.Errorf("token %q: id is %d, but %d tokens take ids 0 to %d",
				alphabet.encode(e.token), e.id, len(entries), len(entries)-1)
		}
		if used[e.id] {
			return nil, fmt.Errorf("token %q: id %d is taken by another token", alphabet.encode(e.token), e.id)
		}
		used[e.id] = true
	}
	return entries, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return errors.New("ends inside the object")
	}
	return err
}

// parseMerges reads vocab.bpe: a "#version" line, then a pair of tokens a line.
func (t *Tokenizer) parseMerges(data []byte, byToken map[string]int32, alphabet *alphabet) error {
	first, rest, ok := strings.Cut(string(data), "\n")
	if !ok || !strings.HasPrefix(first, "#version") {
		return fmt.Errorf("line 1 is %q, must start with #version", clip(first))
	}
	for line := 2; rest != ""; line++ {
		var text string
		text, rest, ok = strings.Cut(rest, "\n")
		if !ok {
			return fmt.Errorf("line %d: %q has no newline at its end: the file is cut short", line, clip(text))
		}
		left, right, ok := strings.Cut(text, " ")
		if !ok || left == "" || right == "" || strings.Contains(right, " ") {
			return fmt.Errorf("line %d is %q, must be two tokens with one space between", line, clip(text))
		}
		var ids [3]int32
		for i, s := range [...]string{left, right, left + right} {
			token, err := alphabet.decode(s)
			if err != nil {
				return fmt.Errorf("line %d: token %q: %w", line, clip(s), err)
			}
			if ids[i], ok = byToken[token]; !ok {
				return fmt.Errorf("line %d: token %q has no id in the encoder", line, clip(s))
			}
		}
		p := pair{ids[0], ids[1]}
		if _, ok := t.merges[p]; ok {
			return fmt.Errorf("line %d: pair %q comes twice", line, clip(text))
		}
		t.merges[p] = merge{rank: int32(len(t.order)), token: ids[2]}
		t.order = append(t.order, p)
	}
	if len(t.order) == 0 {
		return errors.New("has no merges")
	}
	return nil
}

// clip keeps an error on one screen line.
func clip(s string) string {
	const limit = 60
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}

// WriteGPT2 writes t as the two files that ParseGPT2 reads. The error is that of a
// writer, or that t has no merges (Bytes).
func (t *Tokenizer) WriteGPT2(encoder, merges io.Writer) error {
	if len(t.order) == 0 {
		return errors.New("the byte tokenizer has no merges to write")
	}
	alphabet := newAlphabet()
	var b bytes.Buffer
	b.WriteByte('{')
	for id, token := range t.tokens {
		if id > 0 {
			b.WriteString(", ")
		}
		// The alphabet has no control characters, so only these two need an escape.
		key := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(alphabet.encode(token))
		fmt.Fprintf(&b, `"%s": %d`, key, id)
	}
	b.WriteByte('}')
	if _, err := encoder.Write(b.Bytes()); err != nil {
		return err
	}
	b.Reset()
	b.WriteString("#version: 0.2\n")
	for _, p := range t.order {
		fmt.Fprintf(&b, "%s %s\n", alphabet.encode(t.tokens[p.left]), alphabet.encode(t.tokens[p.right]))
	}
	_, err := merges.Write(b.Bytes())
	return err
}

// alphabet is GPT-2's way to write bytes as visible characters: a byte that is a
// visible Latin-1 character stands for itself, the 68 others are U+0100 and up.
type alphabet struct {
	char  [256]rune
	byte_ map[rune]byte
}

func newAlphabet() *alphabet {
	a := &alphabet{byte_: make(map[rune]byte, 256)}
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if !visible(b) {
			r = next
			next++
		}
		a.char[b] = r
		a.byte_[r] = byte(b)
	}
	return a
}

func visible(b int) bool {
	return '!' <= b && b <= '~' || 0xa1 <= b && b <= 0xac || 0xae <= b && b <= 0xff
}

// encode writes bytes visibly, decode is its inverse.
func (a *alphabet) encode(token string) string {
	var s strings.Builder
	for i := 0; i < len(token); i++ {
		s.WriteRune(a.char[token[i]])
	}
	return s.String()
}

func (a *alphabet) decode(s string) (string, error) {
	if s == "" {
		return "", errors.New("is empty")
	}
	var token []byte
	for _, r := range s {
		b, ok := a.byte_[r]
		if !ok || r == utf8.RuneError {
			return "", fmt.Errorf("character %q stands for no byte", r)
		}
		token = append(token, b)
	}
	return string(token), nil
}
