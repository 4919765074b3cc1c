package kernels

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// Broadcast floods the vector of PE 0 over a row of PEs: every router hands on and delivers.
type Broadcast struct {
	PEs, Elements int
	FP16          bool // fp16 elements; else fp32
}

// Layout builds the program.
func (k Broadcast) Layout(t compiler.Target) (*compiler.Layout, error) { return k.grid().Layout(t) }

// Run executes the broadcast. Cycles end where the last PE has the last element.
func (k Broadcast) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	return k.grid().Run(ctx, t)
}

func (k Broadcast) grid() Broadcast2D { return Broadcast2D{k.PEs, 1, k.Elements, k.FP16} }

// Broadcast2D floods the vector of the north-west corner over a rectangle of PEs: along x in row
// 0, from there down every column.
type Broadcast2D struct {
	Width, Height, Elements int
	FP16                    bool
}

// Layout builds the program.
func (k Broadcast2D) Layout(t compiler.Target) (*compiler.Layout, error) {
	c, err := newCollective("broadcast", t, k.Width, k.Height, k.Elements, k.FP16)
	if err != nil {
		return nil, err
	}
	c.broadcast()
	return c.layout()
}

// broadcast adds a flood from the corner, on one color.
func (c *collective) broadcast() {
	if c.w*c.h == 1 {
		return
	}
	color := c.b.Color("flood", "the corner's vector")
	for y := range c.h {
		for x := range c.w {
			rx, tx := fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp)
			s := step{do: stepTake, in: color}
			switch {
			case x == 0 && y == 0:
				rx, tx, s = fabric.Ports(fabric.Ramp), 0, step{do: stepSend, out: color}
			case y == 0:
				rx = fabric.Ports(fabric.West)
			}
			if y == 0 && x < c.w-1 {
				tx |= fabric.Ports(fabric.East)
			}
			if y < c.h-1 {
				tx |= fabric.Ports(fabric.South)
			}
			c.b.Route(color, compiler.At(x, y), fabric.Static(rx, tx))
			c.then(fabric.Coord{X: x, Y: y}, s)
		}
	}
}

// Run executes the broadcast. Cycles end where the last PE has the last element.
func (k Broadcast2D) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	l, err := k.Layout(t)
	if err != nil {
		return nil, err
	}
	return runCollective(ctx, l, t, storedInputs(elementType(k.FP16), 0, 0, 1, k.Elements)[0], k.Width*k.Height)
}
