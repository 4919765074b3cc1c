package runtime

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
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

// sameLinks holds a table against what the mesh counted: wavelets of every link, and stalls where they are
// known, within slack or a dozen cycles or 1 % of the phase's.
func sameLinks(t failer, uses []fabric.LinkUse, cycles fabric.Cycle, got *LinkTable, slack int64) {
	t.Helper()
	if got == nil {
		t.Errorf("links were not counted")
		return
	}
	want := map[oneLink]*fabric.LinkUse{}
	for i := range uses {
		u := &uses[i]
		want[oneLink{u.Color, u.Direction, u.At.X, u.At.Y}] = u
	}
	links := 0
	slack = max(slack, 12, int64(cycles)/100)
	got.eachLink(func(l oneLink, n int64, c *Links) {
		u := want[l]
		if u == nil {
			t.Errorf("%+v %v: no such link, %d wavelets in the table", l, l.dir, n)
			return
		}
		links++
		if u.Wavelets != n {
			t.Errorf("%+v %v: %d wavelets, the table says %d", l, l.dir, u.Wavelets, n)
		}
		run := stallsOf(u)
		for r, n := range append(c.Stalls.By[:], c.Stalls.All) {
			is := append(run.By[:], run.All)[r]
			if n != Unknown && max(n-is, is-n) > slack {
				t.Errorf("%+v %v: stalls %v of %d cycles, the table says %v", l, l.dir, run, cycles, c.Stalls)
			}
		}
		if !l.dir.Leaves() && c.Stalls.All != Unknown {
			t.Errorf("%+v %v: stalls where none can be", l, l.dir)
		}
	})
	if links != len(want) {
		t.Errorf("%d links in the table, %d on the mesh", links, len(want))
	}
}

// wholeTable holds that a mesh's links put together and taken apart are the same.
func wholeTable(t failer, uses []fabric.LinkUse, got *LinkTable) {
	t.Helper()
	sameLinks(t, uses, 0, got, 0) // a dozen cycles are nothing between classes that are one by one
	if n := len(got.Classes); n > len(uses) {
		t.Errorf("%d classes of %d links", n, len(uses))
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

// TestLinksOfReports: a MatMul's links are asked for, the same on both engines, and change nothing else.
func TestLinksOfReports(t *testing.T) {
	p := compile(t, model.MatMul("small", 150, 60, 50, model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: 0.5, Seed: 2}, 1, model.Mixed),
		machine(t, fields{{"width", 13}, {"height", 5}}), compiler.Options{Groups: 2, RunAhead: -1})
	tables := map[Fidelity]map[oneLink]int64{}
	for _, f := range []Fidelity{Stream, Wavelet} {
		plain := run(t, p, f)
		r, err := Run(t.Context(), p, Options{Fidelity: f, Links: true})
		if err != nil {
			t.Fatal(err)
		}
		if plain.Links != nil || r.Links == nil {
			t.Fatalf("%s: links %v unasked, %v asked for", f, plain.Links, r.Links)
		}
		tables[f] = map[oneLink]int64{}
		hops, in, stalled := int64(0), int64(0), int64(0)
		r.Links.eachLink(func(l oneLink, n int64, c *Links) {
			tables[f][l] += n
			switch {
			case l.dir == fabric.FromEdge:
				in += n
			case l.dir.Leaves() && l.dir != fabric.ToPE:
				hops += n
			}
			stalled += max(0, c.Stalls.All)
		})
		if hops != r.Hops || in != 2*r.EdgeWavelets || stalled == 0 || r.Cycles != plain.Cycles || r.States != plain.States {
			t.Errorf("%s: links carry %d hops and %d from the edge, %d stalls in %d cycles; the report says %d, %d copied twice, %d", f, hops, in, stalled, r.Cycles, r.Hops, r.EdgeWavelets, plain.Cycles)
		}
	}
	if d := cmp.Diff(tables[Wavelet], tables[Stream], cmp.AllowUnexported(oneLink{})); d != "" {
		t.Errorf("wavelet engine and stream engine: %s", d)
	}
}
