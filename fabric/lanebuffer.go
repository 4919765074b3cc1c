package fabric

import "math/bits"

// counter is a number for each of 64 buffers, of which it holds one bit each per word: counts of all of them go up and
// down in a few steps. A buffer holds less than 128 wavelets.
type counter [7]uint64

func (c *counter) up(set uint64) {
	for i := 0; set != 0; i++ {
		c[i], set = c[i]^set, c[i]&set
	}
}

func (c *counter) down(set uint64) {
	for i := 0; set != 0; i++ {
		c[i], set = c[i]^set, set&^c[i]
	}
}

// equal is of which buffers two numbers are equal.
func (c *counter) equal(to *counter) uint64 {
	return ^((c[0] ^ to[0]) | (c[1] ^ to[1]) | (c[2] ^ to[2]) | (c[3] ^ to[3]) | (c[4] ^ to[4]) | (c[5] ^ to[5]) | (c[6] ^ to[6]))
}

// some is of which buffers the number is not 0.
func (c *counter) some() uint64 { return c[0] | c[1] | c[2] | c[3] | c[4] | c[5] | c[6] }

// all64 is a counter whose numbers are all n.
func all64(n uint8) (c counter) {
	for i := range c {
		c[i] = -uint64(n >> i & 1)
	}
	return c
}

// of is the number of one buffer.
func (c *counter) of(bit int) (n uint8) {
	for i, w := range c {
		n |= uint8(w>>bit&1) << i
	}
	return n
}

// counts is how many wavelets 64 buffers hold, and how many of them have arrived.
type counts struct{ all, here counter }

// carry is how many wavelets were put into a buffer since it was called last.
func (k *kind) carry(at int32) uint8 {
	n := k.tails[at] - k.carried[at]
	k.carried[at] = k.tails[at]
	return n
}

// slot is the index in data of a buffer's wavelet of a count.
func (k *kind) slot(at int32, count uint8) int {
	return int(at>>6)*k.slots*64 + int(count)&(k.slots-1)*64 + int(at&63)
}

// wavelet is the one of a count.
func (k *kind) wavelet(at int32, count uint8) packed {
	slot := k.slot(at, count)
	w := packed(k.data[slot]) | packed(k.color)<<colorAt
	if *k.mark(at, count)>>(at&63)&1 != 0 {
		w |= packed(k.extra[slot]) << 32
	}
	return w
}

// mark is where a word's buffers note that their wavelet of a count has another half.
func (k *kind) mark(at int32, count uint8) *uint64 {
	return &k.marked[int(at>>6)*k.slots+int(count)&(k.slots-1)]
}

// take takes the heads of a set of a word's buffers of a kind, data wavelets without commands.
func (l *Lanes) take(kind int, base int32, set uint64, t Cycle) {
	k, lane := &l.kinds[kind], l.lane(int32(kind), base)
	a, c := &l.lanes[lane], &l.counts[lane]
	l.m.popped += int64(bits.OnesCount64(set))
	c.all.down(set)
	c.here.down(set)
	a.has &^= set &^ c.here.some()
	a.next |= set // also of one that was filled before it was taken from
	heads, since := (*[64]uint8)(k.heads[base:]), (*[64]uint32)(k.since[base:])
	data := k.data[int(base)*k.slots:][:64*k.slots]
	for rest := set; rest != 0; rest &= rest - 1 {
		bit := bits.TrailingZeros64(rest) & 63
		n := heads[bit]
		heads[bit] = n + 1
		since[bit] = uint32(t + 1)
		l.taken[bit] = data[int(n)&(k.slots-1)*64+bit]
	}
	for rest := set & a.held; rest != 0; rest &= rest - 1 {
		at := base + int32(bits.TrailingZeros64(rest))
		a.marked |= *k.mark(at, k.heads[at]) & (1 << (at & 63))
	}
}

