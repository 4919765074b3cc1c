package runtime

import (
	"context"
	"fmt"
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// layerNormBackward runs compiler.LayerNormBackward.
type layerNormBackward struct {
	m *Store
	k *compiler.LayerNormBackward
}

func (l *layerNormBackward) feed(layout *compiler.Layout) {
	x := l.k.X
	gain := l.m.vector(l.k.Gain, x.Total())
	for c := range l.m.Space.Columns {
		for _, end := range []uint16{compiler.CommandReduce, compiler.CommandEnd} {
			in := &layout.In[c]
			for f := range x.Features(c) {
				in.List = l.m.parameter(in.List, gain[x.First(c)+f], f)
			}
			in.List = append(in.List, command(end))
		}
	}
}

// collect adds the groups' gradients in ascending order.
func (l *layerNormBackward) collect(out []EdgeData) error {
	gain, bias := l.m.Grad(l.k.Gain), l.m.Grad(l.k.Bias)
	for i, o := range out {
		c := i % l.m.Space.Columns
		n, first := l.k.X.Features(c), l.k.X.First(c)
		if len(o.Arrivals) != 2*n {
			return fmt.Errorf("runtime: %s: %d gradients, must be %d", o.Name, len(o.Arrivals), 2*n)
		}
		for f := range n {
			gain[first+f] += math.Float32frombits(o.Arrivals[2*f].Wavelet.Data)
			bias[first+f] += math.Float32frombits(o.Arrivals[2*f+1].Wavelet.Data)
		}
	}
	return nil
}

func (l *layerNormBackward) values(h *Host) error {
	s, k := l.m.Space, l.k
	x, dy, dx := h.Tensor(k.X), h.Tensor(k.DY), h.Tensor(k.DX)
	T, share := s.HostTokens(), 1/float32(k.X.Total())
	mean, rstd := h.Tensor(k.Mean)[:T], h.Tensor(k.RStd)[:T]
	gain := l.m.vector(k.Gain, k.X.Total())
	gradGain, gradBias := l.m.Grad(k.Gain), l.m.Grad(k.Bias)
	sumG := h.rowSum(k.X, func(sum []float32, f int) {
		for i, v := range dy[f*T : (f+1)*T] {
			sum[i] += float32(v * gain[f])
		}
	})
	p := make([]float32, T)
	sumGN := h.rowSum(k.X, func(sum []float32, f int) {
		df, xf := dy[f*T:(f+1)*T], x[f*T:(f+1)*T]
		for i, v := range df {
			p[i] = float32(float32((xf[i]-mean[i])*rstd[i]) * v)
			sum[i] += float32(p[i] * gain[f])
		}
		l.m.addTokens(&gradGain[f], p)
		l.m.addTokens(&gradBias[f], df)
	})
	for i, r := range rstd {
		sumG[i] = float32(float32(sumG[i]*share) * r)
		sumGN[i] = float32(float32(float32(sumGN[i]*share)*r) * r)
	}
	var add []float32
	if k.Add != nil {
		add = h.Tensor(k.Add)
	}
	for f := range k.X.Total() {
		df, xf, to := dy[f*T:(f+1)*T], x[f*T:(f+1)*T], dx[f*T:(f+1)*T]
		for i, v := range df {
			u := float32((xf[i] - mean[i]) * sumGN[i])
			d := pe.Round(k.DX.Type, float32(float32(v*gain[f])*rstd[i])-sumG[i]-u)
			if add != nil {
				d = pe.Round(k.DX.Type, add[f*T+i]+d)
			}
			to[i] = d
		}
	}
	return nil
}

// addTokens adds the sum over all token places of v to a gradient in the order of the machine:
// a PE's tokens ascending, rows from the last to the first, groups ascending.
func (m *Store) addTokens(grad *float32, v []float32) {
	s := m.Space
	rows := s.Rows()
	own := make([]float32, rows)
	for g := range s.Groups {
		clear(own)
		for i := range s.Tokens {
			for y, x := range v[s.HostIndex(g, i, 0):][:rows] {
				own[y] += x
			}
		}
		*grad += upColumn(own)
	}
}

// upColumn adds the rows' numbers from the last row to the first.
func upColumn(own []float32) float32 {
	sum := own[len(own)-1]
	for y := len(own) - 2; y >= 0; y-- {
		sum += own[y]
	}
	return sum
}

func (l *layerNormBackward) cycles(ctx context.Context) (*PhaseReport, error) {
	f := newFolding(l.m.Space, l.k, l)
	k, err := f.skewed(ctx)
	if err != nil {
		return nil, err
	}
	return f.upColumns(k), nil
}
