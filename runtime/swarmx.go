package runtime

import "cs2sim.dev/compiler"

// Tree is SwarmX between MemoryX and its wafers: levels of nodes, each with one link up and at most so many
// down, full duplex. A node passes a granule on once it has all of it: down to all its children at
// once, up when it has it from all of them, their sum in ascending order, at the rate of its links.
// All wafers run the same program at the same time, so that their streams are at the same place: one
// path from MemoryX to a wafer stands for all.
//
// Streams of a step are paced by the slowest link of the path (Target.StreamRate), which
// compiler.Space carries into the kernels; nodes buffer what is under way, but nothing of the next kernel.
type Tree struct {
	Systems int
	Nodes   []int // per level, from MemoryX down; none for one system

	links   []float64 // cycles per byte, from MemoryX to the wafer: one more than levels
	level   float64   // cycles through a node, beside the granule's own time on the link
	granule int64     // bytes
}

// NewTree hangs so many systems under MemoryX, all at the same depth.
func NewTree(t compiler.Target, systems int) *Tree {
	clock := t.Get("clock_hz")
	perByte := func(bits float64) float64 { return 8 * clock / bits }
	tree := &Tree{
		Systems: systems, level: t.Get("swarmx_level_seconds") * clock, granule: int64(t.Get("swarmx_granule_bytes")),
		links: []float64{perByte(t.Get("memoryx_bits_per_second"))},
	}
	if fanout := int(t.Get("swarmx_fanout")); systems > 1 {
		link := perByte(t.Get("swarmx_bits_per_second"))
		tree.links[0] = max(tree.links[0], link)
		for n := systems; n > 1; {
			n = (n + fanout - 1) / fanout
			tree.Nodes = append([]int{n}, tree.Nodes...)
			tree.links = append(tree.links, link)
		}
	}
	last := &tree.links[len(tree.links)-1]
	*last = max(*last, perByte(t.Get("io_bits_per_second")))
	return tree
}

// Levels of nodes between MemoryX and a wafer.
func (t *Tree) Levels() int { return len(t.Nodes) }

// way is one path of the tree in one direction, with the cycle from which each link is free.
type way struct {
	perByte []float64
	free    []float64
	level   float64
}

func (t *Tree) down() *way {
	return &way{perByte: t.links, free: make([]float64, len(t.links)), level: t.level}
}

func (t *Tree) up() *way {
	w := t.down()
	w.perByte = make([]float64, len(t.links))
	for i, v := range t.links {
		w.perByte[len(t.links)-1-i] = v
	}
	return w
}

// pass is when a granule that is ready at a cycle is all at the other end. Behind every link but
// the last is a node.
func (w *way) pass(ready float64, bytes int64) float64 {
	for i, c := range w.perByte {
		w.free[i] = max(w.free[i], ready) + c*float64(bytes)
		ready = w.free[i]
		if i < len(w.perByte)-1 {
			ready += w.level
		}
	}
	return ready
}

// Turnaround is what lies between the last gradient of an update and the first weight of the
// next: cycles in which no wafer works.
type Turnaround struct {
	Cycles    float64
	Latency   float64 // of one granule up and one down
	Optimiser float64 // MemoryX after the last gradient, as if there was no tree
	Reduction float64 // what the tables' sums take longer than that to come
}

// Turnaround sums the gradient of tables of so many weights over all wafers, updates them and hands them out
// again. The tables are those of the embedding: a wafer's rows of them come from a server of its own,
// which holds a copy and collects their gradient, since no two wafers read the same rows. MemoryX is
// busy with other tensors for backlog cycles after the last gradient, and then takes perWeight cycles for
// each; a granule is on its way down as soon as it is updated.
func (t *Tree) Turnaround(weights int64, backlog, perWeight float64) Turnaround {
	const bytesPerWeight = 4                      // a wavelet each
	one := min(t.granule, bytesPerWeight*weights) // the last granule is as long as the others
	first := t.up().pass(0, one)
	r := Turnaround{Latency: first + t.down().pass(0, one), Optimiser: backlog + perWeight*float64(weights)}
	if t.Systems == 1 { // the tables stay with MemoryX
		r.Latency, r.Cycles = 0, r.Optimiser
		return r
	}
	r.Cycles = r.Latency + backlog
	up, down := t.up(), t.down()
	free := first + backlog
	for left := bytesPerWeight * weights; left > 0; left -= t.granule {
		n := min(left, t.granule)
		free = max(free, up.pass(0, one)) + perWeight*float64(n)/bytesPerWeight
		r.Cycles = down.pass(free, one)
	}
	r.Reduction = r.Cycles - r.Latency - r.Optimiser
	return r
}
