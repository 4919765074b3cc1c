package plots

import (
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
)

// A value stands in the taller part of its segment that no line crosses.
func TestClearOfLines(t *testing.T) {
	fr := frame{y: axis{lo: 0, hi: 100}, data: rect(0, 0, 100, 100)}
	at := func(values ...float64) (lines []BarLine) {
		for _, v := range values {
			lines = append(lines, BarLine{"line", []float64{v}})
		}
		return lines
	}
	for _, c := range []struct {
		lines    []BarLine
		from, to vg.Length
	}{
		{nil, 20, 60},
		{at(math.NaN(), 10, 80), 20, 60},
		{at(30), 32, 60},
		{at(50), 20, 48},
		{at(61), 20, 59},
		{at(19), 21, 60},
		{at(55, 25), 27, 53},
		{at(38, 41), 43, 60},
	} {
		from, to := clearOfLines(c.lines, 0, fr, 20, 60)
		if math.Abs(float64(from-c.from)) > 1e-9 || math.Abs(float64(to-c.to)) > 1e-9 {
			t.Errorf("lines %v leave %v to %v, want %v to %v", c.lines, from, to, c.from, c.to)
		}
	}
}
