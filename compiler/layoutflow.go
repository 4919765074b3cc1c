package compiler

import (
	"fmt"
	"slices"

	"cs2sim.dev/fabric"
)

// flow holds that what a program reads somebody sends, and that what is sent somebody takes.
// Switch positions are taken together: what no position lets through is certain never to come.
func (w *wiring) flow(uses []colorUse) error {
	for c := range fabric.Color(fabric.NumColors) {
		f := w.follow(c)
		if f == nil {
			continue
		}
		sources, sinks := f.ends(uses)
		comes := f.spread(sources, f.next)
		leads := f.spread(sinks, f.before)
		for i, p := range w.l.PEs {
			if p.Role >= 0 && uses[p.Role].reads&(1<<c) != 0 && !f.any(comes, i, fabric.Ramp) {
				return fmt.Errorf("color %d at PE %v: program %s reads it, nobody sends it there", c, w.l.coord(i), w.l.Roles[p.Role].Name)
			}
		}
		for _, s := range sources {
			if !leads[s] {
				return fmt.Errorf("send without a receiver: color %d, which enters at PE %v %v, is routed in a circle", c, w.l.coord(s/ports), fabric.Port(s%ports))
			}
		}
		if n := f.circle(comes); n >= 0 {
			return fmt.Errorf("color %d is routed in a circle by PE %v %v: what gets into it goes round for ever", c, w.l.coord(n/ports), fabric.Port(n%ports))
		}
	}
	return nil
}

const ports = int(fabric.NumPorts)

// colorFlow is the routes of one color as a graph: a node is an input port of a router,
// router*ports + port.
type colorFlow struct {
	w     *wiring
	color fabric.Color
	route []int32 // per router: index in Layout.Routes, -1 none
}

func (w *wiring) follow(c fabric.Color) *colorFlow {
	var f *colorFlow
	for k, r := range w.l.Routes {
		if r.Color != c {
			continue
		}
		if f == nil {
			f = &colorFlow{w: w, color: c, route: make([]int32, len(w.l.PEs))}
			for i := range f.route {
				f.route[i] = -1
			}
		}
		for y := r.Area.Y0; y < r.Area.Y1; y++ {
			for x := r.Area.X0; x < r.Area.X1; x++ {
				f.route[w.l.Index(x, y)] = int32(k)
			}
		}
	}
	return f
}

// out is where wavelets from input port p of router i may go.
func (f *colorFlow) out(i int, p fabric.Port) (tx fabric.PortSet) {
	if f.route[i] < 0 {
		return 0
	}
	for _, s := range f.w.l.Routes[f.route[i]].Route.Positions {
		if s.Rx.Has(p) {
			tx |= s.Tx
		}
	}
	return tx
}

// circle is a marked node that leads back to itself over routers that do not switch; -1 if there is none.
func (f *colorFlow) circle(marked []bool) int {
	fixed := func(n int) bool { return marked[n] && len(f.w.l.Routes[f.route[n/ports]].Route.Positions) == 1 }
	in, free, left := make([]uint8, len(marked)), []int(nil), 0
	for n := range marked {
		if fixed(n) {
			f.next(n, func(m int) {
				if fixed(m) {
					in[m]++
				}
			})
			left++
		}
	}
	for n := range marked {
		if fixed(n) && in[n] == 0 {
			free = append(free, n)
		}
	}
	for ; len(free) > 0; left-- {
		n := free[len(free)-1]
		free = free[:len(free)-1]
		f.next(n, func(m int) {
			if !fixed(m) {
				return
			}
			if in[m]--; in[m] == 0 {
				free = append(free, m)
			}
		})
	}
	if left == 0 {
		return -1
	}
	at := slices.IndexFunc(in, func(k uint8) bool { return k > 0 })
	for range marked { // back from what is left, so as to end up in the circle and not behind it
		f.before(at, func(n int) {
			if fixed(n) && in[n] > 0 {
				at = n
			}
		})
	}
	return at
}

// any reports whether a marked node of router i may send out by port p.
func (f *colorFlow) any(marked []bool, i int, p fabric.Port) bool {
	for in := range fabric.NumPorts {
		if marked[i*ports+int(in)] && f.out(i, in).Has(p) {
			return true
		}
	}
	return false
}

// ends are the nodes by which the color enters, and those from which it may leave to a PE or over the edge.
func (f *colorFlow) ends(uses []colorUse) (sources, sinks []int) {
	for i, p := range f.w.l.PEs {
		if f.route[i] < 0 {
			continue
		}
		if p.Role >= 0 && uses[p.Role].writes&(1<<f.color) != 0 {
			sources = append(sources, i*ports+int(fabric.Ramp))
		}
		for in := range fabric.NumPorts {
			tx := f.out(i, in)
			leaves := tx.Has(fabric.Ramp)
			for out := fabric.North; out < fabric.Ramp; out++ {
				leaves = leaves || tx.Has(out) && f.w.out[edgePlace{f.w.l.coord(i), out, f.color}]
			}
			if leaves {
				sinks = append(sinks, i*ports+int(in))
			}
		}
	}
	enter := func(c fabric.Color, p fabric.Port, places []fabric.Coord) {
		for _, at := range places {
			if c == f.color {
				sources = append(sources, f.w.l.Index(at.X, at.Y)*ports+int(p))
			}
		}
	}
	for i := range f.w.l.In {
		e := &f.w.l.In[i]
		enter(e.Color, e.Port, e.Borders())
	}
	for _, e := range f.w.l.Ingress {
		for _, lane := range e.Lanes {
			enter(e.Color, e.Port, lane)
		}
	}
	return sources, sinks
}

// spread marks all nodes that lead on from the given ones.
func (f *colorFlow) spread(from []int, step func(node int, visit func(int))) []bool {
	marked := make([]bool, len(f.route)*ports)
	todo := append([]int(nil), from...)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if marked[n] {
			continue
		}
		marked[n] = true
		step(n, func(m int) { todo = append(todo, m) })
	}
	return marked
}

// next visits the nodes a hop after n.
func (f *colorFlow) next(n int, visit func(int)) {
	i := n / ports
	tx := f.out(i, fabric.Port(n%ports))
	for p := fabric.North; p < fabric.Ramp; p++ {
		if !tx.Has(p) {
			continue
		}
		if j, ok := f.w.neighbour(f.w.l.coord(i), p); ok {
			visit(j*ports + int(p.Opposite()))
		}
	}
}

// before visits the nodes a hop before n.
func (f *colorFlow) before(n int, visit func(int)) {
	p := fabric.Port(n % ports)
	if p == fabric.Ramp {
		return
	}
	j, ok := f.w.neighbour(f.w.l.coord(n/ports), p)
	if !ok {
		return
	}
	for in := range fabric.NumPorts {
		if f.out(j, in).Has(p.Opposite()) {
			visit(j*ports + int(in))
		}
	}
}
