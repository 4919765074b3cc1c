// Package plots draws an experiment's results: plain data in, the bytes of a PNG or SVG out.
//
// LineChart, StackedBars and HeatMap are the three kinds of figure; Speedup and LostCycles build
// named figures from a saved sims.Table, so a figure can be redrawn without simulating again.
// Nothing here writes a file, and the same input gives the same bytes.
package plots

import (
	"fmt"
	"math"
	"unicode"
	"unicode/utf8"
)

// Format is the encoding of a rendered figure.
type Format string

const (
	PNG Format = "png" // 192 dots per inch: twice the density of a plain screen
	SVG Format = "svg" // text stays text, in Liberation Sans or the viewer's metric-compatible face
)

// heading is the text around a figure's data.
type heading struct{ title, subtitle, xLabel, yLabel string }

// largest bounds every coordinate, so that sums and differences of coordinates stay finite.
const largest = 1e300

// checkCoordinate accepts what an axis can place. NaN is the caller's business.
func checkCoordinate(v float64, log bool) error {
	switch {
	case math.Abs(v) > largest:
		return fmt.Errorf("%v is too large to draw (limit ±%g)", v, largest)
	case log && v < 1/largest:
		return fmt.Errorf("%v on a logarithmic axis, which needs values above 0", v)
	}
	return nil
}

// checkText rejects what neither an SVG document nor a font can show.
func checkText(texts ...string) error {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return fmt.Errorf("text %q is not valid UTF-8", s)
		}
		for _, r := range s {
			if r != '\n' && !unicode.IsGraphic(r) {
				return fmt.Errorf("text %q holds the unprintable character %U", s, r)
			}
		}
	}
	return nil
}
