package compiler

import (
	"math"

	"cs2sim.dev/pe"
)

// Name is the kernel's word in tables and traces.
func (k *LossChunk) Name() string { return "loss chunk" }

// Scratch is what the kernel needs beside its tiles: the row's targets and an exponential per
// token; a new maximum per token, and a place for what is not kept.
func (k *LossChunk) Scratch(s *Space) Scratch {
	run := s.Tokens * pe.F32.Words()
	return Scratch{T: 2 * run, S: 2 * run}
}

// targets is the part of a loss kernel that finds the tokens whose target a PE holds. In[g]
// brings each row of group g, for every token, the feature of the logits that is its target,
// or one that no column holds, with CommandEnd behind them. All PEs of the row get all of
// them: to send each its own would cost a block's end for every PE of the wafer, not of a column.
type targets struct {
	*columnRole
	ids         Array
	first, last Reg // feature of the column, last feature counted from it

	i, id, out, in, v Reg
}

func newTargets(b *Builder, s *Space, name string, ids int) *targets {
	r := &targets{columnRole: newColumnRole(b, s, name, 1)}
	r.ids = r.Fixed("targets", pe.F32, ids, s.Tokens)
	r.first, r.last = r.Reg("first", 0), r.Reg("last", 0)
	r.i, r.id, r.out, r.in, r.v = r.Reg("token", 0), r.Reg("target", 0), r.Reg("out", 0), r.Reg("in", 0), r.Reg("value", 0)
	return r
}

// route lays the way of the targets and places the role.
func (r *targets) route(b *Builder, s *Space, logits *Tile, groups, rows int) {
	b.use(rowBlocks, "row blocks", "a value per token for all PEs of a row; switch positions")
	b.routeBlocks(rowBlocks, s, groups, rows, true)
	r.placeAll(b, s, logits, groups, rows)
	for x := range groups * s.Columns {
		a, c := Area{x, 0, x + 1, rows}, x%s.Columns
		b.Param(a, r.first, logits.First(c))
		b.Param(a, r.last, logits.Features(c)-1)
	}
}

// receive lets a microthread take the row's targets.
func (r *targets) receive(t *Task, s *Space) {
	t.FMov(s.Tokens, r.ids.All(), pe.In(pe.F32, rowBlocks)).On(1).As(pe.Compute, pe.WaitWeight).LoadDSDs()
}

// find takes token i's target, counted from the column's first feature, into r.id. r.out is
// then 1 if the column does not hold it and r.in 0, else 0 and all ones; r.id is 0 if not held.
// Nothing branches: the PEs of a row stay together.
func (r *targets) find(t *Task) {
	t.Read(r.id, word(r.ids, r.i))
	Calc(t, pe.ISub, r.id, r.id, r.first)
	Calc(t, pe.ISub, r.out, r.last, r.id)
	Calc(t, pe.Or, r.out, r.out, r.id)
	Calc(t, pe.Shr, r.out, r.out, 31)
	Calc(t, pe.ISub, r.in, r.out, 1)
	Calc(t, pe.And, r.id, r.id, r.in)
}

// word is the array from its first element on, reg words further.
func word(a Array, reg Reg) pe.Operand { return pe.Indexed(a.Type, a.Base, int(reg), 1) }

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *LossChunk) Layout(s *Space, groups, rows int) (*Layout, error) {
	b, t := stepLayout(k, s, groups, rows), s.Tokens
	run := t * pe.F32.Words()
	r := newTargets(b, s, "loss chunk", k.at.T)
	f := r.Reg("feature", 0)
	z := k.Logits.array(r.Role, t)
	top, sum, target := k.Max.array(r.Role, t), k.Sum.array(r.Role, t), k.Target.array(r.Role, t)
	e := r.Fixed("exponential", pe.F32, k.at.T+run, t)
	next := r.Fixed("new maximum", pe.F32, k.at.S, t)
	drop := r.Fixed("dropped", pe.F32, k.at.S+run, t)

	chunk := r.Local("chunk")
	pick := r.Control("targets", rowBlocks, CommandEnd).Awaited(pe.WaitWeight)
	r.Start(chunk)

	r.receive(chunk, s)
	if k.First { // the least finite number: a column without features has no other maximum
		chunk.FMov(t, top.All(), pe.Constant(pe.F32, -math.MaxFloat32)).LoadDSDs()
		chunk.FMax(1, top.again(t), z.All(), top.again(t)).Count(r.elements).LoadDSDs()
		chunk.FMov(t, sum.All(), pe.Constant(pe.F32, 0)).LoadDSDs()
		chunk.FMov(t, target.All(), pe.Constant(pe.F32, 0)).LoadDSDs()
	} else {
		chunk.FMov(t, next.All(), top.All()).LoadDSDs()
		chunk.FMax(1, next.again(t), z.All(), next.again(t)).Count(r.elements).LoadDSDs()
		chunk.FSub(t, e.All(), top.All(), next.All()).LoadDSDs()
		chunk.Special(pe.FExp, t, e.All(), e.All()).LoadDSDs()
		chunk.FMul(t, sum.All(), sum.All(), e.All()).LoadDSDs()
		chunk.FMov(t, top.All(), next.All()).LoadDSDs()
	}
	JumpIf(chunk, f, pe.GE, r.features, "end")
	chunk.Label("feature")
	chunk.FSub(t, e.All(), z.next(f, t), top.All())
	chunk.Special(pe.FExp, t, e.All(), e.All())
	chunk.FAdd(t, sum.All(), sum.All(), e.All())
	JumpIf(chunk, f, pe.LT, r.features, "feature")
	chunk.Label("end")

	pick.Label("token")
	r.find(pick)
	Calc(pick, pe.IMul, r.id, r.id, run)
	Calc(pick, pe.IAdd, r.id, r.id, r.i)
	pick.Read(r.v, word(z, r.id))
	Calc(pick, pe.IMul, r.out, r.out, drop.Base-target.Base)
	Calc(pick, pe.IAdd, r.out, r.out, r.i)
	pick.Write(word(target, r.out), r.v)
	pick.Add(r.i, pe.F32.Words(), 0)
	JumpIf(pick, r.i, pe.LT, run, "token")
	pick.Halt()

	r.route(b, s, k.Logits, groups, rows)
	return b.Build()
}
