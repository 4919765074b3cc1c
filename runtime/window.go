package runtime

import (
	"slices"

	"cs2sim.dev/pe"
)

// Window is a stretch of a phase's time, and what its PEs did in it: Cells as those of the phase, each
// sums to Cycles. Row y waits for weights Skew*y cycles longer than its cell says and is idle less.
//
// Rows that do the same at a skew are one row here too: a window begins and ends in each row as much
// later as the row is. What that leaves before the first window of a row and after its last one is the
// window that comes last.
type Window struct {
	Cycles int64
	Skew   int64
	Cells  []pe.StateCycles
}

// Most windows of a phase; how many it has is at least half of that, unless it is short.
const (
	mostWindows    = 128 // of a single kernel
	mostOfStep     = 16  // of each kernel of a step, of which there are hundreds
	shortestWindow = 256 // cycles
	mostSamples    = 1 << 18
)

// sampler keeps the account of some PEs at cuts of a run's time, the same for all of them. Cuts lie a
// number of cycles apart that doubles when there are too many: how long a run will be is not known.
type sampler struct {
	every int64
	most  int
	at    [][]pe.StateCycles // per PE: at every, 2*every, ...; each sums to its cut
	next  []int64            // per PE: the cut to be taken
	known []known            // per PE: what was reached last
}

// known is a PE's account at a time.
type known struct {
	at      int64
	account pe.StateCycles
}

// newSampler is of so many PEs; nil, which takes nothing, if there are too many of them for two windows.
func newSampler(pes, most int) *sampler {
	most = min(most, mostSamples/max(1, pes))
	if most < 2 {
		return nil
	}
	s := &sampler{every: shortestWindow, most: most, at: make([][]pe.StateCycles, pes), next: make([]int64, pes), known: make([]known, pes)}
	room := make([]pe.StateCycles, pes*most)
	for i := range s.next {
		s.at[i], s.next[i] = room[i*most:i*most:(i+1)*most], s.every
	}
	return s
}

// lasting says that the run takes more than so many cycles: closer cuts than that calls for would be dropped.
func (s *sampler) lasting(cycles int64) *sampler {
	if s == nil {
		return nil
	}
	for s.every*int64(s.most) <= cycles {
		s.every *= 2
	}
	for i := range s.next {
		s.next[i] = s.every
	}
	return s
}

// take notes a PE's account at its next cut.
func (s *sampler) take(i int, account pe.StateCycles) {
	s.at[i] = append(s.at[i], account)
	s.next[i] += s.every
	if len(s.at[i]) >= s.most {
		s.widen()
	}
}

// widen drops every other cut.
func (s *sampler) widen() {
	s.every *= 2
	for i, all := range s.at {
		kept := all[:0]
		for k := 1; k < len(all); k += 2 {
			kept = append(kept, all[k])
		}
		s.at[i] = kept
		s.next[i] = int64(len(kept)+1) * s.every
	}
}

// reach notes a PE's account at all cuts up to its time now, which is what its account sums to when
// it is settled. Between the time of the call before and now its states come evenly.
func (s *sampler) reach(i int, now int64, account *pe.StateCycles) {
	known := &s.known[i]
	for s.next[i] <= now {
		part := known.account
		gone, all := s.next[i]-known.at, now-known.at
		for st := range part {
			if more := account[st] - part[st]; more != 0 {
				part[st] += mulDiv(more, gone, all)
			}
		}
		s.take(i, part)
	}
	known.at, known.account = now, *account
}

// mulDiv is a*b/c for b <= c and numbers of cycles, whose product may not fit. Below 2^53 a host's float division is
// exact, rounding down included, and takes a fraction of its division of integers.
func mulDiv(a, b, c int64) int64 {
	if max(a, -a) < 1<<26 && b < 1<<27 && c < 1<<53 {
		return int64(float64(a*b) / float64(c))
	}
	return a/c*b + a%c*b/c
}

// windows cuts the PEs' accounts of the whole run, which all sum to end. A PE whose last cuts were not
// taken was idle then.
func (s *sampler) windows(accounts []pe.StateCycles, end int64) []Window {
	if s == nil || end <= s.every {
		return nil
	}
	cuts := int((end - 1) / s.every)
	out := make([]Window, cuts+1)
	for k := range out {
		out[k] = Window{Cycles: s.every, Cells: make([]pe.StateCycles, len(accounts))}
	}
	out[cuts].Cycles = end - int64(cuts)*s.every
	for i, whole := range accounts {
		var last pe.StateCycles
		for k := range cuts {
			cut := int64(k+1) * s.every
			at := whole
			if k < len(s.at[i]) {
				at = s.at[i][k]
			} else {
				at[pe.Idle] -= end - cut
			}
			at = settled(at, last, whole, cut)
			out[k].Cells[i] = minus(at, last)
			last = at
		}
		out[cuts].Cells[i] = minus(whole, last)
	}
	return out
}

// settled makes an account between two others sum to its time. Recurrences charge the work of other
// threads when it is begun and waits when they are over, so that accounts within a run can be off by
// what is under way.
func settled(at, from, to pe.StateCycles, sum int64) pe.StateCycles {
	for st := range at {
		at[st] = min(max(at[st], from[st]), to[st])
		sum -= at[st]
	}
	for _, st := range []pe.State{pe.WaitPsum, pe.RingAdd, pe.WaitWeight, pe.Overhead, pe.Compute, pe.Conflict, pe.BlockedOut, pe.Idle} {
		change := min(max(sum, from[st]-at[st]), to[st]-at[st])
		at[st] += change
		sum -= change
	}
	return at
}

func minus(a, b pe.StateCycles) pe.StateCycles {
	a.Add(b, -1)
	return a
}

// staggered makes windows of one row those of rows that follow it, of a phase whose cells and skew are
// given. All are idle in the last idle cycles of the row's own time, which are not part of its windows then.
// It returns nil if windows and phase do not add up.
func staggered(w []Window, idle, cycles int64, cells []pe.StateCycles, skew int64) []Window {
	for idle > 0 && len(w) > 0 {
		last := &w[len(w)-1]
		n := min(idle, last.Cycles)
		for i := range last.Cells {
			if last.Cells[i][pe.Idle] -= n; last.Cells[i][pe.Idle] < 0 {
				return nil
			}
		}
		idle -= n
		if last.Cycles -= n; last.Cycles == 0 {
			w = w[:len(w)-1]
		}
	}
	if len(w) == 0 {
		return nil
	}
	rest := Window{Cycles: cycles, Skew: skew, Cells: append([]pe.StateCycles(nil), cells...)}
	for _, one := range w {
		rest.Cycles -= one.Cycles
		for i, c := range one.Cells {
			rest.Cells[i] = minus(rest.Cells[i], c)
		}
	}
	for _, c := range rest.Cells {
		if slices.Min(c[:]) < 0 || c.Total() != rest.Cycles {
			return nil
		}
	}
	if rest.Cycles == 0 { // a single row
		w[len(w)-1].Skew = skew
		return w
	}
	return append(w, rest)
}
