package fabric

import "math/bits"

// buffer is a bounded FIFO: in a word the counts of wavelets taken and put, and of those that the link has been credited
// with, a byte each; the low bits of the cycle from which on the head could be taken; then its slots. What forwarding
// touches is one line of the host's cache.
type buffer []uint32

const bufferSlots = 2 // index of the first

// stride is that of buffers.
func (k *kind) stride() int { return bufferSlots + k.slots }

func (k *kind) buffer(at int32) buffer {
	return k.data[int(at)*k.stride():][:k.stride()]
}

func (b buffer) head() uint8 { return uint8(b[0]) }
func (b buffer) tail() uint8 { return uint8(b[0] >> 8) }
func (b buffer) n() uint8    { return b.tail() - b.head() }

// carry is how many wavelets were put since it was called last.
func (k *kind) carry(at int32) uint8 {
	b := k.buffer(at)
	n := b.tail() - uint8(b[0]>>16)
	b[0] = b[0]&0xffff | uint32(b.tail())<<16
	return n
}

// put puts a data wavelet into a buffer, and reports whether it is full now.
func (k *kind) put(at int32, data uint32, ready Cycle) bool {
	b := k.buffer(at)
	counts := b[0]
	n, tail := b.n(), uint8(counts>>8)
	b[bufferSlots+int(tail)&(k.slots-1)] = data
	b[0] = counts&^0xff00 | uint32(tail+1)<<8
	if n == 0 {
		b[1] = uint32(ready)
	}
	return n+1 == k.size
}

// slot is the index in data of a buffer's wavelet of a count.
func (k *kind) slot(at int32, count uint8) int {
	return int(at)*k.stride() + bufferSlots + int(count)&(k.slots-1)
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

// coming is how many wavelets are on the way to a buffer after cycle t, and when the first of them arrives.
func (l *Lanes) coming(kind int, at int32, t Cycle) (n uint8, first Cycle) {
	lane := l.lane(int32(kind), at)
	for c := t + l.kinds[kind].delay; c > t; c-- {
		if l.ring[l.when(c)][lane]>>(at&63)&1 != 0 {
			n++
			first = c
		}
	}
	return n, first
}

// take takes the heads of a set of a word's buffers of a kind, data wavelets without commands.
func (l *Lanes) take(kind int, base int32, set uint64, t Cycle) {
	k, lane := &l.kinds[kind], l.lane(int32(kind), base)
	a := &l.lanes[lane]
	l.m.popped += int64(bits.OnesCount64(set))
	var coming uint64 // something is on the way
	for c := t + 1; c <= t+k.delay; c++ {
		coming |= l.ring[l.when(c)][lane]
	}
	marked := k.marked[int(base>>6)*k.slots:][:k.slots]
	stride, mask := k.stride(), k.slots-1
	data := k.data[int(base)*stride:][:64*stride]
	var gone, next uint64
	for ; set != 0; set &= set - 1 {
		bit := bits.TrailingZeros64(set)
		b := data[bit*stride:][:stride]
		counts := b[0]
		l.taken[bit] = b[bufferSlots+int(counts)&mask]
		head, tail := uint8(counts)+1, uint8(counts>>8)
		b[0] = counts&^0xff | uint32(head)
		b[1] = uint32(t + 1)
		if head == tail {
			gone |= 1 << bit
			continue
		}
		next |= marked[int(head)&mask] & (1 << bit)
		if Cycle(tail-head) <= k.delay && coming>>bit&1 != 0 { // as many can be on the way
			if n, first := l.coming(kind, base+int32(bit), t); n == tail-head {
				gone |= 1 << bit
				b[1] = uint32(first)
			}
		}
	}
	a.has &^= gone
	a.marked |= next
}

// give puts data of a set of a word's routers, or PEs, into the buffers of a kind behind their port p.
func (l *Lanes) give(kind int, base int32, p Port, data *[64]uint32, set uint64, ready Cycle) {
	k := &l.kinds[kind]
	l.announce(l.ring[l.when(ready)], l.lane(int32(kind), base), p, set)
	l.m.pushed += int64(bits.OnesCount64(set))
	base += l.shift[p]
	for ; set != 0; set &= set - 1 {
		bit := bits.TrailingZeros64(set)
		if at := base + int32(bit); k.put(at, data[bit], ready) {
			l.lanes[l.lane(int32(kind), at)].next &^= 1 << (at & 63)
		}
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
	a.next |= set
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
	k := &l.kinds[p.kind]
	b := k.buffer(p.at)
	if b.n() == k.size {
		panic("fabric: push into a full queue")
	}
	if w&commands != 0 {
		k.extra[k.slot(p.at, b.tail())] = uint32(w >> 32)
		*k.mark(p.at, b.tail()) |= bit
		if b.n() == 0 {
			a.marked |= bit
		}
	}
	if k.put(p.at, uint32(w), ready) {
		a.next &^= bit
	}
	l.ring[l.when(ready)][l.lane(p.kind, p.at)] |= bit
	l.m.pushed++
}

// pop is Pop.
func (l *Lanes) pop(q QueueID, t Cycle) packed {
	p, a, bit := l.find(q)
	k := &l.kinds[p.kind]
	head := k.buffer(p.at).head()
	w := k.wavelet(p.at, head)
	*k.mark(p.at, head) &^= bit
	a.marked &^= bit
	l.take(int(p.kind), p.at&^63, bit, t)
	a.next |= bit
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
	b := k.buffer(p.at)
	coming, _ := l.coming(int(p.kind), p.at, l.begun[int(p.at)/(l.words*64)])
	if int(b.n()-coming) <= i {
		a.asked |= bit
		return Wavelet{}, Never, false
	}
	return k.wavelet(p.at, b.head()+uint8(i)).wavelet(), 0, true
}
