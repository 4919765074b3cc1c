package trace

import (
	"slices"

	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// kind makes the classes of a grid into cells, in no more than limit of them: first by the
// shortest periods with which the grid repeats itself, which loses nothing; then, where a divisor
// is left, by adding up neighbours.
func (r *Run) kind(g *runtime.Grid, cycles int64, limit int) Kind {
	w, h := r.Place.Width, r.Place.Height
	if g.Shift != nil || g.ShiftLast != nil || len(g.Wavelets) > g.Stride()*g.PeriodY {
		k := Kind{Cycles: cycles, Cells: shifted(g, w, h)}
		used := len(k.Cells)
		k.Cells = append(k.Cells, r.unused(cycles)...)
		k.cut(g, used, func(of []pe.StateCycles, c *Cell) pe.StateCycles {
			return of[c.Y.From%g.PeriodY*g.Stride()+c.X.From%g.PeriodX]
		})
		return k
	}
	f := folded{g: g, px: min(g.PeriodX, w), py: min(g.PeriodY, h)}
	f.px = shortest(f.px, f.repeatsX)
	f.py = shortest(f.py, f.repeatsY)
	groups := 1 // that do not go on from each other
	if g.Spare > 0 {
		groups, w = w/g.Columns, g.Columns-g.Spare
	}
	bx, by := f.blocks(w, h, limit/groups)
	all := joiner{apart: len(g.Windows) > 0} // windows cut a cell by its first PE
	for y := 0; y < f.py; y += by {
		rows := Span{y, f.py, by, (h - y + f.py - 1) / f.py}
		for group := range groups {
			west := group * g.Columns
			for x := 0; x < f.px; x += bx {
				all.add(f.cell(x, y, bx, Span{west + x, f.px, bx, (w - x + f.px - 1) / f.px}, rows))
			}
			if g.Spare > 0 {
				all.add(f.cell(g.PeriodX, y, 1, whole(west+w, west+g.Columns), rows))
			}
		}
	}
	used := len(all.cells)
	k := Kind{Cycles: cycles, Cells: append(all.cells, r.unused(cycles)...)}
	k.cut(g, used, func(of []pe.StateCycles, c *Cell) pe.StateCycles {
		return f.sum(of, f.column(c), c.Y.From, c.X.Block, by)
	})
	return k
}

// joiner collects cells. Neighbouring columns that did exactly the same are one, a block.
type joiner struct {
	apart bool // they are not
	cells []Cell
	first Cell // of the last block, as it came
}

func (j *joiner) add(c Cell) {
	here := j.first
	here.X.From = c.X.From
	if n := len(j.cells) - 1; !j.apart && n >= 0 && c == here && c.X.From == j.cells[n].X.From+j.cells[n].X.Block {
		block := &j.cells[n]
		block.X.Block += c.X.Block
		block.States.Add(c.States, 1)
		if c.Wavelets != NotCounted {
			block.Wavelets += c.Wavelets
		}
		return
	}
	j.cells, j.first = append(j.cells, c), c
}

// cut takes over a grid's windows for the kind's first cells, whose states counts takes from those of
// all PEs. A cell of a single row has no lateness of its own.
func (k *Kind) cut(g *runtime.Grid, used int, counts func(of []pe.StateCycles, c *Cell) pe.StateCycles) {
	if g.Shift != nil || g.ShiftLast != nil {
		return // rows have no windows in common
	}
	for n := range g.Windows {
		of := &g.Windows[n]
		k.Windows = append(k.Windows, k.window(of.Cycles, used, func(i int) (pe.StateCycles, Late) {
			c := &k.Cells[i]
			late := Late{Weights: of.Skew}
			states := counts(of.Cells, c)
			states.Add(late.times(int64(c.Y.From)), int64(c.X.Block)*int64(c.Y.Block))
			if c.Late == (Late{}) {
				late = Late{}
			}
			return states, late
		}))
	}
}

// cell adds up the grid's cells from x, y on, bx of them and a block of the rows, for the PEs given.
func (f *folded) cell(x, y, bx int, columns, rows Span) Cell {
	g := f.g
	c := Cell{X: columns, Y: rows, States: f.sum(g.Cells, x, y, bx, rows.Block), Late: Late{Weights: g.Skew}, Wavelets: NotCounted}
	c.States.Add(c.Late.times(int64(y)), int64(bx*rows.Block))
	if g.Wavelets != nil {
		c.Wavelets = 0
		for dy := range rows.Block {
			for dx := range bx {
				c.Wavelets += g.Wavelets[(y+dy)*g.Stride()+x+dx]
			}
		}
	}
	return c
}

// column is the grid's of a cell's first one.
func (f *folded) column(c *Cell) int {
	if f.g.Spare == 0 {
		return c.X.From
	}
	return min(c.X.From%f.g.Columns, f.g.PeriodX) // the first spare one stands for all
}

// blocks is how many neighbours to add up so that limit cells are enough.
func (f *folded) blocks(w, h, limit int) (bx, by int) {
	bx, by = 1, 1
	for f.px/bx*(f.py/by) > max(1, limit) {
		dx, dy := divisor(f.px/bx), divisor(f.py/by)
		if w%f.px != 0 { // a cut period would cut a block
			dx = 1
		}
		if h%f.py != 0 {
			dy = 1
		}
		switch {
		case dx == 1 && dy == 1:
			return bx, by
		case dy > 1 && (dx == 1 || f.py/by >= f.px/bx):
			by *= dy
		default:
			bx *= dx
		}
	}
	return bx, by
}

// shifted makes cells of a grid whose rows differ by more than its cells say: one for each
// stretch of rows over which every further row is later by the same and routes as many wavelets.
func shifted(g *runtime.Grid, w, h int) (cells []Cell) {
	columns := min(g.PeriodX, w)
	if h == 0 {
		return nil
	}
	var rows stretches
	var routed columnsRouted
	for x := range columns {
		// What the next row has more is the same in all columns whose cells do not change from row to row, but for the last.
		if x == 0 || g.PeriodY > 1 || g.ShiftLast != nil && x == g.PeriodX-1 {
			rows.of(g, x, h)
		}
		before := len(cells)
		into := routed.column(g, x, h)
		for from := 0; from < h; {
			to, l, n := from+1, Late{}, into[from]
			if last := rows.end[from]; last > to {
				for to < last && into[to] == n {
					to++
				}
				if to > from+1 {
					l = rows.late[from]
				}
			}
			c := Cell{X: Span{x, g.PeriodX, 1, (w - x + g.PeriodX - 1) / g.PeriodX}, Y: whole(from, to), States: g.At(x, from), Late: l, Wavelets: n}
			cells = append(cells, c)
			from = to
		}
		if x == 1 { // the first may differ; the others have as many
			cells = slices.Grow(cells, (columns-2)*(len(cells)-before)+2)
		}
	}
	return cells
}

// columnsRouted is Grid.Routed of neighbouring columns, row by row. Columns lie across the grid's memory: several
// are fetched at a time.
type columnsRouted [8][]int64

func (r *columnsRouted) column(g *runtime.Grid, x, h int) []int64 {
	if i := x % len(r); i > 0 {
		return r[i]
	}
	for i := range r {
		r[i] = slices.Grow(r[i][:0], h)[:h]
	}
	width := min(len(r), g.PeriodX-x)
	if g.Wavelets == nil {
		for i := range width {
			for y := range h {
				r[i][y] = NotCounted
			}
		}
		return r[0]
	}
	for y, from, end := 0, x, len(g.Wavelets); y < h; y++ {
		for i, n := range g.Wavelets[from:][:width] {
			r[i][y] = n
		}
		if from += g.Stride(); from >= end { // the rows repeat
			from = x
		}
	}
	return r[0]
}

// stretches are the rows of a column that are later than the ones before by the same.
type stretches struct {
	end  []int  // per row: the first one that does not go on from it; the next one if that differs by more than lateness
	late []Late // per row: of the next one
}

func (s *stretches) of(g *runtime.Grid, x, h int) {
	if s.end == nil {
		s.end, s.late = make([]int, h), make([]Late, h)
	}
	s.end[h-1] = h
	next := g.At(x, h-1)
	for y := h - 2; y >= 0; y-- {
		now := g.At(x, y)
		more := minus(next, now)
		s.late[y] = Late{more[pe.WaitWeight], more[pe.WaitPsum]}
		switch {
		case more != s.late[y].times(1):
			s.end[y] = y + 1
		case s.end[y+1] > y+2 && s.late[y] == s.late[y+1]:
			s.end[y] = s.end[y+1]
		default:
			s.end[y] = y + 2
		}
		next = now
	}
}

func minus(a, b pe.StateCycles) pe.StateCycles {
	a.Add(b, -1)
	return a
}

// folded is a grid with shorter periods.
type folded struct {
	g      *runtime.Grid
	px, py int
}

func (f *folded) sum(cells []pe.StateCycles, x, y, bx, by int) (s pe.StateCycles) {
	for dy := range by {
		for dx := range bx {
			s.Add(cells[(y+dy)*f.g.Stride()+x+dx], 1)
		}
	}
	return s
}

func (f *folded) same(x0, y0, x1, y1 int) bool {
	a, b := y0*f.g.Stride()+x0, y1*f.g.Stride()+x1
	if f.g.Cells[a] != f.g.Cells[b] || f.g.Wavelets != nil && f.g.Wavelets[a] != f.g.Wavelets[b] {
		return false
	}
	for i := range f.g.Windows {
		if w := &f.g.Windows[i]; w.Cells[a] != w.Cells[b] {
			return false
		}
	}
	return true
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
		if spare := f.g.PeriodX; f.g.Spare > 0 && !f.same(spare, y, spare, y-p) {
			return false
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
