package compiler

import (
	"errors"
	"fmt"
	"strings"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Builder makes a Layout the way the field writes one: a rectangle, colors, routes and
// parameters per PE; and per role a program of tasks. It collects errors and reports all of them in Build.
type Builder struct {
	l     Layout
	core  pe.Config
	roles []*Role
	errs  []error
	bare  bool
}

// NewBuilder starts a layout of width x height PEs of machine t.
func NewBuilder(name string, t Target, width, height int) *Builder {
	b := &Builder{core: t.Core(), bare: t.Bare}
	b.l = Layout{Name: name, Width: width, Height: height}
	if width < 1 || height < 1 || width > t.Width() || height > t.Height() {
		b.fail("%d x %d PEs, the machine has %d x %d", width, height, t.Width(), t.Height())
		return b
	}
	b.l.PEs = make([]PlacedPE, width*height)
	for i := range b.l.PEs {
		b.l.PEs[i].Role = -1
	}
	return b
}

func (b *Builder) fail(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("layout "+b.l.Name+": "+format, args...))
}

// Color takes the next free color.
func (b *Builder) Color(name, use string) fabric.Color {
	c := fabric.Color(len(b.l.Colors))
	if c == fabric.NumColors {
		b.fail("color %q: all %d are taken", name, fabric.NumColors)
		return 0
	}
	b.l.Colors = append(b.l.Colors, ColorUse{c, name, use})
	return c
}

// Route gives every router of an area its route for a color.
func (b *Builder) Route(c fabric.Color, a Area, r fabric.Route) {
	b.l.Routes = append(b.l.Routes, AreaRoute{c, a, r})
}

// Wire lays a one-way line for a color: from the ramp of one PE straight to the ramp of another.
func (b *Builder) Wire(c fabric.Color, from, to fabric.Coord) {
	dx, dy := sign(to.X-from.X), sign(to.Y-from.Y)
	var out fabric.Port
	switch {
	case from == to || dx != 0 && dy != 0:
		b.fail("color %d: no straight line from PE %v to PE %v", c, from, to)
		return
	case dx > 0:
		out = fabric.East
	case dx < 0:
		out = fabric.West
	case dy > 0:
		out = fabric.South
	default:
		out = fabric.North
	}
	rx := fabric.Ports(fabric.Ramp)
	for at := from; at != to; at.X, at.Y = at.X+dx, at.Y+dy {
		b.Route(c, At(at.X, at.Y), fabric.Static(rx, fabric.Ports(out)))
		rx = fabric.Ports(out.Opposite())
	}
	b.Route(c, At(to.X, to.Y), fabric.Static(rx, fabric.Ports(fabric.Ramp)))
}

func sign(v int) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// Place runs a role on every PE of an area, with the role's initial registers.
func (b *Builder) Place(r *Role, a Area) {
	b.each(a, "role "+r.prog.Name, func(p *PlacedPE) {
		if p.Role >= 0 {
			b.fail("role %s: a PE of %v has role %s already", r.prog.Name, a, b.l.Roles[p.Role].Name)
		}
		p.Role, p.Registers = r.index, r.prog.Registers
	})
	r.placed = true
}

// Param sets a register on every PE of an area; after Place.
func (b *Builder) Param(a Area, r Reg, v int) {
	if r < 0 || r > 15 {
		b.fail("parameter in register %d, must be 0 to 15", r)
		return
	}
	bare := false
	b.each(a, "parameter", func(p *PlacedPE) {
		bare = bare || p.Role < 0
		p.Registers[r] = int32(v)
	})
	if bare {
		b.fail("parameter in register %d: a PE of %v has no role yet", r, a)
	}
}

// Wanted reports whether data are: not of a bare layout, nor of one that Build will refuse.
func (b *Builder) Wanted() bool {
	for _, r := range b.roles {
		if len(r.errs) > 0 {
			return false
		}
	}
	return !b.bare && len(b.errs) == 0
}

