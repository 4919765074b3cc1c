package gpt

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
)

// shared reads a CSV of published data beside the repository, comments removed, without its head.
func shared(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open("../../../shared/" + path)
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

// The typed-in cells are those of the transcribed tables, and all of them.
func TestCellsAreThePapers(t *testing.T) {
	want := map[string]bool{}
	key := func(parts ...string) string { return strings.Join(parts, "|") }
	sparsity := func(s string) string { return strings.TrimRight(strings.TrimRight(s, "0"), ".") }
	for _, r := range shared(t, "data/spdf/appendix_table2_pretrain_flops.csv") {
		for i, q := range []string{quantitySequences, quantityPerSeq, quantityTotal, quantityExa, quantityRatio} {
			want[key(tablePretrain, r[0], sparsity(r[1]), "", q, r[2+i])] = true
		}
	}
	for _, r := range shared(t, "data/spdf/appendix_table3_finetune_flops.csv") {
		for i, q := range []string{quantitySequences, quantityPerSeq, quantityTotal, quantityExa} {
			want[key(tableFinetune, r[1], "0", r[0], q, r[2+i])] = true
		}
	}
	for _, r := range shared(t, "data/spdf/main_table2_total_flops.csv") {
		want[key(tableTotal, r[0], sparsity(r[1]), r[2], quantityExa, r[3])] = true
		want[key(tableTotal, r[0], sparsity(r[1]), r[2], quantitySpeedup, r[4])] = true
	}
	for _, c := range cells() {
		k := key(c.table, c.model, sparsity(sameForm(c.sparsity, "0.00")), c.task, c.quantity, c.printed)
		if !want[k] {
			t.Errorf("%s is not in the transcribed tables", k)
		}
		delete(want, k)
	}
	for k := range want {
		t.Errorf("%s is missing", k)
	}
}

// Every cell is that of the check file, those it marks as reproduced agree with the paper, and the contradictions are
// where the paper's sums and quotients do not work out.
func TestFLOPTable(t *testing.T) {
	names := map[string]string{
		"A2": tablePretrain, "A3": tableFinetune, "M2": tableTotal, "M2sp": tableTotal,
		"seqs": quantitySequences, "flops_per_seq": quantityPerSeq, "fwd_per_seq(S=512)": quantityPerSeq,
		"total": quantityTotal, "total=3*fwd*n": quantityTotal, "exaflops": quantityExa, "ratio": quantityRatio,
	}
	table := FLOPTable()
	row := func(r []string) []any {
		quantity, task, s := names[r[4]], "", r[3]
		switch r[0] {
		case "A3":
			task, s = r[3], "0"
		case "M2":
			task, quantity = r[4], quantityExa
		case "M2sp":
			task, quantity = r[4], quantitySpeedup
		}
		if task == "Curation" {
			task = "Curation Corpus"
		}
		for _, have := range table.Rows {
			if have[0] == names[r[0]] && have[1] == r[2] && have[2] == parse(s) && have[3] == task && have[4] == quantity {
				return have
			}
		}
		t.Fatalf("no row for %v", r)
		return nil
	}
	reproduced := 0
	for _, r := range shared(t, "data/spdf/flops_check.csv") {
		if r[1] != "soft3" || r[0] == "text" {
			continue
		}
		have := row(r)
		if have[6] != r[7] {
			t.Errorf("%v: ours is %v, the check file has %s", r, have[6], r[7])
		}
		if r[8] == "True" {
			reproduced++
			if a := have[7]; a != "yes" && !(r[0] == "A3" && a == "last digit") {
				t.Errorf("%v: ours is %v, the check file reproduces it", r, have[6])
			}
		}
	}
	if reproduced < 60 {
		t.Errorf("%d cells are marked as reproduced, the file has more", reproduced)
	}
	marks := map[string]int{}
	for _, r := range table.Rows {
		if r[8] != "" {
			marks[r[0].(string)]++
		}
		if r[1] == "GPT-3 XL" && r[2] == 0.0 && r[3] == "WebNLG" && r[4] == quantityExa && r[0] == tableTotal && r[8] != "appendix 2 + appendix 3 gives 236.33" {
			t.Errorf("236.62 for WebNLG: %q", r[8])
		}
	}
	if marks[tableTotal] < 5 || marks[tableFinetune] < 1 || marks[tablePretrain] > 3 {
		t.Errorf("contradictions by table: %v", marks)
	}
}
