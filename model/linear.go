package model

import "fmt"

// Order states the order of the additions in a linear layer, which floating point
// makes part of the result.
//
// Inputs are cut into S segments. Within a segment products are summed in ascending
// k; the segments' partial sums of one output are then added in a chain that visits
// every segment once, in the cyclic order of Ring, beginning at First(j).
type Order struct {
	Segments []int           // [S+1] ascending bounds over input features, 0 to K; a segment may be empty
	First    func(j int) int // the segment that starts the chain of output j
	Ring     []int           // [S] cyclic order of segments, each once
}

// Validate reports the first reason why o does not order the sums over in inputs.
// It cannot check First, whose results must be segments.
func (o Order) Validate(in int) error {
	last := len(o.Segments) - 1
	if last < 1 {
		return fmt.Errorf("order segments has %d bounds, must have at least 2", len(o.Segments))
	}
	if o.Segments[0] != 0 || o.Segments[last] != in {
		return fmt.Errorf("order segments span %d to %d, must span 0 to %d",
			o.Segments[0], o.Segments[last], in)
	}
	for c := range last {
		if o.Segments[c] > o.Segments[c+1] {
			return fmt.Errorf("order segments[%d] is %d after %d, must ascend",
				c+1, o.Segments[c+1], o.Segments[c])
		}
	}
	if len(o.Ring) != last {
		return fmt.Errorf("order ring has %d segments, must have all %d", len(o.Ring), last)
	}
	seen := make([]bool, last)
	for i, c := range o.Ring {
		if c < 0 || c >= last || seen[c] {
			return fmt.Errorf("order ring[%d] is %d, must list each of 0 to %d once", i, c, last-1)
		}
		seen[c] = true
	}
	if o.First == nil {
		return fmt.Errorf("order first is nil, must give the first segment of each output")
	}
	return nil
}

// chain returns the segments in the order output j adds them.
func (o Order) chain(j int) []int {
	first := o.First(j)
	for i, c := range o.Ring {
		if c == first {
			return append(append([]int(nil), o.Ring[i:]...), o.Ring[:i]...)
		}
	}
	panic(fmt.Sprintf("model: order first(%d) is %d, not one of the ring %v", j, first, o.Ring))
}

// LinearReference computes Y = X (W masked by m)^T at the given tokens and outputs,
// in the operation order o: result[i][c] is Y[tokens[i]][outputs[c]].
//
// With round_acc the identity for Mixed and FP32, and rounding to fp16 for FP16:
//
//	product     p = float32(w*x), never fused with an addition
//	segment     psum = round_acc(p) at the first non-zero weight, overwriting;
//	            psum = round_acc(psum + p) at each further one, sum in float32
//	chain       v = psum of the first segment, or 0 if it has no non-zero;
//	            v = round_acc(v + psum) at each further one that has non-zeros
//	output      y = v in the stored format
//
// It panics if m or o do not fit n.
func LinearReference(n Node, m *Mask, tokens []int, outputs []int, o Order) [][]float32 {
	mustFit(n, m)
	if err := o.Validate(n.In); err != nil {
		panic(fmt.Sprintf("model: node %s: %v", n.Name, err))
	}
	x := activations(n, tokens)
	y := make([][]float32, len(tokens))
	for i := range y {
		y[i] = make([]float32, len(outputs))
	}
	var row []uint64
	w := make([]float32, n.In)
	for c, j := range outputs {
		row = m.Row(j, row)
		maskedWeights(n, j, row, w)
		chain := o.chain(j)
		for i := range tokens {
			y[i][c] = n.Precision.Round(chainSum(n.Precision, w, x[i], o.Segments, chain))
		}
	}
	return y
}

// chainSum is one output before its final rounding. A weight of 0 is a masked one.
func chainSum(p Precision, w, x []float32, segments, chain []int) float32 {
	var v float32
	for i, c := range chain {
		lo, hi := segments[c], segments[c+1]
		psum, ok := segmentSum(p, w[lo:hi], x[lo:hi])
		switch {
		case !ok:
		case i == 0:
			v = psum
		default:
			v = roundAcc(p, v+psum)
		}
	}
	return v
}

// segmentSum is one partial sum; ok tells whether the segment has a non-zero weight.
func segmentSum(p Precision, w, x []float32) (psum float32, ok bool) {
	for k := range w {
		if w[k] == 0 {
			continue
		}
		product := float32(w[k] * x[k]) // the conversion forbids a fused multiply-add
		if ok {
			psum = roundAcc(p, psum+product)
		} else {
			psum = roundAcc(p, product)
		}
		ok = true
	}
	return psum, ok
}

// roundAcc rounds x to the format p accumulates in.
func roundAcc(p Precision, x float32) float32 {
	if p == FP16 {
		return p.Round(x)
	}
	return x
}

// LinearFloat64 computes the same layer as a plain float64 sum in ascending k of
// the same stored values. Products are exact, so its error is that of the
// additions alone: the truth against which an order's error is bounded.
func LinearFloat64(n Node, m *Mask, tokens, outputs []int) [][]float64 {
	mustFit(n, m)
	x := activations(n, tokens)
	y := make([][]float64, len(tokens))
	for i := range y {
		y[i] = make([]float64, len(outputs))
	}
	var row []uint64
	w := make([]float32, n.In)
	for c, j := range outputs {
		row = m.Row(j, row)
		maskedWeights(n, j, row, w)
		for i := range tokens {
			for k := range w {
				y[i][c] += float64(w[k]) * float64(x[i][k])
			}
		}
	}
	return y
}

// activations returns the stored inputs, one slice of n.In features per token.
func activations(n Node, tokens []int) [][]float32 {
	x := make([][]float32, len(tokens))
	for i, token := range tokens {
		x[i] = make([]float32, n.In)
		for k := range x[i] {
			x[i][k] = n.Activation(token, k)
		}
	}
	return x
}

// maskedWeights sets w[k] to the stored weight (j, k) where row has a bit, else to 0.
// No stored weight is 0 itself; see WeightValue.
func maskedWeights(n Node, j int, row []uint64, w []float32) {
	for k := range w {
		w[k] = 0
		if row[k>>6]>>(k&63)&1 != 0 {
			w[k] = n.Weight(j, k)
		}
	}
}

func mustFit(n Node, m *Mask) {
	if m.Rows() != n.Out || m.Cols() != n.In {
		panic(fmt.Sprintf("model: node %s is %d x %d, its mask %d x %d",
			n.Name, n.Out, n.In, m.Rows(), m.Cols()))
	}
}
