package text

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ReadE2E reads a file of the E2E challenge. See ParseE2E.
func ReadE2E(path string, spaced bool) ([]Pair, error) {
	return readFile(path, func(name, data string) ([]Pair, error) { return ParseE2E(name, data, spaced) })
}

// ParseE2E parses the E2E challenge's CSV with header mr,ref (devset, trainset and
// testset_w_refs). The prompt is the meaning representation as the LoRA code writes it:
//
//	name : Alimentum | area : city centre | family friendly : no
//
// with spaced, values and texts are spaced out as in its files, see Spaced. name stands
// for the file in errors and in Pair.At.
func ParseE2E(name, data string, spaced bool) ([]Pair, error) {
	data = strings.TrimPrefix(data, "\ufeff")
	if err := checkPairText(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := csv.NewReader(strings.NewReader(data))
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(header) != 2 || header[0] != "mr" || header[1] != "ref" {
		return nil, fmt.Errorf("%s:1: the columns are %q, must be mr,ref", name, strings.Join(header, ","))
	}
	var pairs []Pair
	for {
		row, err := r.Read() // as many fields as the header has, or an error
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		at := fmt.Sprintf("%s:%d", name, line)
		prompt, err := linearise(row[0], spaced)
		if err != nil {
			return nil, fmt.Errorf("%s: mr %q: %w", at, clip(row[0]), err)
		}
		completion := strings.Join(strings.Fields(row[1]), " ")
		if completion == "" {
			return nil, fmt.Errorf("%s: the ref is empty", at)
		}
		if spaced {
			completion = Spaced(completion)
		}
		pairs = append(pairs, Pair{prompt, completion, at})
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("%s: has no rows below the header", name)
	}
	return pairs, nil
}

// linearise turns "name[X], eatType[pub]" into "name : X | Type : pub".
func linearise(mr string, spaced bool) (string, error) {
	var parts []string
	for rest := mr; ; {
		key, after, ok := strings.Cut(rest, "[")
		if !ok {
			return "", fmt.Errorf("no [ after %q", clip(rest))
		}
		value, after, ok := strings.Cut(after, "]")
		if !ok {
			return "", fmt.Errorf("no ] after %q", clip(value))
		}
		key = strings.TrimSpace(key)
		if key == "" || value == "" {
			return "", errors.New("an attribute or its value is empty")
		}
		if spaced {
			value = Spaced(value)
		}
		parts = append(parts, loraName(key)+" : "+value)
		if after == "" {
			return strings.Join(parts, " | "), nil
		}
		if rest, ok = strings.CutPrefix(after, ", "); !ok {
			return "", fmt.Errorf("%q after a ], must be a comma and a space", clip(after))
		}
	}
}

// loraName is an attribute's name in the LoRA code's files.
func loraName(key string) string {
	switch key {
	case "eatType":
		return "Type"
	case "priceRange":
		return "price"
	case "familyFriendly":
		return "family friendly"
	}
	return key
}

var (
	punctuation = regexp.MustCompile(`[!?;:"()£$]|[.,]([^0-9]|$)`)
	afterComma  = regexp.MustCompile(`([^0-9])([.,])`)
	innerHyphen = regexp.MustCompile(`([\pL\pN])-([\pL\pN£])`)
	apostrophe  = regexp.MustCompile(`([\pL\pN])'([\pL])`)
	quote       = regexp.MustCompile(`(^|\s)'|'(\s|[.,]|$)`)
)

// Spaced puts blanks between words and punctuation as the LoRA code's E2E files have
// them: "isn 't", "family - friendly", "less than £ 20 .".
func Spaced(s string) string {
	s = quote.ReplaceAllString(s, "$1 ' $2")
	s = apostrophe.ReplaceAllString(s, "$1 '$2")
	for range 2 { // neighbours share a letter: a-b-c
		s = innerHyphen.ReplaceAllString(s, "$1 - $2")
	}
	s = afterComma.ReplaceAllString(s, "$1 $2 ")
	s = punctuation.ReplaceAllStringFunc(s, func(m string) string {
		_, size := utf8.DecodeRuneInString(m)
		return " " + m[:size] + " " + m[size:]
	})
	return strings.Join(strings.Fields(s), " ")
}
