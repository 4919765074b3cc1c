package runtime

import (
	"context"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// A busy mesh is run cycle by cycle, its routers in lanes: most of them have something to do, and what that is
// takes less to find out for 64 at a time than what each waits for takes to keep.
//
// Nothing travels faster than a router per cycle, so some rows can be run for several cycles while their state
// is in the host's cache. In v = y + t, a coordinate that moves with time, what a row does in cycle t depends
// on smaller or equal v in cycle t-1. Blocks of v are run one after the other, each through all cycles of a window:
// when a row is stepped in cycle t its neighbours are through with t-1, and with t at most, as if all of the
// mesh were run cycle by cycle. And within a cycle order does not matter.
const (
	laneShare  = 32               // of so many routers one has to act per cycle for lanes to pay
	laneBlock  = 512              // routers of a block, or more if a row has
	laneWindow = fabric.MaxWindow // cycles
	laneTrim   = 16               // windows for which what PEs send is kept: at most 8 KB per PE, which sends one element per cycle
	laneNotice = 64               // cycles before lanes, in which PEs that are ahead of time wait for the others
)

// crowded reports whether so many events in a cycle call for lanes.
func (w *wafer) crowded(due int) bool {
	n := w.mesh.Size()
	return n >= 64 && due*laneShare >= n && len(w.ports) == 0 && w.mesh.Observer == nil
}

// fits reports whether a window from t on ends within the limit and before PEs are to be looked at.
func (w *wafer) fits(t fabric.Cycle) bool {
	return (w.limit == 0 || t+laneWindow-1 <= w.limit) && (w.samples == nil || int64(t)+laneWindow <= w.samples.next[0])
}

// slice puts the mesh in lanes in cycle t if so many events in it call for that; nil if not, or not yet.
func (w *wafer) slice(t fabric.Cycle, due int) (l *fabric.Lanes) {
	before := w.lanes
	switch {
	case !w.crowded(due) || !w.fits(t):
		w.lanes = 0
	case w.lanes == 0:
		w.lanes = t + laneNotice
	case w.lanes <= t && w.ahead(t):
		w.lanes = t + laneNotice
	case w.lanes <= t:
		if l = w.mesh.Slice(t); l == nil {
			w.lanes = fabric.Never
		}
	}
	if w.lanes != before {
		w.horizon()
	}
	return l
}

// ahead reports whether a PE has acted in cycle t already.
func (w *wafer) ahead(t fabric.Cycle) bool {
	for _, core := range w.cores {
		if core != nil && core.Ahead(t) {
			return true
		}
	}
	return false
}

// inLanes runs the mesh from cycle t on, as long as it is busy. It returns the last cycle in which something
// happened.
func (w *wafer) inLanes(ctx context.Context, l *fabric.Lanes, t fabric.Cycle, tick func(t fabric.Cycle)) (fabric.Cycle, error) {
	w.mesh.Horizon, w.lanes = 0, 0
	v := window{wafer: w, l: l, flows: pe.NewFlows(l, w.cores), end: t}
	for windows := 0; ; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		tick(t)
		v.from, v.acted = t, -l.Moved-v.flows.Steps
		v.run()
		if v.fault != nil {
			return 0, v.fault
		}
		t += laneWindow
		if windows++; windows%laneTrim == 0 {
			v.flows.Settle(t)
		} else {
			l.Settle(t)
		}
		w.mesh.Agenda().Through(t - 1)
		if v.acted += l.Moved + v.flows.Steps; v.acted*laneShare < int64(w.mesh.Size())*laneWindow || !w.fits(t) {
			v.flows.Leave(w.cores, t)
			l.Unslice(t)
			w.horizon()
			return v.end, nil
		}
	}
}

// window is laneWindow cycles of the whole mesh.
type window struct {
	*wafer
	l     *fabric.Lanes
	flows *pe.Flows
	from  fabric.Cycle
	acted int64        // wavelets forwarded and steps of PEs
	end   fabric.Cycle // last of them
	fault *Fault       // the first, by cycle and PE
	at    int32        // its PE
}

func (v *window) run() {
	c := v.mesh.Config()
	rows := max(1, laneBlock/c.Width)
	for y := 0; y < c.Height+laneWindow-1; y += rows {
		for dt := range laneWindow {
			from, to := max(y-dt, 0), min(y-dt+rows, c.Height)
			if from < to {
				v.cycle(v.from+fabric.Cycle(dt), from, to)
			}
		}
	}
}

// cycle steps rows of routers and PEs.
func (v *window) cycle(t fabric.Cycle, from, to int) {
	c := v.mesh.Config()
	for row := from; row < to; row++ {
		v.l.Begin(row, t)
	}
	agenda, n := v.mesh.Agenda(), int32(c.Width*c.Height)
	before := v.l.Moved + v.flows.Steps
	for row := from; row < to; row++ {
		v.l.Step(row, t)
		v.flows.Step(row, t)
		first := n + int32(row*c.Width)
		agenda.Due(first, first+int32(c.Width), t, func(actor int32) {
			v.core(actor-n, t)
			v.acted++
			v.end = max(v.end, t)
		})
	}
	if v.l.Moved+v.flows.Steps > before {
		v.end = max(v.end, t)
	}
}

func (v *window) core(i int32, t fabric.Cycle) {
	core := v.cores[i]
	core.Step(t)
	if f := core.Fault(); f != nil && (v.fault == nil || t < v.fault.Cycle || t == v.fault.Cycle && i < v.at) {
		v.fault, v.at = &Fault{Kind: "pe", Cycle: t, Reason: f.Error()}, i
	}
}
