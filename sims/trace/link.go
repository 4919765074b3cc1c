package trace

import (
	"fmt"
	"slices"

	"cs2sim.dev/fabric"
	"cs2sim.dev/runtime"
)

// Link is a class of links that did the same, of one color and direction, at the routers of columns X and
// rows Y. Classes of a color and direction have no link in common. A link between two routers is that of the one its
// wavelets leave.
type Link struct {
	Color     int
	Carries   string // what the color is for
	Direction Direction
	X, Y      Span
	// Wavelets is over a link in the first row of a block of Y; each row farther south carries More more. If
	// not Alike, which only a trace too large for its bound has, the class is Links links somewhere in
	// X times Y, Wavelets of the busiest of them, and Sum of all.
	Wavelets, More int64
	Alike          bool
	Links, Sum     int64
	Stalls         Stalls // of each link; if not Alike, unknown
	SumStalls      int64  // of all; NotCounted
	Copies         int    // edge_in: over the I/O link the wavelets of so many of the links went once; else 0
}

// Direction is the way of a link, in the word of the tables.
type Direction string

// Stalls are cycles in which a wavelet headed a router's buffer and did not leave by the link; see fabric.LinkUse.
// NotCounted where the engine does not follow them, or not by reason.
type Stalls struct{ All, NoRoom, Shared, Switched int64 }

// Directions lists them: four between routers, the two of the ramp, over the edge and from it.
func Directions() (all []Direction) {
	for d := range fabric.NumDirections {
		all = append(all, Direction(d.String()))
	}
	return all
}

// between says whether a wavelet over the link counts as a hop: it left a router, not to its PE.
func (d Direction) hop() bool {
	switch string(d) {
	case fabric.ToPE.String(), fabric.FromPE.String(), fabric.FromEdge.String():
		return false
	}
	return true
}

// maxRunLinks bounds the classes of one run: some ten bytes each in the file.
const maxRunLinks = 1 << 20

// setLinks gives the kinds the links of the reports they were made of, if all reports have them.
func (r *Run) setLinks(tables []*runtime.LinkTable) {
	var sizes []int
	for _, t := range tables {
		if t == nil {
			return
		}
		sizes = append(sizes, len(t.Classes))
	}
	r.Links = true
	limit := limitOf(sizes, maxRunLinks)
	for i, t := range tables {
		if len(t.Classes) > limit {
			t = t.Coarse()
		}
		r.Kinds[i].Links = linksOf(t)
	}
}

func linksOf(t *runtime.LinkTable) []Link {
	names := map[fabric.Color]string{}
	for _, c := range t.Colors {
		names[c.Color] = Clean(c.Name)
	}
	var directions [fabric.NumDirections]Direction
	for d := range directions {
		directions[d] = Direction(fabric.Direction(d).String())
	}
	// A column's links lie beside each other: what enters it goes down it and into its PEs.
	order := make([][2]int32, len(t.Classes)) // and as they come
	for i := range t.Classes {
		order[i] = [2]int32{int32(t.Classes[i].Color)<<16 | int32(t.Classes[i].X.From), int32(i)}
	}
	slices.SortFunc(order, func(a, b [2]int32) int {
		if a[0] != b[0] {
			return int(a[0] - b[0])
		}
		return int(a[1] - b[1])
	})
	links := make([]Link, len(order))
	for n, at := range order {
		c := &t.Classes[at[1]]
		links[n] = Link{
			Color: int(c.Color), Carries: names[c.Color], Direction: directions[c.Direction], X: Span(c.X), Y: Span(c.Y),
			Wavelets: c.Wavelets, More: c.More, Alike: c.Of == 0, Links: c.Count(), Sum: c.Sum(), Copies: c.Copies,
			Stalls:    Stalls{c.Stalls.All, c.Stalls.By[fabric.NoRoom], c.Stalls.By[fabric.SharedLink], c.Stalls.By[fabric.Switched]},
			SumStalls: c.Stalled(),
		}
	}
	return links
}

// Over is the wavelets over the class's link at column x and row y; not Alike, an even share.
func (l *Link) Over(x, y int) (wavelets int64, ok bool) {
	if !l.X.Has(x) || !l.Y.Has(y) {
		return 0, false
	}
	if !l.Alike {
		return l.Sum / max(1, l.Links), true
	}
	return l.Wavelets + int64((y-l.Y.From)%l.Y.Step)*l.More, true
}

// Peak is the most wavelets over one link.
func (l *Link) Peak() int64 { return max(l.Wavelets, l.Wavelets+int64(l.Y.Block-1)*l.More) }

// LinksAt is what the links of one router did.
func (k *Kind) LinksAt(x, y int) (all []Link) {
	for _, l := range k.Links {
		if n, ok := l.Over(x, y); ok {
			l.X, l.Y = whole(x, x+1), whole(y, y+1)
			l.Wavelets, l.More, l.Sum, l.Links, l.SumStalls = n, 0, n, 1, l.Stalls.All
			all = append(all, l)
		}
	}
	return all
}

// linkSums are what a phase counts: hops, and wavelets over the I/O link; each no more than it can count.
func (k *Kind) linkSums() (hops, in, out int64) {
	var entered, copies [fabric.NumColors]int64
	for i := range k.Links {
		l := &k.Links[i]
		if l.Direction.hop() {
			hops += l.Sum
		}
		switch string(l.Direction) {
		case fabric.ToEdge.String():
			out += l.Sum
		case fabric.FromEdge.String():
			entered[l.Color] = min(entered[l.Color]+l.Sum, maxCount+1)
			copies[l.Color] = max(1, int64(l.Copies))
		}
		hops, out = min(hops, maxCount+1), min(out, maxCount+1)
	}
	for c, n := range entered {
		if n > 0 {
			in += n / copies[c]
		}
	}
	return hops, in, out
}

