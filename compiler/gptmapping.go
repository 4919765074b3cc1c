package compiler

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// GPTOptions steer the search for the mapping of a GPT.
type GPTOptions struct {
	Train          bool
	Logits         bool      // see StepOptions
	Columns        int       // of a group; 0 searches, or with ColumnsPerHead takes those of the heads
	ColumnsPerHead int       // 0 searches
	Tokens         int       // per PE; 0 searches
	Chunks         int       // parts of the vocabulary; 0 takes the fewest that fit
	Densities      []float64 // the objective is the geometric mean over these of the estimated cycles per sequence; empty: 1
	RunAhead       int       // most output rows; 0: maxRunAhead
	Sequences      int       // of one update, in as many micro-batches as they need; 0: no limit
	Systems        int       // that share MemoryX by SwarmX; 0 is 1
}

// GPTCandidate is one mapping with its estimate.
type GPTCandidate struct {
	ColumnsPerHead int       `json:"columns_per_head"`
	Tokens         int       `json:"tokens"` // per PE
	Groups         int       `json:"groups"`
	Columns        int       `json:"columns"`
	SeqRows        int       `json:"sequence_rows"`
	Sequences      int       `json:"sequences"` // stacked along y in each group
	Save           bool      `json:"save"`      // activations kept, not recomputed
	Norms          bool      `json:"norms"`     // see StepOptions
	Kept           int       `json:"kept"`
	Chunks         int       `json:"chunks"`    // of the vocabulary
	Cycles         []float64 `json:"cycles"`    // estimated per sequence, per density
	Objective      float64   `json:"objective"` // their geometric mean
}

// Activations says what becomes of them between forward and backward pass.
func (c GPTCandidate) Activations() string {
	switch {
	case c.Save:
		return "saved"
	case c.Kept > 0:
		return fmt.Sprintf("recomputed but %d", c.Kept)
	}
	return "recomputed"
}

// MicroBatch is how many sequences the mapping holds.
func (c GPTCandidate) MicroBatch() int { return c.Groups * c.Sequences }

// plannedCandidates bounds how many memory plans the search tries before it gives up.
const plannedCandidates = 4000

// PlanGPT finds the mapping with the least estimated time per sequence whose memory plan fits,
// and compiles the step with it. The candidates come back best first, up to the one taken; those
// before it did not fit. If none fits the error says how many bytes are missing where.
func PlanGPT(cfg model.Config, t Target, p model.Precision, o GPTOptions) (*Step, []GPTCandidate, error) {
	if o.RunAhead == 0 {
		o.RunAhead = maxRunAhead
	}
	if len(o.Densities) == 0 {
		o.Densities = []float64{1}
	}
	candidates, err := gptCandidates(cfg, t, p, o)
	if err != nil {
		return nil, nil, &Error{"map", err}
	}
	var least *pe.OutOfMemory
	for i, c := range candidates {
		if i == plannedCandidates {
			break
		}
		s, err := NewSpace(cfg, t, p, Spread{c.Columns, c.ColumnsPerHead, c.Tokens})
		if err != nil {
			return nil, nil, &Error{"map", err}
		}
		s.StreamRate = t.StreamRate(o.Systems)
		step, err := planWith(s, &candidates[i], o)
		if err == nil {
			return step, candidates[:i+1], nil
		}
		var oom *pe.OutOfMemory
		if !errors.As(err, &oom) {
			return nil, nil, err
		}
		if least == nil || oom.NeedBytes-oom.HaveBytes < least.NeedBytes-least.HaveBytes {
			least = oom
		}
	}
	return nil, candidates, &Error{"memory", fmt.Errorf("%s fits on %d x %d PEs with none of %d mappings; the nearest: %w",
		cfg.Name, t.Width(), t.Height(), len(candidates), least)}
}

