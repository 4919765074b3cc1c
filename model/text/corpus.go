package text

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"unicode/utf8"
)

// ReadText is the contents of a text file. The error names the file when it is empty
// or has a byte 0, which no text has and Bytes keeps for its end.
func ReadText(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if err := checkText(string(data)); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return string(data), nil
}

func checkText(s string) error {
	if s == "" {
		return errors.New("the text is empty")
	}
	if i := strings.IndexByte(s, 0); i >= 0 {
		return fmt.Errorf("byte 0 on line %d: this is not text", 1+strings.Count(s[:i], "\n"))
	}
	return nil
}

// SplitText cuts s into its first fraction of characters, rounded down, for training
// and the rest for validation. Both must have text: fraction is above 0 and below 1.
func SplitText(s string, fraction float64) (train, valid string, err error) {
	if !(fraction > 0 && fraction < 1) {
		return "", "", fmt.Errorf("training fraction is %v, must be above 0 and below 1", fraction)
	}
	if err := checkText(s); err != nil {
		return "", "", err
	}
	chars := utf8.RuneCountInString(s)
	left := int(float64(chars) * fraction)
	if left == 0 || left == chars {
		return "", "", fmt.Errorf("training fraction %v of %d characters leaves one part empty", fraction, chars)
	}
	cut := 0
	for range left {
		_, size := utf8.DecodeRuneInString(s[cut:])
		cut += size
	}
	return s[:cut], s[cut:], nil
}

// Stream is a long run of tokens that batches are cut from. It is immutable.
type Stream struct {
	tokens []int32
	seqLen int
}

// NewStream checks tokens for sequences of seqLen predicted positions and a model of
// vocab tokens. The error names a shortage, or the first token out of range and its
// position.
func NewStream(tokens []int32, seqLen, vocab int) (*Stream, error) {
	if seqLen < 1 {
		return nil, fmt.Errorf("sequence length is %d, must be at least 1", seqLen)
	}
	if len(tokens) == 0 {
		return nil, errors.New("the text has no tokens")
	}
	if len(tokens) < seqLen+1 {
		return nil, fmt.Errorf("the text has %d tokens, sequences of length %d need at least %d",
			len(tokens), seqLen, seqLen+1)
	}
	if err := checkVocab(tokens, vocab); err != nil {
		return nil, err
	}
	return &Stream{tokens: tokens, seqLen: seqLen}, nil
}

func checkVocab(tokens []int32, vocab int) error {
	for i, id := range tokens {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("token %d at position %d is out of the vocabulary, must be 0 to %d", id, i, vocab-1)
		}
	}
	return nil
}

// Len is the number of tokens.
func (s *Stream) Len() int { return len(s.tokens) }

// Batch is the training batch of a step: size sequences [size][T+1], each from a start
// drawn evenly over the stream. It depends on seed and step only. The sequences are
// windows into the stream: do not write to them.
func (s *Stream) Batch(seed uint64, step, size int) [][]int32 {
	draw := rand.New(rand.NewPCG(seed, uint64(step)))
	batch := make([][]int32, size)
	for i := range batch {
		batch[i] = s.window(draw.IntN(len(s.tokens) - s.seqLen))
	}
	return batch
}

// Windows is the stream cut from its start into sequences of T+1 tokens that share one
// token with the next, so each predicted token is predicted once; a last partial window
// is left out. At most limit windows, 0 for all. For validation.
func (s *Stream) Windows(limit int) [][]int32 {
	n := (len(s.tokens) - 1) / s.seqLen
	if limit > 0 {
		n = min(n, limit)
	}
	windows := make([][]int32, n)
	for i := range windows {
		windows[i] = s.window(i * s.seqLen)
	}
	return windows
}

func (s *Stream) window(start int) []int32 {
	end := start + s.seqLen + 1
	return s.tokens[start:end:end]
}
