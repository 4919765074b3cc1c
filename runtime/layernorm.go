package runtime

import (
	"context"
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// layerNorm runs compiler.LayerNorm.
type layerNorm struct {
	m *Store
	k *compiler.LayerNorm
}

// parameter is one feature's wavelets: value and index in one, or for fp32 one after the other.
func (m *Store) parameter(list []fabric.Wavelet, v float32, index int) []fabric.Wavelet {
	if m.Space.Type() == pe.F32 {
		return append(list, fabric.Wavelet{Data: uint32(index)}, fabric.Wavelet{Data: math.Float32bits(v)})
	}
	return append(list, fabric.Wavelet{Data: fabric.Pack(uint16(pe.Bits(pe.F16, v)), uint16(index))})
}

// command is a control wavelet that triggers a task.
func command(entry uint16) fabric.Wavelet {
	return fabric.Wavelet{Control: true, Data: fabric.Pack(entry, 0)}
}

// vector is a parameter as streamed; of a store without values, zeros: cycles do not depend on them.
func (m *Store) vector(name string, n int) []float32 {
	if len(m.Streamed) == 0 {
		return make([]float32, n)
	}
	v, _, _ := m.Tensor(name)
	return v
}

func (l *layerNorm) feed(layout *compiler.Layout) {
	x := l.k.X
	gain, bias := l.m.vector(l.k.Gain, x.Total()), l.m.vector(l.k.Bias, x.Total())
	for c := range l.m.Space.Columns {
		var list []fabric.Wavelet
		for f := range x.Features(c) {
			list = l.m.parameter(list, gain[x.First(c)+f], f)
			list = l.m.parameter(list, bias[x.First(c)+f], f)
		}
		layout.In[c].List = append(list, command(compiler.CommandEnd))
	}
}

func (l *layerNorm) collect([]EdgeData) error { return nil }

func (l *layerNorm) values(h *Host) error {
	k, x, y := l.k, h.Tensor(l.k.X), h.Tensor(l.k.Y)
	gain, bias := l.m.vector(k.Gain, k.X.Total()), l.m.vector(k.Bias, k.X.Total())
	T, share := l.m.Space.HostTokens(), 1/float32(k.X.Total())
	mean, rstd := h.Tensor(k.Mean)[:T], h.Tensor(k.RStd)[:T]
	on := h.vectors
	on.spans(T, func(lo, hi int, tmp, own []float32) {
		mean, rstd := mean[lo:hi], rstd[lo:hi]
		h.rowSum(k.X, mean, own, func(sum []float32, f int) { on.Add(sum, sum, x[f*T+lo:f*T+hi]) })
		on.Scale(mean, share, mean)
		h.rowSum(k.X, rstd, own, func(sum []float32, f int) {
			on.Sub(tmp, x[f*T+lo:f*T+hi], mean)
			on.AddSquare(sum, tmp)
		})
		on.Scale(rstd, share, rstd)
		on.Shift(rstd, model.LayerNormEpsilon, rstd)
		on.Rsqrt(rstd, rstd)
		for f := range k.X.Total() {
			on.Sub(tmp, x[f*T+lo:f*T+hi], mean)
			on.Mul(tmp, tmp, rstd)
			on.Scale(tmp, gain[f], tmp)
			to := y[f*T+lo : f*T+hi]
			on.Shift(to, bias[f], tmp)
			on.store(k.Y.Type, to)
		}
	})
	h.setRows(k.Mean, mean)
	h.setRows(k.RStd, rstd)
	return nil
}

// spans calls do for parts of the tokens on the threads, short enough that all features of a part
// stay in a cache, with two vectors of its length.
func (v *hostVectors) spans(tokens int, do func(lo, hi int, tmp, own []float32)) {
	const span = 256
	v.DoWith((tokens+span-1)/span, 2*span, func(i int, tmp []float32) {
		lo, hi := i*span, min((i+1)*span, tokens)
		do(lo, hi, tmp[:hi-lo], tmp[span:][:hi-lo])
	})
}

// rowSum sums over all features in the order of the machine: add adds feature f to a column's
// sums, one per token; these are added from the first column to the last. own is scratch.
func (h *Host) rowSum(t *compiler.Tile, total, own []float32, add func(sum []float32, f int)) {
	for c := range h.Space.Columns {
		sum := own
		if c == 0 {
			sum = total
		}
		clear(sum)
		for f := range t.Features(c) {
			add(sum, t.First(c)+f)
		}
		if c > 0 {
			h.vectors.Add(total, total, own)
		}
	}
}

// setRows gives every column of a group the same run of numbers per token.
func (h *Host) setRows(t *compiler.Tile, v []float32) {
	x := h.Tensor(t)
	for c := range h.Space.Columns {
		copy(x[c*len(v):], v)
	}
}

func (l *layerNorm) cycles(ctx context.Context) (*PhaseReport, error) {
	return newFolding(l.m.Space, l.k, l).downColumns(ctx)
}
