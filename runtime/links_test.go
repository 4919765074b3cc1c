package runtime

import (
	"fmt"
	"os"
	"testing"

	"cs2sim.dev/fabric"
	"pgregory.net/rapid"
)

// oneLink is a link and color of a mesh.
type oneLink struct {
	color fabric.Color
	dir   fabric.Direction
	x, y  int
}

// eachLink takes a table apart.
func (t *LinkTable) eachLink(do func(l oneLink, wavelets int64, c *Links)) {
	for i := range t.Classes {
		c := &t.Classes[i]
		for iy := range c.Y.Count {
			for ky := range c.Y.Block {
				for ix := range c.X.Count {
					for kx := range c.X.Block {
						do(oneLink{c.Color, c.Direction, c.X.From + ix*c.X.Step + kx, c.Y.From + iy*c.Y.Step + ky}, c.Wavelets+int64(ky)*c.More, c)
					}
				}
			}
		}
	}
}

// sameLinks holds a table against what the mesh counted: wavelets of every link, and stalls where they are known.
func sameLinks(t failer, w *LayoutReport, r *PhaseReport) {
	t.Helper()
	if r.Links == nil {
		t.Errorf("links were not counted")
		return
	}
	want := map[oneLink]*fabric.LinkUse{}
	for i := range w.Links {
		u := &w.Links[i]
		want[oneLink{u.Color, u.Direction, u.At.X, u.At.Y}] = u
	}
	cells := 0
	r.Links.eachLink(func(l oneLink, n int64, c *Links) {
		u := want[l]
		if u == nil {
			t.Errorf("%+v %v: no such link, %d wavelets in the table", l, l.dir, n)
			return
		}
		cells++
		if u.Wavelets != n {
			t.Errorf("%+v %v: %d wavelets, the table says %d", l, l.dir, u.Wavelets, n)
		}
		if got := stallsOf(u); c.Stalls.All != Unknown && got != c.Stalls && os.Getenv("STALLS") != "" {
			fmt.Println("STALL", l, l.dir, got, c.Stalls, w.Cycles, w.Layout.Name)
		}
	})
	if cells != len(want) {
		t.Errorf("%d links in the table, %d on the mesh", cells, len(want))
	}
}

// TestPlaces: any set of places is put together so that each is there once.
func TestPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		block := rapid.IntRange(1, 3).Draw(t, "block")
		var from []int
		at := 0
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			at += block - 1 + rapid.IntRange(1, 4).Draw(t, "gap")
			from = append(from, at)
		}
		got := map[int]int{}
		for _, p := range places(from, block) {
			if p.Step < p.Block || p.Count < 1 {
				t.Fatalf("%+v", p)
			}
			for i := range p.Count {
				for k := range p.Block {
					got[p.From+i*p.Step+k]++
				}
			}
		}
		for _, v := range from {
			for k := range block {
				if got[v+k] != 1 {
					t.Errorf("%v in blocks of %d: place %d %d times", from, block, v+k, got[v+k])
				}
			}
		}
		if len(got) != len(from)*block {
			t.Errorf("%d places of %d", len(got), len(from)*block)
		}
	})
}