// planWith compiles the step of a candidate: with norms made again if it does not fit otherwise, which
// costs less than the estimate can tell; and with as many blocks kept as fit.
func planWith(s *Space, c *GPTCandidate, o GPTOptions) (step *Step, err error) {
	options := StepOptions{Train: o.Train, Logits: o.Logits, Save: c.Save, Norms: o.Train && !c.Save, Chunks: c.Chunks, RunAhead: o.RunAhead}
	if err = couldFit(s, options); err != nil {
		return nil, err
	}
	if c.Save || !o.Train {
		return NewStep(s, options)
	}
	for _, options.Norms = range []bool{false, true} {
		if step, err = NewStep(s, options); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	c.Norms = options.Norms
	for kept := 1; kept <= s.Model.Layers; kept++ {
		more := planKept(s, c, o, kept, min(step.Plan.RunAhead, longRunAhead))
		if more == nil {
			break
		}
		step = more
	}
	return step, nil
}

// longRunAhead is more output rows than columns ever differ by in a dense layer: fewer may cost
// more than a block kept gains.
const longRunAhead = 32

// planKept keeps so many blocks, with the vocabulary in more chunks if there is no room for its logits
// beside them and the chunks cost less than the block. It returns nil if that does not fit.
func planKept(s *Space, c *GPTCandidate, o GPTOptions, kept, runAhead int) *Step {
	e := newStepEstimate(s)
	for chunks := c.Chunks; chunks <= widest(s.Vocab); chunks *= 2 {
		if float64(chunks-c.Chunks)*e.chunk() > e.again(slices.Min(o.Densities)) {
			break
		}
		step, err := NewStep(s, StepOptions{Train: true, Norms: true, Kept: kept, Chunks: chunks, RunAhead: o.RunAhead})
		if err == nil && step.Plan.RunAhead >= runAhead {
			c.Norms, c.Kept, c.Chunks = true, kept, chunks
			return step
		}
		if o.Chunks > 0 {
			break
		}
	}
	return nil
}

// gptCandidates lists all mappings, best first.
func gptCandidates(cfg model.Config, t Target, p model.Precision, o GPTOptions) ([]GPTCandidate, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	var all []GPTCandidate
	var refused error
	for _, spread := range spreads(cfg, t, o) {
		s, err := NewSpace(cfg, t, p, spread)
		if err != nil {
			refused = err
			continue
		}
		s.StreamRate = t.StreamRate(o.Systems)
		all = append(all, candidatesOf(s, o)...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no place on %d x %d PEs: %w", cfg.Name, t.Width(), t.Height(), refused)
	}
	sort.SliceStable(all, func(i, k int) bool { return all[i].Objective < all[k].Objective })
	return all, nil
}

// spreads are the ways to share the model that the search looks at.
func spreads(cfg model.Config, t Target, o GPTOptions) (all []Spread) {
	columns, tokens := []int{o.Columns}, []int{o.Tokens}
	if o.Columns == 0 && o.ColumnsPerHead == 0 {
		columns = columnsWorthTrying(cfg, t)
	}
	if o.Tokens == 0 {
		tokens = nil
		for n := 1; n <= min(cfg.SequenceLength, mostTokens); n++ {
			if worthTrying(cfg.SequenceLength, n) {
				tokens = append(tokens, n)
			}
		}
	}
	for _, c := range columns {
		perHead := []int{o.ColumnsPerHead}
		if o.ColumnsPerHead == 0 {
			perHead = headColumnsWorthTrying(cfg, c)
		}
		for _, h := range perHead {
			for _, n := range tokens {
				all = append(all, Spread{c, h, n})
			}
		}
	}
	return all
}

// columnsWorthTrying are the columns of a group, most first: of all that leave as many features of
// d_model on the fullest column the fewest, which are the most groups; of all that are as many
// groups the most, which have fewer features of the wider layers; and those that are
// whole columns of all heads.
func columnsWorthTrying(cfg model.Config, t Target) (all []int) {
	most := min(t.Width(), cfg.DModel)
	for c := most; c >= cfg.Heads; c-- {
		features := ceilDiv(cfg.DModel, c)
		switch {
		case c == ceilDiv(cfg.DModel, features), c == most, c == t.Width()/(t.Width()/c), c%cfg.Heads == 0:
			all = append(all, c)
		}
	}
	if all == nil {
		all = []int{0} // for what NewSpace says about it
	}
	return all
}

// headColumnsWorthTrying are the columns of a head in a group of so many: the most there can be, and
// the fewest with which the fullest column has no more features.
func headColumnsWorthTrying(cfg model.Config, columns int) []int {
	most := max(1, min(columns/cfg.Heads, cfg.HeadWidth()))
	fewest := ceilDiv(cfg.HeadWidth(), ceilDiv(cfg.HeadWidth(), most))
	if fewest == most {
		return []int{most}
	}
	return []int{most, fewest}
}

// mostTokens bounds the tokens on one PE: more would not leave room for any features.
const mostTokens = 512

// worthTrying leaves out token counts that pad more than a smaller one with as many rows.
func worthTrying(length, tokens int) bool {
	rows := ceilDiv(length, tokens)
	return tokens == ceilDiv(length, rows)
}

// candidatesOf is a space with and without saved activations, and with the vocabulary in one
// chunk and in more.
func candidatesOf(s *Space, o GPTOptions) (out []GPTCandidate) {
	sequences := float64(s.MicroBatch())
	if o.Sequences > 0 { // the last micro-batch of an update takes as long as a full one
		sequences = float64(o.Sequences) / float64(ceilDiv(o.Sequences, s.MicroBatch()))
	}
	estimate, sram := newStepEstimate(s), s.Target.Core().SRAMBytes
	for _, save := range []bool{true, false} {
		if !save && !o.Train {
			continue
		}
		for chunks := 1; chunks <= int(estimate.vocab.most); chunks *= 2 {
			if o.Chunks > 0 {
				chunks = o.Chunks
			}
			c := GPTCandidate{
				ColumnsPerHead: s.HeadColumns, Tokens: s.Tokens, Groups: s.Groups, Columns: s.Columns,
				SeqRows: s.SeqRows, Sequences: s.Sequences, Save: save, Chunks: chunks, Objective: 1,
			}
			if estimate.roughBytes(c, o.Train) <= sram {
				for _, d := range o.Densities {
					cycles := estimate.step(d, StepOptions{Train: o.Train, Save: save, Chunks: chunks}) / sequences
					c.Cycles = append(c.Cycles, cycles)
					c.Objective *= math.Pow(cycles, 1/float64(len(o.Densities)))
				}
				out = append(out, c)
			}
			if o.Chunks > 0 {
				break
			}
		}
	}
	return out
}
