package kernels

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// SpMM is Y += A X on each of some PEs by itself, A sparse and resident, X and Y dense of m
// columns: a software loop over the non-zeros, one fp32 FMAC of m elements each.
type SpMM struct {
	Format     string  // "coo" or "csc"
	NNZ        int     // non-zeros stored per PE: those of the fullest PE
	M          int     // columns of X and Y
	Rows, Cols int     // of A on one PE; 0 chooses
	PEs        int     // each with a pattern of its own; 0 means 16
	Density    float64 // of A; 0 means such that NNZ is about the most of some hundred PEs
	Seed       uint64
}

// Sized fills in what was left open. Y takes up to six eighths of the SRAM and X up to one and a half, the
// shares of the published runs.
func (k SpMM) Sized(t compiler.Target) (SpMM, error) {
	if k.Format != "coo" && k.Format != "csc" {
		return k, fmt.Errorf("spmm: format %q, must be coo or csc", k.Format)
	}
	if k.NNZ < 1 || k.M < 1 {
		return k, fmt.Errorf("spmm: %d non-zeros and m = %d, must be at least 1 each", k.NNZ, k.M)
	}
	if k.Rows < 0 || k.Cols < 0 || k.PEs < 0 || !(k.Density >= 0 && k.Density <= 1) {
		return k, fmt.Errorf("spmm: %d rows, %d columns, %d PEs, density %v, must not be negative, nor the density above 1", k.Rows, k.Cols, k.PEs, k.Density)
	}
	if k.PEs == 0 {
		k.PEs = min(16, t.Width())
	}
	room := t.Core().SRAMBytes / 4 // elements
	if k.Rows == 0 {
		k.Rows = powerOfTwo(6 * room / 8 / k.M)
	}
	if k.Cols == 0 {
		k.Cols = min(16, powerOfTwo(3*room/16/k.M))
		for k.Rows*k.Cols < k.NNZ {
			k.Cols *= 2
		}
	}
	if k.NNZ > k.Rows*k.Cols {
		return k, fmt.Errorf("spmm: %d non-zeros in %d rows x %d columns, must be at most %d", k.NNZ, k.Rows, k.Cols, k.Rows*k.Cols)
	}
	return k, nil
}

// powerOfTwo is the largest up to n, at least 1.
func powerOfTwo(n int) int {
	p := 1
	for 2*p <= n {
		p *= 2
	}
	return p
}

// Layout builds one role, and on each PE its own non-zeros. Index and value words are 32 bits
// wide, as the published program's; its column pointers are fp32.
func (k SpMM) Layout(t compiler.Target) (*compiler.Layout, error) {
	k, err := k.Sized(t)
	if err != nil {
		return nil, err
	}
	b := compiler.NewBuilder("spmm "+k.Format, t, k.PEs, 1)
	r := b.Role("spmm")
	val, row := r.Array("val", pe.F32, k.NNZ), r.Array("row", pe.F32, k.NNZ)
	var third compiler.Array
	if k.Format == "coo" {
		third = r.Array("col", pe.F32, k.NNZ)
	} else {
		third = r.Array("ptr", pe.F32, k.Cols+1)
	}
	x := r.Array("x", pe.F32, k.Cols*k.M)
	y := apart(r, t.Core(), "y", pe.F32, k.Rows*k.M, x, 0)
	run := r.Local("multiply")
	r.Start(run)
	clock := r.Reg("clock", 0)
	run.Timestamp("idle", clock)
	run.Timestamp("start", clock)
	if k.Format == "coo" {
		k.coo(r, run, val, row, third, x, y)
	} else {
		k.csc(r, run, val, row, third, x, y)
	}
	run.Timestamp("end", clock)
	run.Halt()
	all := compiler.Area{X1: k.PEs, Y1: 1}
	b.Place(r, all)
	if !b.Wanted() {
		return b.Build()
	}
	b.Load(all, x, k.dense())
	for i := range k.PEs {
		at, a := compiler.At(i, 0), k.sparse(i)
		b.Load(at, val, a.val)
		b.Load(at, row, words(a.row))
		if k.Format == "coo" {
			b.Load(at, third, words(a.col))
		} else {
			b.Load(at, third, a.ptr)
		}
	}
	return b.Build()
}

// coo loops over all stored non-zeros, padding included: a zero at row 0, column 0 costs what
// any other does.
func (k SpMM) coo(r *compiler.Role, run *compiler.Task, val, row, col, x, y compiler.Array) {
	i, v, xi, yi, xBase, yBase := r.Reg("i", 0), r.Reg("v", 0), r.Reg("column", 0), r.Reg("row", 0), r.Reg("x base", 0), r.Reg("y base", 0)
	run.Label("next")
	run.Read(xi, col.By(i, 1))
	run.Read(yi, row.By(i, 1))
	run.Read(v, val.By(i, 1))
	k.update(run, v, xi, yi, xBase, yBase, x, y)
	run.Add(i, 1, 0)
	compiler.JumpIf(run, i, pe.LT, k.NNZ, "next")
}

