package plots

import (
	"strings"

	"gonum.org/v1/plot/vg"
)

const (
	tickLength vg.Length = 3.5
	tickGap    vg.Length = 3 // between a tick and its label
	labelGap   vg.Length = 5 // between tick labels and the axis label
	titleGap   vg.Length = 10
)

// frame is where the parts of a figure with two axes stand.
type frame struct {
	heading
	x, y axis
	data vg.Rectangle
}

// headerHeight is the room of title and subtitle above the data.
func (t typesetter) headerHeight(h heading, width vg.Length) vg.Length {
	title, subtitle := t.headerLines(h, width)
	return textHeight(title, titleSize) + textHeight(subtitle, subtitleSize) + titleGap
}

// chartHeight is the usual one, or more if the texts need it.
func (t typesetter) chartHeight(h heading, l legend) vg.Length {
	const leastBody = 300
	return max(pageHeight, 2*margin+t.headerHeight(h, pageWidth-2*margin)+max(l.height, leastBody))
}

func (t typesetter) headerLines(h heading, width vg.Length) (title, subtitle []string) {
	return t.wrap(h.title, titleSize, true, width), t.wrap(h.subtitle, subtitleSize, false, width)
}

func (p *page) drawHeader(h heading) {
	title, subtitle := p.headerLines(h, p.width-2*margin)
	at := vg.Point{X: margin, Y: p.height - margin}
	p.drawLines(at, title, textStyle{size: titleSize, color: inkColor, bold: true})
	at.Y -= textHeight(title, titleSize)
	p.drawLines(at, subtitle, textStyle{size: subtitleSize, color: softInkColor})
}

// layout finds the data area: what header, labels and ticks leave, less reserve on the right.
func (p *page) layout(h heading, x, y axis, reserve vg.Length) frame {
	left := margin + p.tickWidth(y.ticks...) + tickGap + tickLength
	if h.yLabel != "" {
		left += textHeight(p.wrap(h.yLabel, labelSize, false, p.height-2*margin), labelSize) + labelGap
	}
	right := p.width - margin - reserve
	if n := len(x.ticks); n > 0 && reserve == 0 {
		overhang := p.tickWidth(x.ticks[n-1])/2 - vg.Length(1-x.norm(x.ticks[n-1].Value))*(right-left)
		right -= max(0, overhang)
	}
	bottom := margin + tickHeight(x.ticks) + tickGap + tickLength
	if h.xLabel != "" {
		bottom += textHeight(p.wrap(h.xLabel, labelSize, false, right-left), labelSize) + labelGap
	}
	top := p.height - margin - p.headerHeight(h, p.width-2*margin)
	return frame{heading: h, x: x, y: y, data: rect(left, bottom, right, top)}
}

// at places a value pair on the page.
func (f frame) at(x, y float64) vg.Point { return vg.Point{X: f.atX(x), Y: f.atY(y)} }

func (f frame) atX(v float64) vg.Length {
	return f.data.Min.X + vg.Length(f.x.norm(v))*(f.data.Max.X-f.data.Min.X)
}

func (f frame) atY(v float64) vg.Length {
	return f.data.Min.Y + vg.Length(f.y.norm(v))*(f.data.Max.Y-f.data.Min.Y)
}

// tickWidth is that of the widest label.
func (t typesetter) tickWidth(ticks ...Tick) vg.Length {
	widest := vg.Length(0)
	for _, tick := range ticks {
		widest = max(widest, t.textWidth(tickLines(tick), tickSize, false))
	}
	return widest
}

func tickLines(t Tick) []string { return strings.Split(t.Label, "\n") }

func tickHeight(ticks []Tick) vg.Length {
	tallest := vg.Length(0)
	for _, t := range ticks {
		tallest = max(tallest, textHeight(tickLines(t), tickSize))
	}
	return tallest
}

// drawGrid draws what lies under the data.
func (p *page) drawGrid(f frame, vertical bool) {
	grid := pen{color: gridColor, width: 0.75}
	for _, t := range f.y.ticks {
		y := f.atY(t.Value)
		p.line(vg.Point{X: f.data.Min.X, Y: y}, vg.Point{X: f.data.Max.X, Y: y}, grid)
	}
	if !vertical {
		return
	}
	for _, t := range f.x.ticks {
		x := f.atX(t.Value)
		p.line(vg.Point{X: x, Y: f.data.Min.Y}, vg.Point{X: x, Y: f.data.Max.Y}, grid)
	}
}

