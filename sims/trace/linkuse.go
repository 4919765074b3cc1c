package trace

import (
	"cmp"
	"fmt"
	"slices"

	"cs2sim.dev/fabric"
)

// LinkUse is what the links of one color and direction did over some phases, those in which they carry nothing
// left out.
type LinkUse struct {
	Color     int
	Carries   string
	Direction Direction
	Links     int64 // most in one phase
	Wavelets  int64
	Cycles    int64   // of all links: links x the phase's, summed up
	Peak      float64 // wavelets per cycle of the busiest link of a phase
	Stalls    Stalls  // of all links; NotCounted if any phase's are
}

// Mean is the wavelets per cycle of one link.
func (u *LinkUse) Mean() float64 { return float64(u.Wavelets) / float64(max(1, u.Cycles)) }

// linkKey is what uses are put together by.
type linkKey struct {
	color     int
	carries   string
	direction Direction
}

// linkUses puts together what the kinds of the phases have; of picks the links that count.
func (r *Run) linkUses(phases []int, of func(k *Kind) []Link) (uses []LinkUse) {
	times := make([]int64, len(r.Kinds))
	for _, i := range phases {
		times[r.Phases[i].Kind]++
	}
	at := map[linkKey]int{}
	for k := range r.Kinds {
		if times[k] == 0 {
			continue
		}
		kind := &r.Kinds[k]
		links := of(kind)
		count := map[linkKey]int64{}
		for i := range links {
			l := &links[i]
			key := linkKey{l.Color, l.Carries, l.Direction}
			n, ok := at[key]
			if !ok {
				n = len(uses)
				at[key] = n
				uses = append(uses, LinkUse{Color: l.Color, Carries: l.Carries, Direction: l.Direction})
			}
			u := &uses[n]
			count[key] += l.Links
			u.Links = max(u.Links, count[key])
			u.Wavelets += times[k] * l.Sum
			u.Cycles += times[k] * l.Links * kind.Cycles
			u.Peak = max(u.Peak, float64(l.Peak())/float64(max(1, kind.Cycles)))
			u.Stalls.add(l, times[k])
		}
	}
	directions := Directions()
	slices.SortStableFunc(uses, func(a, b LinkUse) int {
		return cmp.Or(cmp.Compare(a.Color, b.Color), cmp.Compare(a.Carries, b.Carries),
			cmp.Compare(slices.Index(directions, a.Direction), slices.Index(directions, b.Direction)))
	})
	return uses
}

func (s *Stalls) add(l *Link, times int64) {
	sum := func(to *int64, all int64) {
		if all == NotCounted || *to == NotCounted {
			*to = NotCounted
		} else {
			*to += times * all
		}
	}
	by := func(n int64) int64 {
		if n == NotCounted {
			return NotCounted
		}
		return n * l.Links
	}
	sum(&s.All, l.SumStalls)
	sum(&s.NoRoom, by(l.Stalls.NoRoom))
	sum(&s.Shared, by(l.Stalls.Shared))
	sum(&s.Switched, by(l.Stalls.Switched))
}

// LinkUses lists what the links did in the phases, by color and direction.
func (r *Run) LinkUses(phases []int) []LinkUse {
	return r.linkUses(phases, func(k *Kind) []Link { return k.Links })
}

// LinkUsesAt is the same of the links that lead out of one router, and over the edge into it.
func (r *Run) LinkUsesAt(phases []int, x, y int) []LinkUse {
	return r.linkUses(phases, func(k *Kind) []Link { return k.LinksAt(x, y) })
}

// Busiest is the color that takes most of a link's time in a phase's kernel; the zero value without links.
type Busiest struct {
	Color     int
	Carries   string
	Direction Direction
	Peak      float64 // wavelets per cycle of its busiest link
}

// String is `color 0 (weights), ramp_down: 12.3 %`.
func (b Busiest) String() string {
	return fmt.Sprintf("color %d (%s), %s: %.1f %%", b.Color, b.Carries, b.Direction, 100*b.Peak)
}

// Busiest looks at the links between routers and at the ramps: the edge has the I/O link's own figures.
func (k *Kind) Busiest() (b Busiest) {
	for i := range k.Links {
		l := &k.Links[i]
		if d := string(l.Direction); d == fabric.FromEdge.String() || d == fabric.ToEdge.String() {
			continue
		}
		if p := float64(l.Peak()) / float64(max(1, k.Cycles)); p > b.Peak {
			b = Busiest{l.Color, l.Carries, l.Direction, p}
		}
	}
	return b
}

// PhasesOf lists the phases of a kernel, named by its kind or by kind and pass; none if there is no such kernel.
func (r *Run) PhasesOf(kernel string) (phases []int) {
	for i := range r.Phases {
		if p := &r.Phases[i]; kernel == "" || p.Kernel == kernel || p.Frame() == kernel {
			phases = append(phases, i)
		}
	}
	return phases
}
