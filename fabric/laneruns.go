package fabric

import "math/bits"

// Payloads do not travel through lanes. What a PE sends is kept in a log per ramp, and a wavelet is known
// by its origin: a buffer's wavelets are runs, each of which continues in its log. As long as a router sends a run
// on, only counts move; the first wavelet of a run is looked at by each.

// origin is the place of a wavelet's payload: it is the seq-th of a log.
type origin struct {
	log int32
	seq uint32
}

// run is wavelets of a buffer that follow each other in a log. The first one has the given origin, and was the
// at-th to be put into the buffer. One that has commands is a run of its own.
type run struct {
	origin
	at       uint32
	commands uint32 // bits of a packed wavelet from switchesAt on
	next     int32  // the run behind it, an index in Lanes.runs; -1 none
}

// runs is those of a buffer: the one of which a wavelet was taken last, and the last one.
type runs struct {
	run
	last int32 // an index in Lanes.runs; -1 if there is but one
}

// log holds what a PE, the feeder of a buffer, put there, without what nobody needs any more.
type log struct {
	kind, at int32
	first    uint32 // number of its first payload
	data     []uint32
}

func (g *log) end() uint32 { return g.first + uint32(len(g.data)) }

// loaded is the log of what the queues held when the mesh was put in lanes.
const loaded = 0

// newRun is the index in l.runs of a run that is not its buffer's first.
func (l *Lanes) newRun(r run) int32 {
	r.next = -1
	if i := l.free; i >= 0 {
		l.free = l.runs[i].next
		l.runs[i] = r
		return i
	}
	l.runs = append(l.runs, r)
	return int32(len(l.runs) - 1)
}

// taken is how many wavelets were taken from a buffer.
func (l *Lanes) taken(kind int, at int32) uint32 {
	return l.lanes[l.lane(int32(kind), at)].taken.Of(int(at))
}

// puts is how many wavelets were put into a buffer.
func (l *Lanes) puts(kind int, at int32) uint32 {
	return l.taken(kind, at) + l.lanes[l.lane(int32(kind), at)].all.Of(int(at))
}

// follow notes the origin of the wavelet that is put next into a buffer.
func (l *Lanes) follow(kind int, at int32, from origin, commands uint32) {
	k, a := &l.kinds[kind], &l.lanes[l.lane(int32(kind), at)]
	n := a.all.Of(int(at))
	count := l.taken(kind, at) + n
	b := &k.runs[at]
	last := &b.run
	if b.last >= 0 {
		last = &l.runs[b.last]
	}
	if last.log == from.log && last.seq+count-last.at == from.seq && last.commands|commands == 0 {
		return
	}
	i := l.newRun(run{origin: from, at: count, commands: commands})
	if b.last >= 0 { // l.runs may have moved
		l.runs[b.last].next = i
	} else {
		b.next = i
	}
	b.last = i
	if n > 0 {
		k.begins[int(at>>6)*int(k.size)+int(n)] |= 1 << (at & 63)
		a.held |= 1 << (at & 63)
		return
	}
	l.begin(k, a, at)
}

// begin notes that the head of a buffer, or the next one, begins a run.
func (l *Lanes) begin(k *kind, a *lane, at int32) {
	bit := uint64(1) << (at & 63)
	a.begins |= bit
	if l.runs[k.runs[at].next].commands != 0 {
		a.marked |= bit
	}
}

// pass has the heads of a set of a word's buffers be taken: runs begin, and others come next.
func (l *Lanes) pass(k *kind, a *lane, base int32, set uint64) {
	begun := set & a.begins
	a.begins &^= begun
	a.marked &^= begun
	for ; begun != 0; begun &= begun - 1 {
		b := &k.runs[base+int32(bits.TrailingZeros64(begun))]
		i := b.next
		b.run = l.runs[i]
		if b.last == i {
			b.last = -1
		}
		l.runs[i].next = l.free
		l.free = i
	}
	set &= a.held
	if set == 0 {
		return
	}
	begins := k.begins[int(base>>6)*int(k.size):][:k.size]
	first := begins[1] & set
	a.held &^= set
	for i := 1; i < len(begins); i++ {
		begins[i] &^= set
		if i+1 < len(begins) {
			begins[i] |= begins[i+1] & set
		}
		a.held |= begins[i]
	}
	for ; first != 0; first &= first - 1 {
		l.begin(k, a, base+int32(bits.TrailingZeros64(first)))
	}
}

// origin is that of the wavelet that is i behind the head of a buffer, and its commands.
func (l *Lanes) origin(kind int, at int32, i uint32) (from origin, commands uint32) {
	count := l.taken(kind, at) + i
	r := &l.kinds[kind].runs[at].run
	for r.next >= 0 && int32(count-l.runs[r.next].at) >= 0 {
		r = &l.runs[r.next]
	}
	return origin{r.log, r.seq + count - r.at}, r.commands
}

// read returns n payloads. If need be, the PE that sends them is asked for those it has not noted yet.
func (l *Lanes) read(from origin, n uint32) []uint32 {
	g := &l.logs[from.log]
	if missing := int32(from.seq + n - g.end()); missing > 0 {
		l.Produce(int(g.kind), g.at, int(missing))
	}
	return g.data[from.seq-g.first:][:n]
}

// wavelet is the one that is i behind the head of a buffer.
func (l *Lanes) wavelet(kind int, at int32, i uint32) packed {
	from, commands := l.origin(kind, at, i)
	return packed(l.read(from, 1)[0]) | packed(l.kinds[kind].color)<<colorAt | packed(commands)<<switchesAt
}

// Trim forgets the payloads that no buffer has a wavelet of. All that was sent must have been noted.
func (l *Lanes) Trim() {
	needed := make([]uint32, len(l.logs)) // per log: up to its end
	for kind := range l.kinds {
		for word := range l.Places() / 64 {
			all := &l.lanes[l.lane(int32(kind), int32(word*64))].all
			for set := all.Some(); set != 0; set &= set - 1 {
				at := int32(word*64 + bits.TrailingZeros64(set))
				head, _ := l.origin(kind, at, 0)
				needed[head.log] = max(needed[head.log], l.logs[head.log].end()-head.seq)
				for r := l.kinds[kind].runs[at].next; r >= 0; r = l.runs[r].next {
					from := &l.runs[r].origin
					needed[from.log] = max(needed[from.log], l.logs[from.log].end()-from.seq)
				}
			}
		}
	}
	for i := range l.logs {
		g := &l.logs[i]
		drop := len(g.data) - int(needed[i])
		g.data = g.data[:copy(g.data, g.data[drop:])]
		g.first += uint32(drop)
	}
}
