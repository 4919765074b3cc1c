package compiler

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"cs2sim.dev/pe"
)

// maxRunAhead bounds the search: beyond it the window is longer than the ring's drift.
const maxRunAhead = 64

// Candidate is one mapping with its estimate.
type Candidate struct {
	Mapping
	FreeBytes int       // SRAM left per PE
	Cycles    []float64 // estimated, per density
	Objective float64   // geometric mean of Cycles
	Reject    string    // why it cannot be taken; empty if it can
}

// mapTokens enumerates token groups, gives each the largest run-ahead that fits, and takes
// the best objective. Fewer columns per group mean more features per column: the ring's add
// is paid less often per FMAC, but each weight's fixed start buys fewer tokens.
func mapTokens(p *Program, o Options) error {
	w := p.Target.Width()
	if o.Groups < 0 || o.Groups > w {
		return fmt.Errorf("groups is %d, must be 1 to %d (the machine's columns), or 0 to search", o.Groups, w)
	}
	if o.RunAhead < -1 || o.RunAhead > 1<<12 {
		return fmt.Errorf("run_ahead is %d, must be 0 to %d, or -1 to search", o.RunAhead, 1<<12)
	}
	var missing error
	for g := 1; g <= w; g++ {
		if o.Groups > 0 && g != o.Groups {
			continue
		}
		c := p.candidate(g, o)
		if c.Reject != "" {
			var oom *pe.OutOfMemory
			if err := p.fits(c.Mapping, nil); errors.As(err, &oom) && (missing == nil || oom.NeedBytes < missing.(*pe.OutOfMemory).NeedBytes) {
				missing = oom
			}
		}
		p.Candidates = append(p.Candidates, c)
	}
	sort.SliceStable(p.Candidates, func(i, k int) bool {
		a, b := p.Candidates[i], p.Candidates[k]
		if (a.Reject == "") != (b.Reject == "") {
			return a.Reject == ""
		}
		return a.Objective < b.Objective
	})
	if best := p.Candidates[0]; best.Reject != "" {
		if missing != nil {
			return fmt.Errorf("no mapping of %d tokens x %d inputs fits on %d x %d PEs: %w; at most %d tokens would fit",
				p.Tokens, p.Node.In, w, p.Target.Height(), missing, p.mostTokens(o))
		}
		return errors.New(best.Reject)
	}
	p.Mapping = p.Candidates[0].Mapping
	return nil
}

// candidate sizes g groups for the graph's tokens.
func (p *Program) candidate(g int, o Options) Candidate {
	c := Candidate{Mapping: p.size(g, p.Tokens)}
	c.RunAhead = o.RunAhead
	if o.RunAhead < 0 {
		c.RunAhead = min(maxRunAhead, max(0, p.Node.Out-1))
		for c.RunAhead > 0 && p.fits(c.Mapping, nil) != nil {
			c.RunAhead--
		}
	}
	if c.Features > 1<<16 {
		c.Reject = fmt.Sprintf("%d inputs per column exceed the wavelet's 16-bit index", c.Features)
	} else if err := p.fits(c.Mapping, &c.FreeBytes); err != nil {
		c.Reject = err.Error()
	}
	// The cost of an instruction is counted step by step. More tokens than a PE has bytes are refused anyway, and told to
	// take as many times longer.
	timed, times := c.Mapping, 1.0
	if most := p.Target.whole("sram_bytes"); timed.Tokens > most {
		timed.Tokens, times = most, float64(timed.Tokens)/float64(most)
	}
	c.Objective = 1
	for _, d := range p.Densities {
		cycles := times * p.estimate(timed, d)
		c.Cycles = append(c.Cycles, cycles)
		c.Objective *= math.Pow(cycles, 1/float64(len(p.Densities)))
	}
	return c
}

// size spreads tokens and features evenly over g groups.
func (p *Program) size(g, tokens int) Mapping {
	m := Mapping{Groups: g, Columns: p.Target.Width() / g}
	m.Tokens = ceilDiv(tokens, g*p.Target.Height())
	m.Rows = ceilDiv(ceilDiv(tokens, m.Tokens), g)
	m.Features = ceilDiv(p.Node.In, m.Columns)
	m.Outputs = ceilDiv(p.Node.Out, m.Columns)
	return m
}

// mostTokens is the largest graph that some allowed number of groups can hold.
func (p *Program) mostTokens(o Options) int {
	holds := func(tokens int) bool {
		for g := 1; g <= p.Target.Width(); g++ {
			if o.Groups > 0 && g != o.Groups {
				continue
			}
			m := p.size(g, tokens)
			m.RunAhead = max(0, o.RunAhead)
			if m.Features <= 1<<16 && p.fits(m, nil) == nil {
				return true
			}
		}
		return false
	}
	return sort.Search(p.Tokens, func(i int) bool { return !holds(i + 1) })
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
