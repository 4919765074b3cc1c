package pe

import (
	"math/bits"

	"cs2sim.dev/fabric"
)

// stream gives cycle t to one element of a thread's instruction, and the cycles after it to those
// elements of which it is certain already that they come next. That saves deciding cycle by cycle, and
// changes nothing: the pops and pushes ahead of time carry their cycles.
func (p *PE) stream(thread int, t fabric.Cycle) {
	last := t // cycle that may be decided
	if p.mesh.Observer == nil && !p.urgent && !p.listens() {
		last = p.mesh.Horizon
	}
	for now := t; thread >= 0; {
		a := &p.threads[thread].cur
		p.turn = thread
		p.payFor(thread)
		p.element(a, t)
		p.States[a.state]++
		t++
		if a.finished() {
			p.changed |= 1 << thread
			break
		}
		if t > last {
			break
		}
		thread = p.certain(now, t)
	}
	p.now, p.since = t, t
	p.state = Idle
	p.mesh.Agenda().Wake(p.actor, t)
}

// listens reports whether an arrival may start a task while an instruction streams.
func (p *PE) listens() bool {
	return !p.threads[0].busy && !p.halted && p.awaited&^p.blocked != 0
}

// certain is the thread whose element takes cycle t, as far as that is known in cycle now: the
// first in rotation that streams and is ready, all before it certainly not. Else -1.
func (p *PE) certain(now, t fabric.Cycle) int {
	behind := p.busy &^ (2<<p.turn - 1)
	for _, set := range [2]uint32{behind, p.busy &^ behind} {
		for ; set != 0; set &= set - 1 {
			i := bits.TrailingZeros32(set)
			a := &p.threads[i].cur
			if !a.streaming() {
				return -1
			}
			switch p.foresee(a, now, t) {
			case willRun:
				return i
			case mayRun:
				return -1
			}
		}
	}
	return -1
}

// foresight is what is known in one cycle about a later one.
type foresight uint8

const (
	willWait foresight = iota
	mayRun
	willRun
)

// foresee is ready for a cycle t after now.
func (p *PE) foresee(a *active, now, t fabric.Cycle) foresight {
	f := willRun
	for _, q := range a.from {
		if q == fabric.NoQueue {
			continue
		}
		ready, known := p.mesh.Arrival(q, now, t)
		switch {
		case !known:
			f = mayRun
		case ready > t:
			return willWait
		}
	}
	if a.to != fabric.NoQueue {
		room, known := p.mesh.HasRoom(a.to, now, t)
		switch {
		case !known:
			f = mayRun
		case !room:
			return willWait
		}
	}
	return f
}