// give puts data of a set of a word's routers, or PEs, into the buffers of a kind behind their port p.
func (l *Lanes) give(kind int, base int32, p Port, data *[64]uint32, set uint64, ready Cycle) {
	l.m.pushed += int64(bits.OnesCount64(set))
	base += l.beyond[p]
	switch p {
	case East:
		l.put(kind, base, set<<1, data, 63, ready)
		l.put(kind, base+64, set>>63, data, 63, ready)
	case West:
		l.put(kind, base, set>>1, data, 1, ready)
		l.put(kind, base-64, set<<63, data, 1, ready)
	default:
		l.put(kind, base, set, data, 0, ready)
	}
}

// put puts data wavelets into a set of a word's buffers, into each that which lies so many bits further.
func (l *Lanes) put(kind int, base int32, set uint64, data *[64]uint32, shift int, ready Cycle) {
	if set == 0 {
		return
	}
	k, lane := &l.kinds[kind], l.lane(int32(kind), base)
	c := &l.counts[lane]
	l.ring[l.when(ready)][lane] |= set
	c.all.up(set)
	l.lanes[lane].next &^= set & c.all.equal(&k.full)
	tails := (*[64]uint8)(k.tails[base:])
	slots := k.data[int(base)*k.slots:][:64*k.slots]
	for ; set != 0; set &= set - 1 {
		bit := bits.TrailingZeros64(set) & 63
		n := tails[bit]
		tails[bit] = n + 1
		slots[int(n)&(k.slots-1)*64+bit] = data[(bit+shift)&63]
	}
}

// There is in which queues of a word of PEs a head can be taken.
func (l *Lanes) There(kind, word int) uint64 { return l.lanes[l.lane(int32(kind), int32(word*64))].has }

// Room is into which buffers a word of PEs can push one more.
func (l *Lanes) Room(kind, word int) uint64 { return l.lanes[l.lane(int32(kind), int32(word*64))].room }

// Take is PopData for a set of a word's PEs; the payloads lie where their bits say until the next call.
func (l *Lanes) Take(kind, word int, set uint64, t Cycle) *[64]uint32 {
	base := int32(word * 64)
	a := &l.lanes[l.lane(int32(kind), base)]
	odd := set & a.marked
	l.take(kind, base, set&^odd, t)
	for ; odd != 0; odd &= odd - 1 {
		bit := bits.TrailingZeros64(odd)
		l.taken[bit] = uint32(l.pop(l.kinds[kind].queues[int(base)+bit], t))
	}
	return &l.taken
}

// Give is Push for a set of a word's PEs, of data without commands.
func (l *Lanes) Give(kind, word int, data *[64]uint32, set uint64, ready Cycle) {
	l.give(kind, int32(word*64), Ramp, data, set, ready)
}

// push is Push.
func (l *Lanes) push(q QueueID, w packed, ready Cycle) {
	p, a, bit := l.find(q)
	k, base := &l.kinds[p.kind], p.at&^63
	if l.counts[l.lane(p.kind, p.at)].all.of(int(p.at&63)) == k.size {
		panic("fabric: push into a full queue")
	}
	if w&commands != 0 {
		k.extra[k.slot(p.at, k.tails[p.at])] = uint32(w >> 32)
		*k.mark(p.at, k.tails[p.at]) |= bit
		a.held |= bit
		if k.tails[p.at] == k.heads[p.at] {
			a.marked |= bit
		}
	}
	l.one[p.at&63] = uint32(w)
	l.put(int(p.kind), base, bit, &l.one, 0, ready)
	l.m.pushed++
}

// pop is Pop.
func (l *Lanes) pop(q QueueID, t Cycle) packed {
	p, a, bit := l.find(q)
	k := &l.kinds[p.kind]
	head := k.heads[p.at]
	w := k.wavelet(p.at, head)
	*k.mark(p.at, head) &^= bit
	a.marked &^= bit
	l.take(int(p.kind), p.at&^63, bit, t)
	a.held &^= bit
	for i := range uint8(k.slots) {
		a.held |= *k.mark(p.at, i) & bit
	}
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
	k := &l.kinds[p.kind]
	if int(l.counts[l.lane(p.kind, p.at)].here.of(int(p.at&63))) <= i {
		a.asked |= bit
		return Wavelet{}, Never, false
	}
	return k.wavelet(p.at, k.heads[p.at]+uint8(i)).wavelet(), 0, true
}
