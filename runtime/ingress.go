package runtime

import (
	"math"
	"sort"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// ingress is the edge: it moves the streams of all lanes onto the wafer at the I/O rate, at most
// one wavelet per lane and cycle. Where lanes compete, the oldest row goes first, within it the
// lane that got least.
type ingress struct {
	spec  *compiler.Ingress
	mesh  *fabric.Mesh
	actor int32
	lanes []ingressLane

	rate  float64 // wavelets per cycle
	saved float64 // wavelets the link may carry by now, at most one cycle's worth and a fraction
	at    fabric.Cycle
	sent  int64
	ready []int // scratch
}

// ingressLane is one lane's next wavelet and where it goes.
type ingressLane struct {
	queues []fabric.QueueID
	next   fabric.Wavelet
	row    int // of next
	slot   int // wavelets of that row already taken
	done   bool
	sent   int64
}

func newIngress(m *fabric.Mesh, spec *compiler.Ingress) (*ingress, error) {
	in := &ingress{spec: spec, mesh: m, actor: m.AddActor(), rate: spec.Rate, at: -1, lanes: make([]ingressLane, len(spec.Lanes))}
	for _, lane := range spec.Lanes {
		for _, at := range lane {
			if err := m.EdgeIn(at, spec.Port, spec.Color, in.actor); err != nil {
				return nil, err
			}
		}
	}
	return in, nil
}

// connect looks up the queues of the sealed mesh and wakes the edge for cycle 0.
func (in *ingress) connect() {
	for i, lane := range in.spec.Lanes {
		l := &in.lanes[i]
		l.row = -1
		for _, at := range lane {
			l.queues = append(l.queues, in.mesh.EdgeQueue(at, in.spec.Port, in.spec.Color, true))
		}
		in.fetch(i)
	}
	in.mesh.Agenda().Wake(in.actor, 0)
}

// fetch makes a lane's next wavelet known.
func (in *ingress) fetch(lane int) {
	l := &in.lanes[lane]
	if in.spec.Next == nil {
		l.done = true
		return
	}
	w, row, ok := in.spec.Next(lane)
	if !ok {
		l.done = true
		return
	}
	w.Color = in.spec.Color
	if row != l.row {
		l.row, l.slot = row, 0
	}
	l.next = w
}

func (in *ingress) done() bool {
	for i := range in.lanes {
		if !in.lanes[i].done {
			return false
		}
	}
	return true
}

// step sends what the link and the lanes allow in cycle t.
func (in *ingress) step(t fabric.Cycle) {
	in.saved = min(in.saved+float64(t-in.at)*in.rate, in.rate+1)
	in.at = t
	in.ready = in.ready[:0]
	for i := range in.lanes {
		if !in.lanes[i].done && in.room(i, t) {
			in.ready = append(in.ready, i)
		}
	}
	if len(in.ready) > int(in.saved) {
		sort.Slice(in.ready, func(a, b int) bool {
			x, y := &in.lanes[in.ready[a]], &in.lanes[in.ready[b]]
			if x.row != y.row {
				return x.row < y.row
			}
			if x.slot != y.slot {
				return x.slot < y.slot
			}
			return in.ready[a] < in.ready[b]
		})
	}
	waiting := false
	for _, i := range in.ready {
		if in.saved < 1 {
			waiting = true
			break
		}
		in.saved--
		in.sent++
		l := &in.lanes[i]
		for k, q := range l.queues {
			in.mesh.Push(q, l.next, t+fabric.Cycle(in.mesh.Config().HopCycles))
			if o := in.mesh.Observer; o != nil {
				o.Saw(fabric.Event{Kind: fabric.Entered, Cycle: t, At: in.spec.Lanes[i][k], In: in.spec.Port, Wavelet: l.next, By: edgeName(in.spec.Name)})
			}
		}
		l.slot++
		l.sent++
		in.fetch(i)
		waiting = waiting || !l.done
	}
	if waiting {
		delay := math.Ceil((1 - in.saved) / in.rate)
		in.mesh.Agenda().Wake(in.actor, t+max(1, fabric.Cycle(delay)))
	}
}

func (in *ingress) room(lane int, t fabric.Cycle) bool {
	for _, q := range in.lanes[lane].queues {
		if !in.mesh.Room(q, t) {
			return false
		}
	}
	return true
}
