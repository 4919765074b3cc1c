package kernels

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// roleOf names what a PE does: per direction, when it is its turn to send, how many neighbours
// it hears, and whether any hears it.
func (k Stencil) roleOf(x, y int) string {
	name := ""
	for _, d := range directions() {
		at := k.from(d, x, y)
		name += fmt.Sprintf("%s: phase %d, hears %d, sends %t; ", d.name, at%(reach+1), min(at, reach), k.sends(d, x, y))
	}
	return name
}

// stencilRegisters are the general-purpose registers of a PE.
type stencilRegisters struct {
	now, before        compiler.Reg // first cell of a time level in z, margin included
	offset, n, rest    compiler.Reg // of the part being exchanged
	source, done, step compiler.Reg
}

// program marches in time: clear the accumulator; exchange and sum, part by part; add what lies
// in the own column; subtract the step before. All four directions are received at once, each by a
// microthread that multiplies what comes, and sent at once by four more.
func (k Stencil) program(r *compiler.Role, core pe.Config, colors [4]fabric.Color, x, y int) {
	z := r.Array("z", pe.F32, 2*(k.NZ+2*reach))
	buffer := (4*reach + 1) * k.chunk()
	sum := apart(r, core, "sum", pe.F32, k.NZ, z, buffer*pe.F32.Words())
	parts := apart(r, core, "parts", pe.F32, buffer, sum, 0)
	g := stencilRegisters{
		now: r.Reg("now", k.NZ+2*reach), before: r.Reg("before", 0),
		offset: r.Reg("offset", 0), n: r.Reg("n", 0), rest: r.Reg("rest", 0),
		source: r.Reg("source", 0), done: r.Reg("done", 0), step: r.Reg("step", 0),
	}
	clock := r.Reg("clock", 0)
	clear, exchange := r.Local("clear"), r.Local("exchange")
	reduce, epilog := r.Local("reduce"), r.Local("epilog")
	r.Start(clear)
	clear.Timestamp("step", clock)
	clear.FMov(k.NZ, sum.All(), pe.Constant(pe.F32, 0)).LoadDSDs()
	compiler.Mov(clear, g.offset, 0)
	clear.Activate(exchange)

	slots := k.exchange(r, exchange, reduce, g, z, parts, colors, x, y)
	k.reduce(reduce, exchange, epilog, g, sum, parts, slots)
	k.epilog(epilog, clear, g, z, sum, clock)
}

// exchange receives and sends one part; returns the columns it receives. What ends activates a
// task of its own: activations are a bit, not a count.
func (k Stencil) exchange(r *compiler.Role, t, reduce *compiler.Task, g stencilRegisters, z, parts compiler.Array, colors [4]fabric.Color, x, y int) int {
	c := stencilWeights()
	chunk := k.chunk()
	compiler.Calc(t, pe.ISub, g.rest, k.NZ, g.offset)
	compiler.Mov(t, g.n, chunk)
	compiler.JumpIf(t, g.rest, pe.GE, chunk, "full")
	compiler.Mov(t, g.n, g.rest)
	t.Label("full")
	slot := 0
	var ends []*compiler.Task // of receiving or sending microthreads
	for i, d := range directions() {
		var in *compiler.Instr
		for p := range reach + 1 {
			n, ok := k.sender(d, x, y, p)
			if !ok || n == 0 && d.port != fabric.East {
				continue
			}
			in = t.FMul(chunk, parts.From(slot*chunk), pe.In(pe.F32, colors[i]), pe.Constant(pe.F32, c[n])).Count(g.n).On(1 + i).LoadDSDs()
			slot++
		}
		if in != nil {
			end := r.Local("received " + d.name)
			in.ThenActivate(end)
			ends = append(ends, end)
		}
	}
	compiler.Calc(t, pe.IAdd, g.source, g.now, g.offset)
	from := z.By(g.source, 1)
	from.Base += reach * pe.F32.Words()
	for i, d := range directions() {
		if !k.sends(d, x, y) {
			continue
		}
		data, end := r.Local("data sent "+d.name), r.Local("control sent "+d.name)
		t.FMov(chunk, pe.Out(pe.F32, colors[i]), from).Count(g.n).On(5 + i).LoadDSDs().ThenActivate(data)
		// At the sender, at the next sender, and where this broadcast ends, the switch moves on.
		data.SendControl(colors[i], 0, fabric.SwitchAdvance, fabric.SwitchAdvance, fabric.SwitchStay, fabric.SwitchStay, fabric.SwitchAdvance)
		data.Activate(end)
		ends = append(ends, end)
	}
	for _, end := range ends {
		end.Add(g.done, 1, 0)
		compiler.JumpIf(end, g.done, pe.LT, len(ends), "wait")
		compiler.Mov(end, g.done, 0)
		end.Activate(reduce)
		end.Label("wait")
	}
	return slot
}

