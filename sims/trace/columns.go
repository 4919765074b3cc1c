package trace

import (
	"slices"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Columns adds up the cycles by state of the used PEs of every used column, west to east, over
// the phases from first to last.
func (r *Run) Columns(first, last int) []pe.StateCycles {
	times := make([]int64, len(r.Kinds))
	for _, p := range r.Phases[first : last+1] {
		times[p.Kind]++
	}
	out := make([]pe.StateCycles, r.Place.Width)
	for k := range r.Kinds {
		if times[k] == 0 {
			continue
		}
		for i := range r.Kinds[k].Cells {
			c := &r.Kinds[k].Cells[i]
			if c.Y.From >= r.Place.Height {
				continue
			}
			n, far := c.Y.within(0, r.Place.Height)
			var share pe.StateCycles // of one column of the cell
			for st, v := range c.States {
				share[st] = v * int64(c.Y.Count) / int64(c.X.Block)
			}
			share.Add(c.Late.times(far), 1)
			if n > 0 {
				c.X.Each(func(x int) {
					if x < len(out) {
						out[x].Add(share, times[k])
					}
				})
			}
		}
	}
	return out
}

// Load is how busy the used columns are, relative to each other.
type Load struct {
	Busy           []int64 // cycles of a column's used PEs, by column
	Mean           float64
	Most, Least    int     // columns
	Imbalance      float64 // busiest over mean
	LostCyclesEach float64 // what the mean PE waits for the busiest column
}

// Load of the phases from first to last; all zero without a PE in use.
func (r *Run) Load(first, last int) (l Load) {
	for _, s := range r.Columns(first, last) {
		l.Busy = append(l.Busy, Busy(s))
	}
	if len(l.Busy) == 0 {
		return l
	}
	for x, b := range l.Busy {
		l.Mean += float64(b) / float64(len(l.Busy))
		if b > l.Busy[l.Most] {
			l.Most = x
		}
		if b < l.Busy[l.Least] {
			l.Least = x
		}
	}
	if l.Mean > 0 {
		l.Imbalance = float64(l.Busy[l.Most]) / l.Mean
		l.LostCyclesEach = (float64(l.Busy[l.Most]) - l.Mean) / float64(r.Place.Height)
	}
	return l
}

// Notable are PEs worth a track: one of the busiest column, one of the least busy, and the last
// row's, which weights reach last.
func (r *Run) Notable() []fabric.Coord {
	if len(r.Phases) == 0 || r.Place.Width == 0 || r.Place.Height == 0 {
		return []fabric.Coord{}
	}
	l := r.Load(0, len(r.Phases)-1)
	pes := []fabric.Coord{{X: l.Most}, {X: l.Least}, {X: l.Most, Y: r.Place.Height - 1}}
	var out []fabric.Coord
	for _, p := range pes {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
