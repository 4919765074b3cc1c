package runtime

import (
	"cmp"
	"context"
	"slices"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// LinkTable is what every link and color did in a run, links alike together. A link belongs to a router, see
// fabric.LinkUse; on the used rectangle every router's every link that carried a color is in one class.
type LinkTable struct {
	Colors  []compiler.ColorUse // what colors carry
	Classes []Links             // by color, direction, row, column
}

// Links is a class: the links of one direction, at the routers of columns X and rows Y.
type Links struct {
	Color          fabric.Color
	Direction      fabric.Direction
	X, Y           Places
	Wavelets, More int64  // over a link in the first row of a block of Y, and more over each row farther south
	Stalls         Stalls // of each link
	Copies         int    // FromEdge: over the I/O link, the wavelets of so many of the links went once; else 0

	// Of is set in a coarse table: the class is so many links somewhere in X and Y, Wavelets of the busiest,
	// with All wavelets and Stood stalls together, the latter Unknown if any link's are.
	Of, All, Stood int64
}

// Places is From + i*Step + k for i < Count and k < Block.
type Places struct{ From, Step, Block, Count int }

// Stalls of a link in cycles: by fabric.Reason and together, Unknown where the engine does not follow them.
type Stalls struct {
	By  [fabric.NumReasons]int64
	All int64
}

// Unknown stands for a number of stalls that the engine does not know.
const Unknown = -1

func unknownStalls() Stalls {
	return Stalls{[fabric.NumReasons]int64{Unknown, Unknown, Unknown}, Unknown}
}

// Len is the number of places.
func (p Places) Len() int { return p.Block * p.Count }

// span is the places from lo to hi-1.
func span(lo, hi int) Places { return Places{lo, max(1, hi-lo), max(0, hi-lo), 1} }

// every is each step-th place from lo on below hi.
func every(lo, step, hi int) Places { return Places{lo, step, 1, max(0, (hi-lo+step-1)/step)} }

// Count is the number of links.
func (l *Links) Count() int64 {
	if l.Of > 0 {
		return l.Of
	}
	return int64(l.X.Len()) * int64(l.Y.Len())
}

// Stalled is the stalls of all links together, or Unknown.
func (l *Links) Stalled() int64 {
	switch {
	case l.Of > 0:
		return l.Stood
	case l.Stalls.All == Unknown:
		return Unknown
	}
	return l.Count() * l.Stalls.All
}

// Coarse is a table with one class per color, direction and number of copies.
func (t *LinkTable) Coarse() *LinkTable {
	out := &LinkTable{Colors: t.Colors}
	cover := func(a, b Places) Places {
		end := func(p Places) int { return p.From + (p.Count-1)*p.Step + p.Block }
		return span(min(a.From, b.From), max(end(a), end(b)))
	}
	for i := range t.Classes {
		c := &t.Classes[i]
		n := len(out.Classes) - 1
		if n < 0 || out.Classes[n].Color != c.Color || out.Classes[n].Direction != c.Direction || out.Classes[n].Copies != c.Copies {
			out.Classes = append(out.Classes, Links{Color: c.Color, Direction: c.Direction, X: c.X, Y: c.Y, Stalls: unknownStalls(), Copies: c.Copies})
			n++
		}
		l := &out.Classes[n]
		l.X, l.Y = cover(l.X, c.X), cover(l.Y, c.Y)
		l.Wavelets = max(l.Wavelets, c.Wavelets, c.Wavelets+int64(c.Y.Block-1)*c.More)
		l.Of, l.All = l.Of+c.Count(), l.All+c.Sum()
		if s := c.Stalled(); s == Unknown || l.Stood == Unknown {
			l.Stood = Unknown
		} else {
			l.Stood += s
		}
	}
	return out
}

// Sum is the wavelets over all links of the class.
func (l *Links) Sum() int64 {
	if l.Of > 0 {
		return l.All
	}
	n := int64(l.Y.Block)
	return int64(l.X.Len()) * int64(l.Y.Count) * (n*l.Wavelets + n*(n-1)/2*l.More)
}

// rowKey is what a router's link and color is found by.
type rowKey struct {
	color fabric.Color
	dir   fabric.Direction
	x     int
}

// densePieces are the links of a mesh, of which every one was counted, for count meshes that lie period rows apart.
// copies says of each color over how many edge inputs it is multicast.
func densePieces(uses []fabric.LinkUse, copies [fabric.NumColors]int, period, count int) (pieces []linkPiece) {
	uses = slices.Clone(uses)
	slices.SortFunc(uses, func(a, b fabric.LinkUse) int {
		return cmp.Or(cmp.Compare(a.Color, b.Color), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.At.X, b.At.X), cmp.Compare(a.At.Y, b.At.Y))
	})
	key := func(u *fabric.LinkUse) rowKey { return rowKey{u.Color, u.Direction, u.At.X} }
	for i := 0; i < len(uses); {
		j := i + 1
		for j < len(uses) && key(&uses[j]) == key(&uses[i]) {
			j++
		}
		pieces = append(pieces, columnPieces(uses[i:j], copies[uses[i].Color], period, count)...)
		i = j
	}
	return pieces
}