// reduce adds the products of all neighbours to the sum, then goes on with the next part, if any.
func (k Stencil) reduce(t, exchange, epilog *compiler.Task, g stencilRegisters, sum, parts compiler.Array, slots int) {
	chunk := k.chunk()
	t.SetBase(g.offset, g.offset)
	at := sum.Rebased(g.offset)
	for s := range slots {
		t.FAdd(chunk, at, at, parts.From(s*chunk)).Count(g.n).LoadDSDs()
	}
	t.Add(g.offset, chunk, 0)
	compiler.JumpIf(t, g.offset, pe.GE, k.NZ, "whole")
	t.Activate(exchange)
	t.Jump("out")
	t.Label("whole")
	t.Activate(epilog)
	t.Label("out")
}

// stencilShifts are the neighbours in the own column, in the order they are added.
func stencilShifts() [2 * reach]int { return [...]int{-4, -3, -2, -1, 1, 2, 3, 4} }

// epilog adds what lies above and below in the own column and takes the step; the new values replace
// those of two steps ago.
func (k Stencil) epilog(t, clear *compiler.Task, g stencilRegisters, z, sum compiler.Array, clock compiler.Reg) {
	c := stencilWeights()
	for _, d := range stencilShifts() {
		compiler.Calc(t, pe.IAdd, g.source, g.now, reach+d)
		t.SetBase(g.source, g.source)
		t.FMac(k.NZ, sum.All(), z.Rebased(g.source), pe.Constant(pe.F32, c[max(d, -d)])).LoadDSDs()
	}
	compiler.Calc(t, pe.IAdd, g.source, g.before, reach)
	t.SetBase(g.source, g.source)
	t.FSub(k.NZ, z.Rebased(g.source), sum.All(), z.Rebased(g.source)).LoadDSDs()
	compiler.Mov(t, g.source, g.now)
	compiler.Mov(t, g.now, g.before)
	compiler.Mov(t, g.before, g.source)
	t.Add(g.step, 1, 0)
	compiler.JumpIf(t, g.step, pe.GE, k.Steps, "end")
	t.Activate(clear)
	t.Jump("out")
	t.Label("end")
	t.Timestamp("step", clock)
	t.Halt()
	t.Label("out")
}

// reference is the same steps in plain loops over the whole grid: per PE both time levels with
// their margins, as in SRAM. The order of additions is the machine's.
func (k Stencil) reference(ctx context.Context) ([][]float32, error) {
	c := stencilWeights()
	level := k.NZ + 2*reach
	all := make([][]float32, k.Width*k.Height)
	for y := range k.Height {
		for x := range k.Width {
			all[y*k.Width+x] = k.initial(x, y)
		}
	}
	now, before := level, 0
	for range k.Steps {
		sums := make([][]float32, len(all))
		for y := range k.Height {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for x := range k.Width {
				sums[y*k.Width+x] = k.sum(all, c, now, x, y)
			}
		}
		for i, s := range sums {
			for z, v := range s {
				all[i][before+reach+z] = v - all[i][before+reach+z]
			}
		}
		now, before = before, now
	}
	return all, nil
}

func (k Stencil) sum(all [][]float32, c [reach + 1]float32, now, x, y int) []float32 {
	s := make([]float32, k.NZ)
	for _, d := range directions() {
		for p := range reach + 1 {
			n, ok := k.sender(d, x, y, p)
			if !ok || n == 0 && d.port != fabric.East {
				continue
			}
			addScaled(s, all[(y-n*d.dy)*k.Width+x-n*d.dx][now+reach:], c[n])
		}
	}
	own := all[y*k.Width+x]
	for _, d := range stencilShifts() {
		addScaled(s, own[now+reach+d:], c[max(d, -d)])
	}
	return s
}

func addScaled(sum, from []float32, by float32) {
	from = from[:len(sum)]
	for z := range sum {
		sum[z] += float32(from[z] * by)
	}
}
