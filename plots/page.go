package plots

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	dotsPerInch = 192
	dot         = vg.Inch / dotsPerInch // one pixel of a PNG

	pageWidth   vg.Length = 720 // points: 960 CSS pixels
	pageHeight  vg.Length = 450 // points: 600 CSS pixels
	margin      vg.Length = 14
	quarterTurn           = math.Pi / 2
)

// page is one figure being drawn: coordinates in points, the origin at the bottom left.
type page struct {
	vg.Canvas
	typesetter
	width, height vg.Length
	png           *vgimg.Canvas // exactly one of
	svg           *vgsvg.Canvas // the two is set
}

func newPage(t typesetter, f Format, width, height vg.Length) (*page, error) {
	p := &page{typesetter: t, width: width, height: height}
	switch f {
	case PNG:
		p.png = vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dotsPerInch))
		p.Canvas = p.png
	case SVG:
		p.svg = vgsvg.NewWith(vgsvg.UseWH(width, height))
		p.Canvas = p.svg
	default:
		return nil, fmt.Errorf("format %q: want %q or %q", f, PNG, SVG)
	}
	p.fillRect(rect(0, 0, width, height), paperColor)
	return p, nil
}

// bytes encodes the page. Neither format holds a time or anything else that varies.
func (p *page) bytes() ([]byte, error) {
	var out bytes.Buffer
	if p.png != nil {
		if err := png.Encode(&out, p.png.Image()); err != nil {
			return nil, fmt.Errorf("encoding PNG: %w", err)
		}
		return out.Bytes(), nil
	}
	if _, err := p.svg.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("encoding SVG: %w", err)
	}
	// vgsvg names one font family with no fallback, and calls its PNG images JPEG. Both patterns hold
	// a double quote, which is escaped in text, so no label can contain them.
	fix := strings.NewReplacer(
		`style="font-family:Liberation Sans;`, `style="font-family:Liberation Sans,Arial,Helvetica,sans-serif;`,
		`xlink:href="data:image/jpg;`, `preserveAspectRatio="none" style="image-rendering:pixelated" xlink:href="data:image/png;`,
	)
	return []byte(fix.Replace(out.String())), nil
}

func rect(x0, y0, x1, y1 vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}
}

func polygon(pts ...vg.Point) vg.Path {
	path := make(vg.Path, 0, len(pts)+1)
	for i, pt := range pts {
		if i == 0 {
			path.Move(pt)
		} else {
			path.Line(pt)
		}
	}
	path.Close()
	return path
}

func rectPath(r vg.Rectangle) vg.Path {
	return polygon(r.Min, vg.Point{X: r.Max.X, Y: r.Min.Y}, r.Max, vg.Point{X: r.Min.X, Y: r.Max.Y})
}

func (p *page) fillRect(r vg.Rectangle, c color.Color) {
	p.SetColor(c)
	p.Fill(rectPath(r))
}

// pen is how a line is drawn; no dashes means solid.
type pen struct {
	color  color.Color
	width  vg.Length
	dashes []vg.Length
}

func (p *page) stroke(path vg.Path, n pen) {
	p.SetColor(n.color)
	p.SetLineWidth(n.width)
	p.SetLineDash(n.dashes, 0)
	p.Stroke(path)
}

func (p *page) line(a, b vg.Point, n pen) {
	var path vg.Path
	path.Move(a)
	path.Line(b)
	p.stroke(path, n)
}

// raster draws img with its bottom left corner at min, every image pixel cellX x cellY dots large and,
// in a PNG, exactly so: min is rounded to a dot and nothing is resampled.
func (p *page) raster(min vg.Point, img *image.Paletted, cellX, cellY int) {
	cols, rows := img.Rect.Dx(), img.Rect.Dy()
	if p.svg != nil {
		w, h := vg.Length(cols*cellX)*dot, vg.Length(rows*cellY)*dot
		p.svg.DrawImage(rect(min.X, min.Y, min.X+w, min.Y+h), img)
		return
	}
	large := image.NewPaletted(image.Rect(0, 0, cols*cellX, rows*cellY), img.Palette)
	for y := range large.Rect.Dy() {
		from := img.Pix[y/cellY*img.Stride:]
		to := large.Pix[y*large.Stride:][:large.Stride]
		for x := range to {
			to[x] = from[x/cellX]
		}
	}
	dst := p.png.Image()
	left := int(math.Round(float64(min.X / dot)))
	bottom := dst.Bounds().Max.Y - int(math.Round(float64(min.Y/dot)))
	at := image.Rect(left, bottom-large.Rect.Dy(), left+large.Rect.Dx(), bottom)
	draw.Draw(dst, at, large, image.Point{}, draw.Src)
}
