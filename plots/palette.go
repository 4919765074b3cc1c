package plots

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/palette/moreland"
)

var (
	inkColor     = color.NRGBA{0x22, 0x22, 0x22, 0xFF}
	softInkColor = color.NRGBA{0x55, 0x55, 0x55, 0xFF}
	mutedColor   = color.NRGBA{0x80, 0x80, 0x80, 0xFF}
	gridColor    = color.NRGBA{0xE4, 0xE4, 0xE4, 0xFF}
	unusedColor  = color.NRGBA{0xC8, 0xC8, 0xC8, 0xFF}
	paperColor   = color.NRGBA{0xFF, 0xFF, 0xFF, 0xFF}
)

// The colour-blind-safe set of Okabe and Ito, "Color Universal Design" (2008), jfly.uni-koeln.de/color.
var (
	okabeBlue      = color.NRGBA{0x00, 0x72, 0xB2, 0xFF}
	okabeVermilion = color.NRGBA{0xD5, 0x5E, 0x00, 0xFF}
	okabeGreen     = color.NRGBA{0x00, 0x9E, 0x73, 0xFF}
	okabePurple    = color.NRGBA{0xCC, 0x79, 0xA7, 0xFF}
	okabeOrange    = color.NRGBA{0xE6, 0x9F, 0x00, 0xFF}
	okabeSky       = color.NRGBA{0x56, 0xB4, 0xE9, 0xFF}
	okabeYellow    = color.NRGBA{0xF0, 0xE4, 0x42, 0xFF}
	okabeBlack     = color.NRGBA{0x00, 0x00, 0x00, 0xFF}
)

// lineColor is the i-th colour for lines. Yellow is left out: it is too pale for a line on white.
func lineColor(i int) color.NRGBA {
	set := [...]color.NRGBA{okabeBlue, okabeVermilion, okabeGreen, okabePurple, okabeOrange, okabeSky, okabeBlack}
	return set[i%len(set)]
}

// fillColors are ordered so that neighbours in a stack differ in lightness too.
func fillColors() []color.NRGBA {
	return []color.NRGBA{okabeBlue, okabeSky, okabeGreen, okabeYellow, okabeOrange, okabeVermilion, okabePurple, mutedColor}
}

// inkOn is the text colour that reads best on a fill.
func inkOn(c color.NRGBA) color.NRGBA {
	if 299*int(c.R)+587*int(c.G)+114*int(c.B) > 128*1000 { // Rec. 601 luma
		return inkColor
	}
	return paperColor
}

const (
	heatLevels  = 255        // colours of a heat map
	unusedIndex = heatLevels // the palette entry after them: no value
)

// heatPalette is viridis (van der Walt and Smith, matplotlib 2.0, CC0) through ten of its 256 entries,
// joined in CIELAB with lightness linear in the value, and last the grey of unused cells.
func heatPalette() (color.Palette, error) {
	viridis := []color.Color{
		color.NRGBA{0x44, 0x01, 0x54, 0xFF}, color.NRGBA{0x48, 0x28, 0x78, 0xFF},
		color.NRGBA{0x3E, 0x4A, 0x89, 0xFF}, color.NRGBA{0x31, 0x68, 0x8E, 0xFF},
		color.NRGBA{0x26, 0x82, 0x8E, 0xFF}, color.NRGBA{0x1F, 0x9E, 0x89, 0xFF},
		color.NRGBA{0x35, 0xB7, 0x79, 0xFF}, color.NRGBA{0x6D, 0xCD, 0x59, 0xFF},
		color.NRGBA{0xB4, 0xDE, 0x2C, 0xFF}, color.NRGBA{0xFD, 0xE7, 0x25, 0xFF},
	}
	m, err := moreland.NewLuminance(viridis)
	if err != nil {
		return nil, fmt.Errorf("heat map palette: %w", err)
	}
	m.SetMin(0)
	m.SetMax(1)
	colors := make(color.Palette, 0, heatLevels+1)
	for _, c := range m.Palette(heatLevels).Colors() {
		colors = append(colors, color.NRGBAModel.Convert(c))
	}
	return append(colors, unusedColor), nil
}
