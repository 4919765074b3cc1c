package fabric

import "math/bits"

// Direction is the way of a link.
type Direction uint8

const (
	ToNorth  Direction = iota // from a router to its neighbour
	ToEast                    //
	ToSouth                   //
	ToWest                    //
	ToPE                      // down the ramp
	FromPE                    // up the ramp
	ToEdge                    // from a border router off the mesh
	FromEdge                  // onto the mesh, into a border router
	NumDirections
)

func (d Direction) String() string {
	return [NumDirections]string{"north", "east", "south", "west", "ramp_down", "ramp_up", "edge_out", "edge_in"}[d]
}

// Leaves reports whether a link of this direction leaves the router it belongs to. Stalls are those links':
// what waits to enter a router stands in its sender.
func (d Direction) Leaves() bool { return d != FromPE && d != FromEdge }

// LinkUse is what one color did on one link of the router At. A stall is a cycle in which a wavelet headed one of
// the router's buffers and did not leave. It has one reason and counts on one link: Switched if the
// switch keeps its port closed, on the first link it takes next; else NoRoom if a link of its
// route leads to a full buffer, on that link; else SharedLink, on the link that carried another wavelet.
type LinkUse struct {
	At        Coord
	Color     Color
	Direction Direction
	Wavelets  int64
	Stalls    [NumReasons]int64 // by Reason
}

// stallCounts is what a mesh that counts stalls keeps.
type stallCounts struct {
	chans  []linkStalls // per channel
	queues []heldHead   // per queue
}

type linkStalls [NumPorts][NumReasons]int64

// heldHead says since when a buffer's head is held, and why.
type heldHead struct {
	since  Cycle
	port   Port // NumPorts: not held
	reason Reason
}

// CountStalls has a sealed mesh count what holds wavelets up. It makes the run slower, not different.
func (m *Mesh) CountStalls() {
	m.stalls = &stallCounts{make([]linkStalls, len(m.chans)), make([]heldHead, len(m.queues))}
	for i := range m.stalls.queues {
		m.stalls.queues[i].port = NumPorts
	}
}

// countHeld finds the link to blame. A wavelet that shares a link and has no room either has no room.
func (m *Mesh) countHeld(q QueueID, k *queue, t Cycle, r Reason, used PortSet) {
	if r == Switched {
		m.stalls.holds(q, k.channel, t, r, m.chans[k.channel].opening(k.port))
		return
	}
	for j, to := range k.way.out[:k.way.n] {
		if m.lacksRoom(to, t) {
			m.stalls.holds(q, k.channel, t, NoRoom, k.way.ports[j])
			return
		}
	}
	m.stalls.holds(q, k.channel, t, r, Port(bits.TrailingZeros8(uint8(used&k.way.tx))))
}

// holds notes that the head of queue q is held from cycle t on, by its link p.
func (c *stallCounts) holds(q QueueID, channel int32, t Cycle, r Reason, p Port) {
	c.settle(q, channel, t)
	k := &c.queues[q]
	k.since, k.reason, k.port = t, r, p
}

// settle counts how long the head of q was held before cycle t.
func (c *stallCounts) settle(q QueueID, channel int32, t Cycle) {
	if k := &c.queues[q]; k.port != NumPorts {
		c.chans[channel][k.port][k.reason] += int64(t - k.since)
		k.port = NumPorts
	}
}

// opening is the first link of the position in which ch next takes from a port.
func (ch *channel) opening(from Port) Port {
	n := len(ch.positions)
	for i := 1; i < n; i++ {
		if pos := &ch.positions[(int(ch.pos)+i)%n]; pos.rx.Has(from) {
			return Port(bits.TrailingZeros8(uint8(pos.tx)))
		}
	}
	return Port(bits.TrailingZeros8(uint8(ch.positions[ch.pos].tx)))
}

// Links lists what every link and color did, router by router, without links on which nothing moved. A link
// leads to one buffer, which knows what it got; stalls are none unless they were counted.
func (m *Mesh) Links() (all []LinkUse) {
	for i := range m.routers {
		all = m.linksOf(int32(i), all)
	}
	return all
}

func (m *Mesh) linksOf(i int32, all []LinkUse) []LinkUse {
	r, at := &m.routers[i], m.At(i)
	last := int32(-1)
	for q := r.first; q < r.first+QueueID(r.count); q++ {
		k := &m.queues[q]
		if k.channel != last {
			last = k.channel
			sent := m.chans[last].carried(m)
			var stalls linkStalls
			if m.stalls != nil {
				stalls = m.stalls.chans[last]
			}
			for p, n := range sent {
				if n > 0 || stalls[p] != [NumReasons]int64{} {
					all = append(all, LinkUse{at, m.colors[q], m.direction(i, Port(p)), n, stalls[p]})
				}
			}
		}
		d := FromPE
		if k.port != Ramp {
			if _, inside := m.neighbour(i, k.port); inside {
				continue
			}
			d = FromEdge
		}
		if n := k.carried - uint32(k.n()); n > 0 {
			all = append(all, LinkUse{At: at, Color: m.colors[q], Direction: d, Wavelets: int64(n)})
		}
	}
	return all
}

// carried is what the channel's links got, by port.
func (ch *channel) carried(m *Mesh) (sent [NumPorts]int64) {
	for i := range ch.positions {
		w := &ch.positions[i]
		for j, to := range w.out[:w.n] {
			sent[w.ports[j]] = int64(m.queues[to].carried)
		}
	}
	return sent
}

func (m *Mesh) direction(i int32, p Port) Direction {
	if _, inside := m.neighbour(i, p); !inside && p != Ramp {
		return ToEdge
	}
	return Direction(p)
}
