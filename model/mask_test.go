package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMaskSpecValidate(t *testing.T) {
	for _, c := range []struct {
		name       string
		rows, cols int
		spec       MaskSpec
		want       string // in the error; "" for none
	}{
		{"dense", 1, 1, MaskSpec{Kind: MaskUnstructured}, ""},
		{"rounds up to one", 1, 1, MaskSpec{Kind: MaskUnstructured, Sparsity: 0.5}, ""},
		{"largest", MaxFeatures, MaxFeatures, MaskSpec{Kind: MaskRowBalanced, Sparsity: 0.9}, ""},
		{"n:m alone", 2, 8, MaskSpec{Kind: MaskNM, N: 2, M: 4}, ""},
		{"n:m and sparsity", 2, 8, MaskSpec{Kind: MaskNM, N: 1, M: 3, Sparsity: 0.6666666667}, ""},
		{"n:m wider than the row", 2, 3, MaskSpec{Kind: MaskNM, N: 2, M: 4}, ""},
		{"no rows", 0, 4, MaskSpec{Kind: MaskUnstructured}, "shape is 0 x 4"},
		{"too wide", 4, MaxFeatures + 1, MaskSpec{Kind: MaskUnstructured}, "4 x 1048577"},
		{"no kind", 4, 4, MaskSpec{}, `kind is ""`},
		{"all zeros", 4, 4, MaskSpec{Kind: MaskUnstructured, Sparsity: 1}, "sparsity is 1"},
		{"negative", 4, 4, MaskSpec{Kind: MaskRowBalanced, Sparsity: -0.1}, "sparsity is -0.1"},
		{"not a number", 4, 4, MaskSpec{Kind: MaskUnstructured, Sparsity: math.NaN()}, "sparsity is NaN"},
		{"infinite", 4, 4, MaskSpec{Kind: MaskUnstructured, Sparsity: math.Inf(-1)}, "sparsity is -Inf"},
		{"rounds down to none", 4, 4, MaskSpec{Kind: MaskUnstructured, Sparsity: 0.97}, "sparsity of 0.97 leaves no"},
		{"stray n", 4, 4, MaskSpec{Kind: MaskUnstructured, N: 2, M: 4}, "n:m is 2:4"},
		{"n above m", 4, 4, MaskSpec{Kind: MaskNM, N: 5, M: 4}, "n:m is 5:4"},
		{"n of zero", 4, 4, MaskSpec{Kind: MaskNM, M: 4}, "n:m is 0:4"},
		{"m too large", 4, 4, MaskSpec{Kind: MaskNM, N: 1, M: MaxFeatures + 1}, "n:m is 1:1048577"},
		{"n:m contradicts sparsity", 4, 4, MaskSpec{Kind: MaskNM, N: 2, M: 4, Sparsity: 0.6}, "must be 0.5"},
		{"n:m rounds down to none", 4, 2, MaskSpec{Kind: MaskNM, N: 1, M: 5}, "n:m of 1:5 leaves no"},
	} {
		err := c.spec.Validate(c.rows, c.cols)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: error %v, want it to say %q", c.name, err, c.want)
		}
		if c.want != "" {
			if _, newErr := NewMask(c.rows, c.cols, c.spec); newErr == nil {
				t.Errorf("%s: NewMask accepts what Validate refuses", c.name)
			}
		}
	}
}

func TestMaskRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := drawShape(t)
		spec := drawSpec(t, rows, cols)
		m, err := NewMask(rows, cols, spec)
		if err != nil {
			t.Fatal(err)
		}
		if m.Rows() != rows || m.Cols() != cols {
			t.Fatalf("shape is %d x %d", m.Rows(), m.Cols())
		}
		again, err := NewMask(rows, cols, spec)
		if err != nil {
			t.Fatal(err)
		}
		dst := slices.Repeat([]uint64{^uint64(0)}, 8) // stale bits must not survive
		total := 0
		for j := range rows {
			row := m.Row(j, nil)
			n := countSlow(row, 0, cols)
			if n != m.RowNonZeros(j) || n != popCount(row) {
				t.Fatalf("row %d: %d bits in range, %d in all, RowNonZeros %d",
					j, n, popCount(row), m.RowNonZeros(j))
			}
			total += n
			dst = again.Row(j, dst)
			if !slices.Equal(row, dst) {
				t.Fatalf("row %d differs: %s", j, cmp.Diff(row, dst))
			}
			checkRowKind(t, spec, m, row, j)
		}
		if int64(total) != m.NonZeros() {
			t.Fatalf("%d non-zeros, NonZeros says %d", total, m.NonZeros())
		}
		if spec.Kind != MaskNM {
			if want := math.Round((1 - spec.Sparsity) * float64(rows) * float64(cols)); float64(total) != want {
				t.Fatalf("%d non-zeros, want %v", total, want)
			}
		}
	})
}

