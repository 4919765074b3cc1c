package runtime

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// attentionBackward is the phase of compiler.AttentionBackward. MemoryX has no part in it.
type attentionBackward struct {
	space  *compiler.Space
	kernel *compiler.AttentionBackward
}

func (a *attentionBackward) feed(*compiler.Layout)    {}
func (a *attentionBackward) collect([]EdgeData) error { return nil }

func (a *attentionBackward) cycles(ctx context.Context) (*PhaseReport, error) {
	return attentionCycles(ctx, a.kernel, a.space, a.kernel.FreeRows(a.space))
}

// values takes all rows of a sequence through the blocks together, as the machine does.
func (a *attentionBackward) values(h *Host) error {
	s, k := a.space, a.kernel
	reads, writes := k.Tiles()
	eachHead(h, append(reads, writes...), func(v *headView) {
		R, T := v.rows, s.Tokens
		q, keys, vals, do := v.tile(h, k.Q), v.tile(h, k.K), v.tile(h, k.V), v.tile(h, k.DO)
		dq, dk, dv := v.tile(h, k.DQ), v.tile(h, k.DK), v.tile(h, k.DV)
		lse := v.stat(h, k.LSE)[0]
		balance := v.balance(do, v.tile(h, k.O))
		acc := newRuns(len(q)*T, R)
		z, slopes := newRuns(v.keys*T, R), newRuns(v.keys*T, R)
		p, ds := newRuns(v.keys*T, R), newRuns(v.keys*T, R)
		v.eachBlock(func(b block) {
			v.scores(z, b, keys, q)
			v.products(slopes, b, vals, do)
			for u := range v.keys {
				for i := range T {
					if b.from(u, i) > b.row {
						slopes[u*T+i][b.row] = 0
					}
					x, slope := z[u*T+i], slopes[u*T+i]
					for y := b.row; y < R; y++ {
						e := pe.Exp(float32(x[y]*v.scale) - lse[i][y])
						p[u*T+i][y] = pe.Round(v.typ, e)
						g := float32((slope[y] - balance[i][y]) * e)
						ds[u*T+i][y] = pe.Round(v.typ, float32(g*v.scale))
					}
				}
			}
			v.mix(acc, b, keys, ds)
			for u := range v.keys {
				v.gradient(dv, b, u, p, do)
				v.gradient(dk, b, u, ds, q)
			}
		})
		for f := range dq {
			for i := range T {
				copy(dq[f][i], acc[f*T+i])
				round(v.typ, dq[f][i])
			}
		}
	})
	return nil
}

// balance is the sum over the head's features of x*y, [tokens][rows]: features ascending in
// every column, then the columns.
func (v *headView) balance(x, y [][][]float32) [][]float32 {
	sum := newRuns(v.tokens, v.rows)
	for i := range v.tokens {
		for c := range len(v.columns) - 1 {
			d := sum[i]
			if c > 0 {
				d = v.parts[i]
				fill(d, 0)
			}
			for f := v.columns[c]; f < v.columns[c+1]; f++ {
				multiplyAdd(d, x[f][i], y[f][i])
			}
			if c > 0 {
				add(sum[i], d)
			}
		}
	}
	return sum
}

// gradient sets the gradient of the block's u-th key, or of its value: per feature the sum over
// queries of p, [keys][tokens][rows], times x; tokens ascending in every row, then the rows from
// the last up to the key's own.
func (v *headView) gradient(dst [][][]float32, b block, u int, p [][]float32, x [][][]float32) {
	d := v.parts[0]
	for f := range dst {
		for i := range v.tokens {
			pi, xi := p[u*v.tokens+i][b.row:], x[f][i][b.row:]
			if i == 0 {
				copy(d[b.row:], xi)
				scaleBy(d[b.row:], pi)
			} else {
				multiplyAdd(d[b.row:], xi, pi)
			}
		}
		sum := d[v.rows-1]
		for y := v.rows - 2; y >= b.row; y-- {
			sum += d[y]
		}
		dst[f][b.keys[u]][b.row] = pe.Round(v.typ, sum)
	}
}

// multiplyAdd is dst += x*y.
func multiplyAdd(dst, x, y []float32) {
	for i, v := range x {
		dst[i] += float32(v * y[i])
	}
}
