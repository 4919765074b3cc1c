package metrics

// ROUGEL is ROUGE-L of pycocoevalcap: for each segment the best precision and the best
// recall of the longest common subsequence over its references, taken from different
// references if need be, joined with beta 1.2; the mean over segments.
//
// Tokens are those of ptbTokens, an approximation of the Stanford tokenizer the tool
// runs; see there.
func ROUGEL(hyps []string, refs [][]string) (float64, error) {
	if err := check(hyps, refs); err != nil {
		return 0, err
	}
	sum := 0.0
	for i, h := range hyps {
		sum += rougeSegment(rougeTokens(h), tokenise(refs[i], rougeTokens))
	}
	return sum / float64(len(hyps)), nil
}

func rougeSegment(hyp []string, refs [][]string) float64 {
	const beta2 = 1.2 * 1.2
	var precision, recall float64
	for _, r := range refs {
		common := float64(commonSubsequence(hyp, r))
		precision = max(precision, common/float64(len(hyp)))
		recall = max(recall, common/float64(len(r)))
	}
	if precision == 0 || recall == 0 {
		return 0
	}
	return (1 + beta2) * precision * recall / (recall + beta2*precision)
}

// rougeTokens is ptbTokens, but a text without tokens is one empty token, as splitting
// "" at spaces gives in the tool: it equals another empty text.
func rougeTokens(s string) []string {
	if tokens := ptbTokens(s); len(tokens) > 0 {
		return tokens
	}
	return []string{""}
}

// commonSubsequence is the length of the longest common subsequence.
func commonSubsequence(a, b []string) int {
	row := make([]int, len(b)+1) // row[j]: of the words of a so far and b[:j]
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			above := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}
