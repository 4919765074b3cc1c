package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Fidelity picks the engine.
type Fidelity string

const (
	Stream  Fidelity = "stream"  // compiled weight-streaming kernels, rows folded; wafer scale
	Wavelet Fidelity = "wavelet" // every wavelet on every hop; any program, small meshes
)

// Options of one run. The zero value runs the stream engine.
type Options struct {
	Fidelity  Fidelity
	Progress  func(done, total int64) // called now and then with output rows done; may be nil
	Check     int                     // random output entries to compute on the machine and compare with the reference
	CheckSeed uint64
	Links     bool // count wavelets and stalls of every link and color
}

// Report is what one program did on one machine. Plain data.
type Report struct {
	Cycles       fabric.Cycle `json:"cycles"`
	NonZeros     int64        `json:"non_zeros"`     // weights sent, counted once
	FMACs        int64        `json:"fmacs"`         // executed by all PEs, padding included
	UsefulFMACs  int64        `json:"useful_fmacs"`  // on tokens of the graph
	EdgeWavelets int64        `json:"edge_wavelets"` // weights and commands over the I/O link, multicast counted once
	EdgeRate     float64      `json:"edge_rate"`     // edge wavelets per cycle
	Hops         int64        `json:"wavelet_hops"`  // router to router, all wavelets

	// Column[x] holds the cycles by state of the PE in column x, row 0, over the whole program
	// rectangle, west to east. All used rows do the same, each RowSkew cycles after the one
	// north of it; see At.
	Column []pe.StateCycles `json:"-"`
	// Wavelets[x] is how many entered the router of a used PE of column x from other routers or
	// the edge.
	Wavelets []int64 `json:"-"`
	// Windows cut the run's time; cell x is column x of the first group, row 0. nil: not cut.
	Windows []Window `json:"-"`

	Width   int   `json:"width"`
	Height  int   `json:"height"`
	Rows    int   `json:"rows_used"` // rows 0..Rows-1 hold tokens
	RowSkew int64 `json:"row_skew"`  // cycles

	Links *LinkTable `json:"-"` // nil: not asked for

	States pe.StateCycles `json:"states"` // over all Width x Height PEs; sums to Width*Height*Cycles
	Check  *Check         `json:"check,omitempty"`
}

// Utilization is the share of PE-cycles, over the whole rectangle, that ran useful or padding FMAC steps.
func (r *Report) Utilization() float64 {
	return float64(r.States[pe.Compute]) / float64(r.States.Total())
}

// Check compares output entries of the machine with the plain-loop reference.
type Check struct {
	Entries    int     `json:"entries"`
	Mismatches int     `json:"mismatches"` // not equal to the reference bit for bit
	MaxError   float64 `json:"max_error"`  // against a float64 sum, absolute
}

// newReport sizes a report for the whole program rectangle.
func newReport(p *compiler.Program, cycles fabric.Cycle) *Report {
	r := &Report{Cycles: cycles, Width: p.Target.Width(), Height: p.Target.Height(), Rows: p.Mapping.Rows}
	r.RowSkew = int64(p.Target.Get("hop_cycles"))
	r.Column = make([]pe.StateCycles, r.Width)
	for x := p.Mapping.Groups * p.Mapping.Columns; x < r.Width; x++ {
		r.Column[x][pe.Idle] = int64(cycles)
	}
	return r
}

// Band sums the cycles by state of the PEs in columns x0..x1-1 of rows y0..y1-1: a used row
// waits for its first weight RowSkew cycles longer than the row above and is idle as much
// less; an unused row is idle.
func (r *Report) Band(x0, x1, y0, y1 int) (sum pe.StateCycles) {
	used := min(y1, r.Rows)
	for x := x0; x < x1; x++ {
		if n := int64(used - y0); n > 0 {
			sum.Add(r.Column[x], n)
			if r.Column[x][pe.Idle] < int64(r.Cycles) { // holds features
				late := r.RowSkew * n * int64(y0+used-1) / 2
				sum[pe.WaitWeight] += late
				sum[pe.Idle] -= late
			}
		}
		sum[pe.Idle] += int64(y1-max(y0, used)) * int64(r.Cycles)
	}
	return sum
}

// At is the cycles by state of one PE.
func (r *Report) At(x, y int) pe.StateCycles { return r.Band(x, x+1, y, y+1) }

// addUnused accounts the PEs of the rectangle that hold no tokens.
func (r *Report) addUnused(used int64) {
	r.States[pe.Idle] += (int64(r.Width)*int64(r.Height) - used) * int64(r.Cycles)
}
