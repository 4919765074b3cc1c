package runtime

import (
	"cmp"
	"slices"

	"cs2sim.dev/compiler"
)

// linkPiece is the links of a class in one column of a group, or of a head.
type linkPiece struct {
	Links // X is not set
	x     int
}

// repeat says that columns do the same count times, period columns apart.
type repeat struct{ period, count int }

// linkTable merges columns alike, which the groups repeat, or the heads and then the groups. Pieces are large, and a
// step has a million of them: their numbers are sorted in their place.
func linkTable(colors []compiler.ColorUse, pieces []linkPiece, repeats ...repeat) *LinkTable {
	order := make([]int32, 0, len(pieces))
	for i := range pieces {
		if p := &pieces[i]; p.Y.Len() > 0 && (p.Wavelets != 0 || p.More != 0 || p.Stalls.All > 0) {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		p, q := &pieces[a], &pieces[b]
		if c := p.compare(&q.Links); c != 0 {
			return c
		}
		return cmp.Compare(p.x, q.x)
	})
	classes := make([]Links, 0, len(order))
	var xs []int
	for len(order) > 0 {
		first := &pieces[order[0]]
		xs = append(xs[:0], first.x)
		for n := 1; n < len(order) && pieces[order[n]].Links == first.Links; n++ {
			xs = append(xs, pieces[order[n]].x)
		}
		order = order[len(xs):]
		l := first.Links
		all := places(xs, 1)
		for _, r := range repeats {
			all = r.of(all)
		}
		for _, l.X = range all {
			classes = append(classes, l)
		}
	}
	return &LinkTable{Colors: colors, Classes: byPlace(classes)}
}

// byPlace sorts classes by color, direction, row and column, equal ones as they come.
func byPlace(classes []Links) []Links {
	type place struct {
		key uint64
		i   int32
	}
	order := make([]place, len(classes))
	for i := range classes {
		l := &classes[i]
		order[i] = place{uint64(l.Color)<<56 | uint64(l.Direction)<<48 | uint64(l.Y.From)<<24 | uint64(l.X.From), int32(i)}
	}
	slices.SortFunc(order, func(a, b place) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return int(a.i - b.i)
	})
	out := make([]Links, len(classes))
	for n, p := range order {
		out[n] = classes[p.i]
	}
	return out
}

// compare orders classes with no regard to X.
func (l *Links) compare(o *Links) int {
	switch {
	case l.Color != o.Color:
		return cmp.Compare(l.Color, o.Color)
	case l.Direction != o.Direction:
		return cmp.Compare(l.Direction, o.Direction)
	case l.Y != o.Y:
		return cmp.Or(cmp.Compare(l.Y.From, o.Y.From), cmp.Compare(l.Y.Step, o.Y.Step), cmp.Compare(l.Y.Block, o.Y.Block), cmp.Compare(l.Y.Count, o.Y.Count))
	case l.Wavelets != o.Wavelets:
		return cmp.Compare(l.Wavelets, o.Wavelets)
	case l.More != o.More:
		return cmp.Compare(l.More, o.More)
	case l.Stalls != o.Stalls:
		return cmp.Or(slices.Compare(l.Stalls.By[:], o.Stalls.By[:]), cmp.Compare(l.Stalls.All, o.Stalls.All))
	}
	return cmp.Compare(l.Copies, o.Copies)
}

// of is all places, of which sets has those of the first time.
func (r repeat) of(sets []Places) []Places {
	if r.count == 1 {
		return sets
	}
	all := make([]Places, 0, len(sets))
	for _, p := range sets {
		switch {
		case p.Count == 1 && p.Block == r.period: // they touch
			all = append(all, Places{p.From, p.Block * r.count, p.Block * r.count, 1})
		case p.Count == 1:
			all = append(all, Places{p.From, r.period, p.Block, r.count})
		case p.Count*p.Step == r.period:
			all = append(all, Places{p.From, p.Step, p.Block, p.Count * r.count})
		case p.Count < r.count: // each block all times
			for i := range p.Count {
				all = append(all, Places{p.From + i*p.Step, r.period, p.Block, r.count})
			}
		default: // all blocks each time
			for g := range r.count {
				p.From += min(g, 1) * r.period
				all = append(all, p)
			}
		}
	}
	return all
}

// places puts blocks of so many places, by their first in ascending order, into as few sets as
// constant distances make.
func places(from []int, block int) (all []Places) {
	if len(from) == 1 {
		return []Places{{from[0], block, block, 1}}
	}
	runs := make([]Places, 0, len(from)) // blocks that touch are one if they are single places
	for _, v := range from {
		if n := len(runs); n > 0 && block == 1 && runs[n-1].From+runs[n-1].Block == v {
			runs[n-1].Block++
			continue
		}
		runs = append(runs, Places{v, 0, block, 1})
	}
	slices.SortStableFunc(runs, func(a, b Places) int { return cmp.Compare(a.Block, b.Block) })
	for len(runs) > 0 {
		p := runs[0]
		p.Step = p.Block
		n := 1
		if len(runs) > 1 && runs[1].Block == p.Block {
			p.Step = runs[1].From - p.From
			for n < len(runs) && runs[n].Block == p.Block && runs[n].From == p.From+n*p.Step {
				n++
			}
		}
		p.Count = n
		all, runs = append(all, p), runs[n:]
	}
	return all
}
