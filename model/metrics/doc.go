// Package metrics scores generated texts against references as the official scripts do:
// BLEU and NIST of mteval-v13a as the E2E tools run it, BLEU of multi-bleu.perl as DART
// and WebNLG are scored, ROUGE-L of pycocoevalcap.
//
// Every score takes hypotheses [n] and references [n][any]: refs[i] are those of hyps[i].
// Scores are of the whole corpus. BLEU and ROUGE-L lie in 0 to 1; the papers print BLEU
// times 100.
package metrics

import (
	"errors"
	"fmt"
)

// check reports input no score is defined for.
func check(hyps []string, refs [][]string) error {
	if len(hyps) != len(refs) {
		return fmt.Errorf("%d hypotheses but %d sets of references, must be as many", len(hyps), len(refs))
	}
	if len(hyps) == 0 {
		return errors.New("there is nothing to score")
	}
	for i, r := range refs {
		if len(r) == 0 {
			return fmt.Errorf("hypothesis %d has no references, must have at least one", i)
		}
	}
	return nil
}
