package compiler

import (
	"fmt"
	"io"
	"strings"
)

// StepExplanation says which parts of a step's explanation to print beside the mapping.
type StepExplanation struct {
	Memory  bool   // the map of every different phase, not only of the fullest
	Listing string // kernel to list: a phase's name without its block, such as mlp.fc; "": none
}

// Explain prints the candidates with their estimates, the choice and why, where the tiles of a
// phase lie in every PE's SRAM, the colors, and a kernel's code.
func (s *Step) Explain(w io.Writer, candidates []GPTCandidate, o StepExplanation) error {
	e := &explainer{w: w}
	e.model(s)
	e.gptCandidates(s, candidates)
	e.phases(s)
	e.stepMemory(s, o.Memory)
	if err := e.stepCode(s, o.Listing); err != nil {
		return err
	}
	return e.err
}

func (e *explainer) model(s *Step) {
	m, t := s.Space.Model, s.Space.Target
	e.printf("model %s: %d blocks, d_model %d, %d heads, d_ff %d, vocabulary %d, %d tokens, %d parameters, %s\n",
		m.Name, m.Layers, m.DModel, m.Heads, m.DFF, m.Vocabulary, m.SequenceLength, m.Parameters(), s.Space.Precision)
	e.printf("machine %s: %d x %d PEs, %d KB SRAM each, %.4g wavelets per cycle over the edge\n", t.Name, t.Width(), t.Height(), t.whole("sram_bytes")>>10, t.IORate())
}

func (e *explainer) gptCandidates(s *Step, all []GPTCandidate) {
	e.printf("\nCandidates, best first up to the one taken (cycles per sequence are estimates; they rank and go nowhere else)\n")
	var rows []string
	for i, c := range all {
		if i >= shownCandidates && i < len(all)-1 {
			continue
		}
		verdict := "does not fit"
		if i == len(all)-1 {
			verdict = "taken"
		}
		rows = append(rows, fmt.Sprintf("%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%.5g\t%s", i+1, c.ColumnsPerHead, c.Groups, c.Columns, c.Tokens, c.SeqRows, c.MicroBatch(), c.Activations(), c.Chunks, c.Objective, verdict))
	}
	e.table("rank\tcolumns/head\tgroups\tcolumns\ttokens/PE\trows/sequence\tmicro-batch\tactivations\tchunks\tcycles/sequence\t", rows)
	c, m := all[len(all)-1], s.Plan
	e.printf("\nChoice: %d groups of %d columns, %d tokens per PE, %d sequences stacked: a micro-batch of %d sequences\n", c.Groups, c.Columns, c.Tokens, c.Sequences, c.MicroBatch())
	e.printf("why: least estimated cycles per sequence of those whose memory plan fits; then the fewest accumulator banks (%d) and with them the longest run-ahead (%d) that fit\n", m.SBanks, m.RunAhead)
	e.printf("PE rectangle in use: %d x %d of %d x %d\n", s.Space.Groups*s.Space.Columns, s.Space.Rows(), s.Space.Target.Width(), s.Space.Target.Height())
}

// phases counts the kernels of the step in the order of their first use.
func (e *explainer) phases(s *Step) {
	type line struct {
		op, kernel string
		pass       Pass
		n          int
	}
	var all []*line
	at := map[string]*line{}
	for _, ph := range s.Phases {
		key := fmt.Sprintf("%s|%s|%s", phaseOp(ph.Name), ph.Kernel.Name(), ph.Pass)
		l, ok := at[key]
		if !ok {
			l = &line{phaseOp(ph.Name), ph.Kernel.Name(), ph.Pass, 0}
			at[key] = l
			all = append(all, l)
		}
		l.n++
	}
	e.printf("\nPhases of a micro-batch: %d\n", len(s.Phases))
	var rows []string
	for _, l := range all {
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%d", l.op, l.kernel, l.pass, l.n))
	}
	e.leftTable("operation\tkernel\tpass\tphases", rows)
}

// phaseOp is a phase's name without its block and chunk.
func phaseOp(name string) string {
	name, _, _ = strings.Cut(name, " ")
	if rest, ok := strings.CutPrefix(name, "h."); ok {
		_, name, _ = strings.Cut(rest, ".")
	}
	return name
}

// stepMemory prints the SRAM map of the fullest phase, or of every phase of the first block and outside
// of the blocks.
func (e *explainer) stepMemory(s *Step, every bool) {
	fullest, most := 0, 0
	for i := range s.Phases {
		if used := s.usedBytes(i); used > most {
			fullest, most = i, used
		}
	}
	size := s.Space.Target.Core().SRAMBytes
	e.printf("\nMemory of every PE: at most %d of %d bytes in any phase\n", most, size)
	for i, ph := range s.Phases {
		if i == fullest || every && ph.Layer <= 0 {
			e.phaseMemory(s, i)
		}
	}
}

