package text

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ReadDART reads a DART file. See ParseDART.
func ReadDART(path string) ([]Pair, error) { return readFile(path, ParseDART) }

// dartEntry is one triple set of a DART file.
type dartEntry struct {
	Tripleset          [][]string `json:"tripleset"` // subject, relation, object
	SubtreeWasExtended *bool      `json:"subtree_was_extended"`
	Annotations        []struct {
		Source string `json:"source"`
		Text   string `json:"text"`
	} `json:"annotations"`
}

// ParseDART parses the JSON of DART: an array of triple sets, each with any number of
// texts, which become pairs in order. The prompt is as the LoRA code writes it,
//
//	subject : relation in lower case : object | subject : ...
//
// name stands for the file in errors and in Pair.At, with the line the set starts on.
func ParseDART(name, data string) ([]Pair, error) {
	if err := checkPairText(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d := json.NewDecoder(strings.NewReader(data))
	d.DisallowUnknownFields()
	// line of the next byte that is not a blank, a comma or inside what was read
	line, seen := 1, 0
	at := func() string {
		next := int(d.InputOffset())
		for next < len(data) && strings.IndexByte(" \t\r\n,", data[next]) >= 0 {
			next++
		}
		line += strings.Count(data[seen:next], "\n")
		seen = next
		return fmt.Sprintf("%s:%d", name, line)
	}
	if tok, err := d.Token(); err != nil || tok != json.Delim('[') {
		return nil, fmt.Errorf("%s: must be a JSON array of triple sets", at())
	}
	var pairs []Pair
	for d.More() {
		where := at()
		var e dartEntry
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("%s: %w", where, noEOF(err))
		}
		prompt, err := e.prompt()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		for i, a := range e.Annotations {
			if strings.TrimSpace(a.Text) == "" {
				return nil, fmt.Errorf("%s: annotation %d has no text", where, i+1)
			}
			pairs = append(pairs, Pair{prompt, a.Text, where})
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("%s: %w", at(), noEOF(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s: more text after the array", at())
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("%s: has no texts", name)
	}
	return pairs, nil
}

func (e *dartEntry) prompt() (string, error) {
	if len(e.Tripleset) == 0 {
		return "", errors.New("tripleset is empty or missing")
	}
	var parts []string
	for i, t := range e.Tripleset {
		if len(t) != 3 {
			return "", fmt.Errorf("triple %d has %d parts, must be subject, relation, object", i+1, len(t))
		}
		parts = append(parts, t[0]+" : "+strings.ToLower(t[1])+" : "+t[2])
	}
	return strings.Join(parts, " | "), nil
}
