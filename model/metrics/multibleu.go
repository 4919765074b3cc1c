package metrics

import (
	"errors"
	"math"
	"strings"
)

// MultiBLEU is BLEU-4 of Moses' multi-bleu.perl: tokens are what white space separates,
// case counts unless lowercase is set (ASCII letters only). There is no smoothing: the
// score is 0 if an n-gram order has no hit. An empty reference is one of length 0, so a
// set of references padded with empty ones scores otherwise than without them. Where the
// script stops for lack of any output, the score is 0; without any reference word it is
// an error, as there.
func MultiBLEU(hyps []string, refs [][]string, lowercase bool) (BLEU, error) {
	if err := check(hyps, refs); err != nil {
		return BLEU{}, err
	}
	split := asciiFields
	if lowercase {
		split = func(s string) []string { return asciiFields(lowerASCII(s)) }
	}
	var b BLEU
	for i, h := range hyps {
		hyp, ref := split(h), tokenise(refs[i], split)
		b.add(hyp, most(ref))
		b.RefLen += closest(len(hyp), ref, true)
	}
	if b.RefLen == 0 {
		return BLEU{}, errors.New("the references nearest to the hypotheses are all empty")
	}
	b.Brevity = b.brevity()
	product := 1.0
	for n := 1; n <= bleuN; n++ {
		product *= b.Precision(n)
	}
	b.Score = b.Brevity * math.Pow(product, 1./bleuN)
	return b, nil
}

// asciiFields splits at ASCII white space: the script reads bytes, in which a no-break
// space is none.
func asciiFields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || '\t' <= r && r <= '\r' })
}
