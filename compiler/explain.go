package compiler

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"cs2sim.dev/pe"
)

// shownCandidates bounds the candidate table; the rest is counted.
const shownCandidates = 8

// Explain prints the candidates with their estimates, the choice and why, the per-PE memory
// map, the color table and a listing.
func (p *Program) Explain(w io.Writer) error {
	e := &explainer{w: w}
	e.layer(p)
	e.candidates(p)
	e.choice(p)
	e.memory(p)
	e.colors(p)
	e.listing(p)
	return e.err
}

// explainer keeps the first write error.
type explainer struct {
	w   io.Writer
	err error
}

func (e *explainer) printf(format string, args ...any) {
	if e.err == nil {
		_, e.err = fmt.Fprintf(e.w, format, args...)
	}
}

// table prints rows under a head, columns aligned, numbers to the right.
func (e *explainer) table(head string, rows []string) {
	t := tabwriter.NewWriter(e.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, r := range append([]string{head}, rows...) {
		if _, err := fmt.Fprintln(t, r+"\t"); err != nil && e.err == nil {
			e.err = err
		}
	}
	if err := t.Flush(); err != nil && e.err == nil {
		e.err = err
	}
}

func (e *explainer) layer(p *Program) {
	n := p.Node
	e.printf("layer %s: Y = X W^T, W %d x %d, sparsity %.4g (%s), %d tokens, %s\n", n.Name, n.Out, n.In, n.Mask.Sparsity, n.Mask.Kind, p.Tokens, n.Precision)
	e.printf("machine %s: %d x %d PEs, %d KB SRAM each, %.4g wavelets per cycle over the edge\n", p.Target.Name, p.Target.Width(), p.Target.Height(), p.Target.whole("sram_bytes")>>10, p.Target.IORate())
}

func (e *explainer) candidates(p *Program) {
	e.printf("\nCandidates, best first (cycles at each density are estimates; they rank and go nowhere else)\n")
	head := "groups\tcolumns\trows\ttokens/PE\tinputs/column\trun-ahead\tfree bytes"
	for _, d := range p.Densities {
		head += fmt.Sprintf("\tat %.4g %%", 100*d)
	}
	head += "\tgeometric mean"
	var rows []string
	rejected := 0
	for i, c := range p.Candidates {
		if c.Reject != "" {
			rejected++
			continue
		}
		if i >= shownCandidates {
			continue
		}
		row := fmt.Sprintf("%d\t%d\t%d\t%d\t%d\t%d\t%d", c.Groups, c.Columns, c.Rows, c.Tokens, c.Features, c.RunAhead, c.FreeBytes)
		for _, v := range c.Cycles {
			row += fmt.Sprintf("\t%.4g", v)
		}
		rows = append(rows, row+fmt.Sprintf("\t%.5g", c.Objective))
	}
	e.table(head, rows)
	if more := len(p.Candidates) - rejected - len(rows); more > 0 {
		e.printf("and %d slower ones\n", more)
	}
	if rejected > 0 {
		e.printf("%d do not fit; the nearest: %s\n", rejected, p.Candidates[len(p.Candidates)-rejected].Reject)
	}
}

func (e *explainer) choice(p *Program) {
	m := p.Mapping
	e.printf("\nChoice: %d groups of %d columns x %d rows, %d tokens per PE, run-ahead %d\n", m.Groups, m.Columns, m.Rows, m.Tokens, m.RunAhead)
	if len(p.Candidates) == 1 {
		e.printf("why: the run file fixes the groups; run-ahead is given, or the most that fits (at most %d)\n", maxRunAhead)
	} else {
		e.printf("why: least geometric mean of the estimated cycles at the given densities; run-ahead is given, or the most that fits (at most %d)\n", maxRunAhead)
	}
	fmac, ring := p.rowCosts(m)
	for _, d := range p.Densities {
		work := float64(m.Features) * d * float64(fmac)
		e.printf("  density %.4g: per output row and column %.1f non-zeros x %d cycles = %.0f, ring and command %d: the ring takes %.1f %%\n",
			d, float64(m.Features)*d, fmac, work, ring, 100*float64(ring)/(work+float64(ring)))
	}
}

func (e *explainer) memory(p *Program) {
	core := p.Target.Core()
	e.printf("\nMemory of every PE\n")
	var rows []string
	end := 0
	for _, a := range p.Memory {
		if a.Words == 0 {
			continue
		}
		if 2*a.Base > end {
			rows = append(rows, fmt.Sprintf("%#06x\t%d\t\t(gap to the next bank)", end, 2*a.Base-end))
		}
		rows = append(rows, fmt.Sprintf("%#06x\t%d\t%d-%d\t%s: %s", 2*a.Base, a.Bytes(), core.Bank(a.Base), core.Bank(a.Base+a.Words-1), a.Name, a.Note))
		end = 2 * (a.Base + a.Words)
	}
	rows = append(rows, fmt.Sprintf("%#06x\t%d\t\tfree", end, core.SRAMBytes-end))
	e.leftTable("address\tbytes\tbanks\tuse", rows)
}

func (e *explainer) colors(p *Program) {
	e.printf("\nColors\n")
	var rows []string
	for _, c := range p.Colors {
		rows = append(rows, fmt.Sprintf("%d\t%s\t%s", c.Color, c.Name, c.Use))
	}
	e.leftTable("color\tname\tcarries", rows)
	e.printf("%d routes by column; ring of a group: %s\n", len(p.Routes), ringText(p.Ring))
}

func ringText(ring []int) string {
	if len(ring) <= 8 {
		return strings.Trim(fmt.Sprint(ring), "[]")
	}
	n := len(ring)
	return fmt.Sprintf("%d %d %d ... %d %d ... %d %d", ring[0], ring[1], ring[2], ring[(n-1)/2], ring[(n+1)/2], ring[n-2], ring[n-1])
}

func (e *explainer) leftTable(head string, rows []string) {
	t := tabwriter.NewWriter(e.w, 0, 0, 2, ' ', 0)
	for _, r := range append([]string{head}, rows...) {
		if _, err := fmt.Fprintln(t, r); err != nil && e.err == nil {
			e.err = err
		}
	}
	if err := t.Flush(); err != nil && e.err == nil {
		e.err = err
	}
}

// listing prints the code of the first role; the others differ in their ring colors only.
func (e *explainer) listing(p *Program) {
	role := p.Roles[0]
	columns := 0
	for _, r := range p.RoleOf {
		if r == 0 {
			columns++
		}
	}
	e.printf("\nListing of role 0 of %d, that of %d of each group's columns (roles differ in their ring colors)\n", len(p.Roles), columns)
	core := p.Target.Core()
	for i := range role.Tasks {
		t := &role.Tasks[i]
		e.printf("task %s: %s\n", t.Name, triggerText(t))
		for k := range t.Code {
			in := &t.Code[k]
			e.printf("  %2d  %-14s %v\n", k, costText(core.Cost(in, k == 0 && t.Triggered)), *in)
		}
	}
}

func triggerText(t *pe.Task) string {
	switch t.Kind {
	case pe.Data:
		text := fmt.Sprintf("data wavelet of color %d", t.Color)
		if t.Words > 1 {
			text += fmt.Sprintf(", %d wavelets", t.Words)
		}
		if t.Triggered {
			text += ", descriptors stay loaded"
		}
		return text
	case pe.Control:
		return fmt.Sprintf("control wavelet %d of color %d", t.Entry, t.Color)
	}
	return "local"
}

func costText(c pe.Cost) string {
	if c.Steps == 0 {
		return fmt.Sprintf("%d", c.Start)
	}
	text := fmt.Sprintf("%d + %d", c.Start, c.Steps)
	if c.Conflict > 0 {
		text += fmt.Sprintf(" + %d", c.Conflict)
	}
	return text
}
