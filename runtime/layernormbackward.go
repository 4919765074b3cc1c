package runtime

import (
	"context"
	"fmt"
	"math"

	"cs2sim.dev/compiler"
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
	k, on := l.k, h.vectors
	x, dy, dx := h.Tensor(k.X), h.Tensor(k.DY), h.Tensor(k.DX)
	T, share := l.m.Space.HostTokens(), 1/float32(k.X.Total())
	mean, rstd := h.Tensor(k.Mean)[:T], h.Tensor(k.RStd)[:T]
	gain := l.m.vector(k.Gain, k.X.Total())
	gradGain, gradBias := l.m.Grad(k.Gain), l.m.Grad(k.Bias)
	on.eachWith(k.X.Total(), T+l.m.Space.Rows(), func(f int, tmp []float32) {
		p, df := tmp[:T], dy[f*T:(f+1)*T]
		on.Sub(p, x[f*T:(f+1)*T], mean)
		on.Mul(p, p, rstd)
		on.Mul(p, p, df)
		on.addTokens(l.m.Space, &gradGain[f], p, tmp[T:])
		on.addTokens(l.m.Space, &gradBias[f], df, tmp[T:])
	})
	var add []float32
	if k.Add != nil {
		add = h.Tensor(k.Add)
	}
	sums := make([]float32, 2*T)
	on.spans(T, func(lo, hi int, tmp, own []float32) {
		mean, rstd := mean[lo:hi], rstd[lo:hi]
		part := func(x []float32, f int) []float32 { return x[f*T+lo : f*T+hi] }
		sumG, sumGN := part(sums, 0), part(sums, 1)
		h.rowSum(k.X, sumG, own, func(sum []float32, f int) { on.Axpy(sum, gain[f], part(dy, f)) })
		h.rowSum(k.X, sumGN, own, func(sum []float32, f int) {
			on.Sub(tmp, part(x, f), mean)
			on.Mul(tmp, tmp, rstd)
			on.Mul(tmp, tmp, part(dy, f))
			on.Axpy(sum, gain[f], tmp)
		})
		on.Scale(sumG, share, sumG)
		on.Mul(sumG, sumG, rstd)
		on.Scale(sumGN, share, sumGN)
		on.Mul(sumGN, sumGN, rstd)
		on.Mul(sumGN, sumGN, rstd)
		for f := range k.X.Total() {
			on.Sub(own, part(x, f), mean)
			on.Mul(own, own, sumGN)
			on.Scale(tmp, gain[f], part(dy, f))
			on.Mul(tmp, tmp, rstd)
			on.Sub(tmp, tmp, sumG)
			on.Sub(tmp, tmp, own)
			on.store(k.DX.Type, tmp)
			if add != nil {
				on.Add(tmp, part(add, f), tmp)
				on.store(k.DX.Type, tmp)
			}
			copy(part(dx, f), tmp)
		}
	})
	return nil
}

// addTokens adds the sum over all token places of x to a gradient in the order of the machine:
// a PE's tokens ascending, rows from the last to the first, groups ascending. own is scratch.
func (v *hostVectors) addTokens(s *compiler.Space, grad *float32, x, own []float32) {
	rows := s.Rows()
	for range s.Groups {
		clear(own)
		for range s.Tokens {
			v.Add(own, own, x[:rows])
			x = x[rows:]
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
