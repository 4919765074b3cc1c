package trace

import (
	"math/bits"
	"slices"

	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// Window is a stretch of a kind's time and what its cells did in it, cell by cell. A kind's windows follow
// one another without gaps and sum to it, states and lateness. See runtime.Window for rows at a skew.
type Window struct {
	Cycles int64
	States []pe.StateCycles // as Cell.States
	Late   []Late
}

// maxWindowCells bounds what windows add to a run: some 20 bytes each in the file.
const maxWindowCells = 400_000

// cell is what cell i did in the window.
func (w *Window) cell(k *Kind, i int) Cell {
	return Cell{X: k.Cells[i].X, Y: k.Cells[i].Y, States: w.States[i], Late: w.Late[i]}
}

// merge puts neighbours together until each but the last lasts so many cycles; what is left whole then has
// no windows.
func (k *Kind) merge(every int64) {
	var out []Window
	owned := false // the last one's counts, which the windows so far may share with another kind
	for _, w := range k.Windows {
		n := len(out) - 1
		if n < 0 || out[n].Cycles >= every {
			out, owned = append(out, w), false
			continue
		}
		if !owned {
			out[n].States, out[n].Late, owned = slices.Clone(out[n].States), slices.Clone(out[n].Late), true
		}
		out[n].Cycles += w.Cycles
		for c := range w.States {
			out[n].States[c].Add(w.States[c], 1)
			out[n].Late[c].Weights += w.Late[c].Weights
			out[n].Late[c].Psums += w.Late[c].Psums
		}
	}
	if len(out) < 2 {
		out = nil
	}
	k.Windows = out
}

// everyFor is how long the windows of kinds must be at least so that they have no more than so many
// parts together; kinds of parts have cells each. Longer kernels have more windows.
func everyFor(kinds []windowed, most int) int64 {
	for every := int64(1); ; every += (every + 7) / 8 {
		n := int64(0)
		for _, k := range kinds {
			n += int64(k.parts) * min(int64(k.windows), k.cycles/every+1)
		}
		if n <= int64(most) || every > maxCycles {
			return every
		}
	}
}

// windowed is a kind as everyFor sees it.
type windowed struct {
	parts, windows int
	cycles         int64
}

func gridWindows(grids []*runtime.PhaseReport, groups int) (all []windowed) {
	for _, g := range grids {
		if n := len(g.Grid.Windows); n > 0 {
			cells := cellsOf(&g.Grid, groups) + 2
			if len(g.Grid.Wavelets) > len(g.Grid.Cells) { // the first and the last row stand by themselves
				cells *= 3
			}
			all = append(all, windowed{cells, n, g.Cycles})
		}
	}
	return all
}

// Fine is a run in which every window is a phase of its own.
type Fine struct {
	*Run
	Phase []int   // of the run it was made of, by phase of this one
	First []int   // the first phase here, by phase of that run, and one beyond the last
	Share []int64 // of the wavelets of that phase, by phase of this one, in parts of Whole
}

// Whole is what the Shares of a phase sum to.
const Whole = 1 << 20

// Fine cuts the run's phases into their windows, or so many of them that there are no more than most phases
// for windows beside whole ones. What was counted by kernel, its FMACs and wavelets, is given to
// its windows as the cycles are in which its PEs compute.
func (r *Run) Fine(most int) Fine {
	f := Fine{Run: &Run{
		Experiment: r.Experiment, Name: r.Name, Sparsity: r.Sparsity, Machine: r.Machine, Place: r.Place, Cycles: r.Cycles, Of: r.Of,
	}}
	kinds := r.mergedTo(most)
	firstKind := make([]int, len(kinds))
	shares := make([][]int64, len(kinds)) // computed up to the end of each window
	for i := range kinds {
		firstKind[i] = len(f.Kinds)
		split, share := kinds[i].split()
		f.Kinds, shares[i] = append(f.Kinds, split...), share
	}
	for i, p := range r.Phases {
		f.First = append(f.First, len(f.Phases))
		n := max(1, len(kinds[p.Kind].Windows))
		share := shares[p.Kind]
		for k := range n {
			one := p
			one.Kind = firstKind[p.Kind] + k
			one.Cycles = f.Kinds[one.Kind].Cycles
			if k > 0 {
				last := f.Phases[len(f.Phases)-1]
				one.Start = last.Start + last.Cycles
			}
			for _, n := range []*int64{&one.FMACs, &one.Hops, &one.EdgeIn, &one.EdgeOut} {
				*n = part(*n, share, k)
			}
			f.Phases, f.Phase, f.Share = append(f.Phases, one), append(f.Phase, i), append(f.Share, part(Whole, share, k))
		}
	}
	f.First = append(f.First, len(f.Phases))
	for _, m := range r.Memory {
		m.First, m.Last = f.First[m.First], f.First[m.Last+1]-1
		f.Memory = append(f.Memory, m)
	}
	return f
}

// WindowsOf is a single phase cut into at most so many windows.
func (r *Run) WindowsOf(phase, most int) Fine {
	one := *r
	p := r.Phases[phase]
	one.Kinds, p.Kind = r.Kinds[p.Kind:p.Kind+1:p.Kind+1], 0
	one.Phases, one.Cycles, one.Memory = []Phase{p}, p.Cycles, nil
	return one.Fine(most)
}

// mergedTo is the kinds with windows so long that phases have no more than most of them in all.
func (r *Run) mergedTo(most int) []Kind {
	times := make([]int, len(r.Kinds))
	for _, p := range r.Phases {
		times[p.Kind]++
	}
	var all []windowed
	for i := range r.Kinds {
		if n := len(r.Kinds[i].Windows); n > 0 {
			all = append(all, windowed{times[i], n, r.Kinds[i].Cycles})
		}
	}
	kinds := append([]Kind(nil), r.Kinds...)
	if every := everyFor(all, most); every > 1 {
		for i := range kinds {
			kinds[i].merge(every)
		}
	}
	return kinds
}

// split makes a kind of every window, and says how much of the kind's work is done by the end of each.
func (k *Kind) split() (kinds []Kind, done []int64) {
	if len(k.Windows) == 0 {
		return []Kind{{Cycles: k.Cycles, Cells: k.Cells}}, []int64{1}
	}
	work := int64(0)
	for i := range k.Windows {
		w := &k.Windows[i]
		one := Kind{Cycles: w.Cycles, Cells: make([]Cell, len(k.Cells))}
		for c := range k.Cells {
			one.Cells[c] = w.cell(k, c)
		}
		kinds = append(kinds, one)
		sum := one.Sum()
		work += Computed(sum)
		done = append(done, work)
	}
	if work == 0 {
		for i := range k.Windows {
			work += k.Windows[i].Cycles
			done[i] = work
		}
	}
	for i := range kinds {
		for c := range k.Cells {
			n := k.Cells[c].Wavelets
			if n != NotCounted {
				n = part(n, done, i)
			}
			kinds[i].Cells[c].Wavelets = n
		}
	}
	return kinds, done
}

// part is what of n falls on stretch k of those whose shares add up to done; all of them sum to n.
func part(n int64, done []int64, k int) int64 {
	upTo := func(k int) int64 {
		if k < 0 {
			return 0
		}
		hi, lo := bits.Mul64(uint64(n), uint64(done[k]))
		q, _ := bits.Div64(hi, lo, uint64(done[len(done)-1]))
		return int64(q)
	}
	return upTo(k) - upTo(k-1)
}
