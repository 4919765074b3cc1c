package runtime

import (
	"context"
	"fmt"
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// lossReduce runs compiler.LossReduce.
type lossReduce struct {
	m *Store
	k *compiler.LossReduce
}

// coefficient is what MemoryX sends for a token: its weight over the total, times the loss scale.
func (l *lossReduce) coefficient() func(g, y, i int) float32 {
	b := l.m.Batch
	total := b.Total
	if total == 0 && b.B > 0 {
		total = b.SumWeights()
	}
	return func(g, y, i int) float32 {
		n, pos, ok := l.m.at(g, y, i)
		if !ok {
			return 0
		}
		return float32(float32(l.m.weight(n, pos)/total) * l.m.LossScale)
	}
}

func (l *lossReduce) feed(layout *compiler.Layout) {
	k := l.coefficient()
	l.m.rowBlocks(layout, func(g, y, i int) uint32 { return math.Float32bits(k(g, y, i)) })
}

// collect adds the groups' losses in ascending order.
func (l *lossReduce) collect(out []EdgeData) error {
	sum := float32(0)
	for _, o := range out {
		if len(o.Arrivals) != 1 {
			return fmt.Errorf("runtime: %s: %d losses, must be 1", o.Name, len(o.Arrivals))
		}
		sum += math.Float32frombits(o.Arrivals[0].Wavelet.Data)
	}
	l.m.Loss = sum / l.m.LossScale
	return nil
}

func (l *lossReduce) values(h *Host) error {
	s, k := l.m.Space, l.k
	T, rows := s.HostTokens(), s.Rows()
	top, sum, target := h.Tensor(k.Max), h.Tensor(k.Sum), h.Tensor(k.Target)
	most := append([]float32(nil), top[:T]...)
	on := h.vectors
	for c := 1; c < s.Columns; c++ {
		on.Max(most, most, top[c*T:(c+1)*T])
	}
	sums, logit, e := make([]float32, T), make([]float32, T), make([]float32, T)
	for c := range s.Columns {
		on.ExpOfDifference(e, top[c*T:(c+1)*T], most, 1)
		on.Mul(e, sum[c*T:(c+1)*T], e)
		if c == 0 {
			copy(sums, e)
			copy(logit, target[:T])
			continue
		}
		on.Add(sums, sums, e)
		on.Add(logit, logit, target[c*T:(c+1)*T])
	}
	lse, weight := sums, make([]float32, T)
	for i := range T {
		lse[i] = pe.Log(sums[i]) + most[i]
	}
	coefficient := l.coefficient()
	total := float32(0)
	own := make([]float32, rows)
	for g := range s.Groups {
		clear(own)
		for i := range s.Tokens {
			for y := range rows {
				at := s.HostIndex(g, i, y)
				weight[at] = coefficient(g, y, i)
				own[y] += float32((lse[at] - logit[at]) * weight[at])
			}
		}
		total += upColumn(own)
	}
	l.m.Loss = total / l.m.LossScale
	h.setRows(k.LSE, lse)
	h.setRows(k.Weight, weight)
	return nil
}

func (l *lossReduce) cycles(ctx context.Context) (*PhaseReport, error) {
	f := newFolding(l.m.Space, l.k, l)
	b, err := f.blocks(ctx)
	if err != nil {
		return nil, err
	}
	k := b.skew()
	rows := int64(f.s.Rows())
	link := newTurns(f.s.Target.IORate(), f.portCycles(), f.s.Groups, []int64{1})
	link.rested = 1
	p := f.unfold(k, max(k.end, k.chainEnd(f)+link.at(f.s.Groups-1, 0, 0))) // all groups' losses leave together
	b.count(p)
	p.EdgeOut = int64(f.s.Groups)
	// The last column's PEs wait for the chain after all else, the first row's longest.
	p.Grid.ShiftLast = make([]pe.StateCycles, rows)
	for y := range rows {
		waits := k.late[rows-1] - k.late[y] + (rows-1-y)*f.chainHop()
		wait(p.Grid.ShiftLast, int(y), waits, pe.WaitPsum)
	}
	return p, nil
}
