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
	x, y := h.Tensor(l.k.X), h.Tensor(l.k.Y)
	gain, bias := l.m.vector(l.k.Gain, l.k.X.Total()), l.m.vector(l.k.Bias, l.k.X.Total())
	s := l.m.Space
	T, share := s.HostTokens(), 1/float32(l.k.X.Total())
	mean := h.rowSum(l.k.X, func(sum []float32, f int) {
		for i, v := range x[f*T : (f+1)*T] {
			sum[i] += v
		}
	})
	scale(mean, share)
	rstd := h.rowSum(l.k.X, func(sum []float32, f int) {
		for i, v := range x[f*T : (f+1)*T] {
			d := v - mean[i]
			sum[i] += float32(d * d)
		}
	})
	for i, v := range rstd {
		rstd[i] = pe.RSqrt(float32(v*share) + model.LayerNormEpsilon)
	}
	for f := range l.k.X.Total() {
		xf, yf := x[f*T:(f+1)*T], y[f*T:(f+1)*T]
		for i, v := range xf {
			n := float32(float32((v-mean[i])*rstd[i]) * gain[f])
			yf[i] = pe.Round(l.k.Y.Type, n+bias[f])
		}
	}
	h.setRows(l.k.Mean, mean)
	h.setRows(l.k.RStd, rstd)
	return nil
}

func scale(x []float32, by float32) {
	for i, v := range x {
		x[i] = float32(v * by)
	}
}

// rowSum sums over all features in the order of the machine: add adds feature f to a column's
// sums, one per token; these are added from the first column to the last.
func (h *Host) rowSum(t *compiler.Tile, add func(sum []float32, f int)) []float32 {
	total := make([]float32, h.Space.HostTokens())
	own := make([]float32, len(total))
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
			for i, v := range own {
				total[i] += v
			}
		}
	}
	return total
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
