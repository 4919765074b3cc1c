package metrics

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared is the contents of a file of the data beside the repository; the test is
// skipped without it.
func shared(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../../shared/data", name))
	if err != nil {
		t.Skipf("needs %s beside the repository", filepath.Join("shared/data", name))
	}
	return string(data)
}

func lines(s string) []string {
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", "\n"), "\n"), "\n")
}

// leaveOneOut is the rule of expected.json: rows of one mr are a group, its first
// reference the hypothesis; a group of one is left out.
func leaveOneOut(t testing.TB, name string) (hyps []string, refs [][]string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(shared(t, name))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	group := map[string]int{}
	var groups [][]string
	for _, row := range rows[1:] {
		i, ok := group[row[0]]
		if !ok {
			i = len(groups)
			group[row[0]] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], row[1])
	}
	for _, g := range groups {
		if len(g) > 1 {
			hyps = append(hyps, g[0])
			refs = append(refs, g[1:])
		}
	}
	return hyps, refs
}

func example(t testing.TB) (hyps []string, refs [][]string) {
	t.Helper()
	hyps = lines(shared(t, "e2e-baseline/baseline-output.txt"))
	for _, block := range strings.Split(strings.Trim(shared(t, "e2e-baseline/devel-conc.txt"), "\n"), "\n\n") {
		refs = append(refs, strings.Split(block, "\n"))
	}
	return hyps, refs
}

func TestE2EExpected(t *testing.T) {
	var expected struct {
		Cases map[string]struct {
			Source      string
			N           int
			NRefs       int `json:"n_refs"`
			BLEU        float64
			BLEUFull    float64 `json:"bleu_full"`
			NISTPerl    float64 `json:"nist_perl"`
			NISTPython  float64 `json:"nist_python"`
			NgramHits   [4]int  `json:"ngram_hits"`
			NgramTotals [4]int  `json:"ngram_totals"`
			RefLen      int     `json:"ref_len"`
			ROUGEL      float64 `json:"rouge_l"`
		}
	}
	if err := json.Unmarshal([]byte(shared(t, "e2e-baseline/expected.json")), &expected); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"example", "dev_leave_one_out", "test_leave_one_out"} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "test_leave_one_out" {
				t.Skip("half a second")
			}
			want, ok := expected.Cases[name]
			if !ok {
				t.Fatal("not in expected.json")
			}
			hyps, refs := example(t)
			if name != "example" {
				hyps, refs = leaveOneOut(t, want.Source)
			}
			n := 0
			for _, r := range refs {
				n += len(r)
			}
			if len(hyps) != want.N || n != want.NRefs {
				t.Fatalf("%d hypotheses, %d references, want %d, %d", len(hyps), n, want.N, want.NRefs)
			}
			bleu, err := BLEUv13a(hyps, refs)
			if err != nil {
				t.Fatal(err)
			}
			nist, err := NISTv13a(hyps, refs)
			if err != nil {
				t.Fatal(err)
			}
			rouge, err := ROUGEL(hyps, refs)
			if err != nil {
				t.Fatal(err)
			}
			if bleu.Hits != want.NgramHits || bleu.Totals != want.NgramTotals || bleu.RefLen != want.RefLen {
				t.Errorf("%+v, want %+v", bleu, want)
			}
			digits(t, "BLEU", "%.4f", bleu.Score, want.BLEU)
			digits(t, "BLEU", "%.6f", bleu.Score, want.BLEUFull)
			digits(t, "NIST Perl", "%.4f", nist.Perl, want.NISTPerl)
			digits(t, "NIST Python", "%.4f", nist.Python, want.NISTPython)
			digits(t, "ROUGE-L", "%.4f", rouge, want.ROUGEL)
		})
	}
}

// digits compares as printed.
func digits(t *testing.T, what, format string, got, want float64) {
	t.Helper()
	if g, w := fmt.Sprintf(format, got), fmt.Sprintf(format, want); g != w {
		t.Errorf("%s is %s (%v), want %s", what, g, got, w)
	}
}

func TestDARTExpected(t *testing.T) {
	var want struct {
		Hyp         string
		Refs        []string
		N           int
		BLEU        float64
		BLEUFull    float64 `json:"bleu_full"`
		NgramHits   [4]int  `json:"ngram_hits"`
		NgramTotals [4]int  `json:"ngram_totals"`
		Skipped     float64 `json:"bleu_if_empty_refs_skipped"`
		Precisions  [4]float64
		BP, Ratio   float64
		HypLen      int `json:"hyp_len"`
		RefLen      int `json:"ref_len"`
	}
	if err := json.Unmarshal([]byte(shared(t, "dart-baseline/expected.json")), &want); err != nil {
		t.Fatal(err)
	}
	hyps := lines(shared(t, want.Hyp))
	refs, full := make([][]string, len(hyps)), make([][]string, len(hyps))
	for _, name := range want.Refs {
		for i, r := range lines(shared(t, name)) {
			refs[i] = append(refs[i], r)
			if strings.TrimSpace(r) != "" {
				full[i] = append(full[i], r)
			}
		}
	}
	if len(hyps) != want.N {
		t.Fatalf("%d hypotheses, want %d", len(hyps), want.N)
	}
	for _, lowercase := range []bool{false, true} {
		got, err := MultiBLEU(hyps, refs, lowercase)
		if err != nil {
			t.Fatal(err)
		}
		if got.Hits != want.NgramHits || got.Totals != want.NgramTotals || got.HypLen != want.HypLen || got.RefLen != want.RefLen {
			t.Errorf("%+v, want %+v", got, want)
		}
		digits(t, "BLEU", "%.2f", 100*got.Score, want.BLEU)
		digits(t, "BLEU", "%.4f", 100*got.Score, want.BLEUFull)
		digits(t, "brevity", "%.3f", got.Brevity, want.BP)
		digits(t, "ratio", "%.3f", float64(got.HypLen)/float64(got.RefLen), want.Ratio)
		for n := 1; n <= 4; n++ {
			digits(t, "precision", "%.1f", 100*got.Precision(n), want.Precisions[n-1])
		}
	}
	got, err := MultiBLEU(hyps, full, false)
	if err != nil {
		t.Fatal(err)
	}
	digits(t, "BLEU without empty references", "%.4f", 100*got.Score, want.Skipped)
}
