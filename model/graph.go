package model

import "fmt"

// Precision is the number format of a layer.
type Precision string

const (
	Mixed Precision = "mixed" // fp16 storage and wavelets, fp32 accumulation
	FP16  Precision = "fp16"  // fp16 everywhere
	FP32  Precision = "fp32"  // fp32 everywhere
)

// Precisions lists every Precision in a fixed order.
func Precisions() []Precision { return []Precision{Mixed, FP16, FP32} }

// Op names what a graph node computes.
type Op string

// OpLinear is Y = X W^T.
const OpLinear Op = "linear"

// Node is one layer.
type Node struct {
	Name      string
	Op        Op
	In, Out   int // features: W is [Out][In], X is [tokens][In], Y is [tokens][Out]
	Mask      MaskSpec
	Seed      uint64 // of the weight and activation values
	Precision Precision
}

// Graph is a layer graph over a fixed number of tokens.
type Graph struct {
	Name   string
	Tokens int
	Nodes  []Node
}

// MatMul returns the graph of a single linear layer.
func MatMul(name string, tokens, in, out int, mask MaskSpec, seed uint64, p Precision) *Graph {
	return &Graph{Name: name, Tokens: tokens, Nodes: []Node{{
		Name: name, Op: OpLinear, In: in, Out: out, Mask: mask, Seed: seed, Precision: p,
	}}}
}

// Validate reports the first impossible shape.
func (g *Graph) Validate() error {
	if g.Tokens < 1 {
		return fmt.Errorf("graph %s: tokens is %d, must be at least 1", g.Name, g.Tokens)
	}
	if len(g.Nodes) == 0 {
		return fmt.Errorf("graph %s: no nodes", g.Name)
	}
	for _, n := range g.Nodes {
		if n.Op != OpLinear {
			return fmt.Errorf("node %s: unknown op %q", n.Name, n.Op)
		}
		if n.In < 1 || n.Out < 1 {
			return fmt.Errorf("node %s: shape %d x %d, both must be at least 1", n.Name, n.Out, n.In)
		}
		if err := n.Precision.Validate(); err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
		if err := n.Mask.Validate(n.Out, n.In); err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	return nil
}
