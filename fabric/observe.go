package fabric

import (
	"fmt"
	"math/bits"
)

// Observer hears of every wavelet: what routers do with it from the mesh, what PEs and edge ports
// do from those. Nobody pays for an observer that is not there.
type Observer interface {
	Saw(Event)
}

// EventKind is what happens.
type EventKind uint8

const (
	Entered   EventKind = iota // a PE (In is Ramp) or an edge port put Wavelet into the router At
	Forwarded                  // the router At sent Wavelet from In to Out
	Held                       // Wavelet heads its queue at In of the router At, and cannot leave in this cycle
	Taken                      // a PE (In is Ramp) or an edge port took Wavelet out of the mesh
	Worked                     // no wavelet: the PE At decided what to do from this cycle on
)

// Event is one thing an Observer hears of.
type Event struct {
	Kind    EventKind
	Cycle   Cycle
	At      Coord
	In      Port
	Out     PortSet // Forwarded
	Rim     PortSet // Forwarded: ports of Out that lead off the mesh
	Wavelet Wavelet
	Why     Hold         // Held
	By      fmt.Stringer // Entered, Taken: with what, as of this call; Worked: the PE, now and later
}

// Reason is why a wavelet cannot leave a router.
type Reason uint8

const (
	NoRoom     Reason = iota // the buffer behind Port is full
	SharedLink               // another wavelet leaves by Port in this cycle
	Switched                 // the color's switch position does not take from this port
	NumReasons
)

// Hold says why, and who is in the way.
type Hold struct {
	Reason Reason
	Port   Port  // output of the router
	Color  Color // SharedLink: of the wavelet that leaves by Port
}

// stepObserved is StepRouter with all that an observer and stall counts want to hear of: every head that waits is
// looked at, whatever is known of it.
func (m *Mesh) stepObserved(i int32, t Cycle) {
	r := &m.routers[i]
	var able uint64
	for local := range r.count {
		q := r.first + QueueID(local)
		if k := &m.queues[q]; k.n() > 0 && (k.closed || m.early[q] != Never) {
			able |= 1 << local
		}
	}
	wake, served := Never, -1
	var used PortSet
	first := ^uint64(0) << r.next // queues next, next+1, ...
	for _, set := range [2]uint64{able & first, able &^ first} {
		for ; set != 0; set &= set - 1 {
			local := bits.TrailingZeros64(set)
			q := r.first + QueueID(local)
			k := &m.queues[q]
			if ready := m.slot(k, k.head).ready; ready > t {
				wake = min(wake, ready)
				continue
			}
			if k.closed {
				m.held(i, q, k, t, Switched, used)
				continue // woken by the switch
			}
			if used&k.way.tx != 0 {
				m.held(i, q, k, t, SharedLink, used)
				wake = t + 1
				continue
			}
			if from := m.roomForAll(k, t); from > t {
				m.held(i, q, k, t, NoRoom, used)
				if from == Never { // woken by the queue without room
					m.early[q] = Never
				}
				wake = min(wake, from)
				continue
			}
			used |= k.way.tx
			m.forward(i, q, k, t)
			if served < 0 {
				served = local
			}
			if k.n() > 0 {
				wake = min(wake, max(t+1, m.slot(k, k.head).ready))
			}
		}
	}
	r.serve(served)
	if wake != Never {
		m.agenda.Wake(i, wake)
	}
}

// held tells observer and stall counts why the head of k, queue q, stays. used are the links taken before in
// this cycle.
func (m *Mesh) held(i int32, q QueueID, k *queue, t Cycle, r Reason, used PortSet) {
	if m.stalls != nil {
		m.countHeld(q, k, t, r, used)
	}
	if m.Observer == nil {
		return
	}
	e := Event{Kind: Held, Cycle: t, At: m.At(i), In: k.port, Wavelet: m.slot(k, k.head).w.wavelet(), Why: Hold{Reason: r}}
	for j, to := range k.way.out[:k.way.n] {
		p := k.way.ports[j]
		if r == SharedLink && used.Has(p) {
			e.Why.Port, e.Why.Color = p, m.sentBy[p]
			break
		}
		if r == NoRoom && m.lacksRoom(to, t) {
			e.Why.Port = p
			break
		}
	}
	m.Observer.Saw(e)
}

// lacksRoom is whether q's feeder has no room in cycle t.
func (m *Mesh) lacksRoom(q QueueID, t Cycle) bool {
	k := &m.queues[q]
	n := k.n()
	for i := k.seen; i != k.head; i++ {
		if m.slot(k, i).ready >= t {
			n++
		}
	}
	return n >= k.size
}

// forwarded tells the observer, and notes who uses the links in this cycle.
func (m *Mesh) forwarded(i int32, in Port, out PortSet, t Cycle, w Wavelet) {
	e := Event{Kind: Forwarded, Cycle: t, At: m.At(i), In: in, Out: out, Wavelet: w}
	for set := out; set != 0; set &= set - 1 {
		p := Port(bits.TrailingZeros8(uint8(set)))
		m.sentBy[p] = w.Color
		if _, inside := m.neighbour(i, p); !inside && p != Ramp {
			e.Rim |= Ports(p)
		}
	}
	m.Observer.Saw(e)
}
