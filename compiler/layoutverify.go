package compiler

import (
	"fmt"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Verify refuses a layout that cannot run on t: the error names the PE and the color.
func (l *Layout) Verify(t Target) error {
	if err := l.verify(t); err != nil {
		return fmt.Errorf("layout %s: %w", l.Name, err)
	}
	return nil
}

func (l *Layout) verify(t Target) error {
	if err := t.Fabric(l.Width, l.Height).Validate(); err != nil {
		return err
	}
	if l.Width > t.Width() || l.Height > t.Height() {
		return fmt.Errorf("%d x %d PEs, the machine has %d x %d", l.Width, l.Height, t.Width(), t.Height())
	}
	core := t.Core()
	if err := core.Validate(); err != nil {
		return err
	}
	for _, r := range l.Roles {
		if err := r.Verify(core); err != nil {
			return err
		}
	}
	if len(l.PEs) != l.Width*l.Height {
		return fmt.Errorf("%d PEs described, the rectangle has %d", len(l.PEs), l.Width*l.Height)
	}
	w, err := l.wiring()
	if err != nil {
		return err
	}
	if err := w.connected(); err != nil {
		return err
	}
	uses := make([]colorUse, len(l.Roles))
	for i, r := range l.Roles {
		uses[i] = useOf(r)
	}
	for i := range l.PEs {
		if err := w.ramp(i, uses); err != nil {
			return err
		}
	}
	return w.flow(uses)
}

// wiring is the ports of every color at every router, over all switch positions.
type wiring struct {
	l       *Layout
	rx, tx  [][fabric.NumColors]fabric.PortSet // per router
	in, out map[edgePlace]bool
}

type edgePlace struct {
	at    fabric.Coord
	port  fabric.Port
	color fabric.Color
}

func (l *Layout) wiring() (*wiring, error) {
	n := l.Width * l.Height
	w := &wiring{
		l: l, rx: make([][fabric.NumColors]fabric.PortSet, n), tx: make([][fabric.NumColors]fabric.PortSet, n),
		in: map[edgePlace]bool{}, out: map[edgePlace]bool{},
	}
	for _, r := range l.Routes {
		if r.Color >= fabric.NumColors {
			return nil, fmt.Errorf("route of color %d, must be below %d", r.Color, fabric.NumColors)
		}
		if err := r.Route.Validate(); err != nil {
			return nil, fmt.Errorf("route of color %d at PE (%d,%d): %w", r.Color, r.Area.X0, r.Area.Y0, err)
		}
		if a := r.Area; a.X0 < 0 || a.Y0 < 0 || a.X1 > l.Width || a.Y1 > l.Height || a.X0 >= a.X1 || a.Y0 >= a.Y1 {
			return nil, fmt.Errorf("route of color %d covers %v, must be a part of the %d x %d rectangle", r.Color, a, l.Width, l.Height)
		}
		for y := r.Area.Y0; y < r.Area.Y1; y++ {
			for x := r.Area.X0; x < r.Area.X1; x++ {
				i := l.Index(x, y)
				if w.rx[i][r.Color] != 0 {
					return nil, fmt.Errorf("two routes for color %d at PE (%d,%d)", r.Color, x, y)
				}
				for _, p := range r.Route.Positions {
					w.rx[i][r.Color] |= p.Rx
					w.tx[i][r.Color] |= p.Tx
				}
			}
		}
	}
	for i := range l.In {
		e := &l.In[i]
		for _, at := range e.Borders() {
			if err := w.edge(edgePlace{at, e.Port, e.Color}, w.in, w.rx, "receives it"); err != nil {
				return nil, fmt.Errorf("edge input %q: %w", e.Name, err)
			}
		}
		if e.Earliest != nil && len(e.Earliest) != len(e.List) {
			return nil, fmt.Errorf("edge input %q: %d earliest cycles for %d wavelets", e.Name, len(e.Earliest), len(e.List))
		}
		if e.Rate != 0 && !(e.Rate >= 1e-6 && e.Rate <= 1) {
			return nil, fmt.Errorf("edge input %q: rate %v, must be a millionth to 1 wavelet per cycle", e.Name, e.Rate)
		}
	}
	if !(l.InRate >= 0 && l.OutRate >= 0) {
		return nil, fmt.Errorf("rates of the I/O link are %v in and %v out, must not be negative", l.InRate, l.OutRate)
	}
	for _, in := range l.Ingress {
		if !(in.Rate > 0) {
			return nil, fmt.Errorf("ingress %q: rate %v, must be above 0 wavelets per cycle", in.Name, in.Rate)
		}
		for _, lane := range in.Lanes {
			for _, at := range lane {
				if err := w.edge(edgePlace{at, in.Port, in.Color}, w.in, w.rx, "receives it"); err != nil {
					return nil, fmt.Errorf("ingress %q: %w", in.Name, err)
				}
			}
		}
	}
	for _, e := range l.Out {
		p := edgePlace{e.At, e.Port, e.Color}
		if err := w.edge(p, w.out, w.tx, "sends it"); err != nil {
			return nil, fmt.Errorf("edge output %q: %w", e.Name, err)
		}
	}
	return w, nil
}

func (w *wiring) edge(p edgePlace, taken map[edgePlace]bool, ports [][fabric.NumColors]fabric.PortSet, verb string) error {
	inside := p.at.X >= 0 && p.at.Y >= 0 && p.at.X < w.l.Width && p.at.Y < w.l.Height
	if _, more := w.neighbour(p.at, p.port); !inside || more || p.port == fabric.Ramp {
		return fmt.Errorf("port %v of PE %v is not at the edge", p.port, p.at)
	}
	if p.color >= fabric.NumColors {
		return fmt.Errorf("color %d, must be below %d", p.color, fabric.NumColors)
	}
	if taken[p] {
		return fmt.Errorf("a second port for color %d at PE %v %v", p.color, p.at, p.port)
	}
	taken[p] = true
	if !ports[w.l.Index(p.at.X, p.at.Y)][p.color].Has(p.port) {
		return fmt.Errorf("color %d at PE %v: no route %s %v", p.color, p.at, verb, p.port)
	}
	return nil
}

// neighbour is the PE beyond port; false outside the rectangle.
func (w *wiring) neighbour(at fabric.Coord, p fabric.Port) (int, bool) {
	at = at.Beyond(p)
	if at.X < 0 || at.Y < 0 || at.X >= w.l.Width || at.Y >= w.l.Height {
		return 0, false
	}
	return w.l.Index(at.X, at.Y), true
}

// connected holds that what a router sends its neighbour or the edge receives.
func (w *wiring) connected() error {
	for i := range w.tx {
		at := w.l.coord(i)
		for c := range fabric.Color(fabric.NumColors) {
			for p := fabric.North; p < fabric.Ramp; p++ {
				if !w.tx[i][c].Has(p) {
					continue
				}
				if j, ok := w.neighbour(at, p); ok {
					if !w.rx[j][c].Has(p.Opposite()) {
						return fmt.Errorf("unrouted color %d: PE %v sends it %v, PE %v does not receive it from %v", c, at, p, w.l.coord(j), p.Opposite())
					}
				} else if !w.out[edgePlace{at, p, c}] {
					return fmt.Errorf("unrouted color %d: PE %v sends it %v over the edge, where no port takes it", c, at, p)
				}
			}
		}
	}
	return nil
}

// ramp holds that a PE and its router agree on the colors between them.
func (w *wiring) ramp(i int, uses []colorUse) error {
	at, p := w.l.coord(i), &w.l.PEs[i]
	if p.Role >= len(uses) {
		return fmt.Errorf("PE %v runs role %d, there are %d", at, p.Role, len(uses))
	}
	use, name := colorUse{}, "none"
	if p.Role >= 0 {
		g := w.l.Roles[p.Role]
		use, name = uses[p.Role], g.Name
		if p.Image != nil && len(p.Image) != g.Words {
			return fmt.Errorf("PE %v has an SRAM image of %d words, program %s %d", at, len(p.Image), name, g.Words)
		}
	}
	for c := range fabric.Color(fabric.NumColors) {
		bit := uint32(1) << c
		delivers, takes := w.tx[i][c].Has(fabric.Ramp), w.rx[i][c].Has(fabric.Ramp)
		switch {
		case use.reads&bit != 0 && !delivers:
			return fmt.Errorf("unrouted color %d at PE %v: program %s reads it, no route delivers it to the ramp", c, at, name)
		case use.writes&bit != 0 && !takes:
			return fmt.Errorf("unrouted color %d at PE %v: program %s sends it, no route takes it from the ramp", c, at, name)
		case use.reads&bit == 0 && delivers:
			return fmt.Errorf("send without a receiver: color %d is delivered to PE %v, whose program (%s) does not read it", c, at, name)
		}
	}
	return nil
}

// colorUse is the colors a program reads and writes, as sets.
type colorUse struct{ reads, writes uint32 }

func useOf(g *pe.Program) (u colorUse) {
	for i := range g.Tasks {
		t := &g.Tasks[i]
		if t.Kind != pe.Local {
			u.reads |= 1 << t.Color
		}
		for k := range t.Code {
			in := &t.Code[k]
			for _, o := range [3]*pe.Operand{&in.Dst, &in.A, &in.B} {
				switch o.Kind {
				case pe.FabIn:
					u.reads |= 1 << o.Color
				case pe.FabOut:
					u.writes |= 1 << o.Color
				}
			}
		}
	}
	return u
}
