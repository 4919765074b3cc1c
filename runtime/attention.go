package runtime

import (
	"context"

	"cs2sim.dev/compiler"
)

// attention is the phase of compiler.Attention. MemoryX has no part in it.
type attention struct {
	space  *compiler.Space
	kernel *compiler.Attention
}

func (a *attention) feed(*compiler.Layout)    {}
func (a *attention) collect([]EdgeData) error { return nil }

func (a *attention) cycles(ctx context.Context) (*PhaseReport, error) {
	return attentionCycles(ctx, a.kernel, a.space, a.space.SeqRows)
}

// values does all heads of all sequences.
func (a *attention) values(h *Host) error {
	k, all := a.kernel, h.heads()
	for i := range all {
		all[i].Q, all[i].K, all[i].V = h.headView(k.Q, i), h.headView(k.K, i), h.headView(k.V, i)
		all[i].O, all[i].LSE = h.headView(k.O, i), h.headView(k.LSE, i)
	}
	h.attention().Forward(all)
	return nil
}