// drawAxes draws header, axis lines, ticks and labels.
func (p *page) drawAxes(f frame) {
	p.drawHeader(f.heading)
	axisPen := pen{color: softInkColor, width: 0.9}
	p.line(f.data.Min, vg.Point{X: f.data.Max.X, Y: f.data.Min.Y}, axisPen)
	p.line(f.data.Min, vg.Point{X: f.data.Min.X, Y: f.data.Max.Y}, axisPen)

	p.drawXTicks(f.x.ticks, f.atX, f.data.Min.Y)
	for _, t := range f.y.ticks {
		p.drawLeftTick(vg.Point{X: f.data.Min.X, Y: f.atY(t.Value)}, t)
	}
	p.drawAxisLabels(f.heading, f.data, tickHeight(f.x.ticks), p.tickWidth(f.y.ticks...))
}

// drawXTicks hangs ticks below the line at y. Every tick gets its mark, but a label that would touch
// a neighbour is left out.
func (p *page) drawXTicks(ticks []Tick, at func(float64) vg.Length, y vg.Length) {
	spans := make([]span, len(ticks))
	for i, t := range ticks {
		x, half := at(t.Value), p.tickWidth(t)/2
		spans[i] = span{x - half, x + half}
		p.line(vg.Point{X: x, Y: y}, vg.Point{X: x, Y: y - tickLength}, pen{color: softInkColor, width: 0.9})
	}
	for _, i := range apart(spans) {
		top := vg.Point{X: at(ticks[i].Value), Y: y - tickLength - tickGap}
		p.drawLines(top, tickLines(ticks[i]), textStyle{size: tickSize, color: inkColor, align: 0.5})
	}
}

// span is the extent of one label along the axis.
type span struct{ lo, hi vg.Length }

func (s span) touches(t span) bool {
	const gap = 4
	return s.lo < t.hi+gap && t.lo < s.hi+gap
}

// apart chooses labels that do not touch: every n-th of evenly spaced ones, otherwise as many as
// fit from the left, with the last.
func apart(spans []span) []int {
	n := len(spans)
	if n < 2 {
		return []int{0}[:n]
	}
	middle := func(i int) vg.Length { return (spans[i].lo + spans[i].hi) / 2 }
	pitch := (middle(n-1) - middle(0)) / vg.Length(n-1)
	even := true
	for i := range spans {
		off := middle(i) - middle(0) - vg.Length(i)*pitch
		even = even && max(off, -off) < 0.5
	}
	for every := 1; even && every < n; every++ {
		var shown []int
		clear := true
		for i := 0; i < n; i += every {
			clear = clear && (i == 0 || !spans[i-every].touches(spans[i]))
			shown = append(shown, i)
		}
		if clear {
			return shown
		}
	}
	shown := []int{0}
	for i := 1; i < n; i++ {
		for i == n-1 && len(shown) > 1 && spans[shown[len(shown)-1]].touches(spans[i]) {
			shown = shown[:len(shown)-1]
		}
		if !spans[shown[len(shown)-1]].touches(spans[i]) {
			shown = append(shown, i)
		}
	}
	return shown
}

// drawLeftTick puts a tick and its label left of pt.
func (p *page) drawLeftTick(pt vg.Point, t Tick) {
	p.line(pt, vg.Point{X: pt.X - tickLength, Y: pt.Y}, pen{color: softInkColor, width: 0.9})
	base := vg.Point{X: pt.X - tickLength - tickGap, Y: pt.Y - midHeight*tickSize}
	p.drawLine(base, t.Label, textStyle{size: tickSize, color: inkColor, align: 1})
}

// drawAxisLabels puts the axes' names outside tick labels of the given extent.
func (p *page) drawAxisLabels(h heading, data vg.Rectangle, xTickHeight, yTickWidth vg.Length) {
	middle := vg.Point{X: (data.Min.X + data.Max.X) / 2, Y: (data.Min.Y + data.Max.Y) / 2}
	style := textStyle{size: labelSize, color: inkColor, align: 0.5}
	below := data.Min.Y - tickLength - tickGap - xTickHeight - labelGap
	p.drawLines(vg.Point{X: middle.X, Y: below}, p.wrap(h.xLabel, labelSize, false, data.Max.X-data.Min.X), style)

	lines := p.wrap(h.yLabel, labelSize, false, p.height-2*margin)
	left := data.Min.X - tickLength - tickGap - yTickWidth - labelGap - textHeight(lines, labelSize)
	half := p.textWidth(lines, labelSize, false) / 2
	style.upward = true
	y := min(max(middle.Y, margin+half), p.height-margin-half) // a name longer than its axis stays on the page
	p.drawLines(vg.Point{X: left, Y: y}, lines, style)
}