// Load puts values into an array in the SRAM of every PE of an area; after Place.
func (b *Builder) Load(a Area, x Array, values []float32) {
	if len(values) > x.Len {
		b.fail("array %s holds %d elements, %d loaded", x.Name, x.Len, len(values))
		return
	}
	b.each(a, "array "+x.Name, func(p *PlacedPE) {
		if p.Role != x.role.index {
			b.fail("array %s belongs to role %s, a PE of %v runs another", x.Name, x.role.prog.Name, a)
			return
		}
		if p.Image == nil {
			p.Image = make([]uint16, x.role.words())
		}
		if end := x.Base + x.Words; end > len(p.Image) { // arrays added since
			p.Image = append(p.Image, make([]uint16, end-len(p.Image))...)
		}
		for i, v := range values {
			bits := pe.Bits(x.Type, v)
			w := x.Base + i*x.Type.Words()
			p.Image[w] = uint16(bits)
			if x.Type == pe.F32 {
				p.Image[w+1] = uint16(bits >> 16)
			}
		}
	})
}

// LoadEach puts values of its own into every PE's array of a name, whatever the PE's role, if it has one; after Place. Where data are
// not wanted, none are made.
func (b *Builder) LoadEach(name string, values func(x, y int) []float32) {
	if !b.Wanted() {
		return
	}
	for i, p := range b.l.PEs {
		if at := b.l.coord(i); p.Role >= 0 {
			b.Load(At(at.X, at.Y), b.roles[p.Role].Named(name), values(at.X, at.Y))
		}
	}
}

func (b *Builder) each(a Area, what string, visit func(*PlacedPE)) {
	if a.X0 < 0 || a.Y0 < 0 || a.X1 > b.l.Width || a.Y1 > b.l.Height {
		b.fail("%s: %v leaves the %d x %d rectangle", what, a, b.l.Width, b.l.Height)
		return
	}
	if b.l.PEs == nil {
		return // refused already
	}
	for y := a.Y0; y < a.Y1; y++ {
		for x := a.X0; x < a.X1; x++ {
			visit(&b.l.PEs[b.l.Index(x, y)])
		}
	}
}

// EdgeIn and EdgeOut declare what crosses the edge.
func (b *Builder) EdgeIn(e EdgeIn)   { b.l.In = append(b.l.In, e) }
func (b *Builder) EdgeOut(e EdgeOut) { b.l.Out = append(b.l.Out, e) }

// Build resolves labels and returns the layout, or everything that was wrong with it.
func (b *Builder) Build() (*Layout, error) {
	same := map[string]bool{} // what is wrong with roles alike is told once
	for _, r := range b.roles {
		if err := r.finish(); err != nil && !same[err.Error()] {
			same[err.Error()] = true
			b.errs = append(b.errs, fmt.Errorf("layout %s: role %s: %w", b.l.Name, r.prog.Name, err))
		}
	}
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	for i := range b.l.PEs {
		p := &b.l.PEs[i]
		if p.Image != nil {
			p.Image = append(p.Image, make([]uint16, b.l.Roles[p.Role].Words-len(p.Image))...)
		}
	}
	l := b.l
	return &l, nil
}

// around is what an instruction does beside its elements.
func around(in pe.Instr) (text string) {
	switch {
	case in.LoadDescriptors:
		text = ", loads descriptors"
	case in.LoadDestination:
		text = ", loads its destination's descriptor"
	}
	switch in.Done.Op {
	case pe.Activate, pe.Unblock:
		text += fmt.Sprintf(", then %v task %d", in.Done.Op, in.Done.Task)
	}
	return text
}

// List renders every program of the layout.
func (l *Layout) List() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s: %d x %d PEs\n", l.Name, l.Width, l.Height)
	for _, c := range l.Colors {
		fmt.Fprintf(&s, "color %d  %s: %s\n", c.Color, c.Name, c.Use)
	}
	for _, g := range l.Roles {
		fmt.Fprintf(&s, "\nrole %s, %d bytes of SRAM\n", g.Name, 2*g.Words)
		for i, t := range g.Tasks {
			fmt.Fprintf(&s, " task %d %s (%v", i, t.Name, t.Kind)
			if t.Kind != pe.Local {
				fmt.Fprintf(&s, ", color %d", t.Color)
			}
			fmt.Fprintln(&s, ")")
			for k, in := range t.Code {
				fmt.Fprintf(&s, "  %2d  %v%s\n", k, in, around(in))
			}
		}
	}
	return s.String()
}
