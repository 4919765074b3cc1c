package runtime

import (
	"slices"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// links is what the links of a weight-streaming program carried, from its routes and every column's
// stream; nil if not asked for. Rows do the same at a skew of a hop, so a column's weights stand
// at the first row's router alone.
func (e *streamEngine) links() *LinkTable {
	if !e.countLinks {
		return nil
	}
	m, known := e.p.Mapping, e.rowStalls()
	pieces := make([]linkPiece, 0, 10*m.Columns)
	add := func(c fabric.Color, d fabric.Direction, x int, y Places, n int64, s Stalls) *Links {
		if !d.Leaves() {
			s = unknownStalls()
		}
		pieces = append(pieces, linkPiece{Links: Links{Color: c, Direction: d, Y: y, Wavelets: n, Stalls: s}, x: x})
		return &pieces[len(pieces)-1].Links
	}
	weights := e.p.Stream.Color
	for c := range m.Columns {
		n := e.cols[c].weights*int64(e.p.Stream.WordsPerWeight) + int64(e.p.Node.Out+1)
		add(weights, fabric.FromEdge, c, span(0, 1), n, Stalls{}).Copies = m.Groups
		add(weights, fabric.ToSouth, c, span(0, m.Rows-1), n, Stalls{})
		add(weights, fabric.ToPE, c, span(0, 1), n, known(rowKey{weights, fabric.ToPE, c}))
		add(weights, fabric.ToPE, c, span(1, m.Rows), n, Stalls{})
	}
	if m.Columns == 1 {
		return linkTable(e.p.Colors, pieces, repeat{m.Columns, m.Groups})
	}
	rows := span(0, m.Rows)
	for place, from := range e.p.Ring {
		to, c := e.p.Ring[(place+1)%m.Columns], e.p.LinkColor(place)
		owned := int64(e.p.OutBounds[from+1] - e.p.OutBounds[from]) // an output row leaves out the link behind its owner
		n := (int64(e.p.Node.Out) - owned) * int64(m.Tokens)
		along, step := fabric.ToEast, 1
		if to < from {
			along, step = fabric.ToWest, -1
		}
		add(c, fabric.FromPE, from, rows, n, Stalls{})
		for x := from; x != to; x += step {
			add(c, along, x, rows, n, known(rowKey{c, along, x}))
		}
		add(c, fabric.ToPE, to, rows, n, known(rowKey{c, fabric.ToPE, to}))
	}
	return linkTable(e.p.Colors, pieces, repeat{m.Columns, m.Groups})
}

// rowStalls gives the stalls of the first row's links: all of them if the row was run wavelet by
// wavelet; by recurrences those of the weights, unless the I/O link holds them up.
func (e *streamEngine) rowStalls() func(k rowKey) Stalls {
	if e.rowLinks != nil {
		known := stallsByLink(e.rowLinks)
		return func(k rowKey) Stalls { return known[k] }
	}
	return func(k rowKey) Stalls {
		s := unknownStalls()
		if k.color == e.p.Stream.Color && e.supply == nil {
			s.All = e.stood(k.x)
		}
		return s
	}
}

func stallsByLink(uses []fabric.LinkUse) map[rowKey]Stalls {
	known := map[rowKey]Stalls{}
	for i := range uses {
		u := &uses[i]
		known[rowKey{u.Color, u.Direction, u.At.X}] = stallsOf(u)
	}
	return known
}

// lastTaken is when each column's PE took the last wavelets of its weights' color: as many as an input queue and its
// ramp hold after the one that let the last leave the router, and some before that.
type lastTaken struct {
	held int       // by queue and ramp
	from int       // row, each of which has a wavelet or more
	at   [][]int64 // cycles, per column
}

func (e *streamEngine) newLastTaken() *lastTaken {
	f := e.p.Target.Fabric(1, 1)
	held := f.QueueWords + f.RampCycles
	return &lastTaken{held: held, from: e.p.Node.Out - held - 2, at: make([][]int64, len(e.cols))}
}

// weights notes that column i takes n weights of so many wavelets, one after the other, from now on; of
// many the last.
func (l *lastTaken) weights(i int, c *column, n, words, work int64) {
	ahead := column{main: c.main, spans: slices.Clone(c.spans[c.gone:])}
	last := min(n, int64(l.held)+2)
	ahead.advance((n - last) * work)
	for range last {
		for range words {
			l.at[i] = append(l.at[i], ahead.main)
		}
		ahead.advance(work)
	}
}

// stood is how long column i's weights stood at the first row's router. From when
// the input queue was full for the first time one always stood there: the I/O link is not what holds
// them up. So it is all the time from then to the last but for the cycles in which one left. The last
// left when the input queue had room for it.
//
// That room was made by a task whose turn on the datapath a cycle puts before or after a burst of ring adds. Where the
// burst next to it is longer than 1 % of the run and than two cycles per output row and 16, as small layers have
// it, the stalls are Unknown.
func (e *streamEngine) stood(i int) int64 {
	taken := e.taken.at[i]
	at := len(taken) - 1 - e.taken.held
	if at < 0 {
		return 0 // the queue took them all
	}
	before, after := e.wires.firstArrival, taken[len(taken)-1]
	for _, t := range taken {
		if t < taken[at] {
			before = t
		} else if t > taken[at] {
			after = t
			break
		}
	}
	task := max(int64(e.costs.fmac.Total()), e.costs.command[compiler.CommandAdd][0].before)
	if max(taken[at]-before, after-taken[at])-task > max(e.end/100, 2*int64(e.p.Node.Out+8)) {
		return Unknown
	}
	words := int64(e.p.Stream.WordsPerWeight)
	left, sent := taken[at]+1, e.cols[i].weights*words+int64(e.p.Node.Out)
	perUse := float64(e.costs.fmac.Total()) / float64(words)
	turn := max(1, float64(len(e.cols))/e.p.Target.IORate())
	filling := float64(e.taken.held) / (1 - min(0.5, turn/perUse))
	return max(0, left-e.wires.hop-sent-int64(filling*(turn-1)))
}

// links is what the links of the whole wafer carried, from the counts of one row. Its stalls are not those
// of other rows: sums from the south share the ramp with the bus, and rows hold each other up.
func (f *gradientPhase) links(l *compiler.Layout, in *routed) *LinkTable {
	s, unknown := f.m.Space, unknownStalls()
	rows, positions, sums, bus := s.Rows(), l.Ingress[0].Color, l.Out[0].Color, f.k.BusColor()
	other := compiler.OnOtherRows(sums)
	pieces := make([]linkPiece, 0, 14*s.Columns)
	add := func(c fabric.Color, d fabric.Direction, x int, y Places, n int64, s Stalls) *Links {
		pieces = append(pieces, linkPiece{Links: Links{Color: c, Direction: d, Y: y, Wavelets: n, Stalls: s}, x: x})
		return &pieces[len(pieces)-1].Links
	}
	onBus := func(d fabric.Direction, x int, n int64) {
		if n > 0 {
			add(bus, d, x, span(0, rows), n, unknown)
		}
	}
	sent, _ := f.k.Sides()
	all, before := int64(f.k.Features())*int64(s.Tokens), int64(0)
	for c := range s.Columns {
		add(positions, fabric.FromEdge, c, span(rows-1, rows), in.down[c], unknown).Copies = s.Groups
		add(positions, fabric.ToPE, c, span(0, rows), in.down[c], unknown)
		add(positions, fabric.ToNorth, c, span(1, rows), in.down[c], unknown)
		n := in.up[c]
		add(sums, fabric.FromPE, c, every(0, 2, rows), n, unknown)
		add(other, fabric.FromPE, c, every(1, 2, rows), n, unknown)
		add(sums, fabric.ToNorth, c, every(2, 2, rows), n, unknown)
		add(other, fabric.ToNorth, c, every(1, 2, rows), n, unknown)
		add(sums, fabric.ToPE, c, every(1, 2, rows-1), n, unknown)
		add(other, fabric.ToPE, c, every(0, 2, rows-1), n, unknown)
		add(sums, fabric.ToEdge, c, span(0, 1), n, unknown)
		own := int64(sent.Features(c)) * int64(s.Tokens)
		if c == f.k.Senders()-1 {
			own = all - before // with the ones
		}
		onBus(fabric.FromPE, c, own)
		onBus(fabric.ToPE, c, all)
		if c > 0 {
			onBus(fabric.ToWest, c, all-before)
		}
		if before += own; c < s.Columns-1 {
			onBus(fabric.ToEast, c, before)
		}
	}
	return linkTable(l.Colors, pieces, repeat{s.Columns, s.Groups})
}
