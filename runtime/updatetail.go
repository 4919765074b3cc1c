package runtime

import "cs2sim.dev/compiler"

// AdamWeightCycles is how long MemoryX updates one weight with AdamW, at the rate of its memory: weight
// and two moments read and written and the gradient read, fp32.
func AdamWeightCycles(t compiler.Target) float64 {
	const bytesPerWeight = 7 * 4
	return bytesPerWeight * t.Get("clock_hz") / t.Get("memoryx_bytes_per_second")
}

// UpdateTail is how many cycles MemoryX is still busy with AdamW after the last gradient of an
// update arrived; r is the update's last micro-batch. MemoryX updates a tensor once its gradient is
// complete, one after the other. The gradients of the embedding's two tables are complete only after the last
// phase; backlog is how long the other tensors take from then on.
func (r *StepReport) UpdateTail(embedding int64) (tail, backlog int64) {
	perWeight := AdamWeightCycles(r.Step.Space.Target)
	var now, free float64
	for i, p := range r.Phases {
		now += float64(p.Cycles + r.Switch)
		if g, ok := r.Step.Phases[i].Kernel.(*compiler.WeightGrad); ok && g.Param != "wte" {
			free = max(free, now) + perWeight*float64(p.EdgeOut)/float64(r.Step.Space.Groups)
		}
	}
	free = max(free, now)
	return int64(free + perWeight*float64(embedding) - now), int64(free - now)
}
