package plots

import (
	"image/color"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
)

// Type sizes in points; a figure is 720 points wide.
const (
	titleSize    vg.Length = 15
	subtitleSize vg.Length = 10.5
	labelSize    vg.Length = 11.5
	tickSize     vg.Length = 10.5
	legendSize   vg.Length = 10.5
	segmentSize  vg.Length = 9

	linePitch = 1.25 // of the size, from one baseline to the next
	ascent    = 0.92 // of the size, from the top of a line to its baseline
	midHeight = 0.35 // of the size, half the height of a digit
)

// textStyle says how one string is set.
type textStyle struct {
	size   vg.Length
	color  color.Color
	bold   bool
	align  vg.Length // 0 starts at the point, 0.5 is centred on it, 1 ends there
	upward bool      // turned by 90 degrees, reading from bottom to top
}

// typesetter measures text. It owns its fonts: gonum's default cache stays untouched.
type typesetter struct{ fonts *font.Cache }

func newTypesetter() typesetter { return typesetter{font.NewCache(liberation.Collection())} }

func (t typesetter) face(size vg.Length, bold bool) font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return t.fonts.Lookup(f, size)
}

// textWidth is that of the widest line.
func (t typesetter) textWidth(lines []string, size vg.Length, bold bool) vg.Length {
	face, widest := t.face(size, bold), vg.Length(0)
	for _, line := range lines {
		widest = max(widest, face.Width(line))
	}
	return widest
}

// wrap breaks s at spaces, and inside a word only if the word alone is too wide.
// An empty string has no lines.
func (t typesetter) wrap(s string, size vg.Length, bold bool, limit vg.Length) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	face := t.face(size, bold)
	var lines []string
	for paragraph := range strings.SplitSeq(s, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			joined := word
			if line != "" {
				joined = line + " " + word
			}
			if face.Width(joined) <= limit {
				line = joined
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			line = ""
			for _, r := range word {
				if line != "" && face.Width(line+string(r)) > limit {
					lines = append(lines, line)
					line = ""
				}
				line += string(r)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func textHeight(lines []string, size vg.Length) vg.Length {
	return vg.Length(len(lines)) * size * linePitch
}

// drawLine sets one line with its baseline at pt.
func (p *page) drawLine(pt vg.Point, s string, st textStyle) {
	face := p.face(st.size, st.bold)
	shift := -st.align * face.Width(s)
	p.SetColor(st.color)
	if !st.upward {
		p.FillString(face, vg.Point{X: pt.X + shift, Y: pt.Y}, s)
		return
	}
	p.Push()
	p.Translate(pt)
	p.Rotate(quarterTurn)
	p.FillString(face, vg.Point{X: shift}, s)
	p.Pop()
}

// drawLines sets lines below one another, the top of the first at pt; turned text runs to the right of pt.
func (p *page) drawLines(pt vg.Point, lines []string, st textStyle) {
	for i, line := range lines {
		down := st.size * (ascent + linePitch*vg.Length(i))
		if st.upward {
			p.drawLine(vg.Point{X: pt.X + down, Y: pt.Y}, line, st)
		} else {
			p.drawLine(vg.Point{X: pt.X, Y: pt.Y - down}, line, st)
		}
	}
}
