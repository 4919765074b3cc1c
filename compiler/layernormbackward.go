package compiler

import "cs2sim.dev/pe"

// Name is the kernel's word in tables and traces.
func (k *LayerNormBackward) Name() string { return "layernorm backward" }

// Scratch is what the kernel needs beside its tiles.
func (k *LayerNormBackward) Scratch(s *Space) Scratch {
	run := s.Tokens * pe.F32.Words()
	return Scratch{T: run, S: 3*run + 2*widest(k.X.Bounds)*pe.F32.Words() + s.Tokens*s.Type().Words()}
}

// CommandReduce ends the first stream of gains: the sums over features are complete.
const CommandReduce = 1

// Layout is the program of the first rows PE rows of the first groups token groups.
//
// The gains stream in twice. The first time they make, with n the normalised x, the sums over
// features of dy*gain and dy*gain*n, and the PE's part of the gradients of gain and bias, which
// a microthread then passes up the column. The second time they make dx.
func (k *LayerNormBackward) Layout(s *Space, groups, rows int) (*Layout, error) {
	b := stepLayout(k, s, groups, rows)
	b.routeDown(weightColor, s, groups, rows)
	b.routeRow(s, groups, rows)
	var all []int
	for x := range groups * s.Columns {
		all = append(all, x)
	}
	b.routeUp(all, rows)
	type seats struct{ row, column seat }
	roles := map[seats]*normBackwardRole{}
	for y := range rows {
		for x := range groups * s.Columns {
			c := x % s.Columns
			p := seats{s.columnSeat(c), rowSeat(y, rows)}
			if roles[p] == nil {
				roles[p] = k.role(b, s, p.row, p.column)
			}
			n := k.X.Features(c)
			roles[p].place(b, At(x, y), n, s.Tokens)
			b.Param(At(x, y), roles[p].sums, 2*n)
			b.Param(At(x, y), roles[p].zeros, 2*s.Tokens+2*n)
		}
	}
	return b.Build()
}

type normBackwardRole struct {
	*columnRole
	sums, zeros Reg
}

func (k *LayerNormBackward) role(b *Builder, s *Space, row, column seat) *normBackwardRole {
	t, n := s.Tokens, k.X.Total()
	r := &normBackwardRole{columnRole: newColumnRole(b, s, "layernorm backward "+row.String()+", "+column.String(), 1)}
	r.sums, r.zeros = r.Reg("gradients", 0), r.Reg("zeros", 0)
	x, dy, dx := k.X.array(r.Role, t), k.DY.array(r.Role, t), k.DX.array(r.Role, t)
	mean, rstd := k.Mean.array(r.Role, t), k.RStd.array(r.Role, t)
	run, wide := t*pe.F32.Words(), 2*widest(k.X.Bounds)
	d := r.Fixed("centred", pe.F32, k.at.T, t)
	means := r.Fixed("row sums", pe.F32, k.at.S, 2*t) // of dy*gain, then of dy*gain*n
	grads := r.Fixed("gradient sums", pe.F32, k.at.S+2*run, wide)
	u := r.Fixed("normalised", pe.F32, grads.Base+grads.Words, t)
	delta := r.Fixed("delta", dx.Type, u.Base+u.Words, t)
	unit := pe.Constant(dy.Type, 1)
	gain := weightValue(s)

	begin := r.Local("begin")
	sums, deltas := r.parameter("gain for sums", s), r.parameter("gain for delta", s)
	reduce := r.Control("reduce", weightColor, CommandReduce)
	end := r.Control("end", weightColor, CommandEnd)
	r.Start(begin)

	begin.Block(deltas)
	begin.FMov(1, means.All(), pe.Constant(pe.F32, 0)).Count(r.zeros).LoadDSDs() // and the gradients behind

	of := func(a Array) pe.Operand { return a.By(Index, t) }
	gradient := func(i int) pe.Operand {
		o := grads.From(i)
		o.Reg, o.Scale, o.Fixed = int(Index), 2*pe.F32.Words(), true
		return o
	}
	sums.FSub(t, d.All(), of(x), mean.All())
	sums.FMul(t, u.All(), d.All(), rstd.All())
	sums.FMac(t, means.All(), of(dy), gain)
	sums.FMul(t, d.All(), u.All(), of(dy))
	sums.FMac(t, means.From(t), d.All(), gain)
	sums.FMac(t, gradient(0), d.All(), pe.Constant(pe.F32, 1))
	sums.FMac(t, gradient(1), of(dy), unit)

	reduce.passOn(column, gradNorth, pe.FAdd, 1, pe.Operand{}, grads.All()).Count(r.sums).On(1).First()
	reduce.rowTotal(row, pe.FAdd, 2*t, means.All())
	if row.last {
		reduce.FMul(2*t, means.All(), means.All(), pe.Constant(pe.F32, 1/float32(n))).LoadDSDs()
	}
	reduce.spread(row, 2*t, means.All())
	// dx = dy*gain*rstd - rstd*mean(dy*gain) - (x-mean)*rstd^2*mean(dy*gain*n): what depends on the
	// token alone is multiplied once.
	reduce.FMul(2*t, means.All(), means.All(), rstd.again(t)).LoadDSDs()
	reduce.FMul(t, means.From(t), means.From(t), rstd.All()).LoadDSDs()
	reduce.Block(sums)
	reduce.Unblock(deltas)

	deltas.FSub(t, d.All(), of(x), mean.All())
	deltas.FMul(t, u.All(), d.All(), means.From(t))
	deltas.FMul(t, d.All(), of(dy), gain)
	deltas.FMul(t, d.All(), d.All(), rstd.All())
	deltas.FSub(t, d.All(), d.All(), means.All())
	if k.Add == nil {
		deltas.FSub(t, of(dx), d.All(), u.All())
	} else {
		add := k.Add.array(r.Role, t)
		deltas.FSub(t, delta.All(), d.All(), u.All())
		deltas.FAdd(t, of(dx), of(add), delta.All())
	}

	end.Halt()
	return r
}
