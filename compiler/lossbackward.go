package compiler

import "cs2sim.dev/pe"

// Name is the kernel's word in tables and traces.
func (k *LossBackward) Name() string { return "loss backward" }

// Scratch is what the kernel needs beside its tiles: the row's targets and an exponential per
// token; the deltas of the targets, and a place for what is not kept.
func (k *LossBackward) Scratch(s *Space) Scratch {
	return Scratch{T: 2 * s.Tokens * pe.F32.Words(), S: (s.Tokens + 1) * k.DLogits.Type.Words()}
}

// Layout is the program of the first rows PE rows of the first groups token groups. The deltas
// are made as if no logit were a target; those that are get theirs once the targets came.
func (k *LossBackward) Layout(s *Space, groups, rows int) (*Layout, error) {
	b, t := stepLayout(k, s, groups, rows), s.Tokens
	wide, width := pe.F32.Words(), k.DLogits.Type.Words()
	r := newTargets(b, s, "loss backward", k.at.T)
	f, j := r.Reg("feature", 0), r.Reg("delta", 0)
	z, d := k.Logits.array(r.Role, t), k.DLogits.array(r.Role, t)
	lse, weight := k.LSE.array(r.Role, t), k.Weight.array(r.Role, t)
	e := r.Fixed("exponential", pe.F32, k.at.T+t*wide, t)
	deltas := r.Fixed("deltas of targets", d.Type, k.at.S, t)
	drop := r.Fixed("dropped", d.Type, k.at.S+t*width, 1)

	all := r.Local("deltas")
	fix := r.Control("targets", rowBlocks, CommandEnd).Awaited(pe.WaitWeight)
	r.Start(all)

	r.receive(all, s)
	JumpIf(all, f, pe.GE, r.features, "end")
	all.Label("feature")
	all.FSub(t, e.All(), z.By(f, t), lse.All())
	all.Special(pe.FExp, t, e.All(), e.All())
	all.FMul(t, d.By(f, t), e.All(), weight.All())
	all.Add(f, 1, 0)
	JumpIf(all, f, pe.LT, r.features, "feature")
	all.Label("end")

	// The logits of the targets side by side; in place of each target, where its delta goes.
	fix.Label("gather")
	r.find(fix)
	Calc(fix, pe.IMul, r.v, r.id, t*wide)
	Calc(fix, pe.IAdd, r.v, r.v, r.i)
	fix.Read(r.v, word(z, r.v))
	fix.Write(word(e, r.i), r.v)
	Calc(fix, pe.IMul, r.id, r.id, t*width)
	Calc(fix, pe.IAdd, r.id, r.id, j)
	Calc(fix, pe.And, r.id, r.id, r.in)
	Calc(fix, pe.IMul, r.out, r.out, drop.Base-d.Base)
	Calc(fix, pe.IAdd, r.id, r.id, r.out)
	fix.Write(word(r.ids, r.i), r.id)
	fix.Add(r.i, wide, 0)
	fix.Add(j, width, 0)
	JumpIf(fix, r.i, pe.LT, t*wide, "gather")
	fix.FSub(t, e.All(), e.All(), lse.All()).LoadDSDs()
	fix.Special(pe.FExp, t, e.All(), e.All()).LoadDSDs()
	fix.FSub(t, e.All(), e.All(), pe.Constant(pe.F32, 1)).LoadDSDs()
	fix.FMul(t, deltas.All(), e.All(), weight.All()).LoadDSDs()
	Mov(fix, r.i, 0)
	Mov(fix, j, 0)
	fix.Label("scatter")
	fix.Read(r.id, word(r.ids, r.i))
	fix.Read(r.v, word(deltas, j))
	fix.Write(word(d, r.id), r.v)
	fix.Add(r.i, wide, 0)
	fix.Add(j, width, 0)
	JumpIf(fix, r.i, pe.LT, t*wide, "scatter")
	fix.Halt()

	r.route(b, s, k.Logits, groups, rows)
	return b.Build()
}
