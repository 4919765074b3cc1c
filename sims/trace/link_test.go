package trace

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/runtime"
)

// links draws classes of links for a report and makes its counts theirs.
func (d drawn) links(p *runtime.PhaseReport) {
	columns, rows, groups := d.space.Columns, d.space.Rows(), d.space.Groups
	t := &runtime.LinkTable{Colors: []compiler.ColorUse{{Color: 0, Name: "weights", Use: "down"}, {Color: 5, Name: "row east", Use: "along"}}}
	p.Hops, p.EdgeIn, p.EdgeOut = 0, 0, 0
	add := func(c fabric.Color, dir fabric.Direction, x int, y runtime.Places, more int64, copies int) {
		l := runtime.Links{Color: c, Direction: dir, X: runtime.Places{From: x, Step: columns, Block: 1, Count: groups}, Y: y, Copies: copies, More: more}
		l.Wavelets = 10000 + d.r.Int64N(1000) // 7 less in each of up to a thousand rows
		switch d.r.IntN(3) {
		case 0:
			l.Stalls.By[fabric.NoRoom], l.Stalls.By[fabric.SharedLink] = d.r.Int64N(100), d.r.Int64N(100)
			l.Stalls.All = l.Stalls.By[fabric.NoRoom] + l.Stalls.By[fabric.SharedLink]
		case 1:
			l.Stalls = runtime.Stalls{By: [fabric.NumReasons]int64{-1, -1, -1}, All: d.r.Int64N(100)}
		}
		if !dir.Leaves() || l.Stalls.All == 0 {
			l.Stalls = runtime.Stalls{By: [fabric.NumReasons]int64{-1, -1, -1}, All: runtime.Unknown}
		}
		t.Classes = append(t.Classes, l)
		switch n := l.Sum(); dir {
		case fabric.FromEdge:
			p.EdgeIn += n / int64(copies)
		case fabric.ToEdge:
			p.EdgeOut += n
			p.Hops += n
		case fabric.ToPE, fabric.FromPE:
		default:
			p.Hops += n
		}
	}
	one, all := runtime.Places{Step: 1, Block: 1, Count: 1}, runtime.Places{Step: rows, Block: rows, Count: 1}
	for x := range columns {
		add(0, fabric.FromEdge, x, one, 0, groups)
		if rows > 1 {
			add(0, fabric.ToSouth, x, runtime.Places{Step: rows - 1, Block: rows - 1, Count: 1}, -7, 0)
		}
		add(0, fabric.ToPE, x, all, 3, 0)
		add(5, fabric.FromPE, x, all, 0, 0)
		add(5, fabric.ToEast, x, runtime.Places{Step: 2, Block: 1, Count: (rows + 1) / 2}, 0, 0)
		add(5, fabric.ToEdge, x, one, 0, 0)
	}
	slices.SortStableFunc(t.Classes, func(a, b runtime.Links) int {
		return cmp.Or(cmp.Compare(a.Color, b.Color), cmp.Compare(a.Direction, b.Direction))
	})
	p.Links = t
}

// eachLink is the wavelets of every link by name.
func eachLink(k *Kind) map[string]int64 {
	all := map[string]int64{}
	for i := range k.Links {
		l := &k.Links[i]
		l.Y.Each(func(y int) {
			l.X.Each(func(x int) {
				n, _ := l.Over(x, y)
				all[fmt.Sprintf("%d %s, color %d %s %s", x, fmt.Sprint(y), l.Color, l.Carries, l.Direction)] += n
			})
		})
	}
	return all
}

// TestLinksAt: what a router's links carried is what the classes say, and all routers' are the phase's hops.
func TestLinksAt(t *testing.T) {
	for _, r := range runs(t) {
		if !r.Links {
			t.Fatalf("%s: links were not counted", r.Name)
		}
		for i, p := range r.Phases {
			k := r.KindOf(i)
			var hops, stalls, all int64
			for y := range r.Machine.Height {
				for x := range r.Machine.Width {
					for _, l := range k.LinksAt(x, y) {
						if l.Direction.hop() {
							hops += l.Sum
						}
						stalls += max(0, l.SumStalls)
					}
				}
			}
			for _, l := range k.Links {
				all += max(0, l.SumStalls)
			}
			if hops != p.Hops || stalls != all || p.Kernel != SwitchKernel && hops == 0 {
				t.Errorf("phase %d: %d hops and %d stalls router by router, %d and %d in the phase", i, hops, stalls, p.Hops, all)
			}
		}
	}
}

