package trace

import (
	"fmt"
	"math"
	"strings"
)

// shades go from the lowest to the highest value; a blank is a PE not in use.
const shades = ".:-=+*#%@"

// ASCII draws a map of the used rectangle's values, row by row, into a picture of the whole
// rectangle at most columns wide, a character for the mean of the PEs it covers. A character is about
// twice as high as wide, and covers PEs accordingly.
func (r *Run) ASCII(values []float64, columns int) string {
	m, w, h := r.Machine, r.Place.Width, r.Place.Height
	cols := min(max(1, columns), m.Width)
	rows := max(1, min(m.Height, m.Height*cols/m.Width/2))
	lo, hi := math.Inf(1), math.Inf(-1)
	means := make([]float64, cols*rows)
	for j := range rows {
		for i := range cols {
			sum, n := 0.0, 0
			for y := m.Height * j / rows; y < min(h, m.Height*(j+1)/rows); y++ {
				for x := m.Width * i / cols; x < min(w, m.Width*(i+1)/cols); x++ {
					sum += values[y*w+x]
					n++
				}
			}
			v := math.NaN()
			if n > 0 {
				v = sum / float64(n)
				lo, hi = min(lo, v), max(hi, v)
			}
			means[j*cols+i] = v
		}
	}
	var b strings.Builder
	edge := "+" + strings.Repeat("-", cols) + "+\n"
	b.WriteString(edge)
	for j := range rows {
		b.WriteByte('|')
		for _, v := range means[j*cols : (j+1)*cols] {
			switch {
			case math.IsNaN(v):
				b.WriteByte(' ')
			case hi > lo:
				b.WriteByte(shades[min(len(shades)-1, int((v-lo)/(hi-lo)*float64(len(shades))))])
			default:
				b.WriteByte(shades[len(shades)/2])
			}
		}
		b.WriteString("|\n")
	}
	b.WriteString(edge)
	if lo <= hi {
		fmt.Fprintf(&b, "'%c' %.4g to '%c' %.4g; a character is about %d x %d PEs, blank: not in use\n",
			shades[0], lo, shades[len(shades)-1], hi, (m.Width+cols-1)/cols, (m.Height+rows-1)/rows)
	}
	return b.String()
}
