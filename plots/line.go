package plots

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
)

// Stroke is the dash pattern of a series.
type Stroke string

const (
	Auto   Stroke = "" // the next pattern in turn: solid, dashed, dotted, dash-dot
	Solid  Stroke = "solid"
	Dashed Stroke = "dashed"
	Dotted Stroke = "dotted"
	NoLine Stroke = "none" // markers only
)

// LineStyle says how a series looks. Colour and marker shape follow from its place in the chart.
type LineStyle struct {
	Stroke Stroke
	Marker bool // a mark on every point; NoLine implies it
	Thin   bool // for context: a variant beside the main series
	Muted  bool // grey, for a reference such as a bound; takes no colour from the palette
	Paired bool // the colour of the series before: its points, or its line
}

// Series is one curve. A NaN in X or Y is a missing point and interrupts the line.
type Series struct {
	Name  string
	X, Y  []float64
	Style LineStyle
}

// LineChart is a chart of curves over one pair of axes. The legend stands in a corner where it covers
// no curve, or beside the data if there is none.
type LineChart struct {
	Title, Subtitle, XLabel, YLabel string
	Series                          []Series
	LogX, LogY                      bool
	XTicks                          []Tick // nil: chosen from the data
}

// Render draws the chart, 960 x 600 CSS pixels. It fails on a chart without a point to draw, on X and Y of
// unequal length, on infinities, and on values not above 0 for a logarithmic axis.
func (c LineChart) Render(f Format) ([]byte, error) {
	x, y, err := c.axes()
	if err != nil {
		return nil, fmt.Errorf("line chart %q: %w", c.Title, err)
	}
	var p *page
	types, looks := newTypesetter(), c.looks()
	names := make([]string, len(c.Series))
	for i, s := range c.Series {
		names[i] = s.Name
	}
	sample := func(i int, r vg.Rectangle) {
		middle := vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y + r.Max.Y) / 2}
		p.drawCurve([][]vg.Point{{{X: r.Min.X, Y: middle.Y}, {X: r.Max.X, Y: middle.Y}}}, looks[i].pen)
		p.drawMarker(middle, looks[i])
	}
	const sampleWidth = 30
	key := types.newLegend(names, 230, sampleWidth, sample)
	narrow := types.newLegend(names, 150, sampleWidth, sample)

	head := heading{c.Title, c.Subtitle, c.XLabel, c.YLabel}
	if p, err = newPage(types, f, pageWidth, types.chartHeight(head, narrow)); err != nil {
		return nil, fmt.Errorf("line chart %q: %w", c.Title, err)
	}
	fr := p.layout(head, x, y, 0)
	corner, inside := key.freeCorner(fr.data, c.strokes(fr))
	if !inside {
		key = narrow
		fr = p.layout(head, x, y, key.width)
		corner = vg.Point{X: fr.data.Max.X + legendPad, Y: fr.data.Max.Y + legendPad}
	}
	p.drawGrid(fr, true)
	p.drawAxes(fr)
	for i, s := range c.Series {
		runs := s.runs(fr)
		p.drawCurve(runs, looks[i].pen)
		for _, run := range runs {
			for _, pt := range run {
				p.drawMarker(pt, looks[i])
			}
		}
	}
	p.drawLegend(key, corner, inside)
	return p.bytes()
}

// axes checks the data and fits both axes to them.
func (c LineChart) axes() (x, y axis, err error) {
	if err := checkText(c.Title, c.Subtitle, c.XLabel, c.YLabel); err != nil {
		return x, y, err
	}
	if len(c.Series) == 0 {
		return x, y, errors.New("no series")
	}
	loX, hiX, loY, hiY := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, s := range c.Series {
		if err := s.check(c.LogX, c.LogY); err != nil {
			return x, y, fmt.Errorf("series %q: %w", s.Name, err)
		}
		for i := range s.X {
			if s.has(i) {
				loX, hiX = min(loX, s.X[i]), max(hiX, s.X[i])
				loY, hiY = min(loY, s.Y[i]), max(hiY, s.Y[i])
			}
		}
	}
	for _, t := range c.XTicks {
		if math.IsNaN(t.Value) {
			return x, y, fmt.Errorf("tick %q has no value", t.Label)
		}
		if err := errors.Join(checkText(t.Label), checkCoordinate(t.Value, c.LogX)); err != nil {
			return x, y, fmt.Errorf("tick %q: %w", t.Label, err)
		}
	}
	if !c.LogY && loY > 0 && loY < hiY/2 {
		loY = 0 // lengths compare honestly from zero, where that does not squash the curve
	}
	return tightAxis(loX, hiX, c.LogX, c.XTicks), roundAxis(loY, hiY, c.LogY), nil
}

func (s Series) has(i int) bool { return !math.IsNaN(s.X[i]) && !math.IsNaN(s.Y[i]) }

func (s Series) check(logX, logY bool) error {
	if err := checkText(s.Name); err != nil {
		return err
	}
	if len(s.X) != len(s.Y) {
		return fmt.Errorf("%d x values for %d y values", len(s.X), len(s.Y))
	}
	switch s.Style.Stroke {
	case Auto, Solid, Dashed, Dotted, NoLine:
	default:
		return fmt.Errorf("unknown stroke %q", s.Style.Stroke)
	}
	points := 0
	for i := range s.X {
		if !s.has(i) {
			continue
		}
		points++
		if err := checkCoordinate(s.X[i], logX); err != nil {
			return fmt.Errorf("x of point %d: %w", i, err)
		}
		if err := checkCoordinate(s.Y[i], logY); err != nil {
			return fmt.Errorf("y of point %d: %w", i, err)
		}
	}
	if points == 0 {
		return errors.New("no points")
	}
	return nil
}

// runs places the series on the page, cut where points are missing.
func (s Series) runs(fr frame) [][]vg.Point {
	var runs [][]vg.Point
	open := false
	for i := range s.X {
		if !s.has(i) {
			open = false
			continue
		}
		if !open {
			runs, open = append(runs, nil), true
		}
		last := len(runs) - 1
		runs[last] = append(runs[last], fr.at(s.X[i], s.Y[i]))
	}
	return runs
}

// strokes is what the legend must not cover.
func (c LineChart) strokes(fr frame) []segment {
	var all []segment
	for _, s := range c.Series {
		for _, run := range s.runs(fr) {
			for i, pt := range run {
				all = append(all, segment{run[max(0, i-1)], pt})
			}
		}
	}
	return all
}
