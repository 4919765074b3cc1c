package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"cs2sim.dev/fabric"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/trace"
)

// linksText is what the links of some phases carried and where wavelets stood, by color and direction.
func linksText(r *trace.Run, phases []int, what string) (string, error) {
	if !r.Links {
		return "", &sims.InputError{File: "--links", Value: strconv.Quote(r.Name), Want: "is a run whose links were not counted; run it again with this cs2sim"}
	}
	t := sims.Table{Name: "links", Columns: append(linkColumns(), sims.Column{Name: "peak", Title: "busiest", Unit: "%", Kind: sims.Number, Format: "%.2f"})}
	t.Columns = append(t.Columns, stallColumns()...)
	for _, u := range r.LinkUses(phases) {
		row := append(linkCells(&u), 100*u.Peak)
		t.Rows = append(t.Rows, append(row, stallCells(&u)...))
	}
	return fmt.Sprintf("links of %q, %s; mean and busiest link in %% of its kernels' cycles\n\n%s%s", r.Name, what, t.Terminal(), stallNote(r, phases)), nil
}

// quoted lists names in quotes.
func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strconv.Quote(n)
	}
	return strings.Join(out, ", ")
}

// linksText is of one phase, one kernel, or all.
func (v traceView) linksText(r *trace.Run, first, last int) (string, error) {
	what := "all phases"
	var phases []int
	for _, i := range r.PhasesOf(v.kernel) {
		if first <= i && i <= last {
			phases = append(phases, i)
		}
	}
	switch p := &r.Phases[first]; {
	case v.kernel != "" && len(phases) == 0:
		var known []string
		for i := first; i <= last; i++ {
			if name := r.Phases[i].Frame(); !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
		return "", &sims.InputError{File: "--kernel", Value: strconv.Quote(v.kernel), Want: fmt.Sprintf("must be one of %s", quoted(known))}
	case first == last:
		what = fmt.Sprintf("phase %d, %s %s", first, p.Op, p.Frame())
	case v.kernel != "":
		what = fmt.Sprintf("%d phases of %s", len(phases), v.kernel)
	}
	return linksText(r, phases, what)
}

func linkColumns() []sims.Column {
	return []sims.Column{
		{Name: "color", Title: "color", Kind: sims.Number, Format: "%.0f"},
		{Name: "carries", Title: "carries", Kind: sims.Text},
		{Name: "direction", Title: "direction", Kind: sims.Text},
		{Name: "links", Title: "links", Kind: sims.Number, Format: "%.0f"},
		{Name: "wavelets", Title: "wavelets", Kind: sims.Number, Format: "%.0f"},
		{Name: "mean", Title: "mean", Unit: "%", Kind: sims.Number, Format: "%.2f"},
	}
}

func linkCells(u *trace.LinkUse) []any {
	return []any{float64(u.Color), u.Carries, string(u.Direction), float64(u.Links), float64(u.Wavelets), 100 * u.Mean()}
}

func stallColumns() []sims.Column {
	return []sims.Column{
		{Name: "stalled", Title: "stalled", Unit: "%", Kind: sims.Number, Format: "%.2f"},
		{Name: "no_room", Title: "no room", Unit: "%", Kind: sims.Number, Format: "%.2f"},
		{Name: "shared_link", Title: "shared", Unit: "%", Kind: sims.Number, Format: "%.2f"},
		{Name: "switched", Title: "switched", Unit: "%", Kind: sims.Number, Format: "%.2f"},
	}
}

// stallCells are in percent of the links' cycles; nothing where they were not counted.
func stallCells(u *trace.LinkUse) (cells []any) {
	for _, n := range []int64{u.Stalls.All, u.Stalls.NoRoom, u.Stalls.Shared, u.Stalls.Switched} {
		if n == trace.NotCounted {
			cells = append(cells, math.NaN())
		} else {
			cells = append(cells, share(n, u.Cycles))
		}
	}
	return cells
}

// stallNote says what an empty cell means.
func stallNote(r *trace.Run, phases []int) string {
	for _, u := range r.LinkUses(phases) {
		if d := string(u.Direction); u.Stalls.NoRoom == trace.NotCounted && d != fabric.FromPE.String() && d != fabric.FromEdge.String() {
			return "\n-: not counted; a kernel of the stream engine tells them where it follows wavelets\n"
		}
	}
	return ""
}

// routerText is what one router's links carried, out of it and into it.
func routerText(r *trace.Run, at fabric.Coord, first, last int) string {
	if !r.Links {
		return ""
	}
	var phases []int
	for i := first; i <= last; i++ {
		phases = append(phases, i)
	}
	t := sims.Table{Name: "router", Columns: append([]sims.Column{
		{Name: "link", Title: "link", Kind: sims.Text}, {Name: "way", Title: "way", Kind: sims.Text}}, linkColumns()...)}
	t.Columns = append(t.Columns, stallColumns()...)
	drop := 2 + 2 // columns direction and links say nothing here
	t.Columns = append(t.Columns[:drop:drop], append([]sims.Column{t.Columns[drop+2]}, t.Columns[drop+3:]...)...)
	add := func(link, way string, u *trace.LinkUse) {
		t.Rows = append(t.Rows, append([]any{link, way, float64(u.Color), u.Carries, float64(u.Wavelets), 100 * u.Mean()}, stallCells(u)...))
	}
	own := r.LinkUsesAt(phases, at.X, at.Y)
	for p := fabric.North; p < fabric.Ramp; p++ {
		ways(own, fabric.Direction(p), func(u *trace.LinkUse) { add(p.String(), "out", u) })
		if next := at.Beyond(p); next.X >= 0 && next.Y >= 0 && next.X < r.Machine.Width && next.Y < r.Machine.Height {
			ways(r.LinkUsesAt(phases, next.X, next.Y), fabric.Direction(p.Opposite()), func(u *trace.LinkUse) { add(p.String(), "in", u) })
		}
	}
	for _, w := range []struct {
		d         fabric.Direction
		link, way string
	}{{fabric.ToPE, "ramp", "out"}, {fabric.FromPE, "ramp", "in"}, {fabric.ToEdge, "edge", "out"}, {fabric.FromEdge, "edge", "in"}} {
		ways(own, w.d, func(u *trace.LinkUse) { add(w.link, w.way, u) })
	}
	if len(t.Rows) == 0 {
		return "\nnothing passed its router\n"
	}
	return "\nlinks of its router, in % of the cycles of the kernels that use them\n\n" + t.Terminal()
}

func ways(uses []trace.LinkUse, d fabric.Direction, do func(u *trace.LinkUse)) {
	for i := range uses {
		if string(uses[i].Direction) == d.String() {
			do(&uses[i])
		}
	}
}

// busyLink is the share of a kernel's cycles from which a link is named.
const busyLink = 0.5

// busiestText names, of the kernels listed, those in which one color takes more than half of some
// link's time; without any, the busiest.
func busiestText(r *trace.Run, kernels []trace.Worst) string {
	if !r.Links {
		return ""
	}
	var b strings.Builder
	most, of := trace.Busiest{}, ""
	for _, k := range kernels {
		here := trace.Busiest{}
		for i := range r.Phases {
			if p := &r.Phases[i]; p.Op == k.Op && p.Frame() == k.Frame {
				if one := r.Kinds[p.Kind].Busiest(); one.Peak > here.Peak {
					here = one
				}
			}
		}
		if here.Peak > most.Peak {
			most, of = here, k.Op+" "+k.Frame
		}
		if here.Peak > busyLink {
			fmt.Fprintf(&b, "  %s %s: %v\n", k.Op, k.Frame, here)
		}
	}
	switch {
	case b.Len() > 0:
		return fmt.Sprintf("\nlinks that one color uses for more than %.0f %% of a kernel's cycles\n%s", 100*busyLink, b.String())
	case most.Peak > 0:
		return fmt.Sprintf("\nno link is a bottleneck: the busiest is of %s, %v\n", of, most)
	}
	return ""
}
