package kernels

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// FMac is one tensor instruction y += a*x on one PE, memory to memory.
type FMac struct {
	Elements        int
	Dst, Src        pe.Type // of y, and of x and a
	Conflict        bool    // x is y itself: every step reads one bank twice
	LoadDescriptors bool    // inside the timed region
}

// Layout builds the program. Two timestamps in a row tell what a timestamp costs; a third ends
// the timed region.
func (k FMac) Layout(t compiler.Target) (*compiler.Layout, error) {
	if k.Elements < 1 {
		return nil, fmt.Errorf("fmac: %d elements, must be at least 1", k.Elements)
	}
	if k.Conflict && k.Dst != k.Src {
		return nil, fmt.Errorf("fmac: in place %v and %v differ, must be one type", k.Dst, k.Src)
	}
	b := compiler.NewBuilder("fmac", t, 1, 1)
	r := b.Role("fmac")
	y := r.Array("y", k.Dst, k.Elements)
	x := y
	if !k.Conflict {
		x = apart(r, t.Core(), "x", k.Src, k.Elements, y, 0)
	}
	clock := r.Reg("clock", 0)
	run := r.Local("run")
	r.Start(run)
	run.Timestamp("idle", clock)
	run.Timestamp("start", clock)
	in := run.FMac(k.Elements, y.All(), x.All(), pe.Constant(k.Src, fmacScale))
	in.LoadDescriptors = k.LoadDescriptors
	run.Timestamp("end", clock)
	run.Halt()
	b.Place(r, compiler.At(0, 0))
	b.Load(compiler.At(0, 0), y, chainInput(0, k.Elements))
	if !k.Conflict {
		b.Load(compiler.At(0, 0), x, chainInput(1, k.Elements))
	}
	return b.Build()
}

const fmacScale = 1.5

// Run executes the instruction. Cycles are those between the timestamps, less one timestamp.
func (k FMac) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	r, err := execute(ctx, k, t)
	if err != nil {
		return nil, err
	}
	want := chainInput(0, k.Elements)
	for i, x := range chainInput(1, k.Elements) {
		y := pe.Round(k.Dst, want[i])
		if k.Conflict {
			x = y
		}
		want[i] = pe.Round(k.Dst, y+float32(pe.Round(k.Src, x)*fmacScale))
	}
	idle, _ := r.Stamp(0, 0, "idle")
	start, _ := r.Stamp(0, 0, "start")
	end, _ := r.Stamp(0, 0, "end")
	return &Result{Cycles: int64((end - start) - (start - idle)), Mismatches: differ(r.Read(0, 0, "y"), want), Report: r}, nil
}
