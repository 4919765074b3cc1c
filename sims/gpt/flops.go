package gpt

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"cs2sim.dev/model"
	"cs2sim.dev/sims"
)

// FLOPTable sets every cell of the paper's three FLOP tables beside our value of it, printed with
// the paper's digits, for the models the paper has. Where a cell does not follow from the other
// cells the paper prints, within their rounding, the last column says so.
func FLOPTable() sims.Table {
	t := sims.Table{
		Name: "flops", Title: "FLOPs of SPDF (arXiv 2303.10464v2) and ours",
		Columns: []sims.Column{
			{Name: "table", Title: "table", Kind: sims.Text},
			{Name: "model", Title: "model", Kind: sims.Text},
			{Name: "sparsity", Title: "sparsity", Kind: sims.Number, Format: "%.2f"},
			{Name: "task", Title: "task", Kind: sims.Text},
			{Name: "quantity", Title: "quantity", Kind: sims.Text},
			{Name: "paper", Title: "paper", Kind: sims.Text},
			{Name: "computed", Title: "ours", Kind: sims.Text},
			{Name: "agrees", Title: "agrees", Kind: sims.Text},
			{Name: "contradiction", Title: "paper contradicts itself:", Kind: sims.Text},
		},
	}
	all := cells()
	for _, c := range all {
		ours := sameForm(c.value(), c.printed)
		agrees := "no"
		switch {
		case ours == c.printed:
			agrees = "yes"
		case math.Abs(c.value()-parse(c.printed)) <= 1.5*lastDigit(c.printed):
			agrees = "last digit"
		}
		t.Rows = append(t.Rows, []any{c.table, c.model, c.sparsity, c.task, c.quantity, c.printed, ours, agrees, contradiction(c, all)})
	}
	return t
}

// value is ours of a cell.
func (c cell) value() float64 {
	var s setup
	for _, s = range setups() {
		if s.paper == c.model {
			break
		}
	}
	m, err := model.Preset(s.preset)
	if err != nil {
		panic(err) // the setups name our presets
	}
	sequences := s.tokens / pretrainLength
	pretrain := func(sparsity float64) float64 {
		return sequences * m.ForwardFLOPs(pretrainLength, 1-sparsity).Training()
	}
	tuned := 0.0
	for _, t := range tasks() {
		if t.paper == c.task {
			tuned = t.sequences
		}
	}
	finetune := tuned * m.ForwardFLOPs(finetuneLength, 1).Training()
	switch c.table {
	case tablePretrain:
		switch c.quantity {
		case quantitySequences:
			return sequences
		case quantityPerSeq:
			return m.ForwardFLOPs(pretrainLength, 1-c.sparsity).Training()
		case quantityTotal:
			return pretrain(c.sparsity)
		case quantityExa:
			return pretrain(c.sparsity) / 1e18
		case quantityRatio:
			return pretrain(c.sparsity) / pretrain(0)
		}
	case tableFinetune:
		switch c.quantity {
		case quantitySequences:
			return tuned
		case quantityPerSeq: // of the forward pass alone, unlike appendix 2
			return m.ForwardFLOPs(finetuneLength, 1).Total()
		case quantityTotal:
			return finetune
		case quantityExa:
			return finetune / 1e18
		}
	case tableTotal:
		switch c.quantity {
		case quantityExa:
			return (pretrain(c.sparsity) + finetune) / 1e18
		case quantitySpeedup:
			return (pretrain(0) + finetune) / (pretrain(c.sparsity) + finetune)
		}
	}
	panic(fmt.Sprintf("gpt: no value for %+v", c))
}

// span is all numbers that print alike.
type span struct{ lo, hi float64 }

func spanOf(printed string) span {
	v, half := parse(printed), 0.5*lastDigit(printed)
	return span{v - half, v + half}
}

func (a span) plus(b span) span      { return span{a.lo + b.lo, a.hi + b.hi} }
func (a span) times(b span) span     { return span{a.lo * b.lo, a.hi * b.hi} }
func (a span) over(b span) span      { return span{a.lo / b.hi, a.hi / b.lo} }
func (a span) scaled(f float64) span { return span{a.lo * f, a.hi * f} }
func (a span) meets(b span) bool     { return a.lo <= b.hi && b.lo <= a.hi }
func (a span) middle() float64       { return (a.lo + a.hi) / 2 }

// contradiction says which other cells of the paper a cell does not follow from; "" if it does.
func contradiction(c cell, all []cell) string {
	find := func(table, task, quantity string, sparsity float64) span {
		for _, o := range all {
			if o.table == table && o.model == c.model && o.task == task && o.quantity == quantity && o.sparsity == sparsity {
				return spanOf(o.printed)
			}
		}
		panic(fmt.Sprintf("gpt: %s has no %s of %s", table, quantity, c.model))
	}
	own := spanOf(c.printed)
	var from span
	var how string
	switch {
	case c.quantity == quantityTotal && c.table == tablePretrain:
		from, how = find(c.table, c.task, quantitySequences, c.sparsity).times(find(c.table, c.task, quantityPerSeq, c.sparsity)), "sequences x FLOPs per sequence"
	case c.quantity == quantityTotal:
		from, how = find(c.table, c.task, quantitySequences, c.sparsity).times(find(c.table, c.task, quantityPerSeq, c.sparsity)).scaled(3), "3 x sequences x FLOPs per sequence"
	case c.quantity == quantityExa && c.table != tableTotal:
		from, how = find(c.table, c.task, quantityTotal, c.sparsity).scaled(1e-18), "FLOPs of the same row"
	case c.quantity == quantityRatio:
		from, how = own, ""
		if c.sparsity > 0 {
			from, how = find(c.table, c.task, quantityTotal, c.sparsity).over(find(c.table, c.task, quantityTotal, 0)), "FLOPs of the rows"
		}
	case c.quantity == quantityExa:
		from = find(tablePretrain, "", quantityExa, c.sparsity).plus(find(tableFinetune, c.task, quantityExa, 0))
		how = "appendix 2 + appendix 3"
	case c.quantity == quantitySpeedup:
		from, how = find(c.table, c.task, quantityExa, 0).over(find(c.table, c.task, quantityExa, c.sparsity)), "exaFLOPs of the rows"
	default:
		return ""
	}
	if own.meets(from) {
		return ""
	}
	return how + " gives " + sameForm(from.middle(), c.printed)
}

// sameForm prints v with the digits of a printed number.
func sameForm(v float64, like string) string {
	if mantissa, exponent, ok := strings.Cut(like, "e"); ok {
		e, _ := strconv.Atoi(exponent)
		return fmt.Sprintf("%.*fe%s", decimals(mantissa), v/math.Pow(10, float64(e)), exponent)
	}
	return fmt.Sprintf("%.*f", decimals(like), v)
}

// parse reads a number of our own tables.
func parse(printed string) float64 {
	v, err := strconv.ParseFloat(printed, 64)
	if err != nil {
		panic(err) // typed in above
	}
	return v
}

// lastDigit is the value of one in the last digit.
func lastDigit(printed string) float64 {
	mantissa, exponent, _ := strings.Cut(printed, "e")
	e := 0
	if exponent != "" {
		e, _ = strconv.Atoi(exponent)
	}
	return math.Pow(10, float64(e-decimals(mantissa)))
}

func decimals(s string) int {
	_, fraction, _ := strings.Cut(s, ".")
	return len(fraction)
}
