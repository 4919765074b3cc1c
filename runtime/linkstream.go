package runtime

import (
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
	if e.marks == nil {
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

// takenMarks are when a column's PE took the first weight and the command of each of the stream's last rows.
type takenMarks []takenMark

// takenMark says that wavelet number index of a column was taken in cycle at.
type takenMark struct{ index, at int64 }

// startMarks begins with the first wavelet and leaves room for the rows of the last ones, which an input queue and
// its ramp hold.
func (e *streamEngine) startMarks() {
	f := e.p.Target.Fabric(1, 1)
	e.markFrom = e.p.Node.Out - f.QueueWords - f.RampCycles - 2
	e.marks = make([]takenMarks, len(e.cols))
	for i := range e.marks {
		e.marks[i] = append(e.marks[i], takenMark{0, e.wires.firstArrival})
	}
}

// mark notes that column i takes what follows the weights so far: a weight of the at-th row, or its command.
func (e *streamEngine) mark(i, at int) {
	c := &e.cols[i]
	e.marks[i] = append(e.marks[i], takenMark{c.weights*int64(e.p.Stream.WordsPerWeight) + int64(at), c.main})
}

// stood is how long column i's weights stood at the first row's router, to one or two output rows. From when
// the input queue was full for the first time one always stood there: the I/O link is not what holds
// them up. So it is all the time from then to the last but for the cycles in which one left. The last
// left when the input queue had room for it.
func (e *streamEngine) stood(i int) int64 {
	f := e.p.Target.Fabric(1, 1)
	marks := e.marks[i]
	last, words := marks[len(marks)-1], int64(e.p.Stream.WordsPerWeight)
	left := last.index - int64(f.QueueWords+f.RampCycles)
	at := e.wires.hop
	for k := len(marks) - 1; k >= 0 && left >= 0; k-- {
		if m := marks[k]; left >= m.index {
			at = m.at + 1
			if weight := (left - m.index) / words; weight > 0 { // one after the other up to the next command
				next := marks[k+1]
				at += (next.at - m.at) * weight * words / (next.index - m.index)
			}
			break
		}
	}
	perUse := float64(e.costs.fmac.Total()) / float64(words)
	turn := max(1, float64(len(e.cols))/e.p.Target.IORate())
	filling := min(float64(last.index), float64(f.QueueWords+f.RampCycles)/(1-min(0.5, turn/perUse)))
	return max(0, at-e.wires.hop-last.index-int64(filling*(turn-1)))
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
