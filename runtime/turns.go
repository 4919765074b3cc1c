package runtime

import (
	"math"
	"sort"
)

// turns is when wavelets cross the I/O link, each port's in its order. Ports take turns, one
// wavelet each, at the link's rate over all and no faster than a port can.
type turns struct {
	rate   float64
	port   float64 // cycles per wavelet of one port, at least 1
	rested int     // wavelets the link has saved when it begins: 1 if it was idle
	groups int
	lens   []int64   // wavelets of a group's ports; all groups are alike
	ends   []int64   // distinct lens, ascending
	before []float64 // cycles of all turns before ends[i-1]; before[0] is 0
	active []int     // ports of a group with more than ends[i-1] wavelets
}

func newTurns(rate, port float64, groups int, lens []int64) *turns {
	t := &turns{rate: rate, port: port, groups: groups, lens: lens, before: []float64{0}}
	sorted := append([]int64(nil), lens...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i] < sorted[j] })
	from := int64(0)
	for i, n := range sorted {
		if i > 0 && n == sorted[i-1] {
			continue
		}
		active := len(sorted) - i
		t.ends, t.active = append(t.ends, n), append(t.active, active)
		t.before = append(t.before, t.before[len(t.before)-1]+float64(n-from)*t.per(active))
		from = n
	}
	return t
}

// per is the cycles of a turn in which so many ports of each group take part.
func (t *turns) per(active int) float64 { return max(t.port, float64(active*t.groups)/t.rate) }

// at is when port p of group g moves its k-th wavelet, counted from the first cycle of the link.
func (t *turns) at(g, p int, k int64) int64 {
	i := sort.Search(len(t.ends)-1, func(i int) bool { return k < t.ends[i] })
	from := int64(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	start := t.before[i] + float64(k-from)*t.per(t.active[i])
	if t.per(t.active[i]) == t.port {
		return int64(math.Ceil(start))
	}
	ahead := g * t.active[i]
	for _, n := range t.lens[:p] {
		if n > k {
			ahead++
		}
	}
	return max(0, int64(math.Ceil(start+float64(ahead+1-t.rested)/t.rate))-1)
}
