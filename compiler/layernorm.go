package compiler

import (
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// Name is the kernel's word in tables and traces.
func (k *LayerNorm) Name() string { return "layernorm" }

// Scratch is what the kernel needs beside its tiles: a sum and a centred value per token.
func (k *LayerNorm) Scratch(s *Space) Scratch {
	run := s.Tokens * pe.F32.Words()
	return Scratch{T: run, S: run}
}

// Layout is the program of the first rows PE rows of the first groups token groups.
//
// The variance is taken about the mean in a second pass, as the reference does: the mean
// square less the squared mean would save one sum over the row, which is a few hundred cycles
// in a step of millions, and cancel where the mean is large.
func (k *LayerNorm) Layout(s *Space, groups, rows int) (*Layout, error) {
	b := stepLayout(k, s, groups, rows)
	b.routeDown(weightColor, s, groups, rows)
	b.routeRow(s, groups, rows)
	roles := map[seat]*columnRole{}
	for x := range groups * s.Columns {
		c := x % s.Columns
		p := s.columnSeat(c)
		if roles[p] == nil {
			roles[p] = k.role(b, s, p)
		}
		roles[p].place(b, Area{x, 0, x + 1, rows}, k.X.Features(c), s.Tokens)
	}
	return b.Build()
}

// columnRole is a role whose loops run over the column's own features.
type columnRole struct {
	*Role
	features, elements Reg
}

// newColumnRole starts one; its parameters are set by place.
func newColumnRole(b *Builder, s *Space, name string, threads ...int) *columnRole {
	r := &columnRole{Role: stepRole(b, s, name, threads...)}
	r.features, r.elements = r.Reg("features", 0), r.Reg("elements", 0)
	return r
}

func (r *columnRole) place(b *Builder, a Area, features, tokens int) {
	b.Place(r.Role, a)
	b.Param(a, r.features, features)
	b.Param(a, r.elements, features*tokens)
}

func (k *LayerNorm) role(b *Builder, s *Space, p seat) *columnRole {
	t, n := s.Tokens, float32(k.X.Total())
	r := newColumnRole(b, s, "layernorm "+p.String())
	f := r.Reg("feature", 0)
	x, y := k.X.array(r.Role, t), k.Y.array(r.Role, t)
	mean, rstd := k.Mean.array(r.Role, t), k.RStd.array(r.Role, t)
	sum, d := r.Fixed("sum", pe.F32, k.at.S, t), r.Fixed("centred", pe.F32, k.at.T, t)
	zero, share := pe.Constant(pe.F32, 0), pe.Constant(pe.F32, 1/n)

	stats := r.Local("statistics")
	gain, bias := r.parameter("gain", s), r.parameter("bias", s)
	end := r.Control("end", weightColor, CommandEnd)
	r.Start(stats)

	stats.Block(gain)
	stats.Block(bias)
	stats.FMov(t, sum.All(), zero).LoadDSDs()
	stats.FMac(1, sum.again(t), x.All(), pe.Constant(x.Type, 1)).Count(r.elements).LoadDSDs()
	stats.rowTotal(p, pe.FAdd, t, sum.All())
	if p.last {
		stats.FMul(t, mean.All(), sum.All(), share).LoadDSDs()
	}
	stats.spread(p, t, mean.All())
	stats.FMov(t, sum.All(), zero).LoadDSDs()
	stats.Label("feature")
	stats.FSub(t, d.All(), x.next(f, t), mean.All())
	stats.FMac(t, sum.All(), d.All(), d.All())
	JumpIf(stats, f, pe.LT, r.features, "feature")
	stats.rowTotal(p, pe.FAdd, t, sum.All())
	if p.last {
		stats.FMul(t, sum.All(), sum.All(), share).LoadDSDs()
		stats.FAdd(t, sum.All(), sum.All(), pe.Constant(pe.F32, model.LayerNormEpsilon)).LoadDSDs()
		stats.Special(pe.FRSqrt, t, rstd.All(), sum.All()).LoadDSDs()
	}
	stats.spread(p, t, rstd.All())
	stats.Unblock(gain)

	gain.FSub(t, d.All(), x.By(Index, t), mean.All())
	gain.FMul(t, d.All(), d.All(), rstd.All())
	gain.FMul(t, d.All(), d.All(), weightValue(s))
	gain.Block(gain)
	gain.Unblock(bias)

	bias.FAdd(t, y.By(Index, t), d.All(), weightValue(s))
	bias.Block(bias)
	bias.Unblock(gain)

	end.Halt()
	return r
}
