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

// values takes all positions through the blocks together, as the rows do.
func (a *attentionBackward) values(h *Host) error {
	k := a.kernel
	reads, writes := k.Tiles()
	eachHead(h, append(reads, writes...), func(v *headView) {
		q, keys, vals, do := v.read(k.Q), v.read(k.K), v.read(k.V), v.read(k.DO)
		lse, balance := v.read(k.LSE)[0], v.balance(do, v.read(k.O))
		qs, dos := transposed(q), transposed(do)
		n := v.features()
		dq, dk, dv := vectors(n, v.length), vectors(n, v.length), vectors(n, v.length)
		z, slopes := vectors(v.keys, v.length), vectors(v.keys, v.length)
		p, ds := vectors(v.keys, v.length), vectors(v.keys, v.length)
		v.eachBlock(func(b block) {
			v.products(z, b, keys, q, masked())
			v.products(slopes, b, vals, do, 0)
			for u := range b.keys {
				x, slope, pu, dsu := z[u], slopes[u], p[u], ds[u]
				for i := b.begin; i < v.length; i++ {
					e := pe.Exp(float32(x[i]*v.scale) - lse[i])
					pu[i] = e
					dsu[i] = float32(float32((slope[i]-balance[i])*e) * v.scale)
				}
				round(v.typ, pu[b.begin:])
				round(v.typ, dsu[b.begin:])
			}
			v.mix(dq, b, keys, ds)
			for u, key := range b.keys {
				v.gradient(dv, b, key, p[u], dos)
				v.gradient(dk, b, key, ds[u], qs)
			}
		})
		for f := range dq {
			round(v.typ, dq[f])
			round(v.typ, dk[f])
			round(v.typ, dv[f])
		}
		v.write(k.DQ, dq)
		v.write(k.DK, dk)
		v.write(k.DV, dv)
	})
	return nil
}

// balance is the sum over the head's features of x*y per position: features ascending in
// every column, then the columns.
func (v *headView) balance(x, y [][]float32) []float32 {
	sum := make([]float32, v.length)
	for c := range len(v.columns) - 1 {
		d := sum
		if c > 0 {
			d = v.part
			fill(d, 0)
		}
		for f := v.columns[c]; f < v.columns[c+1]; f++ {
			for i, w := range x[f] {
				d[i] += float32(w * y[f][i])
			}
		}
		if c > 0 {
			add(sum, d)
		}
	}
	return sum
}

// gradient sets the gradient of a key or its value, of every feature: the sum over queries of p times
// x, [length][features]; positions ascending in every row, then the rows from the last up to
// the key's own.
func (v *headView) gradient(dst [][]float32, b block, key int, p []float32, x [][]float32) {
	sum, row := make([]float32, len(dst)), make([]float32, len(dst))
	for begin := v.length - v.tokens; begin >= b.begin; begin -= v.tokens {
		d := row
		if begin == v.length-v.tokens {
			d = sum
		}
		times(d, x[begin], p[begin])
		for i := begin + 1; i < begin+v.tokens; i++ {
			axpy(d, x[i], p[i])
		}
		if begin < v.length-v.tokens {
			add(sum, d)
		}
	}
	for f := range dst {
		dst[f][key] = sum[f]
	}
}

// transposed turns [features][length] into [length][features].
func transposed(x [][]float32) [][]float32 {
	y := vectors(len(x[0]), len(x))
	for f := range x {
		for i, v := range x[f] {
			y[i][f] = v
		}
	}
	return y
}
