package kernels

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// Reduce sums the vectors of a row of PEs into PE 0.
type Reduce struct {
	Algorithm     Algorithm // empty: chain
	Group         int       // PEs per group of two-phase; 0: the root of PEs
	PEs, Elements int
	FP16          bool // fp16 elements; else fp32
	Keep          bool // source descriptors stay loaded: the next instruction loads its destination's alone
}

// Layout builds the program.
func (k Reduce) Layout(t compiler.Target) (*compiler.Layout, error) {
	l, _, err := k.grid().layout(t)
	return l, err
}

// Run executes the reduce. Cycles end at PE 0 after its last add.
func (k Reduce) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	return k.grid().Run(ctx, t)
}

func (k Reduce) grid() Reduce2D {
	return Reduce2D{k.Algorithm, k.Group, k.PEs, 1, k.Elements, k.FP16, k.Keep}
}

// Reduce2D sums the vectors of a rectangle of PEs into its north-west corner: along x in every row,
// then along y in column 0.
type Reduce2D struct {
	Algorithm               Algorithm
	Group                   int // of both directions; 0: the root of the line's length
	Width, Height, Elements int
	FP16                    bool
	Keep                    bool
}

// Layout builds the program.
func (k Reduce2D) Layout(t compiler.Target) (*compiler.Layout, error) {
	l, _, err := k.layout(t)
	return l, err
}

// layout returns the total too.
func (k Reduce2D) layout(t compiler.Target) (*compiler.Layout, func() []float32, error) {
	name := fmt.Sprintf("%s reduce", k.Algorithm)
	c, err := newCollective(name, t, k.Width, k.Height, k.Elements, k.FP16)
	if err != nil {
		return nil, nil, err
	}
	c.keep = k.Keep
	total, err := c.reduce(k.Algorithm, k.Group)
	if err != nil {
		return nil, nil, err
	}
	l, err := c.layout()
	return l, total, err
}

// reduce adds a reduce of the whole rectangle; the function is its result by plain loops.
func (c *collective) reduce(a Algorithm, group int) (total func() []float32, err error) {
	rows, err := c.reducer(a, group, c.w)
	if err != nil {
		return nil, err
	}
	for y := range c.h {
		rows.on(peLine{root: fabric.Coord{Y: y}, n: c.w})
	}
	column := rows
	if c.h > 1 {
		if column, err = c.reducer(a, group, c.h); err != nil {
			return nil, err
		}
		column.on(peLine{down: true, n: c.h})
	}
	return func() []float32 {
		var sums [][]float32
		for y := range c.h {
			sums = append(sums, rows.total(storedInputs(c.t, y*c.w, 1, c.w, c.n)))
		}
		return column.total(sums)
	}, nil
}

// Run executes the reduce. Cycles end at the corner after its last add.
func (k Reduce2D) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	l, total, err := k.layout(t)
	if err != nil {
		return nil, err
	}
	return runCollective(ctx, l, t, total(), 1)
}
