package kernels

import (
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// apart allocates an array in a bank behind those of another if it fits there and so many words behind it, else
// right behind what is allocated: operands that share a bank will then meet. What does not fit at all is an
// error of the role.
func apart(r *compiler.Role, core pe.Config, name string, t pe.Type, n int, from compiler.Array, behind int) compiler.Array {
	bank := core.BankWords()
	if (from.Base+from.Words+bank-1)/bank*bank+n*t.Words()+behind <= core.SRAMBytes/2 {
		return r.Apart(name, t, n, from)
	}
	return r.Array(name, t, n)
}

// formats are the element formats of a precision: of what is multiplied, and of what is summed.
func formats(precision string) (src, dst pe.Type, err error) {
	switch precision {
	case "", "fp32":
		return pe.F32, pe.F32, nil
	case "mixed":
		return pe.F16, pe.F32, nil
	case "fp16":
		return pe.F16, pe.F16, nil
	}
	return 0, 0, fmt.Errorf("precision %q, must be fp32, mixed or fp16", precision)
}

// matrix is a square matrix padded with zeros to whole blocks, row by row.
type matrix struct {
	n, side int // without and with padding
	v       []float32
}

// newMatrix fills n x n with small numbers of format t that do not sum exactly.
func newMatrix(n, blocks, seed int, t pe.Type) matrix {
	m := matrix{n: n, side: (n + blocks - 1) / blocks * blocks}
	m.v = make([]float32, m.side*m.side)
	for i := range n {
		for j := range n {
			m.v[i*m.side+j] = entry(i, j, seed, t)
		}
	}
	return m
}

func entry(i, j, seed int, t pe.Type) float32 {
	return pe.Round(t, float32((i*37+j*11+seed*53)%101)/7-5)
}

// block is block (i, j) of b x b elements, row by row.
func (m matrix) block(i, j, b int) []float32 {
	v := make([]float32, 0, b*b)
	for r := range b {
		at := (i*b+r)*m.side + j*b
		v = append(v, m.v[at:at+b]...)
	}
	return v
}

// multiplyAdd is d + a*b as an FMAC of format t rounds it.
func multiplyAdd(t pe.Type, d, a, b float32) float32 { return pe.Apply(pe.FMac, t, d, a, b, true) }
