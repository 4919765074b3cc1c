package view

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"cs2sim.dev/sims/trace"
)

// A run on its way to the page: the magic, the length of a header, the header in JSON, and the
// arrays it names, little-endian, each at a multiple of 8 bytes so that the page reads them in place.
// An array has the narrowest type that holds all its numbers.

const (
	runMagic = "cs2view1"
	align    = 8
)

// header is what is not an array.
type header struct {
	Name       string        `json:"name"`
	Experiment string        `json:"experiment"`
	Sparsity   float64       `json:"sparsity"`
	Machine    trace.Machine `json:"machine"`
	Place      trace.Place   `json:"place"`
	Cycles     int64         `json:"cycles"`
	Of         int           `json:"of_phases"` // of a run that goes on or was killed; else 0
	States     []state       `json:"states"`
	Totals     []string      `json:"totals"` // PE-cycles by state, in digits: they pass 2^53
	Names      []string      `json:"names"`  // of phases and memory, by their numbers in the arrays
	Links      bool          `json:"links"`  // were counted
	Ways       []way         `json:"ways"`   // colors and directions of links, by their numbers in the arrays
	Arrays     []array       `json:"arrays"`
}

type state struct {
	Name  string `json:"name"`
	Class string `json:"class"` // busy, waiting or idle
}

type array struct {
	Name   string `json:"name"`
	Type   string `json:"type"` // u32, i32, f64, i64
	Offset int    `json:"offset"`
	Length int    `json:"length"`
}

// states says of every state what it counts as.
func states() (out []state) {
	for i, name := range trace.StateNames() {
		s := state{name, "idle"}
		one := (&trace.Cell{}).States
		one[i] = 1
		switch {
		case trace.Busy(one) > 0:
			s.Class = "busy"
		case trace.Waiting(one) > 0:
			s.Class = "waiting"
		}
		out = append(out, s)
	}
	return out
}

// maxWindows is how many windows of time the page gets beside whole kernels; longer kernels have more.
const maxWindows = 1 << 13

// encode makes the message of a run. Every window of a kernel's time is a phase of its own there.
func encode(whole *trace.Run) []byte {
	r := whole.Fine(maxWindows)
	e := encoder{head: header{
		Name: r.Name, Experiment: r.Experiment, Sparsity: r.Sparsity, Machine: r.Machine, Place: r.Place, Cycles: r.Cycles, Of: r.Of, States: states(), Names: []string{},
	}, names: map[string]int64{}}
	for _, n := range r.Totals() {
		e.head.Totals = append(e.head.Totals, fmt.Sprint(n))
	}
	e.phases(r.Run)
	of := make([]int64, len(r.Phase))
	for i, p := range r.Phase {
		of[i] = int64(p)
	}
	e.add("phase.launch", of)
	e.cells(r.Run)
	e.memory(r.Run)
	e.links(whole, r)
	return e.message()
}

type encoder struct {
	head   header
	names  map[string]int64
	arrays [][]int64
	wide   []bool // i64
}

func (e *encoder) name(s string) int64 {
	i, ok := e.names[s]
	if !ok {
		i = int64(len(e.head.Names))
		e.head.Names = append(e.head.Names, s)
		e.names[s] = i
	}
	return i
}

func (e *encoder) add(name string, values []int64) {
	e.head.Arrays = append(e.head.Arrays, array{Name: name})
	e.arrays = append(e.arrays, values)
	e.wide = append(e.wide, false)
}

// addWide adds an array whose sums the page makes in integers of any size.
func (e *encoder) addWide(name string, values []int64) {
	e.add(name, values)
	e.wide[len(e.wide)-1] = true
}

