package compiler

import "cs2sim.dev/fabric"

// weightColor carries weights and commands down each column.
const weightColor fabric.Color = 0

// ringColor numbers the ring's colors: eastward links 1 and 2 in turn, westward 3 and 4.
// Neighbouring links of a ring differ, because both meet at one router.
func ringColor(i int) fabric.Color { return fabric.Color(1 + i) }

type ringColors struct{ in, out fabric.Color }

// LinkColor is the color of the ring link that leaves Ring[i].
func (p *Program) LinkColor(i int) fabric.Color {
	from, to := p.Ring[i], p.Ring[(i+1)%len(p.Ring)]
	if to > from {
		return ringColor(i % 2)
	}
	return ringColor(2 + i%2)
}

func route(p *Program, _ Options) error {
	m := p.Mapping
	p.Colors = []ColorUse{{weightColor, "weights", "non-zero weights and row commands, down each column"}}
	if m.Columns > 1 {
		for i, name := range []string{"ring east 0", "ring east 1", "ring west 0", "ring west 1"} {
			p.Colors = append(p.Colors, ColorUse{ringColor(i), name, "partial sums along the row, alternate links of the folded ring"})
		}
	}
	for g := range m.Groups {
		west := g * m.Columns
		for c := range m.Columns {
			p.routeWeights(west + c)
		}
		if m.Columns == 1 {
			continue
		}
		for i, from := range p.Ring {
			p.routeLink(west+from, west+p.Ring[(i+1)%m.Columns], p.LinkColor(i))
		}
	}
	return nil
}

// routeWeights multicasts down a column: every row keeps a copy, the last sends none on.
func (p *Program) routeWeights(x int) {
	last := p.Mapping.Rows - 1
	if last > 0 {
		p.Routes = append(p.Routes, ColumnRoute{weightColor, x, 0, last, fabric.Static(fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp, fabric.South))})
	}
	p.Routes = append(p.Routes, ColumnRoute{weightColor, x, last, last + 1, fabric.Static(fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp))})
}

// routeLink lays one ring link along all rows: routers between only copy.
func (p *Program) routeLink(from, to int, c fabric.Color) {
	out, step := fabric.East, 1
	if to < from {
		out, step = fabric.West, -1
	}
	add := func(x int, rx, tx fabric.Port) {
		p.Routes = append(p.Routes, ColumnRoute{c, x, 0, p.Mapping.Rows, fabric.Static(fabric.Ports(rx), fabric.Ports(tx))})
	}
	add(from, fabric.Ramp, out)
	for x := from + step; x != to; x += step {
		add(x, out.Opposite(), out)
	}
	add(to, out.Opposite(), fabric.Ramp)
}