// checkRowKind checks what the kind promises of each row.
func checkRowKind(t *rapid.T, s MaskSpec, m *Mask, row []uint64, j int) {
	switch s.Kind {
	case MaskRowBalanced:
		floor := m.NonZeros() / int64(m.Rows())
		if n := int64(m.RowNonZeros(j)); n != floor && n != floor+1 {
			t.Fatalf("row %d has %d non-zeros, want %d or one more", j, n, floor)
		}
	case MaskNM:
		for lo := 0; lo < m.Cols(); lo += s.M {
			hi, want := lo+s.M, s.N
			if hi > m.Cols() {
				hi = m.Cols()
				want = int(math.Floor(float64(s.N)*float64(hi-lo)/float64(s.M) + 0.5))
			}
			if n := countSlow(row, lo, hi); n != want {
				t.Fatalf("row %d inputs %d to %d have %d non-zeros, want %d", j, lo, hi, n, want)
			}
		}
	}
}

func TestMaskFullSize(t *testing.T) {
	const features = 12288
	for d := 1; d <= 10; d++ {
		m := mustMask(t, features, features,
			MaskSpec{Kind: MaskUnstructured, Sparsity: 1 - 1/float64(d), Seed: uint64(d)})
		want := (int64(features)*features*2 + int64(d)) / (2 * int64(d)) // rounded half up
		if m.NonZeros() != want {
			t.Errorf("density 1/%d: %d non-zeros, want %d", d, m.NonZeros(), want)
		}
		p := 1 / float64(d)
		mean, sum, square := features*p, int64(0), 0.0
		for j := range features {
			n := m.RowNonZeros(j)
			sum += int64(n)
			square += (float64(n) - mean) * (float64(n) - mean)
		}
		if sum != want {
			t.Errorf("density 1/%d: rows sum to %d, want %d", d, sum, want)
		}
		if d == 1 {
			continue
		}
		// A row count is hypergeometric; its square deviates by sqrt(2) variances.
		variance := mean * (1 - p) * (1 - 1.0/features)
		checkMean(t, fmt.Sprintf("row variance at density 1/%d", d), square/features, variance,
			variance*math.Sqrt(2.0/features))
	}
}

// TestUnstructuredSubsets checks that all 495 ways to place 4 non-zeros in 3 x 4
// are equally likely.
func TestUnstructuredSubsets(t *testing.T) {
	const samples = 50_000
	observed := make([]int, 1<<12)
	for seed := range uint64(samples) {
		m := mustMask(t, 3, 4, MaskSpec{Kind: MaskUnstructured, Sparsity: 2.0 / 3, Seed: seed})
		cells := uint64(0)
		for j := range 3 {
			cells |= m.Row(j, nil)[0] << (4 * j)
		}
		observed[cells]++
	}
	expected := make([]float64, 1<<12)
	for cells := range uint64(1 << 12) {
		if popCount([]uint64{cells}) == 4 {
			expected[cells] = samples / 495.0
		}
	}
	checkFit(t, "subsets of 3 x 4", observed, expected)
}

// TestColumnsUniform checks the columns' counts, which no code path balances.
func TestColumnsUniform(t *testing.T) {
	const rows, cols = 400, 1000
	for _, spec := range []MaskSpec{
		{Kind: MaskUnstructured, Sparsity: 0.9, Seed: 1},
		{Kind: MaskUnstructured, Sparsity: 0.2, Seed: 2},
		{Kind: MaskRowBalanced, Sparsity: 0.5, Seed: 3},
		{Kind: MaskNM, N: 3, M: 8, Seed: 4},
	} {
		m := mustMask(t, rows, cols, spec)
		p := float64(m.NonZeros()) / (rows * cols)
		var row []uint64
		columns := make([]int, cols)
		for j := range rows {
			row = m.Row(j, row)
			for k := range cols {
				columns[k] += countSlow(row, k, k+1)
			}
		}
		square := 0.0
		for _, n := range columns {
			square += (float64(n) - rows*p) * (float64(n) - rows*p)
		}
		variance := rows * p * (1 - p)
		checkMean(t, fmt.Sprintf("%+v: column variance", spec), square/cols, variance,
			variance*math.Sqrt(2.0/cols))
	}
}

func TestNMSubsets(t *testing.T) {
	const groups = 60_000
	m := mustMask(t, groups/1000, 4*1000, MaskSpec{Kind: MaskNM, N: 2, M: 4, Seed: 5})
	observed, expected := make([]int, 16), make([]float64, 16)
	for j := range m.Rows() {
		for _, w := range m.Row(j, nil) {
			for ; w != 0; w >>= 4 {
				observed[w&15]++
			}
		}
	}
	for _, pair := range []int{0b0011, 0b0101, 0b0110, 0b1001, 0b1010, 0b1100} {
		expected[pair] = groups / 6
	}
	checkFit(t, "pairs of 4", observed, expected)
}

