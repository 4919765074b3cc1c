package runtime

import (
	"math"

	"cs2sim.dev/fabric"
)

// edgeLink is the I/O link that edge inputs share: so many wavelets per cycle over all of them,
// at most one per port. Ports take turns.
type edgeLink struct {
	mesh  *fabric.Mesh
	actor int32
	ports []linkPort
	rate  float64
	saved float64 // wavelets the link may carry by now, at most one cycle's worth and a fraction
	at    fabric.Cycle
	turn  int // port looked at first
}

// linkPort is a source that an edgeLink moves.
type linkPort interface {
	ready(t fabric.Cycle) (ok bool, later fabric.Cycle) // Never: the link is woken
	move(t fabric.Cycle)
	connect()
	done() bool
}

func newEdgeLink(m *fabric.Mesh, rate float64) *edgeLink {
	return &edgeLink{mesh: m, actor: m.AddActor(), rate: rate, at: -1}
}

func (l *edgeLink) connect() {
	for _, p := range l.ports {
		p.connect()
	}
	l.mesh.Agenda().Wake(l.actor, 0)
}

func (l *edgeLink) done() bool {
	for _, p := range l.ports {
		if !p.done() {
			return false
		}
	}
	return true
}

func (l *edgeLink) step(t fabric.Cycle) {
	l.saved = min(l.saved+float64(t-l.at)*l.rate, l.rate+1)
	l.at = t
	wake := fabric.Never
	n, first := len(l.ports), l.turn
	for k := range n {
		i := (first + k) % n
		ok, later := l.ports[i].ready(t)
		if !ok {
			wake = min(wake, later)
			continue
		}
		if l.saved < 1 {
			l.turn = i
			delay := math.Ceil((1 - l.saved) / l.rate)
			wake = min(wake, t+max(1, fabric.Cycle(delay)))
			break
		}
		l.saved--
		l.ports[i].move(t)
		if !l.ports[i].done() {
			wake = t + 1
		}
	}
	if wake != fabric.Never {
		l.mesh.Agenda().Wake(l.actor, wake)
	}
}
