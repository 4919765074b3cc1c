package text

import (
	"cmp"
	"slices"
)

// merger joins the byte pairs of one word after another, reusing its memory.
//
// The rule is GPT-2's: take the pair of lowest rank in the word, join all its
// occurrences from left to right, and start over. Doing one occurrence at a time would
// differ for merge tables in which a pair of lower rank arises in between.
type merger struct {
	t          *Tokenizer
	ids        []int32 // tokens by position of their first byte; -1 once joined into another
	prev, next []int32 // neighbours of a position, -1 at the ends
	heap       []found
	round      []found
}

// found is a pair seen at a position. It is stale once either token has changed.
type found struct {
	rank, at int32
	pair     pair
}

// append appends the tokens of word, which is not empty.
func (m *merger) append(out []int32, word string) []int32 {
	n := len(word)
	m.ids = m.t.appendBytes(m.ids[:0], word)
	m.prev, m.next = slices.Grow(m.prev[:0], n)[:n], slices.Grow(m.next[:0], n)[:n]
	for i := range n {
		m.prev[i], m.next[i] = int32(i-1), int32(i+1)
	}
	m.next[n-1] = -1
	m.heap = m.heap[:0]
	for i := range n - 1 {
		m.push(int32(i))
	}
	for len(m.heap) > 0 {
		m.joinLowest()
	}
	for i := int32(0); i >= 0; i = m.next[i] {
		out = append(out, m.ids[i])
	}
	return out
}

// joinLowest does one round. Pairs that arise in it wait for the next round; none has
// the rank of this one, because a joined token is longer than either part.
func (m *merger) joinLowest() {
	rank := m.heap[0].rank
	m.round = m.round[:0]
	for len(m.heap) > 0 && m.heap[0].rank == rank {
		m.round = append(m.round, m.pop())
	}
	fresh := m.round[:0]
	for _, f := range m.round { // in order of position
		j := m.next[f.at]
		if m.ids[f.at] != f.pair.left || j < 0 || m.ids[j] != f.pair.right {
			continue
		}
		m.ids[f.at], m.ids[j] = m.t.merges[f.pair].token, -1
		m.next[f.at] = m.next[j]
		if k := m.next[j]; k >= 0 {
			m.prev[k] = f.at
		}
		fresh = append(fresh, f)
	}
	for _, f := range fresh {
		if i := m.prev[f.at]; i >= 0 {
			m.push(i)
		}
		if m.ids[f.at] >= 0 {
			m.push(f.at)
		}
	}
}

// push notes the pair at position i if the table has it.
func (m *merger) push(i int32) {
	j := m.next[i]
	if j < 0 {
		return
	}
	p := pair{m.ids[i], m.ids[j]}
	r, ok := m.t.merges[p]
	if !ok {
		return
	}
	m.heap = append(m.heap, found{r.rank, i, p})
	for c := len(m.heap) - 1; c > 0; {
		up := (c - 1) / 2
		if !less(m.heap[c], m.heap[up]) {
			break
		}
		m.heap[c], m.heap[up] = m.heap[up], m.heap[c]
		c = up
	}
}

// pop removes the pair of lowest rank, leftmost first.
func (m *merger) pop() found {
	top := m.heap[0]
	n := len(m.heap) - 1
	m.heap[0] = m.heap[n]
	m.heap = m.heap[:n]
	for c := 0; ; {
		d := 2*c + 1
		if d >= n {
			return top
		}
		if d+1 < n && less(m.heap[d+1], m.heap[d]) {
			d++
		}
		if !less(m.heap[d], m.heap[c]) {
			return top
		}
		m.heap[c], m.heap[d] = m.heap[d], m.heap[c]
		c = d
	}
}

func less(a, b found) bool {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.at, b.at)) < 0
}
