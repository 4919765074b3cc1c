package view

import (
	"fmt"

	"cs2sim.dev/sims/trace"
)

// way is a color and direction of links, in the order of the page's list.
type way struct {
	Color     int             `json:"color"`
	Carries   string          `json:"carries"`
	Direction trace.Direction `json:"direction"`
}

func (w way) String() string { return fmt.Sprintf("%d %s, %s", w.Color, w.Carries, w.Direction) }

// links sends every kind's link classes: way, columns and rows, wavelets over a link in the first row and what
// each row farther south carries more. A class that begins anew in several places with other
// wavelets per row is one for each, so that rows count from its first.
//
// Links are of whole kernels: of a window the page shows the share of its kernel's wavelets.
func (e *encoder) links(r *trace.Run, fine trace.Fine) {
	kinds := make([]int64, len(r.Phases))
	for i, p := range r.Phases {
		kinds[i] = int64(p.Kind)
	}
	e.add("link.kind", kinds)
	e.add("link.share", fine.Share)
	e.head.Links, e.head.Ways = r.Links, []way{}
	type class struct{ x, y trace.Span }
	known, ways := map[class]int64{}, map[way]int64{}
	var spans, of, ofWay, wavelets, more []int64
	first := make([]int64, 1, len(r.Kinds)+1)
	for k := range r.Kinds {
		for i := range r.Kinds[k].Links {
			l := &r.Kinds[k].Links[i]
			w := way{l.Color, l.Carries, l.Direction}
			n, ok := ways[w]
			if !ok {
				n = int64(len(e.head.Ways))
				ways[w] = n
				e.head.Ways = append(e.head.Ways, w)
			}
			each := l.Wavelets
			if !l.Alike {
				each = l.Sum / max(1, l.Links)
			}
			for _, y := range apart(l) {
				c, ok := known[class{l.X, y}]
				if !ok {
					c = int64(len(known))
					known[class{l.X, y}] = c
					for _, s := range []trace.Span{l.X, y} {
						spans = append(spans, int64(s.From), int64(s.Step), int64(s.Block), int64(s.Count))
					}
				}
				of, ofWay = append(of, c), append(ofWay, n)
				wavelets, more = append(wavelets, each), append(more, l.More)
			}
		}
		first = append(first, int64(len(of)))
	}
	e.add("linkclass.span", spans)
	e.add("link.first", first)
	e.add("link.class", of)
	e.add("link.way", ofWay)
	e.add("link.wavelets", wavelets)
	e.add("link.more", more)
}

// apart are the rows of a class, those of its blocks each by itself where wavelets differ within one.
func apart(l *trace.Link) []trace.Span {
	if l.More == 0 || l.Y.Count == 1 {
		return []trace.Span{l.Y}
	}
	var all []trace.Span
	for i := range l.Y.Count {
		all = append(all, trace.Span{From: l.Y.From + i*l.Y.Step, Step: l.Y.Block, Block: l.Y.Block, Count: 1})
	}
	return all
}
