package metrics

import (
	"regexp"
	"strings"
)

// Words are letters, digits and hyphens, with apostrophes and periods between them; a
// number keeps its separators. All else is a token of its own.
var (
	ptbToken       = regexp.MustCompile(`\.\.\.|[0-9]+(?:[.,:][0-9]+)+|[\pL\pN-]+(?:['.][\pL\pN-]+)*|\S`)
	ptbContraction = regexp.MustCompile(`^(.+?)(n't|'(?:s|m|d|re|ve|ll))$`)
)

// ptbTokens approximates what pycocoevalcap scores: the tokens of Stanford's
// PTBTokenizer 3.4.1 in lower case, without punctuation. English contractions split
// before the apostrophe (n't before the n), hyphenated words stay whole.
//
// It equals the tokenisation behind shared/data/e2e-baseline on that data. Known
// deviations from Stanford's: a hyphen at the end or start of a word stays with it
// ("20-£25" gives "20-"), no list of abbreviations, contractions without an apostrophe
// ("cannot", "gonna") and links is kept, currency and fractions are not renamed. On E2E
// text the first is the only one that occurs.
func ptbTokens(s string) []string {
	s = strings.ReplaceAll(strings.ToLower(s), "’", "'")
	var tokens []string
	for _, w := range ptbToken.FindAllString(s, -1) {
		if m := ptbContraction.FindStringSubmatch(w); m != nil {
			tokens = append(tokens, m[1], m[2])
		} else if !dropped(w) {
			tokens = append(tokens, w)
		}
	}
	return tokens
}

// dropped is pycocoevalcap's list of punctuation, with what Stanford's tokenizer writes
// as “ or ”. The list has the names of brackets in capitals, "-LRB-"; the tokenizer
// writes them in lower case, so the tool keeps brackets and so does this.
func dropped(token string) bool {
	switch token {
	case `"`, "“", "”", "'", "‘", "`", ".", "?", "!", ",", ":", "-", "--", "...", "…", ";":
		return true
	}
	return false
}
