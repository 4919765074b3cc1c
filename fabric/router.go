package fabric

import "math/bits"

// StepRouter forwards what router i can forward in cycle t: at most one wavelet per output
// link. Queues are looked at in rotating order, starting behind the one served first last
// time. A router with only blocked heads sleeps until room or an arrival wakes it.
//
// Queues that the switch keeps closed, or whose link is taken, are left out as sets: most heads of
// a busy router wait for one or the other. An observer wants to hear of each, and so do link counts.
func (m *Mesh) StepRouter(i int32, t Cycle) {
	r := &m.routers[i]
	able := r.nonEmpty &^ r.blocked
	ahead := able >> r.next << r.next // queues next, next+1, ...
	wake, served := Never, -1
	var used PortSet
	var seen, taken uint64 // queues looked at; queues that share a link used in this cycle
	open, each := ^r.closed, m.Observer != nil || m.links != nil
	if each {
		open = ^uint64(0)
	}
	for _, all := range [2]uint64{ahead, able &^ ahead} {
		for set := all & open &^ taken; set != 0; {
			local := bits.TrailingZeros64(set)
			set &= set - 1
			seen |= 1 << local
			q := r.first + QueueID(local)
			k := &m.queues[q]
			if k.ready > t {
				wake = min(wake, k.ready)
				continue
			}
			ch := &m.chans[k.channel]
			if !ch.rx.Has(k.port) {
				m.held(i, q, ch, t, Switched, used)
				continue // woken by the switch
			}
			if used&ch.tx != 0 {
				m.held(i, q, ch, t, SharedLink, used)
				wake = t + 1
				continue
			}
			if from := m.roomForAll(ch, t, uint8(local)); from > t {
				m.held(i, q, ch, t, NoRoom, used)
				if from != Never { // else woken by the queue without room
					wake = min(wake, from)
					if m.Observer == nil {
						k.ready = from
					}
				}
				continue
			}
			used |= ch.tx
			if !each {
				for out := ch.tx; out != 0; out &= out - 1 {
					taken |= r.sharing[bits.TrailingZeros8(uint8(out))]
				}
			}
			m.forward(i, q, ch, t)
			if !each { // the wavelet may have moved the switch
				open = ^r.closed
				set = all & open &^ taken &^ (2<<local - 1)
			}
			if served < 0 {
				served = local
			}
			if k.n > 0 {
				wake = min(wake, max(t+1, k.ready))
			}
		}
	}
	if served >= 0 {
		r.next = uint8(served + 1)
		if r.next >= r.count {
			r.next = 0
		}
	}
	if able&open&taken&^seen != 0 {
		wake = t + 1
	}
	if wake != Never {
		m.agenda.Wake(i, wake)
	}
}

// roomForAll is from when on all outputs have room, as far as that is known; Never if one of them
// has to be taken from first.
func (m *Mesh) roomForAll(ch *channel, t Cycle, local uint8) Cycle {
	for set := ch.tx; set != 0; set &= set - 1 {
		q := ch.out[bits.TrailingZeros8(uint8(set))]
		k := &m.queues[q]
		if k.n+k.freed < k.size {
			continue
		}
		if from := m.roomFrom(q, t, local); from > t {
			return from
		}
	}
	return t
}

func (m *Mesh) forward(i int32, q QueueID, ch *channel, t Cycle) {
	in := m.queues[q].port
	w := m.Pop(q, t)
	out := ch.tx
	if ch.filter && w.Control {
		out &^= Ports(Ramp)
	}
	if m.links != nil {
		m.links.sends(q, m.queues[q].channel, out, t)
	}
	if m.Observer != nil {
		m.forwarded(i, in, out, t, w)
	}
	command := SwitchCommand(w.Switches & 3)
	if !ch.keep || !w.Control {
		w.Switches >>= 2
	}
	for set := out; set != 0; set &= set - 1 {
		p := Port(bits.TrailingZeros8(uint8(set)))
		delay := Cycle(m.cfg.HopCycles)
		if p == Ramp {
			delay = Cycle(m.cfg.RampCycles)
		} else {
			m.hops++
		}
		m.routers[i].sent[p]++
		m.Push(ch.out[p], w, t+delay)
	}
	if command != SwitchStay {
		m.moveSwitch(i, ch, command, t)
	}
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
	m.agenda.Wake(i, t+1)
}

// position makes ch.pos the position that counts at router i.
func (m *Mesh) position(i int32, ch *channel) {
	ch.livePosition = ch.positions[ch.pos]
	r := &m.routers[i]
	r.closed &^= ch.queues
	for set := ch.queues; set != 0; set &= set - 1 {
		local := bits.TrailingZeros64(set)
		q := r.first + QueueID(local)
		k := &m.queues[q]
		if !ch.rx.Has(k.port) {
			r.closed |= 1 << local
		}
		if k.n > 0 { // there may be room where it goes now
			k.ready = m.slab[m.base(q)+int32(k.head)].ready
		}
	}
	for p := range r.sharing {
		r.sharing[p] &^= ch.queues
		if ch.tx.Has(Port(p)) {
			r.sharing[p] |= ch.queues
		}
	}
}
