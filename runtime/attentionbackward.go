package runtime

import (
	"context"

	"cs2sim.dev/compiler"
)

// attentionBackward is the phase of compiler.AttentionBackward. MemoryX has no part in it.
type attentionBackward struct {
	space  *compiler.Space
	kernel *compiler.AttentionBackward
}

func (a *attentionBackward) feed(*compiler.Layout)    {}
func (a *attentionBackward) collect([]EdgeData) error { return nil }

func (a *attentionBackward) cycles(ctx context.Context) (*PhaseReport, error) {
	return attentionCycles(ctx, a.kernel, a.space, a.kernel.FreeRows(a.space))
}

// values does all heads of all sequences.
func (a *attentionBackward) values(h *Host) error {
	k, all := a.kernel, h.heads()
	for i := range all {
		all[i].Q, all[i].K, all[i].V = h.headView(k.Q, i), h.headView(k.K, i), h.headView(k.V, i)
		all[i].O, all[i].LSE, all[i].DO = h.headView(k.O, i), h.headView(k.LSE, i), h.headView(k.DO, i)
		all[i].DQ, all[i].DK, all[i].DV = h.headView(k.DQ, i), h.headView(k.DK, i), h.headView(k.DV, i)
	}
	h.attention().Backward(all)
	return nil
}
