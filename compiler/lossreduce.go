package compiler

import "cs2sim.dev/pe"

// Name is the kernel's word in tables and traces.
func (k *LossReduce) Name() string { return "loss reduce" }

// Scratch is what the kernel needs beside its tiles.
func (k *LossReduce) Scratch(s *Space) Scratch {
	run := s.Tokens * pe.F32.Words()
	return Scratch{T: run, S: 3*run + pe.F32.Words()}
}

// Layout is the program of the first rows PE rows of the first groups token groups. In[g]
// brings each row of group g the weights of its tokens, for all PEs of the row. The last
// column, with which the sums over the row end, weighs the losses and adds them up; Out[g]
// takes the group's.
func (k *LossReduce) Layout(s *Space, groups, rows int) (*Layout, error) {
	b := stepLayout(k, s, groups, rows)
	b.use(rowBlocks, "row blocks", "a value per token for all PEs of a row; switch positions")
	b.routeBlocks(rowBlocks, s, groups, rows, true)
	b.routeRow(s, groups, rows)
	var last []int
	for g := range groups {
		last = append(last, (g+1)*s.Columns-1)
	}
	b.routeUp(last, rows)
	type seats struct{ row, column seat }
	roles := map[seats]*Role{}
	for y := range rows {
		for x := range groups * s.Columns {
			p := seats{row: s.columnSeat(x % s.Columns)}
			if p.row.last {
				p.column = rowSeat(y, rows)
			}
			if roles[p] == nil {
				roles[p] = k.role(b, s, p.row, p.column)
			}
			b.Place(roles[p], At(x, y))
		}
	}
	return b.Build()
}

func (k *LossReduce) role(b *Builder, s *Space, row, column seat) *Role {
	t := s.Tokens
	run := t * pe.F32.Words()
	r := stepRole(b, s, "loss reduce "+row.String()+", "+column.String(), 1)
	top, sum, target := k.Max.array(r, t), k.Sum.array(r, t), k.Target.array(r, t)
	lse, weight := k.LSE.array(r, t), k.Weight.array(r, t)
	d := r.Fixed("difference", pe.F32, k.at.T, t)
	most := r.Fixed("row maximum", pe.F32, k.at.S, t)
	sums := r.Fixed("sum and target", pe.F32, k.at.S+run, 2*t)
	loss := r.Fixed("loss", pe.F32, k.at.S+3*run, 1)

	reduce := r.Local("reduce")
	weights := r.Control("weights", rowBlocks, CommandEnd).Awaited(pe.WaitWeight)
	r.Start(reduce)

	reduce.FMov(t, weight.All(), pe.In(pe.F32, rowBlocks)).On(1).As(pe.Compute, pe.WaitWeight).LoadDSDs()
	reduce.passOn(row, rowEast, pe.FMax, t, most.All(), top.All())
	reduce.spread(row, t, most.All())
	reduce.FSub(t, d.All(), top.All(), most.All()).LoadDSDs()
	reduce.Special(pe.FExp, t, d.All(), d.All()).LoadDSDs()
	reduce.FMul(t, sums.All(), sum.All(), d.All()).LoadDSDs()
	reduce.FMov(t, sums.From(t), target.All()).LoadDSDs()
	reduce.rowTotal(row, pe.FAdd, 2*t, sums.All())
	if row.last {
		reduce.Special(pe.FLog, t, lse.All(), sums.All()).LoadDSDs()
		reduce.FAdd(t, lse.All(), lse.All(), most.All()).LoadDSDs()
	}
	reduce.spread(row, t, lse.All())

	if row.last {
		weights.FSub(t, d.All(), lse.All(), sums.From(t)).LoadDSDs()
		weights.FMov(1, loss.All(), pe.Constant(pe.F32, 0)).LoadDSDs()
		weights.FMac(t, loss.Acc(0), d.All(), weight.All()).LoadDSDs()
		weights.passOn(column, gradNorth, pe.FAdd, 1, pe.Operand{}, loss.All())
	}
	weights.Halt()
	return r
}
