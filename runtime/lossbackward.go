package runtime

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// lossBackward runs compiler.LossBackward.
type lossBackward struct {
	m *Store
	k *compiler.LossBackward
}

func (l *lossBackward) feed(layout *compiler.Layout) { l.m.feedTargets(layout, l.k.Logits, l.k.Rows) }
func (l *lossBackward) collect([]EdgeData) error     { return nil }

func (l *lossBackward) values(h *Host) error {
	k, T := l.k, l.m.Space.HostTokens()
	z, d := h.Tensor(k.Logits), h.Tensor(k.DLogits)
	lse, weight := h.Tensor(k.LSE)[:T], h.Tensor(k.Weight)[:T]
	on := h.vectors
	on.each(k.Logits.Total(), func(f int) {
		df := d[f*T : (f+1)*T]
		on.ExpOfDifference(df, z[f*T:(f+1)*T], lse, 1)
		on.Mul(df, df, weight)
		on.store(k.DLogits.Type, df)
	})
	l.m.eachTarget(k.Logits, k.Rows, func(f, _, at int) {
		p := pe.Exp(z[f*T+at]-lse[at]) - 1
		d[f*T+at] = pe.Round(k.DLogits.Type, float32(p*weight[at]))
	})
	return nil
}

func (l *lossBackward) cycles(ctx context.Context) (*PhaseReport, error) {
	return newFolding(l.m.Space, l.k, l).rowByRow(ctx)
}