func (e *encoder) phases(r *trace.Run) {
	column := func(name string, of func(p *trace.Phase) int64) {
		values := make([]int64, len(r.Phases))
		for i := range r.Phases {
			values[i] = of(&r.Phases[i])
		}
		e.add("phase."+name, values)
	}
	column("start", func(p *trace.Phase) int64 { return p.Start })
	column("cycles", func(p *trace.Phase) int64 { return p.Cycles })
	column("kind", func(p *trace.Phase) int64 { return int64(p.Kind) })
	column("name", func(p *trace.Phase) int64 { return e.name(p.Name) })
	column("layer", func(p *trace.Phase) int64 { return e.name(p.LayerName) })
	column("op", func(p *trace.Phase) int64 { return e.name(p.Op) })
	column("pass", func(p *trace.Phase) int64 { return e.name(p.Pass) })
	column("kernel", func(p *trace.Phase) int64 { return e.name(p.Kernel) })
	column("frame", func(p *trace.Phase) int64 { return e.name(p.Frame()) })
	column("barrier", func(p *trace.Phase) int64 { return bit(p.Kernel == trace.SwitchKernel) })
	column("counted", func(p *trace.Phase) int64 { // wavelets, PE by PE
		return bit(p.Kernel == trace.SwitchKernel || r.Kinds[p.Kind].Wavelets())
	})
	column("fmacs", func(p *trace.Phase) int64 { return p.FMACs })
	column("hops", func(p *trace.Phase) int64 { return p.Hops })
	column("edge_in", func(p *trace.Phase) int64 { return p.EdgeIn })
	column("edge_out", func(p *trace.Phase) int64 { return p.EdgeOut })
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// cells sends every kind's cells with the cycles of one PE in the first row, and the classes of
// PEs, which many kinds share, once. A kind's sums go beside them: where a PE has an even share of a
// block, what does not divide evenly is in the sums alone.
func (e *encoder) cells(r *trace.Run) {
	type class struct{ x, y trace.Span }
	known := map[class]int64{}
	var spans, of, lateW, lateP, wavelets, sums []int64
	first := make([]int64, 1, len(r.Kinds)+1)
	values := make([][]int64, len(trace.StateNames()))
	for k := range r.Kinds {
		kind := &r.Kinds[k]
		for i := range kind.Cells {
			c := &kind.Cells[i]
			n, ok := known[class{c.X, c.Y}]
			if !ok {
				n = int64(len(known))
				known[class{c.X, c.Y}] = n
				for _, s := range []trace.Span{c.X, c.Y} {
					spans = append(spans, int64(s.From), int64(s.Step), int64(s.Block), int64(s.Count))
				}
			}
			of = append(of, n)
			for s, v := range c.At(c.Y.From) {
				values[s] = append(values[s], v)
			}
			lateW, lateP = append(lateW, c.Late.Weights), append(lateP, c.Late.Psums)
			wavelets = append(wavelets, max(0, c.Wavelets)/(int64(c.X.Block)*int64(c.Y.Block)))
		}
		first = append(first, int64(len(of)))
		sum := kind.Sum()
		sums = append(sums, sum[:]...)
	}
	e.add("class.span", spans)
	e.add("kind.first", first)
	e.addWide("kind.sums", sums)
	e.add("cell.class", of)
	for s, name := range trace.StateNames() {
		e.add("cell."+name, values[s])
	}
	e.add("cell.late_wait_weights", lateW)
	e.add("cell.late_wait_partial_sums", lateP)
	e.add("cell.wavelets", wavelets)
}

func (e *encoder) memory(r *trace.Run) {
	column := func(name string, of func(m *trace.Region) int64) {
		values := make([]int64, len(r.Memory))
		for i := range r.Memory {
			values[i] = of(&r.Memory[i])
		}
		e.add("memory."+name, values)
	}
	column("name", func(m *trace.Region) int64 { return e.name(m.Name) })
	column("base", func(m *trace.Region) int64 { return int64(m.Base) })
	column("bytes", func(m *trace.Region) int64 { return int64(m.Bytes) })
	column("first", func(m *trace.Region) int64 { return int64(m.First) })
	column("last", func(m *trace.Region) int64 { return int64(m.Last) })
}

// message puts header and arrays together. Offsets count from the first array, so that the header's
// own length does not change them.
func (e *encoder) message() []byte {
	size := 0
	for i, values := range e.arrays {
		a := &e.head.Arrays[i]
		a.Type, a.Offset, a.Length = typeOf(values, e.wide[i]), size, len(values)
		size += padded(len(values) * width(a.Type))
	}
	head, err := json.Marshal(e.head)
	if err != nil {
		panic(err) // plain structs always encode; Check lets no infinity pass
	}
	head = append(head, strings.Repeat(" ", padded(len(head))-len(head))...)
	out := make([]byte, 0, len(runMagic)+align+len(head)+size)
	out = append(out, runMagic...)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(head)))
	out = append(out, head...)
	for i, values := range e.arrays {
		out = appendArray(out, e.head.Arrays[i].Type, values)
		for len(out)%align != 0 {
			out = append(out, 0)
		}
	}
	return out
}

func padded(n int) int { return (n + align - 1) / align * align }

func width(kind string) int {
	if kind == "u32" || kind == "i32" {
		return 4
	}
	return 8
}

func typeOf(values []int64, wide bool) string {
	var lo, hi int64
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	switch {
	case wide:
		return "i64"
	case lo >= 0 && hi <= math.MaxUint32:
		return "u32"
	case lo >= math.MinInt32 && hi <= math.MaxInt32:
		return "i32"
	}
	return "f64"
}

func appendArray(out []byte, kind string, values []int64) []byte {
	for _, v := range values {
		switch kind {
		case "u32", "i32":
			out = binary.LittleEndian.AppendUint32(out, uint32(v))
		case "i64":
			out = binary.LittleEndian.AppendUint64(out, uint64(v))
		default:
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(float64(v)))
		}
	}
	return out
}
