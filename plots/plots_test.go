package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func smallLines() LineChart {
	return LineChart{
		Title: "Small <chart> & escapes", Subtitle: "two series, one with a gap", XLabel: "Wafers", YLabel: "Sequences per second",
		Series: []Series{
			{Name: "linear", X: []float64{1, 2, 4, 8}, Y: []float64{10, 20, 40, 80}, Style: LineStyle{Stroke: Dashed, Muted: true}},
			{Name: "measured", X: []float64{1, 2, 3, 4, 8}, Y: []float64{10, 19, math.NaN(), 36, 66}, Style: LineStyle{Marker: true}},
		},
		XTicks: []Tick{{1, "1"}, {2, "2"}, {4, "4"}, {8, "8"}},
	}
}

func smallBars() StackedBars {
	b := StackedBars{Title: "Small bars", XLabel: "Case", YLabel: "Cycles", Categories: []string{"a", "b", "c"}}
	for i, name := range []string{"one", "two", "three", "four", "five", "six", "seven", "eight", "nine, hatched"} {
		b.Layers = append(b.Layers, Layer{name, []float64{float64(i), 5, 0}})
	}
	return b
}

func smallMap() HeatMap {
	return HeatMap{
		Title: "Small map", XLabel: "x", YLabel: "y", ValueLabel: "value", Width: 5, Height: 3, Max: 1,
		At: func(x, y int) float64 {
			switch {
			case x == 0 && y == 0:
				return 1
			case x == 4 && y == 2:
				return math.NaN()
			}
			return 0
		},
	}
}

