package trace

import (
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// cells makes the classes of a grid into cells, in no more than limit of them: first by the
// shortest periods with which the grid repeats itself, which loses nothing; then, where a divisor
// is left, by adding up neighbours.
func (r *Run) cells(g *runtime.Grid, cycles int64, limit int) []Cell {
	w, h := r.Place.Width, r.Place.Height
	f := folded{g: g, px: min(g.PeriodX, w), py: min(g.PeriodY, h)}
	f.px = shortest(f.px, f.repeatsX)
	f.py = shortest(f.py, f.repeatsY)
	bx, by := 1, 1
	for f.px/bx*(f.py/by) > max(1, limit) {
		// The longer side first: rows of a sequence differ smoothly, and so do columns.
		dx, dy := divisor(f.px/bx), divisor(f.py/by)
		if w%f.px != 0 { // a cut period would cut a block
			dx = 1
		}
		if h%f.py != 0 {
			dy = 1
		}
		switch {
		case dx == 1 && dy == 1:
			limit = f.px / bx * (f.py / by)
		case dy > 1 && (dx == 1 || f.py/by >= f.px/bx):
			by *= dy
		default:
			bx *= dx
		}
	}
	var cells []Cell
	for y := 0; y < f.py; y += by {
		for x := 0; x < f.px; x += bx {
			c := Cell{
				X: Span{x, f.px, bx, (w - x + f.px - 1) / f.px}, Y: Span{y, f.py, by, (h - y + f.py - 1) / f.py},
				States: f.sum(x, y, bx, by), Skew: g.Skew, Wavelets: NotCounted,
			}
			if g.Wavelets != nil {
				c.Wavelets = 0
				for dy := range by {
					for dx := range bx {
						c.Wavelets += g.Wavelets[(y+dy)*g.PeriodX+x+dx]
					}
				}
			}
			cells = append(cells, c)
		}
	}
	return append(cells, r.unused(cycles)...)
}

// folded is a grid with shorter periods.
type folded struct {
	g      *runtime.Grid
	px, py int
}

func (f *folded) sum(x, y, bx, by int) (s pe.StateCycles) {
	for dy := range by {
		for dx := range bx {
			s.Add(f.g.Cells[(y+dy)*f.g.PeriodX+x+dx], 1)
		}
	}
	return s
}

func (f *folded) same(x0, y0, x1, y1 int) bool {
	a, b := y0*f.g.PeriodX+x0, y1*f.g.PeriodX+x1
	return f.g.Cells[a] == f.g.Cells[b] && (f.g.Wavelets == nil || f.g.Wavelets[a] == f.g.Wavelets[b])
}

func (f *folded) repeatsX(p int) bool {
	for y := range f.py {
		for x := p; x < f.px; x++ {
			if !f.same(x, y, x-p, y) {
				return false
			}
		}
	}
	return true
}

func (f *folded) repeatsY(p int) bool {
	for y := p; y < f.py; y++ {
		for x := range f.px {
			if !f.same(x, y, x, y-p) {
				return false
			}
		}
	}
	return true
}

// shortest is the smallest divisor of n with which it repeats.
func shortest(n int, repeats func(p int) bool) int {
	for p := 1; p < n; p++ {
		if n%p == 0 && repeats(p) {
			return p
		}
	}
	return n
}

// divisor is the smallest prime factor of n, 1 for 1.
func divisor(n int) int {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return d
		}
	}
	return n
}
