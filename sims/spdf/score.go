package spdf

import (
	"fmt"
	"strings"

	"cs2sim.dev/model/metrics"
	"cs2sim.dev/model/text"
)

// Scores are of generated texts against all references of each prompt.
type Scores struct {
	BLEU      float64 `json:"bleu"`       // mteval v13a, 0 to 100
	MultiBLEU float64 `json:"multi_bleu"` // multi-bleu.perl on words and punctuation set apart, 0 to 100
	NIST      float64 `json:"nist"`       // mteval v13a
	ROUGEL    float64 `json:"rouge_l"`    // 0 to 100
}

// Score measures texts, one per group.
func Score(texts []string, groups []text.Group) (Scores, error) {
	refs, spacedRefs := make([][]string, len(groups)), make([][]string, len(groups))
	spaced := make([]string, len(texts))
	for i, g := range groups {
		refs[i] = g.Refs
		for _, r := range g.Refs {
			spacedRefs[i] = append(spacedRefs[i], text.Spaced(r))
		}
		spaced[i] = text.Spaced(texts[i])
	}
	var s Scores
	bleu, err := metrics.BLEUv13a(texts, refs)
	if err != nil {
		return s, fmt.Errorf("BLEU: %w", err)
	}
	multi, err := metrics.MultiBLEU(spaced, spacedRefs, false)
	if err != nil {
		return s, fmt.Errorf("multi-bleu: %w", err)
	}
	nist, err := metrics.NISTv13a(texts, refs)
	if err != nil {
		return s, fmt.Errorf("NIST: %w", err)
	}
	rouge, err := metrics.ROUGEL(texts, refs)
	if err != nil {
		return s, fmt.Errorf("ROUGE-L: %w", err)
	}
	return Scores{100 * bleu.Score, 100 * multi.Score, nist.Perl, 100 * rouge}, nil
}

// Baseline is what no learning at all scores: what a fine-tuned model has to beat.
type Baseline struct {
	Name   string
	Scores Scores
}

// baselines use neither a template nor a model: the prompt itself; the most frequent text of
// the training pairs, the first of equally frequent ones; and the text of the training
// prompt that shares most fields with the prompt at hand, the first of equally near ones.
func baselines(pairs []text.Pair, groups []text.Group) ([]Baseline, error) {
	copied, frequent, nearest := make([]string, len(groups)), make([]string, len(groups)), make([]string, len(groups))
	count := map[string]int{}
	best := ""
	for _, p := range pairs {
		count[p.Completion]++
	}
	for _, p := range pairs {
		if best == "" || count[p.Completion] > count[best] {
			best = p.Completion
		}
	}
	for i, g := range groups {
		copied[i], frequent[i], nearest[i] = g.Prompt, best, nearestText(pairs, g.Prompt)
	}
	var out []Baseline
	for _, b := range []struct {
		name  string
		texts []string
	}{{"copy of the prompt", copied}, {"most frequent training text", frequent}, {"text of the nearest training prompt", nearest}} {
		s, err := Score(b.texts, groups)
		if err != nil {
			return nil, err
		}
		out = append(out, Baseline{b.name, s})
	}
	return out, nil
}

// nearestText is the completion of the prompt with the largest share of fields in common.
func nearestText(pairs []text.Pair, prompt string) string {
	want := fields(prompt)
	best, bestShare := "", -1.0
	for _, p := range pairs {
		have := fields(p.Prompt)
		common := 0
		for f := range have {
			if want[f] {
				common++
			}
		}
		if share := float64(common) / float64(len(want)+len(have)-common); share > bestShare {
			best, bestShare = p.Completion, share
		}
	}
	return best
}

// fields are the parts of a prompt between bars.
func fields(prompt string) map[string]bool {
	set := map[string]bool{}
	for f := range strings.SplitSeq(prompt, "|") {
		set[strings.TrimSpace(f)] = true
	}
	return set
}
