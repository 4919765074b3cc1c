package metrics

import (
	"errors"
	"math"
	"regexp"
	"strings"
)

// The substitutions of mteval-v13a's tokenisation, in their order. Each replaces what
// does not overlap, from left to right, so ".." and "1,,2" come out as in the script.
var (
	punctuation    = regexp.MustCompile("[{-~\\[-` -&(-+:-@/]")
	afterNonDigit  = regexp.MustCompile(`([^0-9])([.,])`)
	beforeNonDigit = regexp.MustCompile(`([.,])([^0-9])`)
	dashAfterDigit = regexp.MustCompile(`([0-9])-`)
)

// mtevalTokens splits s as mteval-v13a does, case kept: punctuation apart, but for
// apostrophes, hyphens unless after a digit, and periods and commas between digits.
func mtevalTokens(s string) []string {
	s = strings.ReplaceAll(s, "<skipped>", "")
	s = strings.ReplaceAll(s, "-\n", "")
	s = strings.ReplaceAll(s, "\n", " ")
	s = strings.ReplaceAll(s, "&quot;", `"`)
	s = strings.ReplaceAll(s, "&amp;", "&")
	s = strings.ReplaceAll(s, "&lt;", "<")
	s = strings.ReplaceAll(s, "&gt;", ">")
	s = punctuation.ReplaceAllString(" "+s+" ", " $0 ")
	s = afterNonDigit.ReplaceAllString(s, "$1 $2 ")
	s = beforeNonDigit.ReplaceAllString(s, " $1 $2")
	s = dashAfterDigit.ReplaceAllString(s, "$1 - ")
	return strings.Fields(s)
}

// perlTokens is mtevalTokens in lower case as Perl's tr/A-Z/a-z/: ASCII only.
func perlTokens(s string) []string { return mtevalTokens(lowerASCII(s)) }

// pythonTokens is mtevalTokens in lower case as Python's str.lower.
func pythonTokens(s string) []string {
	tokens := mtevalTokens(s)
	for i := range tokens {
		tokens[i] = strings.ToLower(tokens[i])
	}
	return tokens
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// BLEUv13a is BLEU-4 of mteval-v13a.pl, case ignored, in the version of the E2E tools:
// an empty reference after the first does not count as one of length 0. An n-gram order
// without a hit gets 1/2, 1/4, ... of a hit.
func BLEUv13a(hyps []string, refs [][]string) (BLEU, error) {
	if err := check(hyps, refs); err != nil {
		return BLEU{}, err
	}
	var b BLEU
	for i, h := range hyps {
		hyp, ref := perlTokens(h), tokenise(refs[i], perlTokens)
		b.add(hyp, most(ref))
		b.RefLen += closest(len(hyp), ref, false)
	}
	b.Brevity = b.brevity()
	smooth, sum := 1.0, 0.0
	for n, total := range b.Totals {
		switch {
		case total == 0: // no precision: neither for nor against
		case b.Hits[n] == 0:
			smooth *= 2
			sum += math.Log(1 / (smooth * float64(total)))
		default:
			sum += math.Log(float64(b.Hits[n]) / float64(total))
		}
	}
	b.Score = math.Exp(sum/bleuN) * b.Brevity
	return b, nil
}

// closest is the length of the reference nearest to length, the shorter of two. An empty one after the first
// counts if empty is set.
func closest(length int, refs [][]string, empty bool) int {
	best := len(refs[0])
	for _, r := range refs[1:] {
		if len(r) == 0 && !empty {
			continue
		}
		d, least := distance(length, len(r)), distance(length, best)
		if d < least || d == least && len(r) < best {
			best = len(r)
		}
	}
	return best
}

func distance(a, b int) int { return max(a-b, b-a) }

// NIST is the corpus score over 1- to 5-grams by the two programs of the E2E tools.
// They differ in the reference length that a short output is measured against.
type NIST struct {
	// Perl is mteval-v13a.pl, the official value. Its reference length is all references'
	// tokens over the most references of any segment, so where segments have fewer it is
	// too short, and the penalty too mild.
	Perl float64
	// Python is pymteval.py: the segments' mean reference lengths added up.
	Python float64
}

// NISTv13a is NIST-5. A hit counts by its information in the references,
// log2(count of the n-gram without its last word / count of the n-gram).
func NISTv13a(hyps []string, refs [][]string) (NIST, error) {
	if err := check(hyps, refs); err != nil {
		return NIST{}, err
	}
	perl, err := newNIST(hyps, refs, perlTokens)
	if err != nil {
		return NIST{}, err
	}
	python, err := newNIST(hyps, refs, pythonTokens)
	if err != nil {
		return NIST{}, err
	}
	return NIST{Perl: perl.perl(), Python: python.python()}, nil
}

// nist holds the sums of both programs.
type nist struct {
	all        *tally
	words      int // tokens of all references
	info       [maxN]float64
	zeroInfo   [maxN]float64 // what info would gain by Perl's "0" quirk, see newNIST
	totals     [maxN]int     // n-grams of the hypotheses
	signed     [maxN]int     // the same, a hypothesis of fewer than n-1 words counting below 0
	systems    int           // the most references of a segment
	meanLength float64       // segments' mean reference lengths added up
}

func newNIST(hyps []string, refs [][]string, split func(string) []string) (*nist, error) {
	s := &nist{all: newTally(0)}
	tokens := make([][][]string, len(refs))
	for i, set := range refs {
		tokens[i] = tokenise(set, split)
		s.systems = max(s.systems, len(set))
		segment := 0
		for _, r := range tokens[i] {
			segment += len(r)
			ngrams(r, maxN, func(n int, ngram string) { s.all[n][ngram]++ })
		}
		s.words += segment
		s.meanLength += float64(segment) / float64(len(set))
	}
	if s.words == 0 {
		return nil, errors.New("all references are empty")
	}
	for i, h := range hyps {
		hyp := split(h)
		for n := range maxN {
			s.totals[n] += max(0, len(hyp)-n)
			s.signed[n] += len(hyp) - n
		}
		matches(hyp, most(tokens[i]), func(n int, ngram string, hits int) {
			before := s.words
			if n > 0 {
				prefix := ngram[:strings.LastIndexByte(ngram, ' ')]
				before = s.all[n-1][prefix]
				// "0" is false in Perl, so the script takes a 2-gram that starts with the
				// word 0 for a 1-gram.
				if prefix == "0" {
					s.zeroInfo[n] += float64(hits) * math.Log2(float64(s.words)/float64(before))
				}
			}
			s.info[n] += float64(hits) * math.Log2(float64(before)/float64(s.all[n][ngram]))
		})
	}
	return s, nil
}

func (s *nist) perl() float64 {
	sum := 0.0
	for n := range s.info {
		sum += (s.info[n] + s.zeroInfo[n]) / float64(max(s.totals[n], 1))
	}
	return sum * nistPenalty(float64(s.totals[0]), float64(s.words)/float64(s.systems))
}

func (s *nist) python() float64 {
	sum := 0.0
	for n := range s.info {
		if s.signed[n] != 0 { // the program divides by 0 here
			sum += s.info[n] / float64(s.signed[n])
		}
	}
	return sum * nistPenalty(float64(s.totals[0]), s.meanLength)
}

// nistPenalty is 1 for a hypothesis of the references' length or more, 1/2 at 2/3 of it.
func nistPenalty(length, reference float64) float64 {
	switch ratio := length / reference; {
	case ratio >= 1:
		return 1
	case ratio <= 0:
		return 0
	default:
		x := math.Log(ratio) / math.Log(1.5)
		return math.Exp2(-x * x)
	}
}
