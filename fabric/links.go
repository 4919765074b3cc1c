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

// linkCounts is what a mesh that counts links keeps.
type linkCounts struct {
	chans  []outCounts // per channel
	queues []inCounts  // per queue
}

type outCounts [NumPorts]struct {
	sent   int64
	stalls [NumReasons]int64
}

// inCounts are a buffer's: what passed it, and since when its head is held, and why.
type inCounts struct {
	passed int64
	since  Cycle
	port   Port // NumPorts: not held
	reason Reason
}

// CountLinks has a sealed mesh count what every link does. It makes the run slower, not different.
func (m *Mesh) CountLinks() {
	m.links = &linkCounts{make([]outCounts, len(m.chans)), make([]inCounts, len(m.queues))}
	for i := range m.links.queues {
		m.links.queues[i].port = NumPorts
	}
}

// countHeld finds the link to blame. A wavelet that shares a link and has no room either has no room.
func (m *Mesh) countHeld(q QueueID, k *queue, t Cycle, r Reason, used PortSet) {
	if r == Switched {
		m.links.holds(q, k.channel, t, r, m.chans[k.channel].opening(k.port))
		return
	}
	for j, to := range k.way.out[:k.way.n] {
		if m.lacksRoom(to, t) {
			m.links.holds(q, k.channel, t, NoRoom, k.way.ports[j])
			return
		}
	}
	m.links.holds(q, k.channel, t, r, Port(bits.TrailingZeros8(uint8(used&k.way.tx))))
}

// holds notes that the head of queue q is held from cycle t on, by its link p.
func (c *linkCounts) holds(q QueueID, channel int32, t Cycle, r Reason, p Port) {
	c.settle(q, channel, t)
	k := &c.queues[q]
	k.since, k.reason, k.port = t, r, p
}

// settle counts how long the head of q was held before cycle t.
func (c *linkCounts) settle(q QueueID, channel int32, t Cycle) {
	if k := &c.queues[q]; k.port != NumPorts {
		c.chans[channel][k.port].stalls[k.reason] += int64(t - k.since)
		k.port = NumPorts
	}
}

// sends counts a wavelet that leaves queue q by ports out.
func (c *linkCounts) sends(q QueueID, channel int32, out PortSet, t Cycle) {
	c.settle(q, channel, t)
	c.queues[q].passed++
	for ; out != 0; out &= out - 1 {
		c.chans[channel][bits.TrailingZeros8(uint8(out))].sent++
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

// Links lists what every link and color did since CountLinks, router by router, without links on which nothing moved.
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
			for p, u := range m.links.chans[last] {
				if d := m.direction(i, Port(p)); u.sent > 0 || u.stalls != [NumReasons]int64{} {
					all = append(all, LinkUse{at, m.colors[q], d, u.sent, u.stalls})
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
		if n := m.links.queues[q].passed; n > 0 {
			all = append(all, LinkUse{At: at, Color: m.colors[q], Direction: d, Wavelets: n})
		}
	}
	return all
}

func (m *Mesh) direction(i int32, p Port) Direction {
	if _, inside := m.neighbour(i, p); !inside && p != Ramp {
		return ToEdge
	}
	return Direction(p)
}
