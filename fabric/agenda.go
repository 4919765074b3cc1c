package fabric

import (
	"container/heap"
	"math"
	"math/bits"
)

// Never is later than every cycle.
const Never Cycle = math.MaxInt64

const wheelSize = 1 << 10 // cycles; farther wake-ups wait in a heap

// Agenda says which actors act in which cycle. An actor has at most one wake-up: asking for
// a later one while an earlier one is pending changes nothing, because an actor that is
// stepped looks at all it waits for and asks again. Steady state allocates nothing.
type Agenda struct {
	now      Cycle
	wake     []Cycle // per actor; Never if none
	wheel    [wheelSize][]int32
	occupied [wheelSize / 64]uint64
	far      farHeap
	due      []int32
}

func newAgenda(actors int) *Agenda {
	a := &Agenda{now: -1, wake: make([]Cycle, actors)}
	for i := range a.wake {
		a.wake[i] = Never
	}
	return a
}

// add registers one more actor.
func (a *Agenda) add() int32 {
	a.wake = append(a.wake, Never)
	return int32(len(a.wake) - 1)
}

// Wake asks that actor be stepped in cycle at, which must be later than the current one.
func (a *Agenda) Wake(actor int32, at Cycle) {
	if a.wake[actor] <= at {
		return
	}
	if at <= a.now {
		panic("fabric: wake-up in the past")
	}
	a.wake[actor] = at
	if at-a.now < wheelSize {
		slot := at % wheelSize
		a.wheel[slot] = append(a.wheel[slot], actor)
		a.occupied[slot/64] |= 1 << (slot % 64)
		return
	}
	heap.Push(&a.far, farWake{at, actor})
}

// Next advances to the earliest cycle with work and returns its actors; the slice is valid
// until the next call. It returns Never when nothing is pending.
func (a *Agenda) Next() (Cycle, []int32) {
	for {
		near := a.nextSlot()
		t := near
		if len(a.far) > 0 && a.far[0].at < t {
			t = a.far[0].at
		}
		if t == Never {
			return Never, nil
		}
		a.due = a.due[:0]
		if near == t {
			slot := t % wheelSize
			for _, actor := range a.wheel[slot] {
				a.take(actor, t)
			}
			a.wheel[slot] = a.wheel[slot][:0]
			a.occupied[slot/64] &^= 1 << (slot % 64)
		}
		for len(a.far) > 0 && a.far[0].at == t {
			a.take(heap.Pop(&a.far).(farWake).actor, t)
		}
		if len(a.due) > 0 { // else only wake-ups that an earlier one replaced
			a.now = t
			return t, a.due
		}
	}
}

// take moves an actor to due unless an earlier wake-up replaced this one.
func (a *Agenda) take(actor int32, t Cycle) {
	if a.wake[actor] == t {
		a.wake[actor] = Never
		a.due = append(a.due, actor)
	}
}

// nextSlot finds the next occupied wheel slot after now.
func (a *Agenda) nextSlot() Cycle {
	start := (a.now + 1) % wheelSize
	word, bit := start/64, uint(start%64)
	for i := 0; i <= len(a.occupied); i++ {
		w := a.occupied[word]
		if i == 0 {
			w &= ^uint64(0) << bit
		} else if i == len(a.occupied) {
			w &= 1<<bit - 1
		}
		if w != 0 {
			slot := Cycle(word)*64 + Cycle(bits.TrailingZeros64(w))
			return a.now + 1 + (slot-start+wheelSize)%wheelSize
		}
		word = (word + 1) % Cycle(len(a.occupied))
	}
	return Never
}

type farWake struct {
	at    Cycle
	actor int32
}

type farHeap []farWake

func (h farHeap) Len() int { return len(h) }
func (h farHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].actor < h[j].actor
}
func (h farHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *farHeap) Push(x any)   { *h = append(*h, x.(farWake)) }
func (h *farHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
