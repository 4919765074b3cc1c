package runtime

import (
	"context"

	"cs2sim.dev/fabric"
)

// Nothing travels faster than a router per cycle, so a part of a busy mesh can be run for several
// cycles while its state is in the host's cache. In coordinates that move with time, u = x + t and v
// = y + t, what PE (x,y) does in cycle t depends on smaller or equal u and v in cycle t-1. Squares of
// the (u,v) plane are run one after the other, each through all cycles of a window: when a PE is
// stepped in cycle t its neighbours are through with t-1, and with t at most, as if all of the mesh
// were run cycle by cycle. And within a cycle order does not matter.
const (
	skewPEs    = 64 // a smaller mesh is in the cache as a whole
	skewBlock  = 24 // side of a square, in PEs
	skewWindow = 64 // cycles
	skewBusy   = 10 // of so many actors one has to act per cycle, for a table to be cheaper than lists
)

// skews reports whether cycle t, in which so many actors are due, should open a window.
func (w *wafer) skews(t fabric.Cycle, due int) bool {
	n := w.mesh.Size()
	return n >= skewPEs && due*skewBusy >= 2*n && len(w.ports) == 0 && w.mesh.Observer == nil && w.fits(t)
}

// fits reports whether a window from t on ends within the limit and before PEs are to be looked at.
func (w *wafer) fits(t fabric.Cycle) bool {
	return (w.limit == 0 || t+skewWindow-1 <= w.limit) && (w.samples == nil || int64(t)+skewWindow <= w.samples.next[0])
}

// skew runs windows from cycle t on, as long as the mesh is busy. It returns the last cycle in
// which an actor acted.
func (w *wafer) skew(ctx context.Context, t fabric.Cycle, tick func(t fabric.Cycle)) (fabric.Cycle, error) {
	agenda := w.mesh.Agenda()
	agenda.Tabulate()
	defer agenda.List()
	var end fabric.Cycle
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		tick(t)
		v := window{wafer: w, from: t}
		v.run()
		if v.fault != nil {
			return 0, v.fault
		}
		end = max(end, v.end)
		t = agenda.Through(t + skewWindow - 1)
		if 2*v.acted*skewBusy < 2*w.mesh.Size()*skewWindow || t == fabric.Never || !w.fits(t) {
			return end, nil
		}
	}
}

// window is skewWindow cycles of the whole mesh.
type window struct {
	*wafer
	from  fabric.Cycle
	acted int          // steps of routers and PEs
	end   fabric.Cycle // last of them
	fault *Fault       // the first, by cycle and PE
	at    int32        // its PE
}

func (v *window) run() {
	c := v.mesh.Config()
	for y := 0; y < c.Height+skewWindow-1; y += skewBlock {
		for x := 0; x < c.Width+skewWindow-1; x += skewBlock {
			for dt := range skewWindow {
				v.cycle(dt, x-dt, y-dt, c.Width, c.Height)
			}
		}
	}
}

// cycle steps the PEs of one square, whose corner is at x, y now, and their routers.
func (v *window) cycle(dt, x, y, width, height int) {
	t := v.from + fabric.Cycle(dt)
	agenda, n := v.mesh.Agenda(), int32(width*height)
	x0, x1 := max(x, 0), min(x+skewBlock, width)
	for row := max(y, 0); row < min(y+skewBlock, height); row++ {
		for i := int32(row*width + x0); i < int32(row*width+x1); i++ {
			if agenda.Due(i, t) {
				v.mesh.StepRouter(i, t)
				v.acted++
				v.end = max(v.end, t)
			}
			if agenda.Due(n+i, t) {
				v.core(i, t)
				v.acted++
				v.end = max(v.end, t)
			}
		}
	}
}

func (v *window) core(i int32, t fabric.Cycle) {
	core := v.cores[i]
	core.Step(t)
	if f := core.Fault(); f != nil && (v.fault == nil || t < v.fault.Cycle || t == v.fault.Cycle && i < v.at) {
		v.fault, v.at = &Fault{Kind: "pe", Cycle: t, Reason: f.Error()}, i
	}
}
