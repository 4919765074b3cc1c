package sims

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// InputError is one wrong thing in a run file, a machine file or on the command line.
type InputError struct {
	File  string // "" where no file is at fault
	Line  int    // from 1; 0 where there is no line
	Key   string // dotted, as in the schema; may be ""
	Value string // as TOML; "" where there is none
	Want  string // what is wrong and what would be right
}

// Error is file:line: key: value V: want, without the parts that are unknown.
func (e *InputError) Error() string {
	var parts []string
	switch {
	case e.File != "" && e.Line > 0:
		parts = append(parts, fmt.Sprintf("%s:%d", e.File, e.Line))
	case e.File != "":
		parts = append(parts, e.File)
	}
	if e.Key != "" {
		parts = append(parts, shortened(e.Key))
	}
	if e.Value != "" {
		parts = append(parts, "value "+e.Value)
	}
	return strings.Join(append(parts, e.Want), ": ")
}

// shortened keeps a key that is none from filling the screen.
func shortened(key string) string {
	const longest = 200 // bytes
	if len(key) <= longest {
		return key
	}
	return strings.ToValidUTF8(key[:longest], "") + "..."
}

// Position is where a setting was made: a line of a file, or a flag of the command line.
type Position struct {
	File string
	Line int
}

func (p Position) problem(key, value, format string, a ...any) *InputError {
	return &InputError{File: p.File, Line: p.Line, Key: key, Value: value, Want: fmt.Sprintf(format, a...)}
}

// maxProblems bounds how many problems one call reports.
const maxProblems = 20

// stopProblems is how many there are in a file that is read no further.
const stopProblems = 10 * maxProblems

// problems collects what is wrong, so that a user can mend all of it at once.
type problems []*InputError

func (p *problems) add(e *InputError) {
	if e != nil {
		*p = append(*p, e)
	}
}

// err joins the problems in the order of files and lines, each once.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	sorted := slices.Clone(p)
	slices.SortStableFunc(sorted, func(a, b *InputError) int {
		if a.File != b.File {
			return 0 // files keep the order in which they were read
		}
		return a.Line - b.Line
	})
	seen := map[string]bool{}
	var errs []error
	for _, e := range sorted {
		if text := e.Error(); !seen[text] {
			seen[text] = true
			errs = append(errs, e)
		}
	}
	if rest := len(errs) - maxProblems; rest > 0 {
		errs = append(errs[:maxProblems], fmt.Errorf("and %d more", rest))
	}
	return errors.Join(errs...)
}