// TestHostileLinks: each change of a class is refused by a reason that names it.
func TestHostileLinks(t *testing.T) {
	for _, c := range []struct {
		change func(l *Link)
		reason string
	}{
		{func(l *Link) { l.Direction = "up" }, "direction"},
		{func(l *Link) { l.Color = fabric.NumColors }, "color 24"},
		{func(l *Link) { l.Carries = "<b>" }, "holds"},
		{func(l *Link) { l.X.Count = 1 << 30 }, "outside"},
		{func(l *Link) { l.Wavelets++ }, "carry others"},
		{func(l *Link) { l.Sum++ }, "carry others"},
		{func(l *Link) { l.Wavelets = -1 }, "wavelets"},
		{func(l *Link) { l.More = 1 << 62 }, "more in each row"},
		{func(l *Link) { l.Links++ }, "links of"},
		{func(l *Link) { l.Copies = 3 }, "copies"},
		{func(l *Link) { l.Alike = false; l.Wavelets, l.More = 1, 0 }, "over the busiest"},
		{func(l *Link) { l.Stalls = Stalls{1, 1, 1, 0} }, "do not add up"},
		{func(l *Link) { l.Stalls = Stalls{All: -2} }, "stalls"},
		{func(l *Link) { l.SumStalls += 5 }, "in all"},
		{func(l *Link) { l.Wavelets, l.Sum, l.More = 0, 0, 0 }, "hops"},
		{func(l *Link) { l.Direction = "ramp_up"; l.Stalls = Stalls{} }, "none are counted"},
	} {
		r := runs(t)[0]
		i := 0
		for r.Kinds[0].Links[i].Direction != "south" || r.Kinds[0].Links[i].X.Count < 1 {
			i++
		}
		c.change(&r.Kinds[0].Links[i])
		if err := r.Check(); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("error is %v, must say %q", err, c.reason)
		}
	}
}

// TestCoarseLinks: classes put together keep their sums, and the run stays whole.
func TestCoarseLinks(t *testing.T) {
	for _, s := range steps(t) {
		r := s.Run()
		tables := []*runtime.LinkTable{}
		seen := map[*runtime.PhaseReport]bool{}
		for _, p := range s.Report.Phases {
			if !seen[p] {
				seen[p] = true
				tables = append(tables, p.Links.Coarse())
			}
		}
		r.setLinks(tables)
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		for i := range tables {
			if n := len(r.Kinds[i].Links); n != 6 && n != 5 {
				t.Errorf("kind %d has %d classes", i, n)
			}
		}
	}
}

// TestLinksByAnotherReader: another reader's sums over the table are the phases' counts.
func TestLinksByAnotherReader(t *testing.T) {
	dir, all := written(t)
	for part, r := range all {
		rows, err := parquet.ReadFile[linkRow](filepath.Join(dir, Folder, partName("links", part, "", "parquet")))
		if err != nil {
			t.Fatal(err)
		}
		sums := map[int32][3]float64{}
		for _, l := range rows {
			s := sums[l.Kind]
			switch l.Direction {
			case "north", "east", "south", "west":
				s[0] += float64(l.Sum)
			case "edge_out":
				s[0] += float64(l.Sum)
				s[2] += float64(l.Sum)
			case "edge_in":
				s[1] += float64(l.Sum) / float64(l.Copies)
			}
			sums[l.Kind] = s
		}
		for i, p := range r.Phases {
			if got, want := sums[int32(p.Kind)], [3]float64{float64(p.Hops), float64(p.EdgeIn), float64(p.EdgeOut)}; got != want {
				t.Errorf("phase %d: links sum to %v, the phase counts %v", i, got, want)
			}
		}
	}
}
