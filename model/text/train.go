package text

import (
	"cmp"
	"container/heap"
	"fmt"
)

// SmallestVocab is the fewest tokens Train makes: the bytes, one merge, the end.
const SmallestVocab = 258

// Train learns a byte-pair encoding of size tokens from sample, in GPT-2's layout: the
// 256 bytes in the order of GPT-2's files, then the merged tokens as they were learnt,
// then EndOfText. Each step joins the pair that occurs most often within pre-tokens; of
// equally frequent pairs the one of the smaller left, then the smaller right id. So the
// result depends on sample and size only.
//
// The error says that size is below SmallestVocab, or that sample has repeated pairs
// for fewer tokens only, and for how many.
func Train(sample string, size int) (*Tokenizer, error) {
	if size < SmallestVocab {
		return nil, fmt.Errorf("vocabulary is %d tokens, must be at least %d", size, SmallestVocab)
	}
	t := &Tokenizer{merges: make(map[pair]merge)}
	for _, group := range [...]bool{true, false} {
		for b := range 256 {
			if visible(b) == group {
				t.byteID[b] = int32(len(t.tokens))
				t.tokens = append(t.tokens, string([]byte{byte(b)}))
			}
		}
	}
	byToken := make(map[string]int32)
	for id, token := range t.tokens {
		byToken[token] = int32(id)
	}
	l := newLearner(t, sample)
	for len(t.tokens) < size-1 {
		p, ok := l.mostFrequent()
		if !ok {
			return nil, fmt.Errorf("vocabulary is %d tokens, but the text has repeated pairs for %d at most",
				size, len(t.tokens)+1)
		}
		joined := t.tokens[p.left] + t.tokens[p.right]
		token, ok := byToken[joined] // two pairs can make the same bytes: one token
		if !ok {
			token = int32(len(t.tokens))
			t.tokens = append(t.tokens, joined)
			byToken[joined] = token
		}
		t.merges[p] = merge{rank: int32(len(t.order)), token: token}
		t.order = append(t.order, p)
		l.join(p, token)
	}
	if _, ok := byToken[EndOfText]; ok {
		return nil, fmt.Errorf("the text repeats %q until it becomes a token of its own; take it out", EndOfText)
	}
	t.end = int32(len(t.tokens))
	t.tokens = append(t.tokens, EndOfText)
	return t, nil
}

// learner holds the distinct words of a text and how often each pair occurs in them.
type learner struct {
	words  []word
	count  map[pair]int
	where  map[pair][]int32 // words that have or had the pair
	queue  pairHeap         // pairs at a count they had: stale ones are too high, never too low
	queued map[pair]int     // the highest count a pair has in queue
}

type word struct {
	ids   []int32
	times int
}

func newLearner(t *Tokenizer, sample string) *learner {
	l := &learner{count: make(map[pair]int), where: make(map[pair][]int32), queued: make(map[pair]int)}
	index := make(map[string]int)
	for len(sample) > 0 {
		n := pretoken(sample)
		w := sample[:n]
		sample = sample[n:]
		i, ok := index[w]
		if !ok {
			i = len(l.words)
			index[w] = i
			l.words = append(l.words, word{ids: t.appendBytes(nil, w)})
		}
		l.words[i].times++
	}
	for i := range l.words {
		l.add(int32(i), 1)
	}
	for i := range l.words {
		l.announce(int32(i), -1)
	}
	return l
}

// add counts the pairs of word i, or takes them out of the counts with sign -1.
func (l *learner) add(i int32, sign int) {
	w := l.words[i]
	for k := 0; k+1 < len(w.ids); k++ {
		l.count[pair{w.ids[k], w.ids[k+1]}] += sign * w.times
	}
}

// announce notes word i at its pairs and queues those whose count has risen: all its
// pairs, or those with token if that is not negative. The counts must be complete.
func (l *learner) announce(i, token int32) {
	w := l.words[i]
	for k := 0; k+1 < len(w.ids); k++ {
		p := pair{w.ids[k], w.ids[k+1]}
		if token >= 0 && p.left != token && p.right != token {
			continue
		}
		if at := l.where[p]; len(at) == 0 || at[len(at)-1] != i {
			l.where[p] = append(at, i)
		}
		if n := l.count[p]; n > l.queued[p] {
			l.queued[p] = n
			heap.Push(&l.queue, counted{n, p})
		}
	}
}

// mostFrequent is the pair to join next; false if none occurs twice.
func (l *learner) mostFrequent() (pair, bool) {
	for len(l.queue) > 0 {
		top := heap.Pop(&l.queue).(counted)
		now := l.count[top.pair]
		if now == top.count && now >= 2 {
			return top.pair, true
		}
		if top.count == l.queued[top.pair] {
			l.queued[top.pair] = now
			if now >= 2 {
				heap.Push(&l.queue, counted{now, top.pair})
			}
		}
	}
	return pair{}, false
}

// join replaces p by token in every word that has it.
func (l *learner) join(p pair, token int32) {
	touched := l.where[p]
	delete(l.where, p)
	for _, i := range touched {
		l.add(i, -1)
		w := &l.words[i]
		out := w.ids[:0]
		for k := 0; k < len(w.ids); k++ {
			if k+1 < len(w.ids) && w.ids[k] == p.left && w.ids[k+1] == p.right {
				out = append(out, token)
				k++
			} else {
				out = append(out, w.ids[k])
			}
		}
		w.ids = out
		l.add(i, 1)
	}
	for _, i := range touched {
		l.announce(i, token)
	}
}

// counted is a pair with the count it had when it was queued.
type counted struct {
	count int
	pair  pair
}

// pairHeap is a heap.Interface with the most frequent pair on top.
type pairHeap []counted

func (h pairHeap) Len() int { return len(h) }
func (h pairHeap) Less(a, b int) bool {
	x, y := h[a], h[b]
	return cmp.Or(cmp.Compare(y.count, x.count),
		cmp.Compare(x.pair.left, y.pair.left), cmp.Compare(x.pair.right, y.pair.right)) < 0
}
func (h pairHeap) Swap(a, b int) { h[a], h[b] = h[b], h[a] }
func (h *pairHeap) Push(x any)   { *h = append(*h, x.(counted)) }
func (h *pairHeap) Pop() any {
	old := *h
	top := old[len(old)-1]
	*h = old[:len(old)-1]
	return top
}
