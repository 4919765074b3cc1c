package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// pretoken returns the length in bytes of the first pre-token of s, which is not
// empty. Byte pairs are never merged across pre-tokens. It is GPT-2's pattern
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// written out, since Go's regexp has no lookahead. \s is Unicode White_Space. A byte
// that is not UTF-8 is of the third kind: neither letter, number nor space.
func pretoken(s string) int {
	if s[0] == '\'' {
		if n := contraction(s); n > 0 {
			return n
		}
	}
	start := 0
	if s[0] == ' ' {
		start = 1
	}
	if k, size := kindAt(s, start); size > 0 && k != space {
		n := start + size
		for {
			next, size := kindAt(s, n)
			if size == 0 || next != k {
				return n
			}
			n += size
		}
	}
	// A run of white space. What follows it takes the last one along (a plain space) or
	// leaves it alone (any other): either way the run ends one short of it.
	n, last := 0, 0
	for {
		k, size := kindAt(s, n)
		if size == 0 {
			return n
		}
		if k != space {
			break
		}
		n, last = n+size, size
	}
	if n > last {
		n -= last
	}
	return n
}

// contraction is the length of the English contraction s starts with, 0 if none. Only
// lower case counts, as in GPT-2.
func contraction(s string) int {
	for _, c := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(s, c) {
			return len(c)
		}
	}
	return 0
}

// kind of a character, for pretoken.
type kind uint8

const (
	other kind = iota
	letter
	number
	space
)

// kindAt gives the kind and size of the character of s at i; size 0 past the end.
func kindAt(s string, i int) (kind, int) {
	if i >= len(s) {
		return other, 0
	}
	if c := s[i]; c < utf8.RuneSelf {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			return letter, 1
		case '0' <= c && c <= '9':
			return number, 1
		case c == ' ' || '\t' <= c && c <= '\r':
			return space, 1
		}
		return other, 1
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	switch {
	case r == utf8.RuneError && size == 1:
		return other, 1
	case unicode.IsLetter(r):
		return letter, size
	case unicode.Is(unicode.N, r):
		return number, size
	case unicode.IsSpace(r):
		return space, size
	}
	return other, size
}
