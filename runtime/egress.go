package runtime

import (
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// egress takes what leaves by all edge outputs of a layout over one I/O link: at most a wavelet
// per port and cycle, together at most rate per cycle, ports in turn. What the link cannot
// carry stays in the wafer's buffers, and behind them the senders wait.
type egress struct {
	mesh  *fabric.Mesh
	actor int32
	ports []egressPort
	turn  int
	rate  float64
	saved float64 // wavelets the link may carry by now, at most one cycle's worth and a fraction
	at    fabric.Cycle
}

type egressPort struct {
	*sink
	held []fabric.Wavelet // beyond the port, the first gone of them gone
	gone int
}

func (p *egressPort) waiting() int { return len(p.held) - p.gone }

func (p *egressPort) pop() fabric.Wavelet {
	w := p.held[p.gone]
	p.gone++
	if p.gone > 32 && 2*p.gone > len(p.held) {
		p.held, p.gone = append(p.held[:0], p.held[p.gone:]...), 0
	}
	return w
}

func newEgress(m *fabric.Mesh, l *compiler.Layout, keep bool) (*egress, []*sink, error) {
	e := &egress{mesh: m, actor: m.AddActor(), rate: l.OutRate, at: -1}
	var sinks []*sink
	for i := range l.Out {
		s := &sink{mesh: m, actor: e.actor, spec: &l.Out[i], keep: keep}
		if err := m.EdgeOut(s.spec.At, s.spec.Port, s.spec.Color, e.actor); err != nil {
			return nil, nil, err
		}
		e.ports, sinks = append(e.ports, egressPort{sink: s}), append(sinks, s)
	}
	return e, sinks, nil
}

func (e *egress) connect() {
	for i := range e.ports {
		p := &e.ports[i]
		p.queue = e.mesh.EdgeQueue(p.spec.At, p.spec.Port, p.spec.Color, false)
	}
	e.mesh.Agenda().Wake(e.actor, 0)
}

func (e *egress) done() bool {
	for i := range e.ports {
		if e.ports[i].waiting() > 0 {
			return false
		}
	}
	return true
}

func (e *egress) step(t fabric.Cycle) {
	e.saved = min(e.saved+float64(t-e.at)*e.rate, e.rate+1)
	e.at = t
	wake := fabric.Never
	for i := range e.ports {
		p := &e.ports[i]
		if p.waiting() > p.spec.Hold {
			continue // looked at again when the link has taken one
		}
		_, ready, ok := e.mesh.Peek(p.queue)
		switch {
		case !ok: // woken by an arrival
		case ready > t:
			wake = min(wake, ready)
		default:
			p.held = append(p.held, e.mesh.Pop(p.queue, t))
			if _, ready, ok := e.mesh.Peek(p.queue); ok {
				wake = min(wake, max(t+1, ready))
			}
		}
	}
	n := len(e.ports)
	first := e.turn
	for k := range n {
		p := &e.ports[(first+k)%n]
		if p.waiting() == 0 {
			continue
		}
		if e.saved < 1 {
			break
		}
		e.saved--
		p.take(t, p.pop())
		e.turn = (first + k + 1) % n
		if _, ready, ok := e.mesh.Peek(p.queue); ok {
			wake = min(wake, max(t+1, ready))
		}
	}
	if !e.done() {
		wake = min(wake, t+max(1, fabric.Cycle(math.Ceil((1-e.saved)/e.rate))))
	}
	if wake != fabric.Never {
		e.mesh.Agenda().Wake(e.actor, wake)
	}
}
