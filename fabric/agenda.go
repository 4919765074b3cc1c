package fabric

import (
	"container/heap"
	"math"
	"math/bits"
)

// Never is later than every cycle.
const Never Cycle = math.MaxInt64

const (
	nearSize  = 1 << 3  // cycles; wake-ups so near are bits in a set per cycle
	wheelSize = 1 << 10 // cycles; farther ones wait in a list per cycle, those yet farther in a heap
)

// Agenda says which actors act in which cycle. An actor has at most one wake-up: asking for
// a later one while an earlier one is pending changes nothing, because an actor that is
// stepped looks at all it waits for and asks again. Steady state allocates nothing.
//
// The actors of a cycle come in the order of their numbers: routers, PEs, edge ports. So a PE may
// count on it that the routers are through with this cycle, and memory is walked in its order.
type Agenda struct {
	now      Cycle
	wake     []Cycle // per actor; Never if none
	near     [nearSize]actorSet
	nearUsed uint8 // slots of near with an actor
	wheel    [wheelSize][]int32
	occupied [wheelSize / 64]uint64
	far      farHeap
	due      []int32
	tabled   bool // wake is all there is: actors are looked up, not listed
}

func newAgenda(actors int) *Agenda {
	a := &Agenda{now: -1}
	for range actors {
		a.add()
	}
	return a
}

// add registers one more actor.
func (a *Agenda) add() int32 {
	a.wake = append(a.wake, Never)
	for i := range a.near {
		a.near[i].grow(len(a.wake))
	}
	return int32(len(a.wake) - 1)
}

// Wake asks that actor be stepped in cycle at, which must be later than the current one.
func (a *Agenda) Wake(actor int32, at Cycle) {
	if a.wake[actor] > at {
		a.set(actor, at)
	}
}

// set makes at the actor's wake-up, earlier than the one it has. Apart from Wake, so that the compiler
// may inline that.
func (a *Agenda) set(actor int32, at Cycle) {
	if a.tabled {
		a.wake[actor] = at
		a.near[at%nearSize].words[actor>>6] |= 1 << (actor & 63)
		return
	}
	if at <= a.now {
		panic("fabric: wake-up in the past")
	}
	a.wake[actor] = at
	if at-a.now > nearSize {
		a.later(actor, at)
		return
	}
	slot := at % nearSize
	a.near[slot].add(actor)
	a.nearUsed |= 1 << slot
}

func (a *Agenda) later(actor int32, at Cycle) {
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
		t := Never
		if a.nearUsed != 0 {
			t = a.now + 1 + Cycle(bits.TrailingZeros8(bits.RotateLeft8(a.nearUsed, -int((a.now+1)%nearSize))))
		}
		if t > a.now+1 || a.occupied[t%wheelSize/64]>>(t%wheelSize%64)&1 != 0 {
			t = min(t, a.nextSlot())
		}
		if len(a.far) > 0 {
			t = min(t, a.far[0].at)
		}
		if t == Never {
			return Never, nil
		}
		a.collect(t)
		if len(a.due) > 0 { // else only wake-ups that an earlier one replaced
			a.now = t
			return t, a.due
		}
	}
}

// collect moves the actors of cycle t, the next one with a wake-up, to due, unless an earlier
// wake-up replaced theirs.
func (a *Agenda) collect(t Cycle) {
	set := &a.near[t%nearSize]
	if slot := t % wheelSize; a.occupied[slot/64]>>(slot%64)&1 != 0 {
		for _, actor := range a.wheel[slot] {
			set.add(actor)
		}
		a.wheel[slot] = a.wheel[slot][:0]
		a.occupied[slot/64] &^= 1 << (slot % 64)
	}
	for len(a.far) > 0 && a.far[0].at == t {
		set.add(heap.Pop(&a.far).(farWake).actor)
	}
	a.nearUsed &^= 1 << (t % nearSize)
	a.due = a.due[:0]
	for i, some := range set.some {
		set.some[i] = 0
		for ; some != 0; some &= some - 1 {
			word := i*64 + bits.TrailingZeros64(some)
			actors := set.words[word]
			set.words[word] = 0
			for ; actors != 0; actors &= actors - 1 {
				actor := int32(word*64 + bits.TrailingZeros64(actors))
				if a.wake[actor] == t {
					a.wake[actor] = Never
					a.due = append(a.due, actor)
				}
			}
		}
	}
}

// actorSet is a set of actors, with a set of its words that are not empty above it.
type actorSet struct{ words, some []uint64 }

func (s *actorSet) grow(actors int) {
	for len(s.words)*64 < actors {
		s.words = append(s.words, 0)
	}
	for len(s.some)*64 < len(s.words) {
		s.some = append(s.some, 0)
	}
}

func (s *actorSet) add(actor int32) {
	s.words[actor>>6] |= 1 << (actor & 63)
	s.some[actor>>12] |= 1 << (actor >> 6 & 63)
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
