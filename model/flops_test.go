package model

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// shared opens a CSV of the published data beside the repository, comments removed.
func shared(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open("../../shared/" + path)
	if err != nil {
		t.Skipf("published data is not beside the repository: %v", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// spdfSequences are the sequences SPDF fine-tunes on for each task, as its totals imply.
var spdfSequences = map[string]float64{"E2E": 126183, "WebNLG": 54075, "DART": 125318, "Curation": 33924}

// flopsCell is our value of a cell of flops_check.csv.
func flopsCell(t *testing.T, table, variant, model, which, quantity string) float64 {
	preset, tokens := "gpt2-small", 2.5e9
	if model == "GPT-3 XL" {
		preset, tokens = "gpt3-xl", 26e9
	}
	c, err := Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	forward := func(s int, density float64) FLOPs {
		f := c.ForwardFLOPs(s, density)
		if variant == "soft0" { // the reading of the paper without the softmax term
			f.Softmax = 0
		}
		return f
	}
	const length, short = 2048, 512
	sequences := tokens / length
	pretrain := func(sparsity float64) float64 { return sequences * forward(length, 1-sparsity).Training() }
	finetune := func(task string) float64 { return spdfSequences[task] * forward(short, 1).Training() }
	if table == "A3" {
		switch quantity {
		case "fwd_per_seq(S=512)":
			return forward(short, 1).Total()
		case "total=3*fwd*n":
			return finetune(which)
		case "exaflops":
			return finetune(which) / 1e18
		}
		t.Fatalf("unknown quantity %q", quantity)
	}
	sparsity, err := strconv.ParseFloat(which, 64)
	if err != nil {
		t.Fatal(err)
	}
	switch table {
	case "A2":
		switch quantity {
		case "seqs":
			return sequences
		case "flops_per_seq":
			return forward(length, 1-sparsity).Training()
		case "total":
			return pretrain(sparsity)
		case "exaflops":
			return pretrain(sparsity) / 1e18
		case "ratio":
			return pretrain(sparsity) / pretrain(0)
		}
	case "M2":
		return (pretrain(sparsity) + finetune(quantity)) / 1e18
	case "M2sp":
		return (pretrain(0) + finetune(quantity)) / (pretrain(sparsity) + finetune(quantity))
	case "text":
		name, at, _ := strings.Cut(quantity, "@S=")
		s, err := strconv.Atoi(at)
		if err != nil {
			t.Fatal(err)
		}
		f := forward(s, 1)
		if name == "attn%" {
			return 100 * f.Attention / f.Total()
		}
		return 100 * f.Vocabulary / f.Total()
	}
	t.Fatalf("unknown cell %s %s", table, quantity)
	return 0
}

// significantDigits counts those of a printed number.
func significantDigits(s string) int {
	mantissa, _, _ := strings.Cut(s, "e")
	return len(strings.TrimLeft(strings.ReplaceAll(mantissa, ".", ""), "0"))
}

// TestFLOPs reproduces every cell of the check file to its printed digits, and of the
// cells it marks as a match the paper's own figure as printed. In appendix table 3
// the paper multiplied rounded factors: there a match is within one of the last digit.
func TestFLOPs(t *testing.T) {
	matches := 0
	for _, row := range shared(t, "data/spdf/flops_check.csv") {
		cell := strings.Join(row[:5], " ")
		got := flopsCell(t, row[0], row[1], row[2], row[3], row[4])
		want, err := strconv.ParseFloat(row[6], 64)
		if err != nil {
			t.Fatal(err)
		}
		digits := significantDigits(row[6])
		// 0.51 of a digit: the file's own value was rounded in another arithmetic.
		if unit := math.Pow(10, math.Floor(math.Log10(want))+1-float64(digits)); math.Abs(got-want) > 0.51*unit {
			t.Errorf("%s: %.8g, the check file has %s", cell, got, row[6])
		}
		if row[8] != "True" {
			continue
		}
		matches++
		paper, err := strconv.ParseFloat(row[5], 64)
		if err != nil {
			t.Fatal(err)
		}
		if row[0] == "A3" {
			if math.Abs(got-paper) > lastDigit(row[5]) {
				t.Errorf("%s: %.4g, the paper has %s", cell, got, row[5])
			}
			continue
		}
		if printed := sameForm(got, row[5]); printed != row[5] {
			t.Errorf("%s: %s, the paper has %s", cell, printed, row[5])
		}
	}
	if matches < 100 {
		t.Errorf("%d matching cells, the file has more than 100", matches)
	}
}

// sameForm prints x with the digits of a printed number.
func sameForm(x float64, like string) string {
	if mantissa, exponent, ok := strings.Cut(like, "e"); ok {
		e, _ := strconv.Atoi(exponent)
		return fmt.Sprintf("%.*fe%s", decimals(mantissa), x/math.Pow(10, float64(e)), exponent)
	}
	return fmt.Sprintf("%.*f", decimals(like), x)
}

// lastDigit is the value of one in the last digit of a printed number.
func lastDigit(s string) float64 {
	mantissa, exponent, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exponent)
	return math.Pow(10, float64(e-decimals(mantissa)))
}

func decimals(s string) int {
	_, fraction, _ := strings.Cut(s, ".")
	return len(fraction)
}

// TestFLOPsOfAnyWidth: with d_ff = 4*d_model the linear part is 24*S*L*d^2*density.
func TestFLOPsOfAnyWidth(t *testing.T) {
	c := Config{Layers: 3, DModel: 10, Heads: 2, DFF: 40, Vocabulary: 7, SequenceLength: 5}
	if got := c.ForwardFLOPs(5, 0.25).Linear; got != 24*5*3*100*0.25 {
		t.Errorf("linear FLOPs are %v", got)
	}
	c.DFF = 15
	if got := c.ForwardFLOPs(5, 1).Linear; got != 2*5*3*(4*100+2*10*15) {
		t.Errorf("linear FLOPs with d_ff 15 are %v", got)
	}
}
