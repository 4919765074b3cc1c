package sims

import "strings"

// nearest returns the known word a mistyped one most likely stands for, or "".
func nearest(word string, known []string) string {
	best, distance := "", 2+len(lastPart(word))/3
	for _, k := range known {
		d := editDistance(word, k)
		if lastPart(k) == lastPart(word) { // the right key in the wrong table
			d = min(d, 1)
		} else if !strings.Contains(word, ".") {
			d = min(d, 1+editDistance(word, lastPart(k)))
		}
		if d < distance {
			best, distance = k, d
		}
	}
	return best
}

func lastPart(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// editDistance counts the insertions, deletions and replacements of bytes between a and b.
func editDistance(a, b string) int {
	const long = 64 // no key is longer; a longer word needs no suggestion
	if len(a) > long || len(b) > long {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
