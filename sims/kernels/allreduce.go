package kernels

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
)

// AllReduceAlgorithm is how every PE of a row gets the sum of all vectors.
type AllReduceAlgorithm string

const (
	RingAllReduce   AllReduceAlgorithm = "ring"             // reduce-scatter, then all-gather, by chunks
	ReduceBroadcast AllReduceAlgorithm = "reduce-broadcast" // a reduce to PE 0, then a flood from there
)

// AllReduceAlgorithms lists them.
func AllReduceAlgorithms() []AllReduceAlgorithm {
	return []AllReduceAlgorithm{RingAllReduce, ReduceBroadcast}
}

// ParseAllReduce reads a name; empty is reduce-broadcast.
func ParseAllReduce(name string) (AllReduceAlgorithm, error) {
	switch a := AllReduceAlgorithm(name); a {
	case "":
		return ReduceBroadcast, nil
	case RingAllReduce, ReduceBroadcast:
		return a, nil
	}
	return "", fmt.Errorf("all-reduce algorithm %q, must be %s or %s", name, RingAllReduce, ReduceBroadcast)
}

// AllReduce sums the vectors of a row of PEs into every PE.
type AllReduce struct {
	Algorithm     AllReduceAlgorithm // empty: reduce-broadcast
	Reduce        Algorithm          // of reduce-broadcast; empty: chain
	Group         int                // of a two-phase reduce; 0: the root of PEs
	PEs, Elements int
	FP16          bool // fp16 elements; else fp32
}

// Layout builds the program.
func (k AllReduce) Layout(t compiler.Target) (*compiler.Layout, error) {
	l, _, err := k.layout(t)
	return l, err
}

func (k AllReduce) layout(t compiler.Target) (*compiler.Layout, func() []float32, error) {
	a, err := ParseAllReduce(string(k.Algorithm))
	if err != nil {
		return nil, nil, err
	}
	c, err := newCollective(fmt.Sprintf("%s all-reduce", a), t, k.PEs, 1, k.Elements, k.FP16)
	if err != nil {
		return nil, nil, err
	}
	if a == RingAllReduce {
		if k.Reduce != "" || k.Group != 0 {
			return nil, nil, fmt.Errorf("%s all-reduce: reduce algorithm %q and group size %d, must be absent", a, k.Reduce, k.Group)
		}
		l, err := c.ring()
		return l, func() []float32 { return ringTotal(c.t, storedInputs(c.t, 0, 1, c.w, c.n)) }, err
	}
	total, err := c.reduce(k.Reduce, k.Group)
	if err != nil {
		return nil, nil, err
	}
	c.broadcast()
	l, err := c.layout()
	return l, total, err
}

// Run executes the all-reduce. Cycles end where the last PE has the last element.
func (k AllReduce) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	l, total, err := k.layout(t)
	if err != nil {
		return nil, err
	}
	return runCollective(ctx, l, t, total(), k.PEs)
}