func TestRowBalancedRemainder(t *testing.T) {
	const samples = 20_000
	observed := make([]int, 5)
	for seed := range uint64(samples) {
		// 12 non-zeros in 5 rows: two rows have 3, three have 2.
		m := mustMask(t, 5, 4, MaskSpec{Kind: MaskRowBalanced, Sparsity: 0.4, Seed: seed})
		for j := range 5 {
			observed[j] += m.RowNonZeros(j) - 2
		}
	}
	for j, n := range observed {
		checkMean(t, fmt.Sprintf("share of row %d", j), float64(n)/samples, 0.4,
			math.Sqrt(0.4*0.6/samples))
	}
}

func TestMaskConcurrent(t *testing.T) {
	const rows, cols, readers = 64, 1000, 8
	m := mustMask(t, rows, cols, MaskSpec{Kind: MaskUnstructured, Sparsity: 0.6, Seed: 9})
	want := make([][]uint64, rows)
	for j := range want {
		want[j] = m.Row(j, nil)
	}
	var wg sync.WaitGroup
	for r := range readers {
		wg.Go(func() {
			var row []uint64
			for i := range rows {
				j := (i*(2*r+1) + r) % rows // odd strides: each reader its own order
				if row = m.Row(j, row); !slices.Equal(row, want[j]) {
					t.Errorf("reader %d: row %d differs", r, j)
				}
			}
		})
	}
	wg.Wait()
}

// TestMaskStreamsDiffer checks that neighbouring rows and seeds share no stream: the
// overlap of two rows of density 1/2 is that of independent ones.
func TestMaskStreamsDiffer(t *testing.T) {
	const cols = 4096
	var all [][]uint64
	for seed := range uint64(6) {
		m := mustMask(t, 6, cols, MaskSpec{Kind: MaskRowBalanced, Sparsity: 0.5, Seed: seed})
		for j := range m.Rows() {
			all = append(all, m.Row(j, nil))
		}
	}
	for a := range all {
		for b := range a {
			both := make([]uint64, len(all[a]))
			for i := range both {
				both[i] = all[a][i] & all[b][i]
			}
			// Hypergeometric: mean cols/4, variance close to cols/16.
			checkMean(t, fmt.Sprintf("overlap of %d and %d", a, b),
				float64(popCount(both)), cols/4, math.Sqrt(cols/16.0))
		}
	}
}

// TestMaskGolden pins rows drawn as ones, as zeros, as ones at exactly half, and in
// groups. The first three were computed by a second program written from the documented formulas.
func TestMaskGolden(t *testing.T) {
	for _, c := range []struct {
		spec MaskSpec
		want []uint64 // row 2 of 4 x 100
	}{
		{MaskSpec{Kind: MaskRowBalanced, Sparsity: 0.75, Seed: 3}, []uint64{0x40140106208420c1, 0x8a311c901}},
		{MaskSpec{Kind: MaskRowBalanced, Sparsity: 0.25, Seed: 3}, []uint64{0xbfebfef9df7bdf3e, 0x75cee36fe}},
		{MaskSpec{Kind: MaskRowBalanced, Sparsity: 0.5, Seed: 3}, []uint64{0x5094cd0724b6f1e1, 0x8ab75f953}},
		{MaskSpec{Kind: MaskNM, N: 1, M: 7, Seed: 3}, []uint64{0x408404408080081, 0x12020090}},
	} {
		got := mustMask(t, 4, 100, c.spec).Row(2, nil)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%+v: %#x, %s", c.spec, got, diff)
		}
	}
}

// TestRowCountsGolden pins the counts of an unstructured mask. They were computed by
// a second program that walks the same order with exact rational probabilities.
func TestRowCountsGolden(t *testing.T) {
	m := mustMask(t, 8, 1000, MaskSpec{Kind: MaskUnstructured, Sparsity: 0.7, Seed: 3})
	var got []int
	for j := range m.Rows() {
		got = append(got, m.RowNonZeros(j))
	}
	if diff := cmp.Diff([]int{308, 295, 305, 287, 296, 304, 292, 313}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRowReusesDst(t *testing.T) {
	m := mustMask(t, 4, 130, MaskSpec{Kind: MaskUnstructured, Sparsity: 0.5})
	dst := make([]uint64, 3)
	if row := m.Row(1, dst[:0]); &row[0] != &dst[0] || len(row) != 3 {
		t.Error("Row left a dst of sufficient capacity unused")
	}
	if n := testing.AllocsPerRun(10, func() { dst = m.Row(2, dst) }); n != 0 {
		t.Errorf("Row allocates %v times", n)
	}
}
