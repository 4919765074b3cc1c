package kernels

import (
	"fmt"
	"math"
	"strings"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Algorithm is how a line of PEs sums its vectors into its first PE (Luczynski et al., HPDC 2024,
// arXiv 2404.15888).
type Algorithm string

const (
	ChainReduce    Algorithm = "chain"     // every PE adds its own to what passes
	StarReduce     Algorithm = "star"      // all send to the root, one after the other
	TreeReduce     Algorithm = "tree"      // binary: in round r, PEs 2^r apart
	TwoPhaseReduce Algorithm = "two-phase" // chains in groups, then a chain over the groups' first PEs
)

// Algorithms lists the reduce algorithms.
func Algorithms() []Algorithm {
	return []Algorithm{ChainReduce, StarReduce, TreeReduce, TwoPhaseReduce}
}

// ParseAlgorithm reads a name; empty is the chain.
func ParseAlgorithm(name string) (Algorithm, error) {
	if name == "" {
		return ChainReduce, nil
	}
	var names []string
	for _, a := range Algorithms() {
		if name == string(a) {
			return a, nil
		}
		names = append(names, string(a))
	}
	return "", fmt.Errorf("reduce algorithm %q, must be one of %s", name, strings.Join(names, ", "))
}

// GroupOf is the group size in use on a line of n PEs: the one asked for, or, for 0, the root of n,
// which the paper finds near the best.
func GroupOf(group, n int) int {
	if group == 0 {
		return max(1, int(math.Round(math.Sqrt(float64(n)))))
	}
	return group
}

// reducer is an algorithm on all lines of one direction; they use the same two colors.
//
// All algorithms are trees in which a PE's children, nearest first, and their subtrees fill the PEs beyond it
// without a gap. A PE sends on the color of its depth's parity and listens on the other. What it sends
// crosses the subtrees of its nearer siblings, on colors that these PEs are done with: a router's
// switch turns a color from its PE to passing by, behind what the PE sends (by its output descriptor) or
// behind what its last child sends (by a control wavelet). So a stream never takes link cycles from the
// nearer ones that have to be added before it.
type reducer struct {
	c         *collective
	algorithm Algorithm
	group     int
	colors    [2]fabric.Color
}

func (c *collective) reducer(a Algorithm, group, n int) (*reducer, error) {
	a, err := ParseAlgorithm(string(a))
	if err != nil {
		return nil, err
	}
	if group < 0 || group > 0 && a != TwoPhaseReduce {
		return nil, fmt.Errorf("%s reduce: group size %d, must be at least 1 for %s and absent for others", a, group, TwoPhaseReduce)
	}
	r := &reducer{c: c, algorithm: a, group: GroupOf(group, n)}
	for k, name := range [2]string{"even", "odd"} {
		r.colors[k] = c.b.Color(name, "partial sums that leave PEs of "+name+" depth")
	}
	return r, nil
}

// parent is the PE that PE i > 0 of a line sends to.
func (r *reducer) parent(i int) int {
	switch r.algorithm {
	case StarReduce:
		return 0
	case TreeReduce:
		return i & (i - 1)
	case TwoPhaseReduce:
		if i%r.group == 0 {
			return i - r.group
		}
	}
	return i - 1
}

// children lists for every PE of a line of n whom it adds, in order.
func (r *reducer) children(n int) [][]int {
	all := make([][]int, n)
	for i := 1; i < n; i++ {
		p := r.parent(i)
		all[p] = append(all[p], i)
	}
	return all
}

// on adds the reduce of one line.
func (r *reducer) on(l peLine) {
	children := r.children(l.n)
	depth := make([]int, l.n)
	passed := make([][2]bool, l.n) // by streams of others, per color
	for i := 1; i < l.n; i++ {
		depth[i] = depth[r.parent(i)] + 1
		for k := r.parent(i) + 1; k < i; k++ {
			passed[k][depth[i]%2] = true
		}
	}
	away, home := l.ports()
	ramp := fabric.Ports(fabric.Ramp)
	for i := range l.n {
		own := depth[i] % 2
		var ways [2][]fabric.Position
		if i > 0 {
			ways[own] = append(ways[own], fabric.Position{Rx: ramp, Tx: fabric.Ports(home)})
		}
		if len(children[i]) > 0 {
			ways[1-own] = append(ways[1-own], fabric.Position{Rx: fabric.Ports(away), Tx: ramp})
		}
		at := l.at(i)
		for k, w := range ways {
			if passed[i][k] {
				w = append(w, fabric.Position{Rx: fabric.Ports(away), Tx: fabric.Ports(home)})
			}
			if len(w) > 0 {
				r.c.b.Route(r.colors[k], compiler.At(at.X, at.Y), fabric.Route{Positions: w, FilterControl: true, KeepCommand: true})
			}
		}
		after := turnNone
		if i > 0 {
			p := r.parent(i)
			last := children[p][len(children[p])-1] == i
			switch {
			case last && passed[p][own]:
				after = turnWay
			case passed[i][own]:
				after = turnOwn
			}
		}
		r.steps(at, len(children[i]), i == 0, r.colors[1-own], r.colors[own], after)
	}
}

// steps is what one PE does with the vectors of its children. The last one is sent on as it is added.
func (r *reducer) steps(at fabric.Coord, children int, root bool, in, out fabric.Color, after turn) {
	one := step{do: stepAdd, in: in, vectors: 1, times: 1}
	switch {
	case children == 0:
	case r.algorithm == StarReduce: // one instruction for all
		one.vectors = children
		r.c.then(at, one)
	case r.algorithm == TreeReduce && children > 1: // a loop over the rounds
		rounds := one
		rounds.times = children - 1
		r.c.then(at, rounds, one)
	default:
		for range children {
			r.c.then(at, one)
		}
	}
	if !root {
		r.sendOn(at, out, after)
	}
}

// sendOn sends the sum the PE has. If it is just adding a vector to it, the elements leave as
// they are added: phases overlap, and so do the directions of a 2-D reduce.
func (r *reducer) sendOn(at fabric.Coord, out fabric.Color, after turn) {
	s := step{do: stepSend, out: out, after: after}
	if last := r.c.last(at); last != nil && last.do == stepAdd && last.vectors == 1 && last.times == 1 {
		s.do, s.in = stepRelay, last.in
		*last = s
		return
	}
	r.c.then(at, s)
}

// total sums the vectors of a line in the order in which the algorithm does, in plain loops.
func (r *reducer) total(v [][]float32) []float32 {
	children := r.children(len(v))
	for i := len(v) - 1; i >= 0; i-- {
		for _, k := range children[i] {
			addTo(r.c.t, v[i], v[k])
		}
	}
	return v[0]
}

func addTo(t pe.Type, sum, v []float32) {
	for i := range sum {
		sum[i] = pe.Round(t, sum[i]+v[i])
	}
}
