package runtime

import (
	"math"
	"sort"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// ingress is the edge: it moves the columns' streams onto the wafer at the I/O rate, at most
// one wavelet per column and cycle. Where columns compete, the oldest output row goes first,
// within it the column that got least. The rows and columns of the wafer's border copy a
// wavelet to the same column of every token group; the I/O link carries it once (A).
type ingress struct {
	mem     *memoryX
	mesh    *fabric.Mesh
	actor   int32
	cursors []cursor
	queues  [][]fabric.QueueID // per column: one per group

	rate  float64 // wavelets per cycle
	saved float64 // wavelets the link may carry by now, at most one cycle's worth and a fraction
	at    fabric.Cycle
	sent  int64
	ready []int // scratch
}

func newIngress(p *compiler.Program, mem *memoryX, m *fabric.Mesh) (*ingress, error) {
	in := &ingress{mem: mem, mesh: m, actor: m.AddActor(), rate: p.Target.IORate(), at: -1}
	for c := range p.Mapping.Columns {
		in.cursors = append(in.cursors, mem.start(c))
		for g := range p.Mapping.Groups {
			at := fabric.Coord{X: g*p.Mapping.Columns + c}
			if err := m.EdgeIn(at, fabric.North, p.Stream.Color, in.actor); err != nil {
				return nil, err
			}
		}
	}
	return in, nil
}

// connect looks up the queues of the sealed mesh and wakes the edge for cycle 0.
func (in *ingress) connect(p *compiler.Program) {
	for c := range in.cursors {
		var qs []fabric.QueueID
		for g := range p.Mapping.Groups {
			at := fabric.Coord{X: g*p.Mapping.Columns + c}
			qs = append(qs, in.mesh.EdgeQueue(at, fabric.North, p.Stream.Color, true))
		}
		in.queues = append(in.queues, qs)
	}
	in.mesh.Agenda().Wake(in.actor, 0)
}

func (in *ingress) done() bool {
	for i := range in.cursors {
		if !in.cursors[i].done {
			return false
		}
	}
	return true
}

// step sends what the link and the columns allow in cycle t.
func (in *ingress) step(t fabric.Cycle) {
	in.saved = min(in.saved+float64(t-in.at)*in.rate, in.rate+1)
	in.at = t
	in.ready = in.ready[:0]
	for c := range in.cursors {
		if !in.cursors[c].done && in.room(c, t) {
			in.ready = append(in.ready, c)
		}
	}
	if len(in.ready) > int(in.saved) {
		sort.Slice(in.ready, func(a, b int) bool {
			x, y := &in.cursors[in.ready[a]], &in.cursors[in.ready[b]]
			if x.at != y.at {
				return x.at < y.at
			}
			if x.slot != y.slot {
				return x.slot < y.slot
			}
			return x.column < y.column
		})
	}
	waiting := false
	for _, c := range in.ready {
		if in.saved < 1 {
			waiting = true
			break
		}
		in.saved--
		in.sent++
		w := in.mem.take(&in.cursors[c])
		for g, q := range in.queues[c] {
			in.mesh.Push(q, w, t+fabric.Cycle(in.mesh.Config().HopCycles))
			if o := in.mesh.Observer; o != nil {
				at := fabric.Coord{X: g*len(in.queues) + c}
				o.Saw(fabric.Event{Kind: fabric.Entered, Cycle: t, At: at, In: fabric.North, Wavelet: w, By: edgeName("weights")})
			}
		}
		waiting = waiting || !in.cursors[c].done
	}
	if waiting {
		delay := math.Ceil((1 - in.saved) / in.rate)
		in.mesh.Agenda().Wake(in.actor, t+max(1, fabric.Cycle(delay)))
	}
}

func (in *ingress) room(c int, t fabric.Cycle) bool {
	for _, q := range in.queues[c] {
		if !in.mesh.Room(q, t) {
			return false
		}
	}
	return true
}