// csc loops over columns, and over the non-zeros that each column has.
func (k SpMM) csc(r *compiler.Role, run *compiler.Task, val, row, ptr, x, y compiler.Array) {
	i, v, yi, xBase, yBase := r.Reg("i", 0), r.Reg("v", 0), r.Reg("row", 0), r.Reg("x base", 0), r.Reg("y base", 0)
	j, begin, end, count := r.Reg("j", 0), r.Reg("begin", 0), r.Reg("end", 0), r.Reg("count", 0)
	after := ptr.By(j, 1)
	after.Base += pe.F32.Words()
	run.Label("column")
	run.Read(begin, ptr.By(j, 1))
	run.Read(end, after)
	compiler.Calc(run, pe.SSub, count, end, begin)
	run.Unary(pe.Trunc, count, count)
	run.Unary(pe.Trunc, i, begin)
	run.Unary(pe.Trunc, end, end)
	compiler.JumpIf(run, count, pe.EQ, 0, "done")
	run.Label("next")
	run.Read(yi, row.By(i, 1))
	run.Read(v, val.By(i, 1))
	k.update(run, v, j, yi, xBase, yBase, x, y)
	run.Add(i, 1, 0)
	compiler.JumpIf(run, i, pe.LT, end, "next")
	run.Label("done")
	run.Add(j, 1, 0)
	compiler.JumpIf(run, j, pe.LT, k.Cols, "column")
}

// update is y[row] += v * x[column], both rows addressed by software.
func (k SpMM) update(run *compiler.Task, v, col, row, xBase, yBase compiler.Reg, x, y compiler.Array) {
	compiler.Calc(run, pe.IMul, xBase, col, k.M)
	run.SetBase(xBase, xBase)
	compiler.Calc(run, pe.IMul, yBase, row, k.M)
	run.SetBase(yBase, yBase)
	run.FMac(k.M, y.Rebased(yBase), x.Rebased(xBase), pe.Register(pe.F32, int(v)))
}

// sparse is the local matrix of a PE.
type sparse struct {
	val      []float32
	row, col []int     // per stored value
	ptr      []float32 // per column, if in CSC
	nnz      int       // less padding
}

// sparse draws the pattern of PE i: PE 0 has NNZ non-zeros, the others as many as fall to
// them. A COO matrix is padded to NNZ, row by row; a CSC matrix is in column order.
func (k SpMM) sparse(i int) sparse {
	rng := rand.New(rand.NewPCG(k.Seed, uint64(i)))
	cells := k.Rows * k.Cols
	density := k.Density
	if density == 0 {
		density = max(1, float64(k.NNZ)-2.5*math.Sqrt(float64(k.NNZ))) / float64(cells)
	}
	taken := make([]bool, cells)
	nnz := 0
	if i == 0 {
		for _, c := range rng.Perm(cells)[:k.NNZ] {
			taken[c] = true
		}
		nnz = k.NNZ
	} else {
		for c := range cells {
			if nnz < k.NNZ && rng.Float64() < density {
				taken[c] = true
				nnz++
			}
		}
	}
	a := sparse{nnz: nnz}
	add := func(row, col int) {
		if taken[row*k.Cols+col] {
			a.row, a.col = append(a.row, row), append(a.col, col)
			a.val = append(a.val, float32(1+rng.IntN(97))/7-7)
		}
	}
	if k.Format == "csc" {
		for col := range k.Cols {
			a.ptr = append(a.ptr, float32(len(a.val)))
			for row := range k.Rows {
				add(row, col)
			}
		}
		a.ptr = append(a.ptr, float32(len(a.val)))
		return a
	}
	for row := range k.Rows {
		for col := range k.Cols {
			add(row, col)
		}
	}
	for len(a.val) < k.NNZ {
		a.row, a.col, a.val = append(a.row, 0), append(a.col, 0), append(a.val, 0)
	}
	return a
}

// dense is X, the same on all PEs.
func (k SpMM) dense() []float32 { return chainInput(int(k.Seed%97), k.Cols*k.M) }

// words are integers as Builder.Load takes them: in the bits of an fp32.
func words(v []int) []float32 {
	w := make([]float32, len(v))
	for i, n := range v {
		w[i] = math.Float32frombits(uint32(n))
	}
	return w
}

// Run executes the loops. Cycles are the average over PEs, between the timestamps.
func (k SpMM) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	k, err := k.Sized(t)
	if err != nil {
		return nil, err
	}
	r, err := execute(ctx, k, t)
	if err != nil {
		return nil, err
	}
	s := spread(r)
	out := &Result{Cycles: int64(math.Round(s.Average)), Spread: s, Report: r}
	x := k.dense()
	for i := range k.PEs {
		a := k.sparse(i)
		want := make([]float32, k.Rows*k.M)
		for n, v := range a.val {
			for c := range k.M {
				want[a.row[n]*k.M+c] += float32(v * x[a.col[n]*k.M+c])
			}
		}
		out.Mismatches += differ(r.Read(i, 0, "y"), want)
	}
	return out, nil
}
