package kernels

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

func wse2(t testing.TB) compiler.Target {
	t.Helper()
	m, err := compiler.Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// validation reads a table of published measurements, header dropped.
func validation(t *testing.T, name string) [][]string {
	t.Helper()
	data, err := os.ReadFile("../../../shared/validation/" + name)
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

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestChainReducePublished(t *testing.T) {
	t.Parallel()
	for _, row := range validation(t, "reduce_chain.csv") {
		k := Chain{PEs: number(t, row[0]), Elements: number(t, row[1])}
		if testing.Short() && k.Elements > 1024 {
			continue
		}
		want := float64(number(t, row[2]))
		begin := time.Now()
		r, err := k.Run(context.Background(), wse2(t))
		if err != nil {
			t.Fatal(err)
		}
		e := float64(r.Cycles)/want - 1
		t.Logf("%+v: %d cycles, published %v, error %+.3f %%, %v", k, r.Cycles, want, 100*e, time.Since(begin).Round(time.Millisecond))
		if math.Abs(e) > 0.005 {
			t.Errorf("%+v: %d cycles, published %v", k, r.Cycles, want)
		}
		if r.Mismatches > 0 {
			t.Errorf("%+v: %d wrong sums", k, r.Mismatches)
		}
		if total := r.Report.States.Total(); total != int64(k.PEs)*int64(r.Report.Cycles) {
			t.Errorf("%+v: states sum to %d, want %d PEs x %d cycles", k, total, k.PEs, r.Report.Cycles)
		}
	}
}

func TestFMacPublished(t *testing.T) {
	for _, row := range validation(t, "fmac.csv") {
		k := FMac{
			Elements: number(t, row[0]), Dst: pe.F32, Src: pe.F32,
			Conflict:        strings.Contains(row[1], "conflict"),
			LoadDescriptors: strings.Contains(row[1], "load inside"),
		}
		r, err := k.Run(context.Background(), wse2(t))
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(number(t, row[2])); r.Cycles != want || r.Mismatches > 0 {
			t.Errorf("%+v: %d cycles, published %d; %d wrong values", k, r.Cycles, want, r.Mismatches)
		}
	}
}
