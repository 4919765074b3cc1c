package kernels

import "cs2sim.dev/runtime"

// Spread is a measurement over PEs.
type Spread struct {
	Min, Max int64
	Average  float64

	total int64
}

// add is the i-th measurement, in order.
func (s *Spread) add(c int64, i int) {
	if i == 0 || c < s.Min {
		s.Min = c
	}
	s.Max = max(s.Max, c)
	s.total += c
	s.Average = float64(s.total) / float64(i+1)
}

// spread is the time from stamp "start" to stamp "end" over all PEs that took both, less what
// a timestamp itself takes, which stamps "idle" and "start" in a row tell.
func spread(r *runtime.LayoutReport) (s Spread) {
	n := 0
	for y := range r.Layout.Height {
		for x := range r.Layout.Width {
			idle, some := r.Stamp(x, y, "idle")
			start, more := r.Stamp(x, y, "start")
			end, all := r.Stamp(x, y, "end")
			if !some || !more || !all {
				continue
			}
			c := int64((end - start) - (start - idle))
			s.add(c, n)
			n++
		}
	}
	return s
}
