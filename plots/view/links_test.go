package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cs2sim.dev/sims/trace"
)

// links draws a kind's links as kernels have them: per column, from row to row alike or fewer, every other row,
// and rows of every sequence.
func (s *shape) links(which int) (links []trace.Link) {
	if which < 0 {
		return nil
	}
	add := func(color int, carries, direction string, x, y trace.Span, more int64) {
		l := trace.Link{Color: color, Carries: carries, Direction: trace.Direction(direction), X: x, Y: y, More: more, Alike: true}
		l.Wavelets = 4000 + s.random.Int64N(4000)
		n := int64(y.Block)
		l.Links = int64(x.Block*x.Count) * int64(y.Count) * n
		l.Sum = int64(x.Block*x.Count) * int64(y.Count) * (n*l.Wavelets + n*(n-1)/2*more)
		l.Stalls = trace.Stalls{All: trace.NotCounted, NoRoom: trace.NotCounted, Shared: trace.NotCounted, Switched: trace.NotCounted}
		l.SumStalls = trace.NotCounted
		if direction == "edge_in" {
			l.Copies = s.groups
		}
		links = append(links, l)
	}
	for c := range s.columns {
		x := span(c, s.columns, 1, s.groups)
		add(0, "weights", "edge_in", x, span(0, 1, 1, 1), 0)
		add(0, "weights", "south", x, span(0, s.rows-1, s.rows-1, 1), -3)
		add(0, "weights", "ramp_down", x, span(0, s.rows, s.rows, 1), 0)
		add(12, "keys north, even", "north", x, span(0, 2, 1, s.rows/2), 0)
		add(11, "keys south", "south", x, span(0, s.seqRows, s.seqRows-1, s.sequences), 2)
		add(1, "ring east 0", "ramp_up", x, span(0, s.rows, s.rows, 1), 0)
	}
	if which == 3 { // of a trace too large for its bound
		l := trace.Link{Color: 2, Carries: "ring east 1", Direction: "east", X: span(0, 1, 1, s.usedWidth), Y: span(0, 1, 1, s.rows), Links: int64(s.usedWidth * s.rows), Wavelets: 30}
		l.Sum, l.SumStalls = 11*l.Links, trace.NotCounted
		l.Stalls = trace.Stalls{All: trace.NotCounted, NoRoom: trace.NotCounted, Shared: trace.NotCounted, Switched: trace.NotCounted}
		links = append(links, l)
	}
	return links
}

// counts makes a phase's counts those of its kind's links.
func counts(p *trace.Phase, k *trace.Kind) {
	p.Hops, p.EdgeIn, p.EdgeOut = 0, 0, 0
	for _, l := range k.Links {
		switch l.Direction {
		case "north", "south", "east", "west":
			p.Hops += l.Sum
		case "edge_in":
			p.EdgeIn += l.Sum / int64(l.Copies)
		}
	}
}

// checkLinks holds the maps of links on the page, and one router's, to the trace's classes. Phases first to last
// are those of fine, made of run.
func checkLinks(b *tab, run *trace.Run, fine trace.Fine, first, last, x, y int) {
	b.t.Helper()
	var ways []way
	b.eval(`cs2sim.a.links.ways`, &ways)
	if len(ways) < 6 {
		b.t.Fatalf("%d ways", len(ways))
	}
	w, h := run.Place.Width, run.Place.Height
	for n, one := range ways {
		want := make([]float64, w*h)
		router := 0.0
		for i := first; i <= last; i++ {
			share := float64(fine.Share[i]) / trace.Whole
			for _, l := range run.KindOf(fine.Phase[i]).Links {
				if (way{l.Color, l.Carries, l.Direction}) != one {
					continue
				}
				for at := range want {
					v, _ := l.Over(at%w, at/w)
					want[at] += share * float64(v)
				}
				v, _ := l.Over(x, y)
				router += share * float64(v)
			}
		}
		var got []float64
		b.eval(fmt.Sprintf(`(async () => {
			const { measures } = await import("/run.js");
			const run = cs2sim.a, m = measures(run).find((m) => m.way === %q);
			return [...run.raster(%d, %d, m, new Float64Array(run.usedWidth * run.usedHeight))];
		})()`, one.String(), first, last), &got)
		if !slices.Equal(got, want) {
			b.t.Fatalf("%v in phases %d to %d: %v on the page, %v in the trace", one, first, last, got, want)
		}
		var at []float64
		b.eval(fmt.Sprintf(`[...cs2sim.a.links.at(%d, %d, %d, %d)]`, first, last, x, y), &at)
		if at[n] != router {
			b.t.Errorf("%v at router %d,%d: %v on the page, %v in the trace", one, x, y, at[n], router)
		}
	}
}