// columnPieces are those of one column, color and direction.
func columnPieces(uses []fabric.LinkUse, copies, period, count int) (pieces []linkPiece) {
	var runs []linkPiece // neighbours alike, or with a constant difference of wavelets
	for i := range uses {
		u := &uses[i]
		p := linkPiece{Links: Links{Color: u.Color, Direction: u.Direction, Wavelets: u.Wavelets, Stalls: stallsOf(u)}, x: u.At.X}
		if u.Direction == fabric.FromEdge {
			p.Copies = copies
		}
		if n := len(runs); n > 0 && runs[n-1].takes(&p, u.At.Y) {
			continue
		}
		p.Y = span(u.At.Y, u.At.Y+1)
		runs = append(runs, p)
	}
	same := func(a, b *linkPiece) int {
		x, y := a.Links, b.Links
		x.Y.From, x.Y.Step, y.Y.From, y.Y.Step = 0, 0, 0, 0
		return x.compare(&y)
	}
	slices.SortStableFunc(runs, func(a, b linkPiece) int { return same(&a, &b) })
	for i := 0; i < len(runs); {
		j := i
		var ys []int
		for ; j < len(runs) && same(&runs[i], &runs[j]) == 0; j++ {
			for n := range count {
				ys = append(ys, runs[j].Y.From+n*period)
			}
		}
		slices.Sort(ys)
		for _, y := range places(ys, runs[i].Y.Block) {
			p := runs[i]
			p.Y = y
			pieces = append(pieces, p)
		}
		i = j
	}
	return pieces
}

// takes lengthens a run by the next row, if it goes on as the run does.
func (p *linkPiece) takes(o *linkPiece, y int) bool {
	if p.Y.From+p.Y.Block != y || p.Stalls != o.Stalls || p.Copies != o.Copies {
		return false
	}
	switch more := o.Wavelets - p.Wavelets - int64(p.Y.Block-1)*p.More; {
	case p.Y.Block == 1:
		p.More = more
	case more != p.More:
		return false
	}
	p.Y.Block++
	p.Y.Step++
	return true
}

func stallsOf(u *fabric.LinkUse) Stalls {
	if !u.Direction.Leaves() {
		return unknownStalls()
	}
	s := Stalls{By: u.Stalls}
	for _, n := range u.Stalls {
		s.All += n
	}
	return s
}

// copiesOf is over how many border routers each color of a layout is multicast.
func copiesOf(l *compiler.Layout) (n [fabric.NumColors]int) {
	for i := range l.In {
		n[l.In[i].Color] = len(l.In[i].Borders())
	}
	for _, in := range l.Ingress {
		for _, lane := range in.Lanes {
			n[in.Color] = len(lane)
		}
	}
	return n
}

type traceKey struct{}

// withTrace has the phases run under ctx report what a trace holds beside cycles: links and windows.
func withTrace(ctx context.Context, on bool) context.Context {
	if !on {
		return ctx
	}
	return context.WithValue(ctx, traceKey{}, true)
}

func traced(ctx context.Context) bool { return ctx.Value(traceKey{}) != nil }

// windowsOf is the most windows of a phase run under ctx.
func windowsOf(ctx context.Context) int {
	if traced(ctx) {
		return mostOfStep
	}
	return 0
}
