package runtime

import "cs2sim.dev/compiler"

// UpdateTail is how many cycles MemoryX is still busy with AdamW after the last gradient of an
// update arrived; r is the update's last micro-batch. MemoryX updates a tensor once its gradient is
// complete, one after the other, at the rate of its memory: weight and two moments read and
// written and the gradient read, fp32. The embedding's gradient is complete only after the last phase.
func (r *StepReport) UpdateTail(embedding int64) int64 {
	const bytesPerWeight = 7 * 4
	target := r.Step.Space.Target
	perWeight := bytesPerWeight * target.Get("clock_hz") / target.Get("memoryx_bytes_per_second")
	var now, free float64
	for i, p := range r.Phases {
		now += float64(p.Cycles + r.Switch)
		if g, ok := r.Step.Phases[i].Kernel.(*compiler.WeightGrad); ok && g.Param != "wte" {
			free = max(free, now) + perWeight*float64(p.EdgeOut)/float64(r.Step.Space.Groups)
		}
	}
	free = max(free, now) + perWeight*float64(embedding)
	return int64(free - now)
}
