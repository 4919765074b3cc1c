package train

import (
	"context"

	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// Engine computes a GPT with the parameters it was last handed. A call is for any number of
// sequences, of at most the model's length.
type Engine interface {
	// Load takes the parameters of all further calls. It is called again after every update.
	Load(p *model.Params) error
	// Loss is the weighted mean loss of a batch in nats. With grads it adds the gradients of the
	// loss times scale to them.
	Loss(ctx context.Context, b model.Batch, scale float32, grads []float32) (float32, Work, error)
	// Logits are those of the token after each sequence, [len(sequences)][vocabulary].
	Logits(ctx context.Context, sequences [][]int32) ([][]float32, Work, error)
}

// Work is what the wafer did for a call, or for many.
type Work struct {
	MicroBatches int64          `json:"micro_batches"`
	Cycles       int64          `json:"cycles"`        // one micro-batch after the other, and updates
	UpdateCycles int64          `json:"update_cycles"` // of Cycles: the wafer waits for MemoryX to finish AdamW
	FMACs        int64          `json:"fmacs"`         // of all PEs, padding included
	States       pe.StateCycles `json:"states"`        // of the PEs that hold tokens
}

// Add adds the work of a further call.
func (w *Work) Add(o Work) {
	w.MicroBatches += o.MicroBatches
	w.Cycles += o.Cycles
	w.UpdateCycles += o.UpdateCycles
	w.FMACs += o.FMACs
	w.States.Add(o.States, 1)
}

// Utilization is the share of cycles in FMAC steps, of the PEs that hold tokens; 0 without work.
func (w Work) Utilization() float64 {
	total := w.States.Total()
	if total == 0 {
		return 0
	}
	return float64(w.States[pe.Compute]) / float64(total)
}
