package sims

import (
	"fmt"
	"math"

	"cs2sim.dev/compiler"
)

// Validation is all that `cs2sim validate` found.
type Validation struct {
	Machine  compiler.Target
	Cases    []CaseResult
	Complete bool
	Note     string // why it is not complete
}

// Count is how many cases have a verdict.
func (v Validation) Count(verdict Verdict) (n int) {
	for _, c := range v.Cases {
		if c.Verdict == verdict {
			n++
		}
	}
	return n
}

// Summary is one line.
func (v Validation) Summary() string {
	text := fmt.Sprintf("%d of %d published cases pass", v.Count(Pass), len(v.Cases))
	if n := v.Count(KnownDeviation); n > 0 {
		text += fmt.Sprintf(", %d known deviations", n)
	}
	if n := v.Count(Fail); n > 0 {
		text += fmt.Sprintf(", %d fail", n)
	}
	return text
}

// Table lists the cases for people.
func (v Validation) Table() Table {
	t := Table{Name: "validation", Title: "published cases on " + machineText(v.Machine), Columns: []Column{
		{Name: "case", Title: "case", Kind: Text},
		{Name: "quantity", Title: "quantity", Kind: Text},
		{Name: "ours", Title: "ours", Kind: Number},
		{Name: "published", Title: "published", Kind: Number},
		{Name: "error_percent", Title: "error", Unit: "%", Kind: Number, Format: "%+.3f"},
		{Name: "tolerance", Title: "tolerance", Kind: Text},
		{Name: "verdict", Title: "verdict", Kind: Text},
	}}
	for _, c := range v.Cases {
		verdict := string(c.Verdict)
		if c.Reason != "" {
			verdict += ": " + c.Reason
		}
		t.Rows = append(t.Rows, []any{
			c.Name, c.Quantity, significant(c.Ours), c.Published, 100 * (c.Ours/c.Published - 1), c.Tolerance.String(), verdict,
		})
	}
	return t
}

// significant rounds what people read to six digits.
func significant(v float64) float64 {
	if v == 0 || math.IsNaN(v) || v == math.Trunc(v) {
		return v
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// MarshalJSON writes the cases with their parameters.
func (v Validation) MarshalJSON() ([]byte, error) {
	j := object{}
	j.add("version", Version)
	j.add("machine", v.Machine)
	j.add("complete", v.Complete)
	if v.Note != "" {
		j.add("note", v.Note)
	}
	j.add("passed", v.Count(Pass))
	j.add("known_deviations", v.Count(KnownDeviation))
	j.add("failed", v.Count(Fail))
	cases := []object{}
	for _, c := range v.Cases {
		cases = append(cases, c.object())
	}
	j.add("cases", cases)
	return j.MarshalJSON()
}

func (c CaseResult) object() object {
	j := object{}
	j.add("case", c.Name)
	j.add("kernel", c.Kernel)
	if c.Outcome != nil {
		c.Outcome.addParams(&j)
	}
	j.add("quantity", c.Quantity)
	if !math.IsNaN(c.Ours) {
		j.add("ours", c.Ours)
		j.add("error", c.Ours/c.Published-1)
	}
	j.add("published", c.Published)
	j.add("tolerance", c.Tolerance.String())
	j.add("verdict", c.Verdict)
	if c.Reason != "" {
		j.add("reason", c.Reason)
	}
	if o := c.Outcome; o != nil {
		j.add("cycles", o.Cycles)
		if !math.IsNaN(o.Min) {
			j.add("min", o.Min)
			j.add("max", o.Max)
		}
		j.add("mismatches", o.Mismatches)
	}
	j.add("source", c.Source)
	return j
}
