package plots

import "gonum.org/v1/plot/vg"

const (
	legendPad   vg.Length = 8
	legendGap   vg.Length = 6 // between a sample and its name
	legendSpace vg.Length = 4 // between entries
)

// entry is one row of a legend; sample draws into the rectangle it is given, one line high.
type entry struct {
	lines  []string
	sample func(vg.Rectangle)
}

type legend struct {
	entries       []entry
	sampleWidth   vg.Length
	width, height vg.Length // with padding
}

// newLegend wraps the names at limit points. sample draws the i-th name's sample. What has no name has
// no entry.
func (t typesetter) newLegend(names []string, limit, sampleWidth vg.Length, sample func(i int, r vg.Rectangle)) legend {
	l := legend{sampleWidth: sampleWidth, height: 2*legendPad - legendSpace}
	text := vg.Length(0)
	for i, name := range names {
		e := entry{t.wrap(name, legendSize, false, limit), func(r vg.Rectangle) { sample(i, r) }}
		if len(e.lines) == 0 {
			continue
		}
		l.entries = append(l.entries, e)
		text = max(text, t.textWidth(e.lines, legendSize, false))
		l.height += textHeight(e.lines, legendSize) + legendSpace
	}
	if len(l.entries) == 0 {
		return legend{}
	}
	l.width = 2*legendPad + sampleWidth + legendGap + text
	return l
}

// drawLegend puts the legend's top left corner at pt.
func (p *page) drawLegend(l legend, pt vg.Point, boxed bool) {
	if len(l.entries) == 0 {
		return
	}
	if boxed {
		box := rect(pt.X, pt.Y-l.height, pt.X+l.width, pt.Y)
		p.fillRect(box, paperColor)
		p.stroke(rectPath(box), pen{color: gridColor, width: 0.75})
	}
	x, y := pt.X+legendPad, pt.Y-legendPad
	for _, e := range l.entries {
		e.sample(rect(x, y-legendSize*linePitch, x+l.sampleWidth, y))
		at := vg.Point{X: x + l.sampleWidth + legendGap, Y: y}
		p.drawLines(at, e.lines, textStyle{size: legendSize, color: inkColor})
		y -= textHeight(e.lines, legendSize) + legendSpace
	}
}

// freeCorner finds a corner of data where the legend covers none of the strokes, in the order top
// left, top right, bottom right, bottom left. It returns the legend's top left corner.
func (l legend) freeCorner(data vg.Rectangle, strokes []segment) (vg.Point, bool) {
	const inset, clear = 8, 10 // clear: more than a marker's radius
	left, right := data.Min.X+inset, data.Max.X-inset-l.width
	top, bottom := data.Max.Y-inset, data.Min.Y+inset+l.height
	if left > right || bottom > top {
		return vg.Point{}, false
	}
	for _, pt := range []vg.Point{{X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}, {X: left, Y: bottom}} {
		box := rect(pt.X-clear, pt.Y-l.height-clear, pt.X+l.width+clear, pt.Y+clear)
		free := true
		for _, s := range strokes {
			if s.crosses(box) {
				free = false
				break
			}
		}
		if free {
			return pt, true
		}
	}
	return vg.Point{}, false
}

// segment is a straight stroke on the page; a point if its ends are equal.
type segment struct{ a, b vg.Point }

// crosses reports whether any part of s lies in r (Liang-Barsky clipping).
func (s segment) crosses(r vg.Rectangle) bool {
	dx, dy := s.b.X-s.a.X, s.b.Y-s.a.Y
	enter, leave := vg.Length(0), vg.Length(1)
	for _, side := range [...]struct{ step, room vg.Length }{
		{-dx, s.a.X - r.Min.X}, {dx, r.Max.X - s.a.X}, {-dy, s.a.Y - r.Min.Y}, {dy, r.Max.Y - s.a.Y},
	} {
		switch {
		case side.step == 0:
			if side.room < 0 {
				return false
			}
		case side.step < 0:
			enter = max(enter, side.room/side.step)
		default:
			leave = min(leave, side.room/side.step)
		}
	}
	return enter <= leave
}
