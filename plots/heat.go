package plots

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
)

// HeatMap shows one value per cell of a grid. Row 0 is at the top: on a wafer, its north edge.
type HeatMap struct {
	Title, Subtitle, XLabel, YLabel, ValueLabel string
	Width, Height                               int                    // cells
	At                                          func(x, y int) float64 // NaN: unused, drawn grey
	Min, Max                                    float64                // of the colour scale; both 0: those of the data
	XNames, YNames                              []string               // of all columns or rows; nil: numbers from 0
}

const (
	maxHeatSide  = 4096 // cells
	heatDotsWide = 1440 // of the map, unless it has more cells than that
	heatDotsHigh = 1000
	heatDotsMin  = 320 // a shorter side is stretched to this

	barGap   vg.Length = 16
	barWidth vg.Length = 36 * dot
)

// Render draws the map on a page that fits it. Every cell covers a whole number of dots, at least one, so
// nothing is sampled down; cells are square unless the map is so elongated that its short side would vanish.
// A triangle on an end of the colour bar says that values beyond that end exist and have its colour.
// It fails on a size outside 1..4096, without any value, on infinite values, and on Min > Max.
func (h HeatMap) Render(f Format) ([]byte, error) {
	m, err := h.quantize()
	if err != nil {
		return nil, fmt.Errorf("heat map %q: %w", h.Title, err)
	}
	types := newTypesetter()
	columns := axis{ticks: namedTicks(h.XNames, h.Width)}
	rows := axis{ticks: namedTicks(h.YNames, h.Height)}
	cellX, cellY := cellDots(h.Width, h.Height)
	mapWidth, mapHeight := vg.Length(h.Width*cellX)*dot, vg.Length(h.Height*cellY)*dot

	head := heading{h.Title, h.Subtitle, h.XLabel, h.YLabel}
	bar := colorBar{axis: axis{lo: m.lo, hi: m.hi}, label: types.wrap(h.ValueLabel, labelSize, false, mapHeight)}
	bar.ticks = within(ticksFor(m.lo, m.hi, false, 8), m.lo, m.hi)
	rowWidth := types.tickWidth(rows.ticks...)
	left := margin + textHeight(types.wrap(h.YLabel, labelSize, false, mapHeight), labelSize) + labelGap + rowWidth + tickGap + tickLength
	bottom := margin + textHeight(types.wrap(h.XLabel, labelSize, false, mapWidth), labelSize) + labelGap + tickHeight(columns.ticks) + tickGap + tickLength
	left, bottom = wholeDots(left), wholeDots(bottom)
	right := barGap + barWidth + tickLength + tickGap + types.tickWidth(bar.ticks...) + labelGap + textHeight(bar.label, labelSize)
	if m.unused {
		right = max(right, barGap+barWidth+legendGap+types.textWidth([]string{unusedName}, tickSize, false))
	}
	width := wholeDots(left + mapWidth + right + margin)
	height := wholeDots(bottom + mapHeight + types.headerHeight(head, width-2*margin) + margin)
	p, err := newPage(types, f, width, height)
	if err != nil {
		return nil, fmt.Errorf("heat map %q: %w", h.Title, err)
	}

	data := rect(left, bottom, left+mapWidth, bottom+mapHeight)
	p.raster(data.Min, m.image, cellX, cellY)
	edge := pen{color: softInkColor, width: 2 * dot}
	p.stroke(rectPath(rect(left-dot, bottom-dot, data.Max.X+dot, data.Max.Y+dot)), edge) // around the outermost cells, not on them
	p.drawHeader(head)
	atX := func(v float64) vg.Length { return left + vg.Length((v+0.5)*float64(cellX))*dot }
	p.drawXTicks(columns.ticks, atX, bottom)
	for _, t := range rows.ticks {
		p.drawLeftTick(vg.Point{X: left, Y: data.Max.Y - vg.Length((t.Value+0.5)*float64(cellY))*dot}, t)
	}
	p.drawAxisLabels(head, data, tickHeight(columns.ticks), rowWidth)
	p.drawColorBar(bar, m, wholeDots(data.Max.X+barGap), data, edge)
	return p.bytes()
}

// heatCells is a heat map as colour indices.
type heatCells struct {
	image        *image.Paletted // one pixel per cell
	lo, hi       float64         // of the colour scale
	below, above bool            // some values lie outside the scale
	unused       bool            // some cells have no value
}

