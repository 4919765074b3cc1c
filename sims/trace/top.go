package trace

import (
	"cmp"
	"fmt"
	"slices"

	"cs2sim.dev/pe"
)

// Worst is the phases of one kernel on one operand, over all layers.
type Worst struct {
	Op, Frame string
	Phases    int
	Cycles    int64 // of the run's time
	States    pe.StateCycles
	Unused    int64 // PE-cycles of PEs that hold nothing, part of States[pe.Idle]
	Lost      int64 // PE-cycles that computed nothing
	Reason    Reason
}

// Reason is why most PE-cycles were lost.
type Reason struct {
	Name  string
	Share float64 // of Lost
	Try   string
}

// Kernels lists the kernels of a run, most PE-cycles lost first.
func (r *Run) Kernels() []Worst {
	var all []Worst
	at := map[[2]string]int{}
	sums := r.kindSums()
	edge := map[[2]string]int64{}
	free := r.PEs() - int64(r.Place.Width)*int64(r.Place.Height)
	for _, p := range r.Phases {
		key := [2]string{p.Op, p.Frame()}
		i, ok := at[key]
		if !ok {
			i = len(all)
			at[key] = i
			all = append(all, Worst{Op: p.Op, Frame: p.Frame()})
		}
		w := &all[i]
		w.Phases++
		w.Cycles += p.Cycles
		w.States.Add(sums[p.Kind], 1)
		w.Unused += free * p.Cycles
		edge[key] += max(p.EdgeIn, p.EdgeOut)
	}
	for i := range all {
		w := &all[i]
		w.Lost = w.States.Total() - w.States[pe.Compute]
		link := 0.0
		if w.Cycles > 0 {
			link = float64(edge[[2]string{w.Op, w.Frame}]) / float64(w.Cycles) / r.Machine.IORate
		}
		w.Reason = w.reason(link)
	}
	slices.SortStableFunc(all, func(a, b Worst) int { return cmp.Compare(b.Lost, a.Lost) })
	return all
}

// reason is the largest loss; link is how full the I/O link was.
func (w *Worst) reason(link float64) Reason {
	worst := Reason{Name: "PEs not in use", Try: "another mapping: columns per head and tokens per PE whose product fills the rectangle"}
	most := w.Unused
	for _, s := range pe.States() {
		n := w.States[s]
		if s == pe.Idle {
			n -= w.Unused
		}
		if s != pe.Compute && n > most {
			most = n
			worst.Name, worst.Try = advice(s, link)
		}
	}
	if w.Lost > 0 {
		worst.Share = float64(most) / float64(w.Lost)
	}
	return worst
}

// fullLink is the share of the I/O link's time beyond which waiting for weights is its doing.
const fullLink = 0.9

func advice(s pe.State, link float64) (name, try string) {
	switch s {
	case pe.Idle:
		return "done before the others", "rows or columns with less work end early: tokens per PE, or a kernel that starts next without a barrier"
	case pe.RingAdd:
		return "ring adds", "more features per column: more token groups, so that a ring add closes more weights"
	case pe.Overhead:
		return "instruction starts", "more tokens per PE, so that a start pays for more elements"
	case pe.Conflict:
		return "bank conflicts", "the two operands in different banks"
	case pe.WaitWeight:
		if link > fullLink {
			return "I/O link full", fmt.Sprintf("the link is %.0f %% full: larger micro-batch, or fewer weights", 100*link)
		}
		return "wait for weights", fmt.Sprintf("the link is only %.0f %% full, so other columns hold the stream up: a mask with equal columns, or a longer run-ahead", 100*link)
	case pe.WaitPsum:
		return "wait for partial sums", "columns with more non-zeros hold the ring up: a longer run-ahead, or a row-balanced mask"
	}
	return "blocked output", "the way out is full: the gradient's return to the edge, or a neighbour's buffer (buffer_depth)"
}

// Heavy is a column of every group and its load relative to the mean column.
type Heavy struct {
	Column int
	Busy   int64 // cycles of one mean PE of the column
	Over   float64
	States pe.StateCycles // of all its used PEs in all groups
}

// Heaviest lists the n columns of a group with the most busy cycles over the whole run and all groups.
func (r *Run) Heaviest(n int) []Heavy {
	if len(r.Phases) == 0 || r.Place.Height == 0 || r.Place.Columns == 0 {
		return nil
	}
	out := make([]Heavy, r.Place.Columns)
	mean := 0.0
	for x, s := range r.Columns(0, len(r.Phases)-1) {
		out[x%len(out)].States.Add(s, 1)
		mean += float64(Busy(s)) / float64(len(out))
	}
	for c := range out {
		busy := Busy(out[c].States)
		out[c].Column, out[c].Busy = c, busy/int64(r.Place.Height*max(1, r.Place.Groups))
		if mean > 0 {
			out[c].Over = float64(busy) / mean
		}
	}
	slices.SortStableFunc(out, func(a, b Heavy) int { return cmp.Compare(b.Busy, a.Busy) })
	return out[:min(n, len(out))]
}
