package runtime

import (
	"context"

	"cs2sim.dev/compiler"
)

func attentionCycles(ctx context.Context, k compiler.Kernel, s *compiler.Space) (*PhaseReport, error) {
	panic("")
}
