package fabric

import (
	"fmt"
	"math/bits"

	"cs2sim.dev/fabric/pages"
)

// Mesh is a rectangle of routers, their buffers, and the clock all actors share.
// Build it with NewMesh, SetRoute, EdgeIn, EdgeOut; Seal it; then step the due actors.
type Mesh struct {
	cfg     Config
	agenda  *Agenda
	routers []router
	routes  [][]routed // per router
	queues  []queue
	early   []Cycle // per queue: its head may leave, as far as is known; Never of an empty, closed or blocked one
	colors  []Color // per queue
	slab    []entry
	chans   []channel
	edges   map[edgeKey]QueueID
	sealed  bool

	pushed, popped int64 // over all queues; the difference is what is in flight

	delay [NumPorts]uint8 // cycles of a link

	Horizon  Cycle           // no PE acts before its time beyond this cycle
	Observer Observer        // nil costs nothing
	sentBy   [NumPorts]Color // for the observer: the link's last wavelet at the router being stepped
	stalls   *stallCounts    // nil: not counted, and costs nothing
	lanes    *Lanes          // nil: routers are stepped one by one
}

// router is what StepRouter looks at first.
type router struct {
	first QueueID // of its queues
	count uint8   // its queues
	next  uint8   // rotating priority: queue looked at first, counted from the first
}

// channel is the state of one color's route at one router.
type channel struct {
	positions    []way
	pos          uint8
	wrap         bool
	filter, keep bool   // Route.FilterControl, Route.KeepCommand
	queues       uint64 // its queues, counted from the router's first
}

// way is a switch position with its outputs, in order of their ports.
type way struct {
	rx, tx PortSet
	n      uint8
	ports  [NumPorts]Port
	out    [NumPorts]QueueID
}

type edgeKey struct {
	router int32
	port   Port
	color  Color
	in     bool
}

// NewMesh returns an empty mesh. Actors 0..W*H-1 are its routers, W*H..2*W*H-1 its PEs.
func NewMesh(cfg Config) (*Mesh, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := cfg.Width * cfg.Height
	m := &Mesh{
		cfg:     cfg,
		Horizon: Never,
		agenda:  newAgenda(2 * n),
		routers: make([]router, n),
		routes:  make([][]routed, n),
		edges:   map[edgeKey]QueueID{},
	}
	for p := range m.delay {
		m.delay[p] = uint8(cfg.HopCycles)
	}
	m.delay[Ramp] = uint8(cfg.RampCycles)
	return m, nil
}

// Config returns the checked configuration.
func (m *Mesh) Config() Config { return m.cfg }

// Agenda returns the shared clock.
func (m *Mesh) Agenda() *Agenda { return m.agenda }

// Size is the number of PEs.
func (m *Mesh) Size() int { return len(m.routers) }

// At returns the coordinates of router or PE i.
func (m *Mesh) At(i int32) Coord { return Coord{int(i) % m.cfg.Width, int(i) / m.cfg.Width} }

// PEActor is the actor number of PE i.
func (m *Mesh) PEActor(i int32) int32 { return int32(len(m.routers)) + i }

// AddActor registers an actor beyond routers and PEs, such as an edge port.
func (m *Mesh) AddActor() int32 { return m.agenda.add() }

func (m *Mesh) index(at Coord) (int32, error) {
	if at.X < 0 || at.Y < 0 || at.X >= m.cfg.Width || at.Y >= m.cfg.Height {
		return 0, fmt.Errorf("fabric: %v is outside the %d x %d mesh", at, m.cfg.Width, m.cfg.Height)
	}
	return int32(at.Y*m.cfg.Width + at.X), nil
}

// neighbour returns the router beyond port, false at the mesh edge.
func (m *Mesh) neighbour(i int32, p Port) (int32, bool) {
	at := m.At(i).Beyond(p)
	j, err := m.index(at)
	return j, err == nil
}

// EdgeIn declares that actor feeds color into the mesh through the outward port of a border router.
func (m *Mesh) EdgeIn(at Coord, p Port, c Color, actor int32) error {
	return m.edge(at, p, c, actor, true)
}

// EdgeOut declares that actor takes color from the mesh at the outward port of a border router.
func (m *Mesh) EdgeOut(at Coord, p Port, c Color, actor int32) error {
	return m.edge(at, p, c, actor, false)
}

func (m *Mesh) edge(at Coord, p Port, c Color, actor int32, in bool) error {
	i, err := m.index(at)
	if err != nil {
		return err
	}
	if _, inside := m.neighbour(i, p); inside || p == Ramp {
		return fmt.Errorf("fabric: port %v of %v is not at the edge", p, at)
	}
	key := edgeKey{i, p, c, in}
	if _, taken := m.edges[key]; taken {
		return fmt.Errorf("fabric: two edge ports for color %d at %v %v", c, at, p)
	}
	m.edges[key] = QueueID(actor) // replaced by the queue in Seal
	return nil
}

// Seal turns routes into buffers and links. It fails on a color sent where nobody receives it.
func (m *Mesh) Seal() error {
	if m.sealed {
		return fmt.Errorf("fabric: sealed twice")
	}
	m.sealed = true
	in := map[edgeKey]QueueID{} // every router input queue by place, and the edge outputs made so far
	for i := range m.routers {
		if err := m.addInputs(int32(i), in); err != nil {
			return err
		}
	}
	for i := range m.routers {
		if err := m.connect(int32(i), in); err != nil {
			return err
		}
	}
	for key, actor := range m.edges {
		if !key.in {
			continue
		}
		q, ok := in[edgeKey{key.router, key.port, key.color, true}]
		if !ok {
			return fmt.Errorf("fabric: edge port sends color %d into %v from %v, where no route receives it", key.color, m.At(key.router), key.port)
		}
		m.queues[q].feeder = int32(actor)
		m.edges[key] = q
	}
	m.queues, m.slab, m.early = pages.Move(m.queues), pages.Move(m.slab), pages.Move(m.early)
	return nil
}

