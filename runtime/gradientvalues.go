package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime/vec"
)

// gradientPlan is how the host computes a weight gradient under one mask.
type gradientPlan struct {
	mask *model.Pattern // nil: dense
	on   *hostVectors
	*vec.Gradient
	ptr []int   // [features of dY + 1] where their sums begin
	idx []int32 // of each sum; nil if dense
}

// values forms each sum in the order of the machine: over a PE's tokens, then up the column
// from the last row, then over the groups. A product is the same whichever side is on the bus.
func (f *gradientPhase) values(h *Host) error {
	on, k := h.vectors, f.k
	dy, x := h.Tensor(k.DY), h.Tensor(k.X)
	p := f.planned(on)
	sums := buffer(&on.sums, p.ptr[len(p.ptr)-1])
	p.Apply(sums, dy, x)
	grad, cols := f.m.Grad(k.Param), k.X.Total()
	on.each(k.DY.Total(), func(j int) {
		row := j
		if k.Rows != nil {
			row = k.Rows[j]
		}
		to, own := grad[row*cols:][:cols], sums[p.ptr[j]:p.ptr[j+1]]
		if p.mask == nil {
			on.Add(to, to, own)
			return
		}
		for n, i := range p.idx[p.ptr[j]:p.ptr[j+1]] {
			to[i] += own[n]
		}
	})
	if bias := f.bias(); bias != nil {
		on.each(len(bias), func(j int) { bias[j] += on.tokenSum(f.m.Space, dy, j) })
	}
	return nil
}

// planned is the plan of the mask as it is now.
func (f *gradientPhase) planned(on *hostVectors) *gradientPlan {
	mask := f.m.Pattern(f.k.Param)
	if f.plan != nil && f.plan.mask == mask && f.plan.on == on {
		return f.plan
	}
	m, k := f.k.DY.Total(), f.k.X.Total()
	p := &gradientPlan{mask: mask, on: on, ptr: make([]int, m+1)}
	for j := range m {
		n := k
		if mask != nil {
			row := j
			if f.k.Rows != nil {
				row = f.k.Rows[j]
			}
			p.idx = append(p.idx, mask.Row(row)...)
			n = len(mask.Row(row))
		}
		p.ptr[j+1] = p.ptr[j] + n
	}
	if mask == nil {
		p.Gradient = on.DenseGradient(arithmetic(f.m.Space), m, k, tokenLayout(f.m.Space))
	} else {
		p.Gradient = on.SparseGradient(arithmetic(f.m.Space), k, p.ptr, p.idx, tokenLayout(f.m.Space))
	}
	f.plan = p
	return p
}

// tokenSum is the sum of feature f over all token places: a PE's tokens ascending, from the first;
// rows from the last to the first; groups ascending.
func (v *hostVectors) tokenSum(s *compiler.Space, x []float32, f int) (sum float32) {
	rows, at := s.Rows(), f*s.HostTokens()
	var few [256]float32
	own := few[:0]
	for g := range s.Groups {
		own = append(own[:0], x[at:at+rows]...)
		at += rows
		for range s.Tokens - 1 {
			v.Add(own, own, x[at:at+rows])
			at += rows
		}
		if column := upColumn(own); g == 0 {
			sum = column
		} else {
			sum += column
		}
	}
	return sum
}
