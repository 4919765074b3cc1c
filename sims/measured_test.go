package sims

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// csvRows reads a table of published figures, header and comments dropped.
func csvRows(t *testing.T, name string) [][]string {
	t.Helper()
	data, err := os.ReadFile("../../shared/" + name)
	if err != nil {
		t.Skipf("the published measurements are not here: %v", err)
	}
	r := csv.NewReader(strings.NewReader(string(data)))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// TestMeasuredCases: the figures that are typed in are those of the published tables, row by row. The curve has
// TestPublishedAgainstSource.
func TestMeasuredCases(t *testing.T) {
	byKernel := map[string][]Measured{}
	for _, m := range MeasuredCases() {
		further := m.Given["algorithm"] == "tree" || m.Given["algorithm"] == "two-phase" || m.Given["format"] == "csc"
		if !further { // the tables are those that were given
			byKernel[m.Kernel] = append(byKernel[m.Kernel], m)
		}
	}
	for kernel, c := range map[string]struct {
		file  string
		value int // column of the published figure
		given func(row []string) map[string]string
	}{
		"reduce": {"validation/reduce_chain.csv", 2, func(r []string) map[string]string {
			return map[string]string{"algorithm": "chain", "pes": r[0], "elements": r[1]}
		}},
		"fmac": {"validation/fmac.csv", 2, func(r []string) map[string]string {
			given := map[string]string{"elements": r[0]}
			if strings.Contains(r[1], "conflict") {
				given["conflict"] = "true"
			}
			if strings.Contains(r[1], "load inside") {
				given["load-descriptors"] = "true"
			}
			return given
		}},
		"spmm": {"validation/spmm_coo.csv", 3, func(r []string) map[string]string {
			return map[string]string{"nnz": r[0], "m": r[1]}
		}},
		"stencil": {"validation/stencil.csv", 1, func(r []string) map[string]string {
			return map[string]string{"nz": r[0]}
		}},
	} {
		rows := csvRows(t, c.file)
		if len(rows) != len(byKernel[kernel]) {
			t.Errorf("%s: %d cases, the table has %d", kernel, len(byKernel[kernel]), len(rows))
			continue
		}
		for i, row := range rows {
			m := byKernel[kernel][i]
			want, err := strconv.ParseFloat(row[c.value], 64)
			if err != nil {
				t.Fatal(err)
			}
			if m.Published != want {
				t.Errorf("%s: published %v, the table says %v", m.Name, m.Published, want)
			}
			for name, v := range c.given(row) {
				if m.Given[name] != v {
					t.Errorf("%s: %s is %q, the table says %q", m.Name, name, m.Given[name], v)
				}
			}
		}
	}
}

// TestKernelsHaveSizes: every kernel says what to make smaller when it does not fit.
func TestKernelsHaveSizes(t *testing.T) {
	for _, k := range Kernels() {
		if !slices.ContainsFunc(k.Params, func(p Param) bool { return p.SRAM && p.Only == nil }) {
			t.Errorf("kernel %s has no parameter of the size of arrays", k.Name)
		}
		if _, err := k.Args(nil, Defaults().Machine); err != nil {
			t.Errorf("kernel %s: its defaults are refused: %v", k.Name, err)
		}
	}
}

// TestEveryCaseIsFound: the arguments of a case lead back to it, so that a single run prints what was published.
func TestEveryCaseIsFound(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range MeasuredCases() {
		if seen[m.Name] {
			t.Errorf("two cases %s", m.Name)
		}
		seen[m.Name] = true
		if m.Source == "" || m.Quantity == "" || m.Published <= 0 {
			t.Errorf("%s: source %q, quantity %q, published %v", m.Name, m.Source, m.Quantity, m.Published)
		}
		if m.Kernel == curveKernel {
			continue
		}
		k, ok := FindKernel(m.Kernel)
		if !ok {
			t.Fatalf("%s: no kernel %s", m.Name, m.Kernel)
		}
		a, err := k.Args(m.Given, Defaults().Machine)
		if err != nil {
			t.Fatal(err)
		}
		if found := measuredAt(a); found == nil || found.Name != m.Name {
			t.Errorf("%s: its arguments lead to %v", m.Name, found)
		}
	}
}

// TestDeviationsAreKnown: every case passes, or differs as it is known to; closing a known gap fails here.
func TestDeviationsAreKnown(t *testing.T) {
	cases, err := FindCases(nil)
	if err != nil {
		t.Fatal(err)
	}
	cases = slices.DeleteFunc(cases, func(m Measured) bool { // these take long and have tests of their own
		return m.Kernel == curveKernel || m.Kernel == "reduce" && m.Published > 6000 || m.Name == "stencil/nz=1000"
	})
	if testing.Short() {
		cases, _ = FindCases([]string{"fmac", "reduce/chain,pes=4,elements=16"})
	}
	results, err := Validate(context.Background(), cases, Defaults().Machine, ValidateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Name != cases[i].Name {
			t.Errorf("result %d is %s, want %s", i, r.Name, cases[i].Name)
		}
		if want := map[bool]Verdict{true: Pass, false: KnownDeviation}[r.Known == Deviation{}]; r.Verdict != want {
			t.Errorf("%s: ours %v, published %v: %s (%s), want %s", r.Name, r.Ours, r.Published, r.Verdict, r.Reason, want)
		}
	}
}

func TestJudge(t *testing.T) {
	part, near := Tolerance{Part: 0.02}, Tolerance{Absolute: 5}
	for _, c := range []struct {
		m          Measured
		ours       float64
		mismatches int
		want       Verdict
	}{
		{Measured{Published: 100, Tolerance: part}, 102, 0, Pass},
		{Measured{Published: 100, Tolerance: part}, 102.1, 0, Fail},
		{Measured{Published: 64, Tolerance: near}, 59, 0, Pass},
		{Measured{Published: 64, Tolerance: near}, 58.9, 0, Fail},
		{Measured{Published: 64}, 64, 0, Pass},
		{Measured{Published: 64}, 65, 0, Fail},
		{Measured{Published: 64, Known: Deviation{"why", 0.02}}, 65, 0, KnownDeviation},
		{Measured{Published: 64, Known: Deviation{"why", 0.02}}, 66, 0, Fail},
		{Measured{Published: 64, Known: Deviation{"why", 0.02}}, 64, 1, Fail},
		{Measured{Published: 64}, math.NaN(), 0, Fail},
	} {
		if r := judge(c.m, c.ours, &Outcome{Mismatches: c.mismatches}); r.Verdict != c.want {
			t.Errorf("%+v, ours %v: %s, want %s", c.m, c.ours, r.Verdict, c.want)
		}
	}
}

// TestValidateFails: a machine that is wrong fails cases, with the reason; so does one they do not fit.
func TestValidateFails(t *testing.T) {
	cases, err := FindCases([]string{"fmac/elements=1028", "reduce/chain,pes=4,elements=16"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := Machine("", []string{"machine.tensor_start_cycles=7", "machine.width=3"})
	if err != nil {
		t.Fatal(err)
	}
	results, err := Validate(context.Background(), cases, m, ValidateOptions{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	v := Validation{Machine: m, Cases: results, Complete: true}
	if v.Count(Fail) != 2 || !math.IsNaN(results[0].Ours) || !strings.Contains(results[0].Reason, "--pes") || results[1].Ours != 1035 {
		t.Errorf("results %+v", results)
	}
	if text := v.Table().Terminal(); !strings.Contains(text, "fail: must be exact") || !strings.Contains(text, "--pes: value 4: must be a whole number, 1 to 3") {
		t.Error(text)
	}
	data, err := json.Marshal(v)
	if err != nil || !strings.Contains(string(data), `"ours":1035`) || !strings.Contains(string(data), `"failed":2`) {
		t.Errorf("error %v, JSON %s", err, data)
	}
}

func TestValidateCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cases, err := FindCases([]string{"fmac"})
	if err != nil {
		t.Fatal(err)
	}
	results, err := Validate(ctx, cases, Defaults().Machine, ValidateOptions{Threads: 1, Progress: func(done, total int64) {
		if done*2 > total {
			cancel()
		}
	}})
	if err != context.Canceled || len(results) != 3 || results[0].Name != cases[0].Name {
		t.Errorf("%d results, error %v; want the three that were finished", len(results), err)
	}
}
