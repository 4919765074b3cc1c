package fabric

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
}

// Due reports whether actor has to be stepped in cycle t, and takes note that it is.
func (a *Agenda) Due(actor int32, t Cycle) bool {
	if a.wake[actor] != t {
		return false
	}
	a.wake[actor] = Never
	return true
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
	for actor, at := range a.wake {
		a.wake[actor] = Never
		if at != Never {
			a.Wake(int32(actor), at)
		}
	}
}
