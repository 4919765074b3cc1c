package main

import (
	"fmt"
	"strings"
	"unicode"
)

// plainText writes characters that a terminal obeys instead of showing - escape sequences, changes of direction -
// as \uXXXX. Names, paths and texts of others come out in messages and tables; in JSON this means the same.
func plainText(text string) string {
	obeyed := func(r rune) bool {
		return r != '\n' && r != '\t' && (unicode.IsControl(r) || r <= 0xffff && unicode.Is(unicode.Cf, r))
	}
	if strings.IndexFunc(text, obeyed) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if obeyed(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
