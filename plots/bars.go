package plots

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"gonum.org/v1/plot/vg"
)

// Layer is one component of every bar.
type Layer struct {
	Name   string
	Values []float64 // one per category, none negative
}

// StackedBars is a chart of one bar per category, its layers stacked in order from the bottom. The
// legend stands right of the data in the order of the stack. A segment with room beside the lines shows
// its value.
type StackedBars struct {
	Title, Subtitle, XLabel, YLabel string
	Categories                      []string
	Layers                          []Layer
	Lines                           []BarLine // drawn over the bars
}

const maxLayers = 16 // eight fills, plain and hatched

// Render draws the chart, 960 x 600 CSS pixels. It fails without categories or layers, on a layer with other
// than one value per category, on more than 16 layers, and on negative, infinite and NaN values.
func (b StackedBars) Render(f Format) ([]byte, error) {
	top, err := b.check()
	if err != nil {
		return nil, fmt.Errorf("stacked bars %q: %w", b.Title, err)
	}
	if top == 0 {
		top = 1
	}
	x := axis{lo: -0.5, hi: float64(len(b.Categories)) - 0.5}
	for i, name := range b.Categories {
		x.ticks = append(x.ticks, Tick{float64(i), name})
	}
	names := make([]string, len(b.Layers))
	for i, l := range b.Layers {
		names[len(names)-1-i] = l.Name
	}
	for _, l := range b.Lines {
		names = append(names, l.Name)
	}
	var p *page
	types := newTypesetter()
	key := types.newLegend(names, 150, 13, func(i int, r vg.Rectangle) {
		middle := (r.Min.Y + r.Max.Y) / 2
		if i >= len(b.Layers) {
			p.drawBarLine([]vg.Point{{X: r.Min.X, Y: middle}, {X: r.Max.X, Y: middle}}, 0, i-len(b.Layers))
			return
		}
		p.drawSegment(rect(r.Min.X, middle-5, r.Max.X, middle+5), len(b.Layers)-1-i)
	})
	head := heading{b.Title, b.Subtitle, b.XLabel, b.YLabel}
	if p, err = newPage(types, f, pageWidth, types.chartHeight(head, key)); err != nil {
		return nil, fmt.Errorf("stacked bars %q: %w", b.Title, err)
	}
	fr := p.layout(head, x, roundAxis(0, top, false), key.width)
	p.drawGrid(fr, false)
	p.drawBars(b, fr)
	p.drawBarLines(b, fr)
	p.drawAxes(fr)
	p.drawLegend(key, vg.Point{X: fr.data.Max.X + legendPad, Y: fr.data.Max.Y + legendPad}, false)
	return p.bytes()
}

// check returns the height of the tallest bar.
func (b StackedBars) check() (float64, error) {
	switch {
	case len(b.Categories) == 0:
		return 0, errors.New("no categories")
	case len(b.Layers) == 0:
		return 0, errors.New("no layers")
	case len(b.Layers) > maxLayers:
		return 0, fmt.Errorf("%d layers: at most %d can be told apart", len(b.Layers), maxLayers)
	}
	if err := checkText(append([]string{b.Title, b.Subtitle, b.XLabel, b.YLabel}, b.Categories...)...); err != nil {
		return 0, err
	}
	totals := make([]float64, len(b.Categories))
	for _, l := range b.Layers {
		if err := checkText(l.Name); err != nil {
			return 0, err
		}
		if len(l.Values) != len(totals) {
			return 0, fmt.Errorf("layer %q has %d values for %d categories", l.Name, len(l.Values), len(totals))
		}
		for i, v := range l.Values {
			if !(v >= 0) {
				return 0, fmt.Errorf("layer %q, category %q: %v cannot be stacked", l.Name, b.Categories[i], v)
			}
			totals[i] += v
			if err := checkCoordinate(totals[i], false); err != nil {
				return 0, fmt.Errorf("layer %q, category %q: %w", l.Name, b.Categories[i], err)
			}
		}
	}
	for _, l := range b.Lines {
		if err := l.check(len(totals)); err != nil {
			return 0, err
		}
		totals = append(totals, l.top())
	}
	return slices.Max(totals), nil
}

func (p *page) drawBars(b StackedBars, fr frame) {
	half := b.halfWidth(fr)
	for i := range b.Categories {
		middle, sum := fr.atX(float64(i)), 0.0
		for j, l := range b.Layers {
			low, high := fr.atY(sum), fr.atY(sum+l.Values[i])
			sum += l.Values[i]
			if high <= low {
				continue
			}
			p.drawSegment(rect(middle-half, low, middle+half, high), j)
			value := segmentLabel(l.Values[i])
			width := p.textWidth([]string{value}, segmentSize, false)
			from, to := clearOfLines(b.Lines, i, fr, low, high)
			if to-from < 1.3*segmentSize || width > 2*half-4 {
				continue
			}
			fill := fillColors()[j%len(fillColors())]
			center := (from + to) / 2
			if j >= len(fillColors()) { // keep the hatching off the digits
				p.fillRect(rect(middle-width/2-2, center-segmentSize/2, middle+width/2+2, center+segmentSize/2), fill)
			}
			base := vg.Point{X: middle, Y: center - midHeight*segmentSize}
			p.drawLine(base, value, textStyle{size: segmentSize, color: inkOn(fill), align: 0.5})
		}
	}
}

// drawSegment fills r for the j-th layer, with a white edge so that neighbours part.
func (p *page) drawSegment(r vg.Rectangle, j int) {
	fills := fillColors()
	p.fillRect(r, fills[j%len(fills)])
	edge := pen{color: paperColor, width: 0.6}
	if j >= len(fills) {
		p.hatch(r, edge)
	}
	p.stroke(rectPath(r), edge)
}

// hatch draws the lines x - y = n * spacing inside r.
func (p *page) hatch(r vg.Rectangle, n pen) {
	const spacing = 4
	width, height := r.Max.X-r.Min.X, r.Max.Y-r.Min.Y
	for d := -height + spacing/2; d < width; d += spacing {
		from := vg.Point{X: r.Min.X + max(0, d), Y: r.Min.Y + max(0, -d)}
		length := min(r.Max.X-from.X, r.Max.Y-from.Y)
		p.line(from, vg.Point{X: from.X + length, Y: from.Y + length}, n)
	}
}

// segmentLabel gives three digits, the most a segment has room for.
func segmentLabel(v float64) string {
	if v >= 1e6 || v < 0.01 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	decimals := 0
	if v < 10 {
		decimals = 1
	}
	return groupDigits(strconv.FormatFloat(v, 'f', decimals, 64))
}
