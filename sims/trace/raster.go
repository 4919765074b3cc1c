package trace

import (
	"fmt"

	"cs2sim.dev/pe"
)

// Quantity is what a map of the wafer shows.
type Quantity string

const (
	QuantityBusy     Quantity = "busy"     // share of cycles in which datapath or dispatcher worked
	QuantityWaiting  Quantity = "waiting"  // share of cycles in which a PE with work could not go on
	QuantityWavelets Quantity = "wavelets" // into the PE's router, per cycle
	QuantityEnergy   Quantity = "energy"   // mean power of the core, mW
)

// Quantities lists all of them.
func Quantities() []Quantity {
	return []Quantity{QuantityBusy, QuantityWaiting, QuantityWavelets, QuantityEnergy}
}

// Label says what the numbers are.
func (q Quantity) Label() string {
	switch q {
	case QuantityBusy:
		return "Busy share of cycles"
	case QuantityWaiting:
		return "Waiting share of cycles"
	case QuantityWavelets:
		return "Wavelets into the router per cycle"
	}
	return "Mean power of a core (mW)"
}

// Map is a quantity of every used PE over the phases from first to last, row by row of the used
// rectangle.
func (r *Run) Map(first, last int, q Quantity) ([]float64, error) {
	if err := r.checkPhases(first, last); err != nil {
		return nil, err
	}
	cycles := 0.0
	for _, p := range r.Phases[first : last+1] {
		cycles += float64(p.Cycles)
	}
	if cycles == 0 {
		return nil, fmt.Errorf("phases %d to %d last no cycle", first, last)
	}
	var sums []int64
	scale := 1 / cycles
	switch q {
	case QuantityBusy:
		sums = r.Raster(first, last, Busy)
	case QuantityWaiting:
		sums = r.Raster(first, last, Waiting)
	case QuantityEnergy:
		sums = r.Raster(first, last, Busy)
		scale *= r.Machine.WattsPerCore * 1e3
	case QuantityWavelets:
		var ok bool
		if sums, ok = r.waveletRaster(first, last); !ok {
			return nil, fmt.Errorf("run %q: not every kernel's wavelets were counted PE by PE", r.Name)
		}
	default:
		return nil, fmt.Errorf("quantity %q, must be one of %q", q, Quantities())
	}
	out := make([]float64, len(sums))
	for i, v := range sums {
		out[i] = float64(v) * scale
	}
	return out, nil
}

func (r *Run) checkPhases(first, last int) error {
	if first < 0 || last >= len(r.Phases) || first > last {
		return fmt.Errorf("phases %d to %d of run %q, which has %d", first, last, r.Name, len(r.Phases))
	}
	return nil
}

// Raster adds up value for every used PE over the phases, row by row of the used rectangle.
func (r *Run) Raster(first, last int, value func(pe.StateCycles) int64) []int64 {
	return r.paint(first, last, func(c *Cell, y int) int64 { return value(c.At(y)) })
}

// waveletRaster is the same of wavelets; false if they are not known.
func (r *Run) waveletRaster(first, last int) ([]int64, bool) {
	if !r.HasWavelets(first, last) {
		return nil, false
	}
	return r.paint(first, last, func(c *Cell, _ int) int64 {
		return max(0, c.Wavelets) / (int64(c.X.Block) * int64(c.Y.Block))
	}), true
}

func (r *Run) paint(first, last int, value func(c *Cell, y int) int64) []int64 {
	times := make([]int64, len(r.Kinds))
	for _, p := range r.Phases[first : last+1] {
		times[p.Kind]++
	}
	w, h := r.Place.Width, r.Place.Height
	out := make([]int64, w*h)
	for k := range r.Kinds {
		if times[k] == 0 {
			continue
		}
		for i := range r.Kinds[k].Cells {
			c := &r.Kinds[k].Cells[i]
			if c.X.From >= w || c.Y.From >= h {
				continue // not in use
			}
			c.Y.Each(func(y int) {
				v := times[k] * value(c, y)
				if v == 0 || y >= h {
					return
				}
				row := out[y*w : (y+1)*w]
				for n := range c.X.Count {
					for x := c.X.From + n*c.X.Step; x < min(w, c.X.From+n*c.X.Step+c.X.Block); x++ {
						row[x] += v
					}
				}
			})
		}
	}
	return out
}

// Bin is a stretch of a run's time, and the cycles by state of all PEs in it. A window that
// lies in several bins is spread evenly over its time.
type Bin struct {
	From, To float64 // cycles
	States   [pe.NumStates]float64
	Edge     float64 // wavelets over the I/O link, both ways
}

// Shares are the parts of all PEs' cycles in which they were busy, waited, and had nothing to do.
func (b *Bin) Shares() (busy, waiting, idle float64) {
	all := 0.0
	for _, s := range pe.States() {
		n := b.States[s]
		all += n
		switch {
		case s.Busy():
			busy += n
		case s == pe.Idle:
			idle += n
		default:
			waiting += n
		}
	}
	return busy / all, waiting / all, idle / all
}

// Bins cuts the time of the phases from first to last into n of equal length; nil if they last no cycle.
func (r *Run) Bins(first, last, n int) []Bin {
	begin, end := r.Phases[first].Start, r.Phases[last].Start+r.Phases[last].Cycles
	if n < 1 || begin == end {
		return nil
	}
	bins := make([]Bin, n)
	width := float64(end-begin) / float64(n)
	for i := range bins {
		bins[i].From, bins[i].To = float64(begin)+float64(i)*width, float64(begin)+float64(i+1)*width
	}
	fine := r.Fine(maxPhases)
	sums := fine.kindSums()
	for _, p := range fine.Phases[fine.First[first]:fine.First[last+1]] {
		if p.Cycles == 0 {
			continue
		}
		from, to := float64(p.Start), float64(p.Start+p.Cycles)
		for i := min(n-1, int((from-float64(begin))/width)); i < n && bins[i].From < to; i++ {
			share := max(0, min(to, bins[i].To)-max(from, bins[i].From)) / float64(p.Cycles)
			for s, v := range sums[p.Kind] {
				bins[i].States[s] += share * float64(v)
			}
			bins[i].Edge += share * float64(p.EdgeIn+p.EdgeOut)
		}
	}
	return bins
}

// HasWavelets tells whether wavelets were counted PE by PE in all of the phases.
func (r *Run) HasWavelets(first, last int) bool {
	for _, p := range r.Phases[first : last+1] {
		if p.Kernel != SwitchKernel && !r.Kinds[p.Kind].Wavelets() {
			return false
		}
	}
	return true
}
