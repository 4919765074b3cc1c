package compiler

import (
	"fmt"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// place gives every PE its code. It depends on the parity of the row, on whether there is a
// row south of it, and on whether the column has a turn on the bus, and another's follows.
func (k *WeightGrad) place(b *Builder, s *Space, groups, rows int) {
	type kind struct {
		odd, bottom, sends, last bool
	}
	roles := map[kind]*gradientRole{}
	sent, _ := k.Sides()
	for y := range rows {
		for c := range s.Columns {
			is := kind{y%2 == 1, y == rows-1, c < k.Senders(), c == k.Senders()-1}
			r, ok := roles[is]
			if !ok {
				r = k.role(b, s, y, is.bottom, is.sends, is.last)
				roles[is] = r
			}
			for g := range groups {
				at := At(g*s.Columns+c, y)
				b.Place(r.Role, at)
				if is.sends {
					b.Param(at, r.block, sent.Features(c)*s.Tokens-1)
				}
			}
		}
	}
}

// gradientRole is one role's registers and arrays.
type gradientRole struct {
	*Role
	block Reg // values this PE sends, less one
	slot  Reg // received feature in use
	row   Reg // first place of the sums of that feature

	received, sums Array
}

func (k *WeightGrad) role(b *Builder, s *Space, y int, bottom, sends, last bool) *gradientRole {
	t, ahead := s.Tokens, k.Ahead()
	sent, own := k.Sides()
	r := &gradientRole{Role: stepRole(b, s, fmt.Sprintf("weight gradient %d", len(b.roles)), ahead, 3, sumSlots-1)}
	x, a := sent.array(r.Role, t), own.array(r.Role, t)
	r.received = r.Fixed("received features", sent.Type, k.at.S, (ahead+1)*t)
	r.sums = r.Fixed("sums", pe.F32, k.at.S+(ahead+1)*sent.RunWords(t), k.SumPlaces())
	r.block, r.slot, r.row = r.Reg("block", 0), r.Reg("slot", 0), r.Reg("row", 0)

	position := r.Data("position", gradPositions).Triggered()
	sum := r.sums.By(Value, 1)
	sum.Fixed = true
	position.FMac(t, sum, a.By(Index, t), r.received.By(r.slot, t)).NewSum()

	begin := r.Control("begin", gradPositions, GradBegin)
	if sends {
		k.send(begin, r, x, last, s)
	}
	begin.Label("receive")
	r.receive(begin, t, ahead)
	JumpIf(begin, r.slot, pe.NE, 0, "receive")

	for order := GradSend; order < gradientOrders; order++ {
		task := r.Control(orderName(order), gradPositions, order)
		if order < GradNone {
			r.forward(task, gradientColor(y), bottom, y)
			task.Add(r.row, k.SumRow(), k.SumPlaces())
		}
		switch order {
		case GradSend, GradNone:
			r.receive(task, t, ahead)
		case GradSendTail, GradNoneTail:
			// Room on the thread says that the next feature is there, with nothing more to receive as well.
			task.FMov(1, r.received.By(r.slot, t), r.received.By(r.slot, t)).On(threadReceive).First().As(pe.RingAdd, pe.WaitPsum)
			task.Add(r.slot, 1, ahead+1)
		default:
			task.Halt()
		}
	}
	return r
}

func orderName(order uint16) string {
	return [gradientOrders]string{"begin", "row", "row, tail", "row, last", "empty row", "empty row, tail", "empty row, last"}[order]
}

// send puts the PE's features on the bus, and with the last value the next column's turn.
func (k *WeightGrad) send(t *Task, r *gradientRole, x Array, last bool, s *Space) {
	out := func(n int, from pe.Operand) *Instr {
		return t.FMov(n, pe.Out(x.Type, rowBus), from).On(threadBus).First().As(pe.RingAdd, pe.WaitPsum)
	}
	out(1, x.All()).Count(r.block)
	end := out(1, x.By(r.block, 1))
	switch {
	case !last:
		end.AsControl(fabric.SwitchAdvance, fabric.SwitchAdvance)
	case k.OnesRow():
		out(s.Tokens, k.Ones.array(r.Role, s.Tokens).All())
	}
}

// receive takes the next feature off the bus, into the place of the one just used. It waits
// until the thread has room: then the feature after the one just used is there.
func (r *gradientRole) receive(t *Task, tokens, ahead int) {
	t.FMov(tokens, r.received.By(r.slot, tokens), pe.In(r.received.Type, rowBus)).On(threadReceive).First().As(pe.RingAdd, pe.WaitPsum)
	t.Add(r.slot, 1, ahead+1)
}

// forward adds the sums of the row to those from the south, if there is a row, and sends them north.
func (r *gradientRole) forward(t *Task, c fabric.Color, bottom bool, y int) {
	out, own := pe.Out(pe.F32, c), r.sums.By(r.row, 1)
	if bottom {
		t.FMov(1, out, own).Count(Index).On(threadSums).First().As(pe.RingAdd, pe.WaitPsum)
		return
	}
	t.FAdd(1, out, pe.In(pe.F32, gradientColor(y+1)), own).Count(Index).On(threadSums).First().As(pe.RingAdd, pe.WaitPsum)
}