func TestSameInputSameBytes(t *testing.T) {
	for name, render := range map[string]func(Format) ([]byte, error){
		"lines": smallLines().Render, "bars": smallBars().Render, "map": smallMap().Render,
	} {
		for _, f := range []Format{PNG, SVG} {
			t.Run(name+"."+string(f), func(t *testing.T) {
				results := make(chan []byte)
				for range 4 {
					go func() {
						b, err := render(f)
						if err != nil {
							t.Error(err)
						}
						results <- b
					}()
				}
				first := <-results
				for range 3 {
					if !bytes.Equal(first, <-results) {
						t.Error("two renderings differ")
					}
				}
				if f == SVG {
					checkXML(t, first)
				} else if _, err := png.Decode(bytes.NewReader(first)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func checkXML(t *testing.T, doc []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestGolden(t *testing.T) {
	for name, render := range map[string]func(Format) ([]byte, error){
		"lines.svg": smallLines().Render, "bars.svg": smallBars().Render,
	} {
		got, err := render(SVG)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from the golden file; if that is meant, run go test ./plots -update and look at it", name)
		}
	}
}

func TestHeatMapNorthIsUp(t *testing.T) {
	m := smallMap()
	b, err := m.Render(PNG)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	colors, err := heatPalette()
	if err != nil {
		t.Fatal(err)
	}
	is := func(x, y, index int) bool {
		r, g, b, _ := colors[index].RGBA()
		pr, pg, pb, _ := img.At(x, y).RGBA()
		return pr == r && pg == g && pb == b
	}
	// No text is yellow: row by row, the first pixel of the marked cell's colour is its top left corner.
	const marked = heatLevels - 1
	left, top := -1, -1
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if left < 0 && is(x, y, marked) {
				left, top = x, y
			}
		}
	}
	cellX, cellY := cellDots(m.Width, m.Height)
	for y := range m.Height {
		for x := range m.Width {
			want := 0
			switch {
			case x == 0 && y == 0:
				want = marked
			case x == 4 && y == 2:
				want = unusedIndex
			}
			x0, y0 := left+x*cellX, top+y*cellY
			for _, corner := range [][2]int{{x0, y0}, {x0 + cellX - 1, y0}, {x0, y0 + cellY - 1}, {x0 + cellX - 1, y0 + cellY - 1}} {
				if !is(corner[0], corner[1], want) {
					t.Errorf("cell %d,%d: dot %v is %v, want palette entry %d", x, y, corner, img.At(corner[0], corner[1]), want)
				}
			}
		}
	}
	if is(left-1, top, marked) || is(left, top-1, marked) {
		t.Error("the marked cell is not at the map's corner")
	}
}

func TestHeatMapScale(t *testing.T) {
	m := heatCells{lo: 0, hi: 10}
	for v, want := range map[float64]uint8{-1: 0, 0: 0, 5: heatLevels / 2, 9.999: heatLevels - 1, 10: heatLevels - 1, 1e299: heatLevels - 1} {
		if got := m.index(v); got != want {
			t.Errorf("value %v has colour %d, want %d", v, got, want)
		}
	}
	for _, side := range [][2]int{{1, 1}, {750, 994}, {755, 1170}, {512, 1}, {1, 4096}, {4096, 4096}} {
		if x, y := cellDots(side[0], side[1]); x < 1 || y < 1 || x*side[0] < heatDotsMin || y*side[1] < heatDotsMin {
			t.Errorf("a cell of %d x %d cells is %d x %d dots", side[0], side[1], x, y)
		}
	}
}

func TestWrongDataIsAnError(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	lines := func(change func(*LineChart)) func(Format) ([]byte, error) {
		c := smallLines()
		change(&c)
		return c.Render
	}
	one := func(x, y float64) func(*LineChart) {
		return func(c *LineChart) { c.XTicks, c.Series = nil, []Series{{Name: "s", X: []float64{x}, Y: []float64{y}}} }
	}
	bars := func(change func(*StackedBars)) func(Format) ([]byte, error) {
		b := smallBars()
		change(&b)
		return b.Render
	}
	heat := func(change func(*HeatMap)) func(Format) ([]byte, error) {
		h := smallMap()
		change(&h)
		return h.Render
	}
	constant := func(v float64) func(int, int) float64 { return func(int, int) float64 { return v } }
	for want, render := range map[string]func(Format) ([]byte, error){
		"no series":                    LineChart{}.Render,
		"no points":                    lines(one(1, nan)),
		"2 x values for 1 y values":    lines(func(c *LineChart) { c.Series = []Series{{X: []float64{1, 2}, Y: []float64{1}}} }),
		"x of point 0: +Inf is too":    lines(one(inf, 1)),
		"y of point 0: 2e+300 is too":  lines(one(1, 2e300)),
		"y of point 0: 0 on a log":     lines(func(c *LineChart) { one(1, 0)(c); c.LogY = true }),
		"x of point 0: -1 on a log":    lines(func(c *LineChart) { one(-1, 1)(c); c.LogX = true }),
		`unknown stroke "wavy"`:        lines(func(c *LineChart) { c.Series[0].Style.Stroke = "wavy" }),
		`tick "t" has no value`:        lines(func(c *LineChart) { c.XTicks = []Tick{{nan, "t"}} }),
		`tick "t": 0 on a log`:         lines(func(c *LineChart) { c.LogX, c.XTicks = true, []Tick{{0, "t"}} }),
		"unprintable character U+001B": lines(func(c *LineChart) { c.Title = "\x1b[1m" }),
		"not valid UTF-8":              lines(func(c *LineChart) { c.Series[0].Name = "\xff" }),

		"no categories":              StackedBars{}.Render,
		"no layers":                  bars(func(b *StackedBars) { b.Layers = nil }),
		"17 layers":                  bars(func(b *StackedBars) { b.Layers = make([]Layer, 17) }),
		"1 values for 3":             bars(func(b *StackedBars) { b.Layers[0].Values = []float64{1} }),
		`category "b": -1 cannot be`: bars(func(b *StackedBars) { b.Layers[0].Values = []float64{1, -1, 1} }),
		`category "c": NaN cannot`:   bars(func(b *StackedBars) { b.Layers[0].Values = []float64{1, 1, nan} }),
		`category "a": +Inf is too`:  bars(func(b *StackedBars) { b.Layers[0].Values = []float64{inf, 1, 1} }),

		"-1 x 3 cells":              heat(func(h *HeatMap) { h.Width = -1 }),
		"5 x 4097 cells":            heat(func(h *HeatMap) { h.Height = 4097 }),
		"At is nil":                 heat(func(h *HeatMap) { h.At = nil }),
		"no cell has a value":       heat(func(h *HeatMap) { h.At = constant(nan) }),
		"cell x 0, y 0: +Inf":       heat(func(h *HeatMap) { h.At = constant(inf) }),
		"scale runs from 2 to 1":    heat(func(h *HeatMap) { h.Min = 2 }),
		"scale runs from NaN to 1":  heat(func(h *HeatMap) { h.Min = nan }),
		"-Inf is too large to draw": heat(func(h *HeatMap) { h.Min = -inf }),
	} {
		if _, err := render(SVG); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for _, render := range []func(Format) ([]byte, error){smallLines().Render, smallBars().Render, smallMap().Render} {
		if _, err := render("gif"); err == nil || !strings.Contains(err.Error(), `format "gif"`) {
			t.Errorf("format gif: error %v", err)
		}
	}
}

// Extreme but legal data must draw, not panic or loop.
func TestExtremesDraw(t *testing.T) {
	for _, y := range [][]float64{{0}, {5, 5}, {-1e300, 1e300}, {1e16, 1e16 + 2}, {0, 1e-310}, {-3, -1}, {1e-5, 2e-5}} {
		x := make([]float64, len(y))
		for i := range x {
			x[i] = float64(i)
		}
		if _, err := (LineChart{Series: []Series{{X: x, Y: y}}}).Render(SVG); err != nil {
			t.Errorf("%v: %v", y, err)
		}
	}
	for _, y := range [][]float64{{1}, {1e-299, 1e299}, {1, 1.001}, {0.2, 0.5}, {7, 7000}} {
		c := LineChart{Series: []Series{{X: y, Y: y}}, LogX: true, LogY: true}
		if _, err := c.Render(SVG); err != nil {
			t.Errorf("logarithmic %v: %v", y, err)
		}
	}
	long := strings.Repeat("A title that does not end ", 40) + strings.Repeat("unbreakable", 40)
	c := smallLines()
	c.Title, c.YLabel, c.Series[0].Name = long, long, long
	if _, err := c.Render(SVG); err != nil {
		t.Error(err)
	}
	if _, err := (StackedBars{Categories: []string{"none"}, Layers: []Layer{{"zero", []float64{0}}}}).Render(SVG); err != nil {
		t.Error(err)
	}
	if _, err := (HeatMap{Width: 1, Height: 1, At: func(int, int) float64 { return 7 }}).Render(PNG); err != nil {
		t.Error(err)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		log    bool
		want   string
	}{
		{0, 10, false, "0 2 4 6 8 10"},
		{0, 100.00000001, false, "0 20 40 60 80 100"},
		{-0.3, 0.25, false, "−0.3 −0.2 −0.1 0 0.1 0.2 0.3"},
		{0, 45000, false, "0 10,000 20,000 30,000 40,000 50,000"},
		{0, 1.4e7, false, "0 2e6 4e6 6e6 8e6 1e7 1.2e7 1.4e7"},
		{1, 20000, true, "1 10 100 1000 10,000 100,000"},
		{3, 60, true, "2 5 10 20 50 100"},
		{-4e-5, 0, false, "−4e−5 −3.5e−5 −3e−5 −2.5e−5 −2e−5 −1.5e−5 −1e−5 −5e−6 0"},
		{1e4, 1e8, true, "1e4 1e5 1e6 1e7 1e8"},
	} {
		var labels []string
		for _, tick := range roundAxis(c.lo, c.hi, c.log).ticks {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%v to %v: ticks %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
}

func TestLegendAvoidsCurves(t *testing.T) {
	data := rect(0, 0, 400, 300)
	l := legend{entries: make([]entry, 1), width: 100, height: 50}
	at := func(x, y vg.Length) vg.Point { return vg.Point{X: x, Y: y} }
	rising, falling := segment{at(0, 0), at(400, 300)}, segment{at(0, 300), at(400, 0)}
	level := segment{at(0, 280), at(400, 280)}
	for _, c := range []struct {
		name    string
		strokes []segment
		want    vg.Point
		free    bool
	}{
		{"rising", []segment{rising}, at(8, 292), true},
		{"falling", []segment{falling}, at(292, 292), true},
		{"level and falling", []segment{level, falling}, at(8, 58), true},
		{"all corners", []segment{rising, falling}, vg.Point{}, false},
		{"a point", []segment{{at(50, 270), at(50, 270)}}, at(292, 292), true},
	} {
		if got, free := l.freeCorner(data, c.strokes); got != c.want || free != c.free {
			t.Errorf("%s: legend at %v, free %v; want %v, %v", c.name, got, free, c.want, c.free)
		}
	}
}

func TestLabelsStandApart(t *testing.T) {
	for _, c := range []struct {
		name string
		at   []vg.Length // label centres, each 20 wide
		want []int
	}{
		{"none", nil, []int{}},
		{"room for all", []vg.Length{0, 30, 60}, []int{0, 1, 2}},
		{"every second", []vg.Length{0, 15, 30, 45, 60}, []int{0, 2, 4}},
		{"crowded on the left", []vg.Length{0, 3, 6, 40, 100}, []int{0, 3, 4}},
		{"last before second last", []vg.Length{0, 50, 90, 100}, []int{0, 1, 3}},
	} {
		var spans []span
		for _, x := range c.at {
			spans = append(spans, span{x - 10, x + 10})
		}
		got := apart(spans)
		if len(got) != len(c.want) {
			t.Errorf("%s: labels %v, want %v", c.name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: labels %v, want %v", c.name, got, c.want)
			}
		}
	}
}

func BenchmarkWafer(b *testing.B) {
	m := wafer()
	for _, f := range []Format{PNG, SVG} {
		b.Run(string(f), func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Render(f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
