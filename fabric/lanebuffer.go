package fabric

import "math/bits"

// take takes the heads of a set of a word's buffers of a kind, in a lane.
func (l *Lanes) take(kind, lane int, base int32, set uint64, t Cycle) {
	a := &l.lanes[lane]
	l.m.popped += int64(bits.OnesCount64(set))
	a.all.Down(set)
	a.here.Down(set)
	a.taken.Up(set)
	a.has &^= set &^ a.here.Some()
	a.next |= set // also of one that was filled before it was taken from
	a.now |= set
	l.moved[(t+1)&historyMask][lane] |= set
	if set&(a.begins|a.held) != 0 {
		l.pass(&l.kinds[kind], a, base, set)
	}
}

// give has a set of a word's routers, or PEs, put a wavelet each into the buffers of a kind behind their port p. lane
// is that of the word there, or here if it is east or west.
func (l *Lanes) give(kind, lane int, p Port, set uint64, ready Cycle) {
	l.m.pushed += int64(bits.OnesCount64(set))
	switch p {
	case East:
		if set>>63 != 0 {
			l.put(kind, lane+len(l.kinds), 1, ready)
		}
		set <<= 1
	case West:
		if set&1 != 0 {
			l.put(kind, lane-len(l.kinds), 1<<63, ready)
		}
		set >>= 1
	}
	l.put(kind, lane, set, ready)
}

// put puts a wavelet each into a set of a lane's buffers.
func (l *Lanes) put(kind, lane int, set uint64, ready Cycle) {
	a := &l.lanes[lane]
	l.ring[l.when(ready)][lane] |= set
	a.all.Up(set)
	a.next &^= set & a.all.Equal(&l.kinds[kind].full)
}

// There is in which queues of a word of PEs a head can be taken.
func (l *Lanes) There(kind, word int) uint64 { return l.lanes[l.lane(int32(kind), int32(word*64))].has }

// Room is into which buffers a word of PEs can push one more.
func (l *Lanes) Room(kind, word int) uint64 { return l.lanes[l.lane(int32(kind), int32(word*64))].room }

// Begins is in which queues of a word of PEs the head is not what follows in the log on what was taken last.
func (l *Lanes) Begins(kind, word int) uint64 {
	return l.lanes[l.lane(int32(kind), int32(word*64))].begins
}

// Take is Pop for a set of a word's PEs, without the payloads.
func (l *Lanes) Take(kind, word int, set uint64, t Cycle) {
	base := int32(word * 64)
	l.take(kind, l.lane(int32(kind), base), base, set, t)
}

// Taken returns n of the payloads that the PE of a place took from its queue of a kind, from the one taken so
// many before the next one on; the run that began last has all of them. They stay until Trim is called.
func (l *Lanes) Taken(kind int, at int32, before, n int) []uint32 {
	r := &l.kinds[kind].runs[at]
	return l.read(origin{r.log, r.seq + l.taken(kind, at) - uint32(before) - r.at}, uint32(n))
}

// Give is Push for a set of a word's PEs, of data without commands, which are noted in their logs later.
func (l *Lanes) Give(kind, word int, set uint64, ready Cycle) {
	base := int32(word * 64)
	lane := l.lane(int32(kind), base)
	a := &l.lanes[lane]
	for apart := set &^ a.fed; apart != 0; apart &= apart - 1 {
		at := base + int32(bits.TrailingZeros64(apart))
		l.follow(kind, at, l.sent(kind, at), 0)
	}
	a.fed |= set
	l.give(kind, lane, Ramp, set, ready)
}

// GiveCommand is Give for the PE of a place, of a wavelet that has a command for the switch.
func (l *Lanes) GiveCommand(kind int, at int32, switches uint16, ready Cycle) {
	l.follow(kind, at, l.sent(kind, at), uint32(switches))
	lane, bit := l.lane(int32(kind), at), uint64(1)<<(at&63)
	l.lanes[lane].fed &^= bit
	l.give(kind, lane, Ramp, bit, ready)
}

// sent is the origin of what a PE puts next into a buffer.
func (l *Lanes) sent(kind int, at int32) origin {
	return origin{l.kinds[kind].logs[at], l.puts(kind, at)}
}

// Log is where the PE of a place notes what it puts into a buffer of a kind.
func (l *Lanes) Log(kind int, at int32) *[]uint32 { return &l.logs[l.kinds[kind].logs[at]].data }

// push is Push.
func (l *Lanes) push(q QueueID, w packed, ready Cycle) {
	p, a, bit := l.find(q)
	kind, k := int(p.kind), &l.kinds[p.kind]
	if a.all.Equal(&k.full)&bit != 0 {
		panic("fabric: push into a full queue")
	}
	from, commands := l.moving, uint32(w&commands>>switchesAt)
	if l.feeds(p) {
		from = l.sent(kind, p.at)
		g := &l.logs[from.log]
		g.data = append(g.data, uint32(w))
		a.fed |= bit
		if commands != 0 {
			a.fed &^= bit
		}
	}
	l.follow(kind, p.at, from, commands)
	l.put(kind, l.lane(p.kind, p.at), bit, ready)
	l.m.pushed++
}

// pop is Pop; what a router moves, and pushes next, has no payload.
func (l *Lanes) pop(q QueueID, t Cycle) packed {
	p, a, bit := l.find(q)
	from, has := l.origin(int(p.kind), p.at, 0)
	w := packed(has)<<switchesAt | packed(l.kinds[p.kind].color)<<colorAt
	if int(p.kind) >= l.inputs {
		w |= packed(l.read(from, 1)[0])
	}
	l.moving = from
	l.take(int(p.kind), l.lane(p.kind, p.at), p.at&^63, bit, t)
	if l.feeds(p) {
		l.wake(a, bit, p.at&^63, t+1)
	}
	return w
}

// room is Room.
func (l *Lanes) room(q QueueID, t Cycle) bool {
	p, a, bit := l.find(q)
	if a.room&bit != 0 {
		return true
	}
	a.asked |= bit
	if a.next&bit != 0 {
		l.wake(a, bit, p.at&^63, t+1)
	}
	return false
}

// there is whether the head of q can be taken. If not, the PE is woken when something arrives.
func (l *Lanes) there(q QueueID) bool {
	_, a, bit := l.find(q)
	if a.has&bit == 0 {
		a.asked |= bit
	}
	return a.has&bit != 0
}

// peek is PeekAt for the row's cycle: what has not arrived is not there.
func (l *Lanes) peek(q QueueID, i int) (w Wavelet, ready Cycle, ok bool) {
	p, a, bit := l.find(q)
	if int(a.here.Of(int(p.at))) <= i {
		a.asked |= bit
		return Wavelet{}, Never, false
	}
	return l.wavelet(int(p.kind), p.at, uint32(i)).wavelet(), 0, true
}
