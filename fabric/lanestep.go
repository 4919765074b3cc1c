package fabric

import "math/bits"

// Begin begins cycle t in a row: what was freed is free, what is due has arrived.
func (l *Lanes) Begin(row int, t Cycle) {
	l.begun[row] = t
	n, base := l.words*len(l.kinds), int32(row*l.words*64)
	from := l.lane(0, base)
	lanes, ring, now := l.lanes[from:][:n], l.ring[l.when(t)][from:][:n], l.moved[t&historyMask][from:][:n]
	clear(l.moved[(t+1)&historyMask][from:][:n])
	f := 0
	for i := range lanes {
		a := &lanes[i]
		a.room = a.next
		if come := ring[i]; come != 0 {
			ring[i] = 0
			first := come &^ a.has
			a.here.Up(come)
			a.has |= come
			a.now |= first
			now[i] |= first
			if f >= l.inputs {
				l.wake(a, come, base, t)
			}
		}
		if f++; f == len(l.kinds) {
			f, base = 0, base+64
		}
	}
}

// wake wakes the PEs of a set of routers for cycle t, those that asked for it.
func (l *Lanes) wake(a *lane, set uint64, base int32, t Cycle) {
	set &= a.asked
	a.asked &^= set
	for ; set != 0; set &= set - 1 {
		l.m.agenda.Wake(l.m.PEActor(l.router(base+int32(bits.TrailingZeros64(set)))), t)
	}
}

// Step has a row's routers forward what they can in cycle t.
func (l *Lanes) Step(row int, t Cycle) {
	l.behind = row+1 < len(l.begun) && l.begun[row+1] != t
	for w := range l.words {
		base := int32((row*l.words + w) * 64)
		odd, any := l.decide(base)
		if !any {
			continue
		}
		for f, set := range l.serve {
			if set != 0 {
				l.forward(f, base, set, t)
			}
		}
		for ; odd != 0; odd &= odd - 1 {
			l.switched(base+int32(bits.TrailingZeros64(odd)), t)
		}
	}
}

// decide finds out what a word's routers serve. Those apart that have a head which moves a switch are
// returned.
func (l *Lanes) decide(base int32) (odd uint64, any bool) {
	from := l.lane(0, base)
	row := l.lanes[from:][:l.inputs]
	able, serve, first := l.able[:len(row)], l.serve[:len(row)], l.first[:len(row)]
	var waiting uint64
	for f := range row {
		a := &row[f]
		able[f] = a.has & a.open
		waiting |= able[f]
		odd |= able[f] & a.marked
	}
	if waiting == 0 {
		return 0, false
	}
	for f := range row {
		serve[f], first[f] = 0, 0
		if able[f] &^= odd; able[f] != 0 {
			able[f] &^= l.full(from, f, &row[f])
		}
	}
	var used [NumPorts]uint64
	var done uint64
	for _, before := range [2]uint64{0, ^uint64(0)} { // the inputs from the one of whom it is the turn; those before it
		for f := range row {
			if able[f] == 0 {
				continue
			}
			a, exits := &row[f], l.kinds[f].exits
			some := able[f] & (a.turn ^ before)
			for _, e := range exits {
				some &^= a.out[e.port] & used[e.port]
			}
			for _, e := range exits {
				used[e.port] |= a.out[e.port] & some
			}
			serve[f] |= some
			first[f] |= some &^ done
			done |= some
		}
	}
	l.rotate(row, done)
	return odd, true
}

// rotate has the rotation of the done routers begin behind the input they served first.
func (l *Lanes) rotate(row []lane, done uint64) {
	if done == 0 {
		return
	}
	var behind uint64
	for f := range row {
		row[f].turn = row[f].turn&^done | behind
		behind |= l.first[f]
	}
}

// full is for which routers of a word, whose lanes begin at from, some output of kind f has no room.
func (l *Lanes) full(from, f int, a *lane) (set uint64) {
	exits := l.kinds[f].exits
	for i := range exits {
		if e := &exits[i]; a.out[e.port] != 0 {
			set |= a.out[e.port] &^ l.roomBehind(from, e)
		}
	}
	return set
}

// roomBehind is which routers of a word, whose lanes begin at from, have room behind an exit.
func (l *Lanes) roomBehind(from int, e *exit) uint64 {
	to := &l.lanes[from+e.ahead]
	switch e.port {
	case South:
		if l.behind {
			return to.next
		}
	case East:
		return to.room>>1 | l.lanes[from+e.ahead+len(l.kinds)].room<<63
	case West:
		return to.room<<1 | l.lanes[from+e.ahead-len(l.kinds)].room>>63
	}
	return to.room
}

// forward sends on the heads of a set of a word's inputs of kind f, of which is known that they can leave and
// move no switch.
func (l *Lanes) forward(f int, base int32, set uint64, t Cycle) {
	from := l.lane(0, base)
	a, k := &l.lanes[from+f], &l.kinds[f]
	l.Moved += int64(bits.OnesCount64(set))
	apart := set & a.begins
	for _, out := range k.exits {
		apart |= set & a.out[out.port] &^ a.joins[out.port]
	}
	for ; apart != 0; apart &= apart - 1 {
		at := base + int32(bits.TrailingZeros64(apart))
		head, _ := l.origin(f, at, 0)
		for _, out := range k.exits {
			if a.out[out.port]>>(at&63)&1 != 0 {
				l.follow(out.to, at+l.shift[out.port], head, 0)
			}
		}
	}
	l.take(f, from+f, base, set, t)
	for _, out := range k.exits {
		to := set & a.out[out.port]
		if to == 0 {
			continue
		}
		for _, g := range k.others {
			l.lanes[from+g].joins[out.port] &^= to
		}
		a.joins[out.port] |= to
		l.give(out.to, from+out.ahead, out.port, to, t+Cycle(l.m.delay[out.port]))
	}
	if k.port == Ramp {
		l.wake(a, set, base, t+1)
	}
}

// part has what a router forwards next of f's color not be taken for what follows.
func (l *Lanes) part(from, f int, bit uint64) {
	for g := range l.inputs {
		if l.kinds[g].color == l.kinds[f].color {
			for p := range l.lanes[from+g].joins {
				l.lanes[from+g].joins[p] &^= bit
			}
		}
	}
}

// switched serves the inputs of one router one by one: its switches may move meanwhile.
func (l *Lanes) switched(at int32, t Cycle) {
	from, bit := l.lane(0, at&^63), uint64(1)<<(at&63)
	row := l.lanes[from:][:l.inputs]
	clear(l.first)
	var done uint64
	var used PortSet
	for _, before := range [2]uint64{0, ^uint64(0)} {
		for f := range row {
			a := &row[f]
			if a.has&a.open&(a.turn^before)&bit == 0 {
				continue
			}
			q := l.kinds[f].queues[at]
			k := &l.m.queues[q]
			if used&k.way.tx != 0 || l.full(from, f, a)&bit != 0 {
				continue
			}
			used |= k.way.tx
			if done == 0 {
				done, l.first[f] = bit, bit
			}
			l.Moved++
			l.part(from, f, bit)
			if i := k.owner; l.m.forward(i, q, k, t) {
				for set := l.m.chans[k.channel].queues; set != 0; set &= set - 1 {
					l.way(l.m.routers[i].first + QueueID(bits.TrailingZeros64(set)))
				}
			}
		}
	}
	l.rotate(row, done)
}