// checkLinkSums closes the account of wavelets: what a kind's links carried is what its phases count.
func (r *Run) checkLinkSums() error {
	if !r.Links {
		return nil
	}
	sums := make([][3]int64, len(r.Kinds))
	for k := range r.Kinds {
		sums[k][0], sums[k][1], sums[k][2] = r.Kinds[k].linkSums()
	}
	for i, p := range r.Phases {
		if p.Kind < 0 || p.Kind >= len(sums) {
			return fmt.Errorf("phase %d: is of kind %d, there are %d", i, p.Kind, len(sums))
		}
		if want := [3]int64{p.Hops, p.EdgeIn, p.EdgeOut}; p.Kernel != SwitchKernel && sums[p.Kind] != want {
			return fmt.Errorf("phase %d: its links carried %d hops, %d in and %d out, it counts %d, %d and %d",
				i, sums[p.Kind][0], sums[p.Kind][1], sums[p.Kind][2], p.Hops, p.EdgeIn, p.EdgeOut)
		}
	}
	return nil
}

// checkLinks holds a kind's links within bounds.
func (k *Kind) checkLinks(m Machine) error {
	have := map[[2]int]int64{} // by color and direction
	var copies [fabric.NumColors]int
	all := int64(m.Width) * int64(m.Height)
	directions := Directions()
	for i := range k.Links {
		l := &k.Links[i]
		d := slices.Index(directions, l.Direction)
		switch {
		case d < 0:
			return fmt.Errorf("link class %d has direction %.40q, must be one of %q", i, l.Direction, directions)
		case l.Color < 0 || l.Color >= fabric.NumColors:
			return fmt.Errorf("link class %d is of color %d", i, l.Color)
		case !l.X.fits(m.Width) || !l.Y.fits(m.Height):
			return fmt.Errorf("link class %d lies outside of %d x %d PEs: x %+v, y %+v", i, m.Width, m.Height, l.X, l.Y)
		}
		if err := l.check(); err != nil {
			return fmt.Errorf("link class %d: %w", i, err)
		}
		if c := &copies[l.Color]; l.Copies > 0 {
			if *c != 0 && *c != l.Copies {
				return fmt.Errorf("link class %d: edge_in of color %d in %d copies, before in %d", i, l.Color, l.Copies, *c)
			}
			*c = l.Copies
		}
		key := [2]int{l.Color, d}
		if have[key] += l.Links; have[key] > all {
			return fmt.Errorf("%d %s links of color %d, there are %d", have[key], l.Direction, l.Color, all)
		}
	}
	return nil
}

func (l *Link) check() error {
	if err := checkName(l.Carries); err != nil {
		return err
	}
	members, rows := int64(l.X.Len())*int64(l.Y.Len()), int64(l.Y.Block)
	last := l.Wavelets + (rows-1)*l.More
	switch {
	case min(l.Wavelets, last) < 0 || max(l.Wavelets, last) > maxCycles || max(l.More, -l.More) > maxCycles:
		return fmt.Errorf("%d wavelets, %d more in each row", l.Wavelets, l.More)
	case l.Links < 1 || l.Links > members || l.Alike && l.Links != members:
		return fmt.Errorf("%d links of %d", l.Links, members)
	case l.Sum < 0 || l.Sum > maxCount || float64(l.Links)*float64(max(l.Wavelets, last, l.Stalls.All)) > maxPEWork:
		return fmt.Errorf("%d wavelets in all, %d links of up to %d", l.Sum, l.Links, max(l.Wavelets, last))
	case l.Alike && l.Sum != int64(l.X.Len())*int64(l.Y.Count)*(rows*l.Wavelets+rows*(rows-1)/2*l.More):
		return fmt.Errorf("%d wavelets in all, its links carry others", l.Sum)
	case !l.Alike && (l.More != 0 || l.Sum < l.Wavelets || l.Sum > l.Links*l.Wavelets):
		return fmt.Errorf("%d wavelets over %d links, %d over the busiest", l.Sum, l.Links, l.Wavelets)
	}
	edge := string(l.Direction) == fabric.FromEdge.String()
	if edge != (l.Copies > 0) || l.Copies < 0 || l.Copies > maxSide {
		return fmt.Errorf("%s in %d copies", l.Direction, l.Copies)
	}
	return l.checkStalls()
}

func (l *Link) checkStalls() error {
	s := l.Stalls
	by := []int64{s.NoRoom, s.Shared, s.Switched}
	switch leaves := l.Direction.hop() || string(l.Direction) == fabric.ToPE.String(); {
	case slices.Min(by) < NotCounted || slices.Max(by) > maxCycles || s.All < NotCounted || s.All > maxCycles || l.SumStalls < NotCounted || l.SumStalls > maxCount:
		return fmt.Errorf("stalls %+v, %d in all", s, l.SumStalls)
	case slices.Max(by) == NotCounted: // not by reason
	case slices.Min(by) == NotCounted || s.All != s.NoRoom+s.Shared+s.Switched:
		return fmt.Errorf("stalls %+v do not add up", s)
	case !leaves || !l.Alike:
		return fmt.Errorf("stalls where none are counted: %+v", s)
	}
	switch {
	case l.Alike && s.All == NotCounted && l.SumStalls != NotCounted, l.Alike && s.All >= 0 && l.SumStalls != s.All*l.Links, !l.Alike && s.All != NotCounted:
		return fmt.Errorf("stalls %+v, %d in all", s, l.SumStalls)
	}
	return nil
}
