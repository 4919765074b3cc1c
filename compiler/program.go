package compiler

import (
	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// Mapping is where a layer's features and tokens live.
type Mapping struct {
	Groups   int `json:"groups"`    // token groups along x
	Columns  int `json:"columns"`   // per group
	Rows     int `json:"rows"`      // used, per group
	Tokens   int `json:"tokens"`    // per PE; the last PEs' are padding where nothing divides
	Features int `json:"features"`  // input features per column, at most
	Outputs  int `json:"outputs"`   // output features per column, at most
	RunAhead int `json:"run_ahead"` // output rows beyond the pending ring
}

// Program is the compiled kernel. Plain data; nothing in it changes during a run.
type Program struct {
	Node   model.Node
	Tokens int // of the graph
	Target Target
	// StreamRate is how many wavelets of weights per cycle come to the edge at most; 0: as many as it takes.
	StreamRate float64
	Mapping    Mapping
	Output     pe.Type // format of Y

	// Search.
	Densities  []float64
	Candidates []Candidate // best first
	Chosen     int         // index in Candidates

	// Place, per group.
	InBounds  []int // column c owns inputs [InBounds[c], InBounds[c+1])
	OutBounds []int // and outputs [OutBounds[c], OutBounds[c+1])
	Ring      []int // columns in ring order
	RingHops  []int // physical hops from Ring[i] to Ring[i+1], cyclic

	Colors []ColorUse
	Routes []ColumnRoute
	Roles  []*pe.Program // code per role
	RoleOf []int         // per column of a group
	Memory []pe.Alloc    // the same on every PE
	Stream Stream
}

// ColorUse says what a color carries.
type ColorUse struct {
	Color fabric.Color
	Name  string
	Use   string
}

// ColumnRoute is one route on rows Y0..Y1-1 of column X of the wafer.
type ColumnRoute struct {
	Color  fabric.Color
	X      int
	Y0, Y1 int
	Route  fabric.Route
}

// EdgeRate is how many wavelets of weights cross the edge per cycle at most.
func (p *Program) EdgeRate() float64 {
	if p.StreamRate > 0 {
		return p.StreamRate
	}
	return p.Target.IORate()
}

// Stream is what MemoryX sends down each column: for every output row, in Rows' order, the
// column's non-zero weights in ascending input order, then the row's command; at last End.
type Stream struct {
	Color          fabric.Color
	WordsPerWeight int
	Rows           []int
	BiasIndex      int // index of a bias: of the run of ones, as an input of the output's owner
}

// Commands a column gets after the weights of an output row, and at the end. The value is the
// control wavelet's entry.
const (
	CommandStart uint16 = iota // begin the row's ring: forward the own partial sum
	CommandAdd                 // add the own partial sum to what comes, forward
	CommandStore               // add and store: this column owns the output
	CommandOnly                // the group is one column: store
	CommandEnd                 // no more rows
)

// OwnerOf is the column that owns output j.
func (p *Program) OwnerOf(j int) int {
	lo, hi := 0, len(p.OutBounds)-1
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; p.OutBounds[mid] <= j {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// RingStart is the place in Ring where the chain that ends at column owner begins.
func (p *Program) RingStart(owner int) int {
	return (p.ringPlace(owner) + 1) % len(p.Ring)
}

func (p *Program) ringPlace(column int) int {
	for i, c := range p.Ring {
		if c == column {
			return i
		}
	}
	panic("compiler: column not in the ring")
}

// TaskFor is the control task of a command in a role's code.
func (p *Program) TaskFor(role int, command uint16) *pe.Task {
	return controlTask(p.Roles[role], command)
}

func controlTask(code *pe.Program, command uint16) *pe.Task {
	for i := range code.Tasks {
		if t := &code.Tasks[i]; t.Kind == pe.Control && t.Entry == command {
			return t
		}
	}
	return nil
}

// WeightTask is the data task a weight triggers, the same in every role but for its colors.
func (p *Program) WeightTask() *pe.Task { return &p.Roles[0].Tasks[taskWeight] }

// Command is what column c gets after output row j.
func (p *Program) Command(owner, c int) uint16 {
	switch {
	case p.Mapping.Columns == 1:
		return CommandOnly
	case c == owner:
		return CommandStore
	case c == p.Ring[p.RingStart(owner)]:
		return CommandStart
	}
	return CommandAdd
}

// Alloc returns a named part of the memory plan.
func (p *Program) Alloc(name string) pe.Alloc {
	for _, a := range p.Memory {
		if a.Name == name {
			return a
		}
	}
	panic("compiler: no allocation " + name)
}

// Types returns the formats of activations, weights, partial sums and outputs.
func (p *Program) Types() (x, w, psum, y pe.Type) {
	f := p.formats()
	return f.x, f.w, f.psum, f.y
}

func (p *Program) formats() formats {
	f := formatsOf(p.Node.Precision)
	f.y = p.Output
	return f
}

// formatsOf are the formats of a precision; the output's is that of its storage.
func formatsOf(p model.Precision) formats {
	switch p {
	case model.FP16:
		return formats{pe.F16, pe.F16, pe.F16, pe.F16}
	case model.FP32:
		return formats{pe.F32, pe.F32, pe.F32, pe.F32}
	}
	return formats{pe.F16, pe.F16, pe.F32, pe.F16}
}
