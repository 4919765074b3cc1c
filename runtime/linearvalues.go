package runtime

import (
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime/vec"
)

// linearPlan is how the host computes a linear kernel's values under one mask.
type linearPlan struct {
	mask *model.Pattern // nil: dense
	on   *hostVectors
	*vec.Linear
}

// values works on the tokens of all PEs at once, each in the order its PE has: for every output
// the products of a column in ascending input, then the columns along the ring.
func (f *linearPhase) values(h *Host) error {
	k := f.k
	w, _, cols := f.m.Tensor(k.Param)
	x, y := h.Tensor(k.X), h.Tensor(k.Y)
	p := f.planned(h.vectors)
	if p.mask == nil {
		w = f.rows(h.vectors, w, cols)
	}
	out := vec.Out{Keep32: k.Y.Type == pe.F32, Accumulate: k.Add != nil}
	if k.Bias != "" {
		out.Bias, _, _ = f.m.Tensor(k.Bias)
	}
	if k.Add != nil && k.Add != k.Y {
		copy(y, h.Tensor(k.Add))
	}
	p.Apply(y, x, w, out)
	return nil
}

// planned is the plan of the mask as it is now.
func (f *linearPhase) planned(on *hostVectors) *linearPlan {
	mask := f.m.Pattern(f.k.Param)
	if f.plan == nil || f.plan.mask != mask || f.plan.on != on {
		f.plan = &linearPlan{mask: mask, on: on}
		m, k := f.k.Y.Total(), f.k.X.Total()
		if mask == nil {
			f.plan.Linear = on.Dense(arithmetic(f.m.Space), m, k, f.order())
		} else {
			ptr, idx, from := f.positions(mask)
			f.plan.Linear = on.Sparse(arithmetic(f.m.Space), k, ptr, idx, from, f.order())
		}
	}
	return f.plan
}

// order is the machine's: the chain of an output ends at its owner, which has the bias.
func (f *linearPhase) order() vec.Order {
	p := f.p
	o := vec.Order{Segments: p.InBounds, Ring: p.Ring, First: make([]int, f.k.Y.Total()), Bias: f.k.Bias != ""}
	owner := 0
	first := p.Ring[p.RingStart(owner)]
	for j := range o.First {
		for j >= p.OutBounds[owner+1] {
			owner++
			first = p.Ring[p.RingStart(owner)]
		}
		o.First[j] = first
	}
	return o
}

// paramRow is the parameter's row of feature i on the side that has its rows.
func (f *linearPhase) paramRow(i int) int {
	if f.k.Rows != nil {
		return f.k.Rows[i]
	}
	return i
}

// positions lists the kernel's outputs, the inputs each has in the mask, and where in the
// parameter their weights are.
func (f *linearPhase) positions(mask *model.Pattern) (ptr []int, idx, from []int32) {
	m, k := f.k.Y.Total(), f.k.X.Total()
	ptr = make([]int, m+1)
	if !f.k.Transposed {
		for j := range m {
			row := f.paramRow(j)
			for _, c := range mask.Row(row) {
				idx, from = append(idx, c), append(from, int32(row*mask.Cols)+c)
			}
			ptr[j+1] = len(idx)
		}
		return ptr, idx, from
	}
	for i := range k {
		for _, j := range mask.Row(f.paramRow(i)) {
			ptr[j+1]++
		}
	}
	for j := range m {
		ptr[j+1] += ptr[j]
	}
	idx, from = make([]int32, ptr[m]), make([]int32, ptr[m])
	next := append([]int(nil), ptr[:m]...)
	for i := range k {
		row := f.paramRow(i)
		for _, j := range mask.Row(row) {
			n := next[j]
			next[j]++
			idx[n], from[n] = int32(i), int32(row*mask.Cols)+j
		}
	}
	return ptr, idx, from
}

// rows brings a dense parameter into the kernel's shape, [outputs][inputs].
func (f *linearPhase) rows(on *hostVectors, w []float32, cols int) []float32 {
	m, k := f.k.Y.Total(), f.k.X.Total()
	if f.k.Rows != nil {
		picked := buffer(&on.picked, len(f.k.Rows)*cols)
		for i, r := range f.k.Rows {
			copy(picked[i*cols:(i+1)*cols], w[r*cols:])
		}
		w = picked
	}
	if !f.k.Transposed {
		return w[:m*k]
	}
	to := buffer(&on.transposed, m*k)
	on.Transpose(to, w[:m*k], k, m)
	return to
}