func (m *Mesh) addInputs(i int32, in map[edgeKey]QueueID) error {
	r := &m.routers[i]
	r.first = QueueID(len(m.queues))
	for _, rt := range m.routes[i] {
		ch := channel{wrap: rt.route.Wrap, filter: rt.route.FilterControl, keep: rt.route.KeepCommand}
		for _, p := range rt.route.Positions {
			ch.positions = append(ch.positions, way{rx: p.Rx, tx: p.Tx})
		}
		m.chans = append(m.chans, ch)
		for p := North; p < NumPorts; p++ {
			if !rt.route.rx().Has(p) {
				continue
			}
			if r.count == 64 {
				return fmt.Errorf("fabric: more than 64 input queues at %v", m.At(i))
			}
			size := m.cfg.BufferDepth + m.cfg.HopCycles - 1 // the link's own stages hold wavelets too
			if p == Ramp {
				size = m.cfg.BufferDepth + m.cfg.RampCycles + 1
			}
			q := m.newQueue(rt.color, queue{size: uint8(size), port: p, owner: i, channel: int32(len(m.chans) - 1), feeder: -1, filler: -1})
			if p == Ramp {
				m.queues[q].feeder = m.PEActor(i)
			} else if up, ok := m.neighbour(i, p); ok {
				m.queues[q].feeder = up
			}
			in[edgeKey{i, p, rt.color, true}] = q
			m.chans[len(m.chans)-1].queues |= 1 << r.count
			r.count++
		}
	}
	return nil
}

func (m *Mesh) newQueue(c Color, q queue) QueueID {
	q.base, q.mask = int32(len(m.slab)), 1<<bits.Len8(q.size-1)-1
	m.slab = append(m.slab, make([]entry, int(q.mask)+1)...)
	m.queues = append(m.queues, q)
	m.early = append(m.early, Never)
	m.colors = append(m.colors, c)
	return QueueID(len(m.queues) - 1)
}

func (m *Mesh) connect(i int32, in map[edgeKey]QueueID) error {
	for _, rt := range m.routes[i] {
		c := m.channelOf(i, rt.color)
		ch := &m.chans[c]
		for k := range ch.positions {
			pos := &ch.positions[k]
			for p := North; p < NumPorts; p++ {
				if !pos.tx.Has(p) {
					continue
				}
				q, err := m.output(i, p, rt.color, in)
				if err != nil {
					return err
				}
				m.queues[q].filler = c
				pos.ports[pos.n], pos.out[pos.n] = p, q
				pos.n++
			}
		}
		m.position(i, ch)
	}
	return nil
}

// output finds the queue at the far end of a link.
func (m *Mesh) output(i int32, p Port, c Color, in map[edgeKey]QueueID) (QueueID, error) {
	if p == Ramp {
		key := edgeKey{i, Ramp, c, false}
		q, ok := m.edges[key]
		if !ok {
			q = m.newQueue(c, queue{size: uint8(m.cfg.QueueWords + m.cfg.RampCycles), port: Ramp, owner: m.PEActor(i), feeder: i, channel: -1})
			m.edges[key] = q
		}
		return q, nil
	}
	if j, ok := m.neighbour(i, p); ok {
		q, ok := in[edgeKey{j, p.Opposite(), c, true}]
		if !ok {
			return NoQueue, fmt.Errorf("fabric: unrouted color %d: %v sends it %v, but %v does not receive it from %v", c, m.At(i), p, m.At(j), p.Opposite())
		}
		return q, nil
	}
	key := edgeKey{i, p, c, false}
	if q, ok := in[key]; ok { // another switch position sends there too
		return q, nil
	}
	actor, ok := m.edges[key]
	if !ok {
		return NoQueue, fmt.Errorf("fabric: unrouted color %d: %v sends it %v over the edge, where no port takes it", c, m.At(i), p)
	}
	q := m.newQueue(c, queue{size: uint8(m.cfg.QueueWords + m.cfg.HopCycles), port: p, owner: int32(actor), feeder: i, channel: -1})
	m.edges[key], in[key] = q, q
	return q, nil
}

// channelOf is the state of a color's route at router i; -1 if there is none.
func (m *Mesh) channelOf(i int32, c Color) int32 {
	r := &m.routers[i]
	for q := r.first; q < r.first+QueueID(r.count); q++ {
		if m.colors[q] == c {
			return m.queues[q].channel
		}
	}
	return -1
}

// RampIn is the queue a PE writes color c into; NoQueue if its router does not take c from the ramp.
func (m *Mesh) RampIn(pe int32, c Color) QueueID {
	r := &m.routers[pe]
	for q := r.first; q < r.first+QueueID(r.count); q++ {
		if m.colors[q] == c && m.queues[q].port == Ramp {
			return q
		}
	}
	return NoQueue
}

// RampOut is the PE's input queue of color c; NoQueue if its router does not deliver c.
func (m *Mesh) RampOut(pe int32, c Color) QueueID {
	if q, ok := m.edges[edgeKey{pe, Ramp, c, false}]; ok {
		return q
	}
	return NoQueue
}

// EdgeQueue is the queue of a declared edge port.
func (m *Mesh) EdgeQueue(at Coord, p Port, c Color, in bool) QueueID {
	i, err := m.index(at)
	if err != nil {
		return NoQueue
	}
	if q, ok := m.edges[edgeKey{i, p, c, in}]; ok {
		return q
	}
	return NoQueue
}