// linkChoice: a link is chosen like a state, and a router's links stand beside its PE.
func linkChoice(b *tab) {
	run, other := small().run(b.t, "drawn", 1), small().run(b.t, "another", 2)
	for k := range other.Kinds { // so that the other's first way is not the same
		slices.Reverse(other.Kinds[k].Links)
	}
	b.visit(serve(b.t, written(b.t, run, other)), shown)
	var labels []string
	b.eval(`[...document.querySelectorAll("#measure optgroup option")].map((o) => o.textContent)`, &labels)
	if !slices.Contains(labels, "0 weights, south") {
		b.t.Fatalf("links to choose are %q", labels)
	}
	b.eval(`cs2sim.show("link.0 weights, south"), cs2sim.pin({ x: 1, y: 1 }), cs2sim.flush()`, nil)
	if got := b.text("#figure-a figcaption"); !strings.HasPrefix(got, "0 weights, south") || !strings.Contains(got, "wavelets over the link") {
		b.t.Errorf("the map says %q", got)
	}
	if got := b.text("#facts"); !strings.Contains(got, "south link") || !strings.Contains(got, "weights") {
		b.t.Errorf("beside the PE stands %q", got)
	}
	var same bool
	b.eval(`(async () => {
		await cs2sim.chooseRuns(0, 1);
		cs2sim.flush();
		const { measures } = await import("/run.js");
		const way = cs2sim.measure.way, sum = (run) => run.raster(0, run.phases - 1, measures(run).find((m) => m.way === way), new Float64Array(run.usedWidth * run.usedHeight)).reduce((a, b) => a + b);
		const shown = (v) => v.values.reduce((a, b) => a + b);
		return cs2sim.a.links.names()[1] !== cs2sim.b.links.names()[1] && way === "0 weights, south"
			&& shown(cs2sim.values.a) === sum(cs2sim.a) && shown(cs2sim.values.b) === sum(cs2sim.b);
	})()`, &same)
	if !same {
		b.t.Error("of two runs the same links are not compared")
	}
	b.clean()
}

// TestLinksMessage: classes that begin anew in several places are taken apart, and keep their wavelets.
func TestLinksMessage(t *testing.T) {
	r := small().run(t, "drawn", 1)
	d := decode(t, encode(r))
	if !d.Links || len(d.Ways) == 0 {
		t.Fatalf("links %t, %d ways", d.Links, len(d.Ways))
	}
	sums, want := make([]int64, len(d.Ways)), make([]int64, len(d.Ways))
	for i, c := range d.arrays["link.class"] {
		s := d.arrays["linkclass.span"][8*c : 8*c+8]
		n, more := s[6], d.arrays["link.more"][i]
		if more != 0 && s[7] != 1 {
			t.Errorf("class %d grows by rows in %d places", i, s[7])
		}
		sums[d.arrays["link.way"][i]] += s[2] * s[3] * s[7] * (n*d.arrays["link.wavelets"][i] + n*(n-1)/2*more)
	}
	for k := range r.Kinds {
		for _, l := range r.Kinds[k].Links {
			want[slices.Index(d.Ways, way{l.Color, l.Carries, l.Direction})] += l.Sum
		}
	}
	if !slices.Equal(sums, want) {
		t.Errorf("links sum to %v, in the trace to %v", sums, want)
	}
}
