package kernels

import "cs2sim.dev/runtime"

// Spread is a measurement over PEs.
type Spread struct {
	Min, Max int64
	Average  float64
}

// add is the i-th of n measurements, in order.
func (s *Spread) add(c int64, i, n int) {
	if i == 0 || c < s.Min {
		s.Min = c
	}
	s.Max = max(s.Max, c)
	s.Average += float64(c) / float64(n)
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
			if n == 0 || c < s.Min {
				s.Min = c
			}
			s.Max = max(s.Max, c)
			s.Average += float64(c)
			n++
		}
	}
	if n > 0 {
		s.Average /= float64(n)
	}
	return s
}
