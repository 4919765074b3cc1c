package runtime

import (
	"context"
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// lossChunk runs compiler.LossChunk.
type lossChunk struct {
	m *Store
	k *compiler.LossChunk
}

// targetFeatures is, for token i of row y in group g, the feature of a chunk's logits that is its
// target; the number of features if none is, or the token has no weight.
func (m *Store) targetFeatures(logits *compiler.Tile, rows []int) func(g, y, i int) int {
	feature := make([]int, m.Space.Model.Vocabulary)
	for v := range feature {
		feature[v] = v
		if rows != nil {
			feature[v] = logits.Total()
		}
	}
	for j, v := range rows {
		feature[v] = j
	}
	return func(g, y, i int) int {
		n, pos, ok := m.at(g, y, i)
		if !ok || m.weight(n, pos) == 0 {
			return logits.Total()
		}
		return feature[m.Batch.Targets[n*m.Batch.T+pos]]
	}
}

// weight is a token's weight in the loss.
func (m *Store) weight(n, pos int) float32 {
	if m.Batch.Weights == nil {
		return 1
	}
	return m.Batch.Weights[n*m.Batch.T+pos]
}

// rowBlocks feeds every row of every group a word per token.
func (m *Store) rowBlocks(l *compiler.Layout, word func(g, y, i int) uint32) {
	for g := range l.In {
		for y := range l.Height {
			for i := range m.Space.Tokens {
				l.In[g].List = append(l.In[g].List, fabric.Wavelet{Data: word(g, y, i)})
			}
			l.In[g].List = append(l.In[g].List, blockEnd())
		}
	}
}

func (m *Store) feedTargets(l *compiler.Layout, logits *compiler.Tile, rows []int) {
	target := m.targetFeatures(logits, rows)
	m.rowBlocks(l, func(g, y, i int) uint32 { return uint32(target(g, y, i)) })
}

// eachTarget visits the tokens whose target is in a chunk: its feature there, its column, and
// the token's place.
func (m *Store) eachTarget(logits *compiler.Tile, rows []int, visit func(f, c, at int)) {
	target := m.targetFeatures(logits, rows)
	column := make([]int, 0, logits.Total())
	for c := range m.Space.Columns {
		for range logits.Features(c) {
			column = append(column, c)
		}
	}
	for n := range m.Batch.B {
		for pos := range m.Batch.T {
			g, y, i := m.Space.Place(n, pos)
			if f := target(g, y, i); f < logits.Total() {
				visit(f, column[f], m.Space.HostIndex(g, i, y))
			}
		}
	}
}

func (l *lossChunk) feed(layout *compiler.Layout) { l.m.feedTargets(layout, l.k.Logits, l.k.Rows) }
func (l *lossChunk) collect([]EdgeData) error     { return nil }

func (l *lossChunk) values(h *Host) error {
	k, T := l.k, l.m.Space.HostTokens()
	z, on := h.Tensor(k.Logits), h.vectors
	allTop, allSum, allTarget := h.Tensor(k.Max), h.Tensor(k.Sum), h.Tensor(k.Target)
	on.DoWith(l.m.Space.Columns, 2*T, func(c int, tmp []float32) {
		next, e := tmp[:T], tmp[T:]
		top, sum := allTop[c*T:(c+1)*T], allSum[c*T:(c+1)*T]
		if k.First {
			for i := range top {
				top[i], sum[i] = -math.MaxFloat32, 0
			}
			clear(allTarget[c*T : (c+1)*T])
		}
		copy(next, top)
		first, n := k.Logits.First(c), k.Logits.Features(c)
		for f := first; f < first+n; f++ {
			on.Max(next, z[f*T:(f+1)*T], next)
		}
		if !k.First {
			on.ExpOfDifference(e, top, next, 1)
			on.Mul(sum, sum, e)
		}
		copy(top, next)
		for f := first; f < first+n; f++ {
			on.ExpOfDifference(e, z[f*T:(f+1)*T], top, 1)
			on.Add(sum, sum, e)
		}
	})
	l.m.eachTarget(k.Logits, k.Rows, func(f, c, at int) { allTarget[c*T+at] = z[f*T+at] })
	return nil
}

func (l *lossChunk) cycles(ctx context.Context) (*PhaseReport, error) {
	return newFolding(l.m.Space, l.k, l).rowByRow(ctx)
}
