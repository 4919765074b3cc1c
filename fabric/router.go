package fabric

import "math/bits"

// StepRouter forwards what router i can forward in cycle t: at most one wavelet per output
// link. Queues are looked at in rotating order, starting behind the one served first last
// time. A router with only blocked heads sleeps until room or an arrival wakes it.
func (m *Mesh) StepRouter(i int32, t Cycle) {
	if m.Observer != nil || m.stalls != nil {
		m.stepObserved(i, t)
		return
	}
	r := &m.routers[i]
	early := m.early[r.first:][:r.count]
	if able := due(early, t); able != 0 {
		m.forwardAll(i, able, t)
	}
	wake := Never
	for _, from := range early {
		wake = min(wake, from)
	}
	if wake != Never {
		m.agenda.Wake(i, max(wake, t+1))
	}
}

// due is the set of queues whose head may leave in cycle t, as far as is known.
func due(early []Cycle, t Cycle) (able uint64) {
	for local := len(early) - 1; local >= 0; local-- {
		able = able<<1 | uint64(early[local]-t-1)>>63
	}
	return able
}

// forwardAll serves the queues of router i that are able to, as far as they do not get into each
// other's way. It is what the host does most, so pop and Push are written out, without what a router's
// wavelets do not need.
func (m *Mesh) forwardAll(i int32, able uint64, t Cycle) {
	r := &m.routers[i]
	queues, slab, early := m.queues, m.slab, m.early
	var used PortSet // links
	served := -1
	next, count := int(r.next), int(r.count)
	all := uint64(1)<<count - 1
	turn := (able>>next | able<<(count-next)) & all // queues next, next+1, ...; then those before
serve:
	for ; turn != 0; turn &= turn - 1 {
		place := bits.TrailingZeros64(turn)
		local := place + next
		if local >= count {
			local -= count
		}
		q := r.first + QueueID(local)
		k := &queues[q]
		if used&k.way.tx != 0 {
			continue
		}
		outs := k.way.out[:k.way.n]
		for _, q := range outs {
			if to := &queues[q]; to.full() {
				if from := m.roomFrom(to, t); from > t {
					early[r.first+QueueID(local)] = from
					continue serve
				}
			}
		}
		used |= k.way.tx
		if served < 0 {
			served = local
		}
		e := &slab[k.base+int32(k.head&k.mask)]
		if e.w&commands != 0 {
			if m.forward(i, q, k, t) { // it has moved the switch
				able = due(early[r.first:][:count], t)
				turn = (able>>next|able<<(count-next))&all&^(1<<place-1) | 1<<place
			}
			continue
		}
		w := e.w
		e.ready = t
		k.last = uint32(t)
		k.head++
		after := slab[k.base+int32(k.head&k.mask)].ready
		if k.head == k.tail {
			after = Never
		}
		early[q] = after
		if k.asked == feeder {
			m.freed(k, t)
		}
		for j, q := range outs {
			p := k.way.ports[j]
			ready := t + Cycle(m.delay[p])
			to := &queues[q]
			slab[to.base+int32(to.tail&to.mask)] = entry{ready, w}
			first := to.tail == to.head
			to.tail++
			to.carried++
			m.arrived(q, to, first, ready)
		}
		m.popped++
		m.pushed += int64(len(outs))
	}
	r.serve(served)
}

// serve moves the priority on behind the queue served first; -1 if none was.
func (r *router) serve(first int) {
	if first < 0 {
		return
	}
	r.next = uint8(first + 1)
	if r.next >= r.count {
		r.next = 0
	}
}

// roomForAll is from when on all outputs have room, as far as that is known; Never if one of them
// has to be taken from first.
func (m *Mesh) roomForAll(k *queue, t Cycle) Cycle {
	for _, q := range k.way.out[:k.way.n] {
		if to := &m.queues[q]; to.full() {
			if from := m.roomFrom(to, t); from > t {
				return from
			}
		}
	}
	return t
}

// forward sends the head of q on, whatever it is, and reports whether it moved the switch.
func (m *Mesh) forward(i int32, q QueueID, k *queue, t Cycle) bool {
	w := m.Pop(q, t)
	ch := &m.chans[k.channel]
	out := k.way.tx
	if ch.filter && w.Control {
		out &^= Ports(Ramp)
	}
	if m.stalls != nil {
		m.stalls.settle(q, k.channel, t)
	}
	if m.Observer != nil {
		m.forwarded(i, k.port, out, t, w)
	}
	command := SwitchCommand(w.Switches & 3)
	if !ch.keep || !w.Control {
		w.Switches >>= 2
	}
	for j, to := range k.way.out[:k.way.n] {
		if p := k.way.ports[j]; out.Has(p) {
			m.Push(to, w, t+Cycle(m.delay[p]))
		}
	}
	if command == SwitchStay {
		return false
	}
	m.moveSwitch(i, ch, command, t)
	return true
}

func (m *Mesh) moveSwitch(i int32, ch *channel, command SwitchCommand, t Cycle) {
	switch {
	case command == SwitchReset:
		ch.pos = 0
	case int(ch.pos)+1 < len(ch.positions):
		ch.pos++
	case ch.wrap:
		ch.pos = 0
	}
	m.position(i, ch)
	if m.lanes == nil {
		m.agenda.Wake(i, t+1)
	}
}

// position makes ch.pos the position that counts at router i.
func (m *Mesh) position(i int32, ch *channel) {
	now := &ch.positions[ch.pos]
	for set := ch.queues; set != 0; set &= set - 1 {
		q := m.routers[i].first + QueueID(bits.TrailingZeros64(set))
		k := &m.queues[q]
		k.way = *now
		k.closed = !now.rx.Has(k.port)
		m.early[q] = Never
		if k.n() > 0 && !k.closed {
			m.early[q] = m.slot(k, k.head).ready
		}
	}
}
