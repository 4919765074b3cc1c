package plots

import (
	"image/color"

	"gonum.org/v1/plot/vg"
)

// look is a series' style made concrete.
type look struct {
	pen    pen // width 0: no line
	marker marker
	color  color.Color
}

type marker int

const (
	noMarker marker = iota
	ring            // hollow and filled shapes alternate: where two curves coincide, a filled
	disc            // mark shows inside the hollow one
	square
	wedge
	diamond
	block
	triangle
	lozenge
	markerKinds = int(lozenge)
)

// looks gives every series its colour, dash pattern and marker by its place in the chart.
func (c LineChart) looks() []look {
	dash := map[Stroke][]vg.Length{Dashed: {7, 4}, Dotted: {1.6, 3}}
	patterns := [][]vg.Length{nil, {7, 4}, {1.6, 3}, {8, 3, 1.6, 3}}
	looks := make([]look, len(c.Series))
	colored, marked, unspecified := 0, 0, 0
	for i, s := range c.Series {
		l := look{color: mutedColor, pen: pen{width: 2}}
		switch {
		case s.Style.Paired && i > 0:
			l.color = looks[i-1].color
		case !s.Style.Muted:
			l.color = lineColor(colored)
			colored++
		}
		if s.Style.Thin {
			l.pen.width = 1.1
		}
		switch s.Style.Stroke {
		case NoLine:
			l.pen.width = 0
		case Auto:
			l.pen.dashes = patterns[unspecified%len(patterns)]
			unspecified++
		default:
			l.pen.dashes = dash[s.Style.Stroke]
		}
		if s.Style.Marker || s.Style.Stroke == NoLine {
			l.marker = ring + marker(marked%markerKinds)
			marked++
		}
		l.pen.color = l.color
		looks[i] = l
	}
	return looks
}

func (p *page) drawCurve(runs [][]vg.Point, n pen) {
	if n.width == 0 {
		return
	}
	for _, run := range runs {
		var path vg.Path
		for i, pt := range run {
			if i == 0 {
				path.Move(pt)
			} else {
				path.Line(pt)
			}
		}
		if len(run) > 1 {
			p.stroke(path, n)
		}
	}
}

func (p *page) drawMarker(at vg.Point, l look) {
	if l.marker == noMarker {
		return
	}
	hollow := l.marker%2 == ring%2
	size := vg.Length(3.1)
	if hollow {
		size = 5.2
	}
	if l.pen.width > 0 && l.pen.width < 2 {
		size *= 0.75
	}
	corner := func(x, y vg.Length) vg.Point { return vg.Point{X: at.X + x*size, Y: at.Y + y*size} }
	var path vg.Path
	switch l.marker {
	case ring, disc:
		path.Move(corner(1, 0))
		path.Arc(at, size, 0, 4*quarterTurn)
		path.Close()
	case square, block:
		path = polygon(corner(-0.9, -0.9), corner(0.9, -0.9), corner(0.9, 0.9), corner(-0.9, 0.9))
	case wedge, triangle:
		path = polygon(corner(-1.1, -0.8), corner(1.1, -0.8), corner(0, 1.2))
	case diamond, lozenge:
		path = polygon(corner(-1.2, 0), corner(0, -1.2), corner(1.2, 0), corner(0, 1.2))
	}
	if !hollow {
		p.SetColor(l.color)
		p.Fill(path)
		return
	}
	p.SetColor(paperColor)
	p.Fill(path)
	p.stroke(path, pen{color: l.color, width: 1.4})
}
