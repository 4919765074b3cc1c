package trace

import (
	"fmt"
	"slices"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// Machine is what the views need of the machine.
type Machine struct {
	Name            string  `json:"name"`
	Width           int     `json:"width"` // program rectangle, PEs
	Height          int     `json:"height"`
	ClockHz         float64 `json:"clock_hz"`
	IORate          float64 `json:"io_wavelets_per_cycle"` // one way
	WattsPerCore    float64 `json:"watts_per_core"`        // of a busy PE
	JoulesPerBitHop float64 `json:"joules_per_bit_hop"`
}

// MachineOf takes them from the machine table.
func MachineOf(t compiler.Target) Machine {
	return Machine{
		Name: t.Name, Width: t.Width(), Height: t.Height(), ClockHz: t.Get("clock_hz"), IORate: t.IORate(),
		WattsPerCore: t.Get("watts_per_core"), JoulesPerBitHop: t.Get("joules_per_bit_hop"),
	}
}

// waveletBits is what a wavelet moves over a link: 32 of payload, color and control.
const waveletBits = 32 + 5 + 1

// BusyPicojoules is the energy of one PE in one busy cycle. A PE that waits is clock-gated and
// counts as nothing.
func (m Machine) BusyPicojoules() float64 { return m.WattsPerCore / m.ClockHz * 1e12 }

// HopPicojoules is the energy of one wavelet over one link.
func (m Machine) HopPicojoules() float64 { return m.JoulesPerBitHop * waveletBits * 1e12 }

// Run is one report on one machine: a point of a MatMul, or one micro-batch of a training step.
// In every phase every PE of the rectangle is in exactly one state in every cycle.
type Run struct {
	Experiment string  `json:"experiment"` // outermost frame: matmul, pretrain
	Name       string  `json:"name"`       // tells it from the others of a trace
	Sparsity   float64 `json:"sparsity"`   // of the masked matrices
	Machine    Machine `json:"machine"`
	Place      Place   `json:"place"`
	Cycles     int64   `json:"cycles"`              // all phases
	Of         int     `json:"of_phases,omitempty"` // phases that the run was to have; 0: it has them all

	Links bool `json:"links"` // links were counted

	Phases []Phase  `json:"-"` // in order of time, without gaps
	Kinds  []Kind   `json:"-"` // what phases alike share
	Memory []Region `json:"-"`
}

// Place is where activations lie: the used rectangle from PE (0, 0), cut along x into Groups of
// Columns PEs that hold the same features of other tokens.
type Place struct {
	Width    int   `json:"width"`
	Height   int   `json:"height"`
	Groups   int   `json:"groups"`
	Columns  int   `json:"columns"`
	Tokens   int   `json:"tokens_per_pe"`
	SeqRows  int   `json:"sequence_rows,omitempty"` // PE rows of one sequence; 0: rows are not cut into sequences
	Features []int `json:"features,omitempty"`      // column c of a group holds features [Features[c], Features[c+1])
}

// FeaturesOf says which features column x holds.
func (p Place) FeaturesOf(x int) string {
	if len(p.Features) == 0 || x >= p.Width || p.Columns == 0 {
		return "-"
	}
	c := x % p.Columns
	return fmt.Sprintf("%d..%d", p.Features[c], p.Features[c+1]-1)
}

// TokensOf says which tokens the PE at x, y holds: those of a sequence are dealt out to its rows in turn.
func (p Place) TokensOf(x, y int) string {
	if x >= p.Width || y >= p.Height || p.Columns == 0 {
		return "none: not in use"
	}
	if p.SeqRows == 0 {
		first := (x/p.Columns*p.Height + y) * p.Tokens
		return fmt.Sprintf("%d..%d", first, first+p.Tokens-1)
	}
	first := y % p.SeqRows
	return fmt.Sprintf("%d, %d, .. %d of sequence %d", first, first+p.SeqRows, first+(p.Tokens-1)*p.SeqRows, x/p.Columns*(p.Height/p.SeqRows)+y/p.SeqRows)
}

// Phase is one kernel on the whole rectangle, or the barrier before it.
type Phase struct {
	Start, Cycles int64
	Name          string // h.3.mlp.fc
	Layer         int    // block, -1 outside of them
	LayerName     string // outermost frame below the experiment
	Op            string // the name within its layer
	Pass          string // forward, recompute, backward
	Kernel        string // linear; SwitchKernel for a barrier
	Kind          int    // index of Run.Kinds

	FMACs, Hops     int64 // by all PEs; router to router
	EdgeIn, EdgeOut int64 // wavelets over the I/O link, multicast counted once
}

// SwitchKernel is the kernel of the barrier between two phases and of the next one's loading.
const SwitchKernel = "kernel switch"

// Kind is the PEs' cycles of all phases that are alike. Its cells cover the whole rectangle,
// each PE once, those not in use too.
type Kind struct {
	Cycles  int64
	Cells   []Cell
	Windows []Window // of its time; nil: not cut
	Links   []Link   // of each color: those on which something moved
}

// Cell is a class of PEs, those of X times those of Y. Without blocks each PE in the first row
// spent States, and one n rows farther south Late*n cycles longer waiting and less idle. A block of
// several PEs spent States together: alike to the cycle, or added up where a trace would be too large.
type Cell struct {
	X, Y     Span
	States   pe.StateCycles
	Late     Late
	Wavelets int64 // into the routers of one block, from routers or the edge; NotCounted
}

// Late is how much longer a row waits than the one north of it. Rows hang on each other by the
// weights that come down to them and by sums that go up: both take a constant time per row.
type Late struct{ Weights, Psums int64 }

// times is what n rows' lateness changes in a PE's states.
func (l Late) times(n int64) (s pe.StateCycles) {
	s[pe.WaitWeight], s[pe.WaitPsum], s[pe.Idle] = n*l.Weights, n*l.Psums, -n*(l.Weights+l.Psums)
	return s
}

// NotCounted stands for a number that the engine did not count PE by PE.
const NotCounted = -1

// Span is the places From + i*Step + k for i < Count and k < Block.
type Span struct{ From, Step, Block, Count int }

// Len is the number of places.
func (s Span) Len() int { return s.Block * s.Count }

// End is one beyond the last place.
func (s Span) End() int { return s.From + (s.Count-1)*s.Step + s.Block }

// Has tells whether v is one of the places.
func (s Span) Has(v int) bool {
	if v < s.From || v >= s.End() {
		return false
	}
	return (v-s.From)%s.Step < s.Block
}

// Each calls f for every place in order.
func (s Span) Each(f func(v int)) {
	for i := range s.Count {
		for k := range s.Block {
			f(s.From + i*s.Step + k)
		}
	}
}

// within counts the places in [lo, hi) and adds up how far they are from the first one.
func (s Span) within(lo, hi int) (n, far int64) {
	if lo <= s.From && s.End() <= hi {
		return int64(s.Len()), s.far()
	}
	s.Each(func(v int) {
		if lo <= v && v < hi {
			n++
			far += int64(v - s.From)
		}
	})
	return n, far
}

// far adds up how far all places are from the first one.
func (s Span) far() int64 {
	step, block, count := int64(s.Step), int64(s.Block), int64(s.Count)
	return block*step*(count*(count-1)/2) + count*(block*(block-1)/2)
}

// Members is how many PEs are in the cell.
func (c *Cell) Members() int64 { return int64(c.X.Len()) * int64(c.Y.Len()) }

// Sum is the cycles by state of all members together.
func (c *Cell) Sum() (s pe.StateCycles) {
	blocks := int64(c.X.Count) * int64(c.Y.Count)
	for st, n := range c.States {
		s[st] = n * blocks
	}
	if c.Late != (Late{}) {
		s.Add(c.Late.times(c.Y.far()), int64(c.X.Len()))
	}
	return s
}

// At is the cycles by state of the member in row y; in a block, an even share of it.
func (c *Cell) At(y int) pe.StateCycles {
	s := c.States
	if n := int64(c.X.Block) * int64(c.Y.Block); n > 1 {
		cycles := s.Total() / n
		for i := range s {
			s[i] /= n
		}
		s[pe.Idle] += cycles - s.Total()
	}
	s.Add(c.Late.times(int64(y-c.Y.From)), 1)
	return s
}

// Sum is the cycles by state of the whole rectangle; it totals to PEs x cycles.
func (k *Kind) Sum() (sum pe.StateCycles) {
	for i := range k.Cells {
		sum.Add(k.Cells[i].Sum(), 1)
	}
	return sum
}

// At is the cycles by state of one PE.
func (k *Kind) At(x, y int) pe.StateCycles {
	if i := k.find(x, y); i >= 0 {
		return k.Cells[i].At(y)
	}
	return pe.StateCycles{pe.Idle: k.Cycles}
}

// find is the cell of a PE, -1 if it is in none.
func (k *Kind) find(x, y int) int {
	for i := range k.Cells {
		if c := &k.Cells[i]; c.X.Has(x) && c.Y.Has(y) {
			return i
		}
	}
	return -1
}

// Wavelets tells whether every cell knows its own.
func (k *Kind) Wavelets() bool {
	for i := range k.Cells {
		if k.Cells[i].Wavelets == NotCounted {
			return false
		}
	}
	return true
}

// KindOf is the kind of a phase.
func (r *Run) KindOf(phase int) *Kind { return &r.Kinds[r.Phases[phase].Kind] }

// PEs is how many the rectangle has.
func (r *Run) PEs() int64 { return int64(r.Machine.Width) * int64(r.Machine.Height) }

// Totals is the cycles by state over all phases and PEs.
func (r *Run) Totals() (sum pe.StateCycles) {
	kinds := r.kindSums()
	for _, p := range r.Phases {
		sum.Add(kinds[p.Kind], 1)
	}
	return sum
}

func (r *Run) kindSums() []pe.StateCycles {
	sums := make([]pe.StateCycles, len(r.Kinds))
	for i := range r.Kinds {
		sums[i] = r.Kinds[i].Sum()
	}
	return sums
}

// Computed is the cycles of datapath steps that multiplied and added weights.
func Computed(s pe.StateCycles) int64 { return s[pe.Compute] }

// Busy is the cycles in which datapath or dispatcher worked.
func Busy(s pe.StateCycles) (n int64) {
	for _, st := range pe.States() {
		if st.Busy() {
			n += s[st]
		}
	}
	return n
}

// Waiting is the cycles in which a PE with work could not go on.
func Waiting(s pe.StateCycles) int64 { return s[pe.WaitWeight] + s[pe.WaitPsum] + s[pe.BlockedOut] }

// Region is a part of every PE's SRAM and the phases in which it holds something.
type Region struct {
	Name        string
	Base, Bytes int
	First, Last int // indices of Run.Phases, inclusive
}

// Live lists what lies in SRAM during a phase, by address.
func (r *Run) Live(phase int) (live []Region) {
	for _, m := range r.Memory {
		if m.First <= phase && phase <= m.Last {
			live = append(live, m)
		}
	}
	slices.SortStableFunc(live, func(a, b Region) int { return a.Base - b.Base })
	return live
}