func (h HeatMap) quantize() (heatCells, error) {
	m := heatCells{lo: h.Min, hi: h.Max}
	if err := checkText(append(append([]string{h.Title, h.Subtitle, h.XLabel, h.YLabel, h.ValueLabel}, h.XNames...), h.YNames...)...); err != nil {
		return m, err
	}
	if h.XNames != nil && len(h.XNames) != h.Width || h.YNames != nil && len(h.YNames) != h.Height {
		return m, fmt.Errorf("%d and %d names for %d x %d cells", len(h.XNames), len(h.YNames), h.Width, h.Height)
	}
	switch {
	case h.Width < 1 || h.Height < 1 || h.Width > maxHeatSide || h.Height > maxHeatSide:
		return m, fmt.Errorf("%d x %d cells: each side must be 1 to %d", h.Width, h.Height, maxHeatSide)
	case h.At == nil:
		return m, errors.New("no values: At is nil")
	case !(h.Min <= h.Max):
		return m, fmt.Errorf("the scale runs from %v to %v", h.Min, h.Max)
	}
	if err := errors.Join(checkCoordinate(h.Min, false), checkCoordinate(h.Max, false)); err != nil {
		return m, err
	}
	colors, err := heatPalette()
	if err != nil {
		return m, err
	}
	values := make([]float64, 0, h.Width*h.Height)
	lo, hi := math.Inf(1), math.Inf(-1)
	for y := range h.Height {
		for x := range h.Width {
			v := h.At(x, y)
			if err := checkCoordinate(v, false); err != nil {
				return m, fmt.Errorf("cell x %d, y %d: %w", x, y, err)
			}
			if !math.IsNaN(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
			values = append(values, v)
		}
	}
	if lo > hi {
		return m, errors.New("no cell has a value")
	}
	if h.Min == 0 && h.Max == 0 {
		m.lo, m.hi = lo, hi
	}
	m.lo, m.hi = widen(m.lo, m.hi, false)
	m.below, m.above = lo < m.lo, hi > m.hi
	m.image = image.NewPaletted(image.Rect(0, 0, h.Width, h.Height), colors)
	for i, v := range values {
		m.image.Pix[i] = m.index(v)
		m.unused = m.unused || math.IsNaN(v)
	}
	return m, nil
}

// index is the palette entry of a value.
func (m heatCells) index(v float64) uint8 {
	if math.IsNaN(v) {
		return unusedIndex
	}
	level := math.Floor((v - m.lo) / (m.hi - m.lo) * heatLevels)
	return uint8(min(max(level, 0), heatLevels-1))
}

// cellDots is the size of a cell in dots.
func cellDots(width, height int) (x, y int) {
	cell := max(1, min(heatDotsWide/width, heatDotsHigh/height))
	atLeast := func(cells int) int { return (heatDotsMin + cells - 1) / cells }
	return max(cell, atLeast(width)), max(cell, atLeast(height))
}

// namedTicks are the names of cells, or some of their numbers.
func namedTicks(names []string, n int) []Tick {
	if names == nil {
		return cellTicks(n)
	}
	ticks := make([]Tick, len(names))
	for i, name := range names {
		ticks[i] = Tick{float64(i), name}
	}
	return ticks
}

// cellTicks numbers some of n cells; all are whole numbers.
func cellTicks(n int) []Tick {
	last := float64(n - 1)
	if n <= 8 {
		ticks := make([]Tick, n)
		for i := range ticks {
			ticks[i] = Tick{float64(i), tickLabel(float64(i), 1, last)}
		}
		return ticks
	}
	return within(ticksFor(0, last, false, 8), 0, last)
}

func wholeDots(v vg.Length) vg.Length { return vg.Length(math.Ceil(float64(v/dot)-1e-9)) * dot }

const unusedName = "not used"

// colorBar is the key to a heat map's colours.
type colorBar struct {
	axis
	label []string
}

// drawColorBar draws the bar right of data, with its left edge at x.
func (p *page) drawColorBar(b colorBar, m heatCells, x vg.Length, data vg.Rectangle, edge pen) {
	colors := m.image.Palette
	const tip = 16 * dot // height of the triangle that stands for values beyond the end
	low, high := data.Min.Y, data.Max.Y
	if m.unused {
		swatch := rect(x, low, x+barWidth, low+28*dot)
		p.fillRect(swatch, colors[unusedIndex])
		p.stroke(rectPath(swatch), edge)
		base := vg.Point{X: x + barWidth + legendGap, Y: (swatch.Min.Y+swatch.Max.Y)/2 - midHeight*tickSize}
		p.drawLine(base, unusedName, textStyle{size: tickSize, color: inkColor})
		low = swatch.Max.Y + 24*dot
	}
	end := func(y, point vg.Length, c color.Color) {
		path := polygon(vg.Point{X: x, Y: y}, vg.Point{X: x + barWidth, Y: y}, vg.Point{X: x + barWidth/2, Y: point})
		p.SetColor(c)
		p.Fill(path)
		p.stroke(path, edge)
	}
	if m.below {
		low += tip
		end(low, low-tip, colors[0])
	}
	if m.above {
		high -= tip
		end(high, high+tip, colors[heatLevels-1])
	}
	dots := int(math.Round(float64((high - low) / dot)))
	scale := image.NewPaletted(image.Rect(0, 0, 1, dots), colors)
	for i := range dots {
		scale.Pix[i] = uint8((dots - 1 - i) * heatLevels / dots)
	}
	p.raster(vg.Point{X: x, Y: low}, scale, int(math.Round(float64(barWidth/dot))), 1)
	p.stroke(rectPath(rect(x, low, x+barWidth, high)), edge)

	for _, t := range b.ticks {
		y := low + vg.Length(b.norm(t.Value))*(high-low)
		from := vg.Point{X: x + barWidth, Y: y}
		p.line(from, vg.Point{X: from.X + tickLength, Y: y}, edge)
		p.drawLine(vg.Point{X: from.X + tickLength + tickGap, Y: y - midHeight*tickSize}, t.Label, textStyle{size: tickSize, color: inkColor})
	}
	at := vg.Point{X: x + barWidth + tickLength + tickGap + p.tickWidth(b.ticks...) + labelGap, Y: (low + high) / 2}
	p.drawLines(at, b.label, textStyle{size: labelSize, color: inkColor, align: 0.5, upward: true})
}
