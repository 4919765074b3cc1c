package fabric

import "math/bits"

// Where most PEs act in most cycles, a list of them per cycle gains nothing, and walking all of them once per
// cycle walks all of memory once per cycle. Between Tabulate and List actors are looked up instead, so
// that the caller is free in which order it takes actors and cycles.

// Tabulate stops listing wake-ups by cycle. What Next returned last is due again.
func (a *Agenda) Tabulate() {
	a.tabled = true
	for _, actor := range a.due {
		a.wake[actor] = a.now
	}
	a.nearUsed, a.far = 0, a.far[:0]
	for i := range a.near {
		clear(a.near[i].words)
		clear(a.near[i].some)
	}
	for i := range a.wheel {
		a.wheel[i] = a.wheel[i][:0]
	}
	clear(a.occupied[:])
	for actor, at := range a.wake {
		if at != Never {
			a.set(int32(actor), at)
		}
	}
}

// Due calls step for each of the actors from to to-1 that have to be stepped in cycle t, in order. None of them
// is to be woken for this cycle any more.
func (a *Agenda) Due(from, to int32, t Cycle, step func(actor int32)) {
	slot := t % nearSize
	words := a.near[slot].words
	for word := from >> 6; word<<6 < to; word++ {
		set := words[word]
		if word<<6 < from {
			set &^= 1<<(from&63) - 1
		}
		if to-word<<6 < 64 {
			set &= 1<<(to&63) - 1
		}
		for ; set != 0; set &= set - 1 {
			actor := word<<6 + int32(bits.TrailingZeros64(set))
			at := a.wake[actor]
			if at == Never || at%nearSize != slot || at == t {
				words[word] &^= set & -set
			}
			if at == t {
				a.wake[actor] = Never
				step(actor)
			}
		}
	}
}

// Through says that all actors are stepped up to and with cycle t, and returns the next cycle with a wake-up.
func (a *Agenda) Through(t Cycle) Cycle {
	a.now = t
	next := Never
	for _, at := range a.wake {
		next = min(next, at)
	}
	if next <= t {
		panic("fabric: wake-up in the past")
	}
	return next
}

// List goes back to listing wake-ups by cycle, for Next.
func (a *Agenda) List() {
	a.tabled = false
	for i := range a.near {
		clear(a.near[i].words)
	}
	for actor, at := range a.wake {
		a.wake[actor] = Never
		if at != Never {
			a.Wake(int32(actor), at)
		}
	}
}
