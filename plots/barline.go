package plots

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
)

// BarLine is a value of every category, drawn as a stroke across its bar and a dashed line from bar
// to bar: what the bar is compared with. NaN is no value and interrupts the line.
type BarLine struct {
	Name   string
	Values []float64 // one per category
}

func (l BarLine) check(categories int) error {
	if err := checkText(l.Name); err != nil {
		return err
	}
	if len(l.Values) != categories {
		return fmt.Errorf("line %q has %d values for %d categories", l.Name, len(l.Values), categories)
	}
	for _, v := range l.Values {
		if v < 0 {
			return fmt.Errorf("line %q: %v is below the bars", l.Name, v)
		}
		if err := checkCoordinate(v, false); err != nil {
			return fmt.Errorf("line %q: %w", l.Name, err)
		}
	}
	return nil
}

// top is the highest value, 0 if there is none.
func (l BarLine) top() (top float64) {
	for _, v := range l.Values {
		if !math.IsNaN(v) {
			top = max(top, v)
		}
	}
	return top
}

// halfWidth is that of a bar.
func (b StackedBars) halfWidth(fr frame) vg.Length {
	slot := (fr.data.Max.X - fr.data.Min.X) / vg.Length(len(b.Categories))
	return min(0.74*slot, 76) / 2
}

// lineHalo is the height that a stroke across a bar takes, white edge included.
const lineHalo vg.Length = 4

// clearOfLines returns the taller part of low to high that no stroke across bar i touches.
func clearOfLines(lines []BarLine, i int, fr frame, low, high vg.Length) (from, to vg.Length) {
	cuts := []vg.Length{high}
	for _, l := range lines {
		if v := l.Values[i]; !math.IsNaN(v) {
			cuts = append(cuts, fr.atY(v)-lineHalo/2)
		}
	}
	slices.Sort(cuts)
	at := low
	for _, cut := range cuts {
		if end := min(cut, high); end-at > to-from {
			from, to = at, end
		}
		at = max(at, cut+lineHalo)
	}
	return from, to
}

func (p *page) drawBarLines(b StackedBars, fr frame) {
	for n, l := range b.Lines {
		var run []vg.Point
		for i, v := range l.Values {
			if math.IsNaN(v) {
				p.drawBarLine(run, b.halfWidth(fr), n)
				run = nil
				continue
			}
			run = append(run, fr.at(float64(i), v))
		}
		p.drawBarLine(run, b.halfWidth(fr), n)
	}
}

// drawBarLine draws the n-th line through the points, with a stroke of half width to both sides of
// each. A white edge sets it off from the bars.
func (p *page) drawBarLine(points []vg.Point, half vg.Length, n int) {
	colors := [...]pen{{color: inkColor}, {color: okabeVermilion}, {color: okabePurple}}
	look := colors[n%len(colors)]
	between, across := look, look
	between.width, between.dashes = 1.2, []vg.Length{4, 3}
	across.width = 2.2
	halo := pen{color: paperColor, width: lineHalo}
	for i := range points {
		if i > 0 {
			p.line(vg.Point{X: points[i-1].X + half, Y: points[i-1].Y}, vg.Point{X: points[i].X - half, Y: points[i].Y}, between)
		}
		from, to := vg.Point{X: points[i].X - half, Y: points[i].Y}, vg.Point{X: points[i].X + half, Y: points[i].Y}
		if half > 0 {
			p.line(from, to, halo)
			p.line(from, to, across)
		}
	}
}