// usedBytes is what lies in SRAM in a phase, code included.
func (s *Step) usedBytes(phase int) int {
	used := 2 * ceilDiv(s.Space.Target.whole("code_bytes"), 2)
	for _, p := range s.Plan.Live(phase) {
		used += 2 * p.Words
	}
	return used
}

func (e *explainer) phaseMemory(s *Step, i int) {
	core := s.Space.Target.Core()
	ph := s.Phases[i]
	e.printf("\nphase %d of %d, %s (%s) of %s: %d bytes in use\n", i+1, len(s.Phases), ph.Kernel.Name(), ph.Pass, ph.Name, s.usedBytes(i))
	code := 2 * ceilDiv(s.Space.Target.whole("code_bytes"), 2)
	rows := []string{fmt.Sprintf("%#06x\t%d\t%d-%d\tcode", 0, code, 0, core.Bank(code/2-1))}
	end := code
	for _, p := range s.Plan.Live(i) {
		if gap := 2*p.Base - end; gap > 0 {
			rows = append(rows, fmt.Sprintf("%#06x\t%d\t\tfree", end, gap))
		}
		rows = append(rows, fmt.Sprintf("%#06x\t%d\t%d-%d\t%s", 2*p.Base, 2*p.Words, core.Bank(p.Base), core.Bank(p.Base+p.Words-1), p.Name))
		end = 2 * (p.Base + p.Words)
	}
	if gap := core.SRAMBytes - end; gap > 0 {
		rows = append(rows, fmt.Sprintf("%#06x\t%d\t\tfree", end, gap))
	}
	e.leftTable("address\tbytes\tbanks\tuse", rows)
}

// stepCode prints the colors of the step's kernels, and the listing of one of them.
func (e *explainer) stepCode(s *Step, listing string) error {
	uses := map[int]ColorUse{}
	by := map[int][]string{}
	seen := map[string]bool{}
	listed := false
	var ops []string
	for _, ph := range s.Phases {
		op := phaseOp(ph.Name)
		if kernel := ph.Kernel.Name(); !seen[kernel] {
			seen[kernel] = true
			l, err := ph.Kernel.Layout(s.Space, 1, s.Space.SeqRows)
			if err != nil {
				return fmt.Errorf("%s: %w", kernel, err)
			}
			for _, c := range l.Colors {
				if _, ok := uses[int(c.Color)]; !ok {
					uses[int(c.Color)] = c
				}
				by[int(c.Color)] = append(by[int(c.Color)], kernel)
			}
		}
		if listing != "" && !listed && (op == listing || ph.Kernel.Name() == listing) {
			l, err := ph.Kernel.Layout(s.Space, 1, s.Space.SeqRows)
			if err != nil {
				return fmt.Errorf("%s: %w", ph.Name, err)
			}
			e.kernelListing(s, ph, l)
			listed = true
		}
		ops = append(ops, op)
	}
	if listing != "" && !listed {
		return fmt.Errorf("no phase is called %q; they are: %s", listing, strings.Join(distinct(ops), ", "))
	}
	e.printf("\nColors\n")
	var rows []string
	for c := range 64 {
		if u, ok := uses[c]; ok {
			rows = append(rows, fmt.Sprintf("%d\t%s\t%s", c, u.Use, strings.Join(by[c], ", ")))
		}
	}
	e.leftTable("color\tcarries, in the first of\tkernels", rows)
	return nil
}

func distinct(all []string) (out []string) {
	seen := map[string]bool{}
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// listedRoles bounds the roles listed in full; further ones differ in colors and loop counts.
const listedRoles = 3

func (e *explainer) kernelListing(s *Step, ph Phase, l *Layout) {
	core := s.Space.Target.Core()
	e.printf("\nListing of %s, %s %s\n", ph.Name, ph.Kernel.Name(), ph.Pass)
	for i, role := range l.Roles {
		n := 0
		for _, p := range l.PEs {
			if p.Role == i {
				n++
			}
		}
		e.printf("role %d of %d, %s: %d of the %d PEs of a sequence in one group\n", i+1, len(l.Roles), role.Name, n, len(l.PEs))
		if i >= listedRoles {
			continue
		}
		for k := range role.Tasks {
			t := &role.Tasks[k]
			e.printf("task %s: %s\n", t.Name, triggerText(t))
			for x := range t.Code {
				in := &t.Code[x]
				e.printf("  %2d  %-14s %v\n", x, costText(core.Cost(in, x == 0 && t.Triggered)), *in)
			}
		}
	}
}
