package text

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"unicode/utf8"
)

// Pair is a prompt and the text that shall follow it.
type Pair struct {
	Prompt, Completion string
	At                 string // file:line it comes from, for errors
}

// Group is a prompt with every completion given for it: the references a generated text
// is scored against.
type Group struct {
	Prompt string
	Refs   []string
}

// GroupPairs groups pairs of equal prompts, wherever they stand, in order of first
// appearance; references keep their order.
func GroupPairs(pairs []Pair) []Group {
	index := make(map[string]int)
	var groups []Group
	for _, p := range pairs {
		i, ok := index[p.Prompt]
		if !ok {
			i = len(groups)
			index[p.Prompt] = i
			groups = append(groups, Group{Prompt: p.Prompt})
		}
		groups[i].Refs = append(groups[i].Refs, p.Completion)
	}
	return groups
}

// ReadPairs reads a file of lines "prompt TAB completion". See ParsePairs.
func ReadPairs(path string) ([]Pair, error) { return readFile(path, ParsePairs) }

// ParsePairs parses lines "prompt TAB completion", neither empty, LF or CRLF. name
// stands for the file in errors and in Pair.At.
func ParsePairs(name, data string) ([]Pair, error) {
	if err := checkPairText(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var pairs []Pair
	line := 0
	for text := range strings.Lines(data) {
		line++
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
		prompt, completion, ok := strings.Cut(text, "\t")
		at := fmt.Sprintf("%s:%d", name, line)
		switch {
		case !ok || strings.Contains(completion, "\t"):
			return nil, fmt.Errorf("%s: has %d tabs, must be a prompt, one tab, a completion", at, strings.Count(text, "\t"))
		case prompt == "":
			return nil, fmt.Errorf("%s: the prompt is empty", at)
		case completion == "":
			return nil, fmt.Errorf("%s: the completion is empty", at)
		}
		pairs = append(pairs, Pair{prompt, completion, at})
	}
	return pairs, nil
}

// readFile parses a whole file. What parse reports names the file already.
func readFile(path string, parse func(name, data string) ([]Pair, error)) ([]Pair, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, string(data))
}

func checkPairText(data string) error {
	if err := checkText(data); err != nil {
		return err
	}
	for i, r := range data {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(data[i:]); size == 1 {
				return fmt.Errorf("line %d is not UTF-8", 1+strings.Count(data[:i], "\n"))
			}
		}
	}
	return nil
}

// Example is a pair as a model sees it: prompt, separator, completion, end, then
// padding. Separator, end and padding are the end of a text; the completion starts with
// a space, as in the LoRA code.
type Example struct {
	Tokens []int32 // [T+1]
	Loss   []bool  // [T], Loss[t]: predicting Tokens[t+1] counts, a token of completion or end
}

// PairSet is pairs encoded for one sequence length. It is immutable.
type PairSet struct {
	examples  []Example
	truncated int
}

// NewPairSet encodes pairs for sequences of seqLen predicted positions. A pair that is
// too long loses the end of its completion; the prompt stays whole, as generation will
// see it. The error names a pair whose prompt leaves no place for a token to learn.
func NewPairSet(t *Tokenizer, pairs []Pair, seqLen int) (*PairSet, error) {
	if seqLen < 1 {
		return nil, fmt.Errorf("sequence length is %d, must be at least 1", seqLen)
	}
	if len(pairs) == 0 {
		return nil, errors.New("there are no pairs")
	}
	s := &PairSet{examples: make([]Example, len(pairs))}
	for i, p := range pairs {
		prompt := PromptIDs(t, p.Prompt)
		if len(prompt) > seqLen {
			return nil, fmt.Errorf("%s: the prompt and its separator have %d tokens, must be at most the sequence length of %d",
				p.At, len(prompt), seqLen)
		}
		ids := append(prompt, t.Encode(" "+p.Completion)...)
		ids = append(ids, t.EndOfTextID())
		if len(ids) > seqLen+1 {
			s.truncated++
		}
		e := Example{Tokens: make([]int32, seqLen+1), Loss: make([]bool, seqLen)}
		used := copy(e.Tokens, ids)
		for k := used; k < len(e.Tokens); k++ {
			e.Tokens[k] = t.EndOfTextID()
		}
		for k := len(prompt); k < used; k++ {
			e.Loss[k-1] = true
		}
		s.examples[i] = e
	}
	return s, nil
}

// PromptIDs is what generation starts from: the prompt and the separator.
func PromptIDs(t *Tokenizer, prompt string) []int32 {
	return append(t.Encode(prompt), t.EndOfTextID())
}

// Completion is the text of generated ids: up to the first end of a text, without white
// space around. The error is that of Decode.
func Completion(t *Tokenizer, ids []int32) (string, error) {
	for i, id := range ids {
		if id == t.EndOfTextID() {
			ids = ids[:i]
			break
		}
	}
	s, err := t.Decode(ids)
	return strings.TrimSpace(s), err
}

// Len is the number of examples, Truncated of those that lost tokens.
func (s *PairSet) Len() int       { return len(s.examples) }
func (s *PairSet) Truncated() int { return s.truncated }

// All is the examples in order. Do not write to them.
func (s *PairSet) All() []Example { return s.examples }

// Batch is the training batch of a step: size examples. Every epoch takes each example
// once, in an order drawn from seed and epoch; a batch may end one epoch and begin the
// next. Do not write to the examples.
func (s *PairSet) Batch(seed uint64, step, size int) []Example {
	batch := make([]Example, size)
	var order []int
	epoch := -1
	for i := range batch {
		at := step*size + i
		if e := at / len(s.examples); e != epoch {
			epoch = e
			order = rand.New(rand.NewPCG(seed, uint64(epoch))).Perm(len(s.examples))
		}
		batch[i] = s.examples[order[at%len(s.examples)]]
	}
	return batch
}
