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

// held tells observer and link counts why the head of queue q stays. used are the links taken before in this cycle.
func (m *Mesh) held(i int32, q QueueID, ch *channel, t Cycle, r Reason, used PortSet) {
	if m.links != nil {
		m.countHeld(q, ch, t, r, used)
	}
	if m.Observer == nil {
		return
	}
	k := &m.queues[q]
	e := Event{Kind: Held, Cycle: t, At: m.At(i), In: k.port, Wavelet: m.slab[m.base(q)+int32(k.head)].w, Why: Hold{Reason: r}}
	for set := ch.tx; set != 0 && r != Switched; set &= set - 1 {
		p := Port(bits.TrailingZeros8(uint8(set)))
		if r == SharedLink && used.Has(p) {
			e.Why.Port, e.Why.Color = p, m.sentBy[p]
			break
		}
		if r == NoRoom && m.full(ch.out[p], t) {
			e.Why.Port = p
			break
		}
	}
	m.Observer.Saw(e)
}

// full is whether q's feeder has no room in cycle t.
func (m *Mesh) full(q QueueID, t Cycle) bool {
	k := &m.queues[q]
	n := k.n
	for i := k.freed; i > 0; i-- {
		if m.slab[m.base(q)+int32(k.behind(i))].ready >= t {
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
