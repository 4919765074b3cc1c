package gpt

import "cs2sim.dev/sims"

// Exposed is the time of an update, in seconds, that its wafers would not need with links as fast
// as their edge, no way to MemoryX and an optimiser that takes no time.
type Exposed struct {
	Broadcast float64 // phases that wait for weights
	Reduction float64 // phases that wait to return gradients, and the tables of the embedding
	Latency   float64 // of the last gradient up and the first weight down
	Optimiser float64 // MemoryX after the last gradient
}

// All of it.
func (e Exposed) All() float64 { return e.Broadcast + e.Reduction + e.Latency + e.Optimiser }

// Exposed parts of the update.
func (u *Update) Exposed() Exposed {
	clock, steps := u.Machine.Get("clock_hz"), float64(u.MicroSteps)
	return Exposed{
		Broadcast: steps * float64(u.Step.BroadcastWait) / clock,
		Reduction: (steps*float64(u.Step.ReductionWait) + u.Turnaround.Reduction) / clock,
		Latency:   u.Turnaround.Latency / clock,
		Optimiser: float64(u.Step.Tail) / clock,
	}
}

const bytesPerWavelet = 4

// Traffic is the bytes of an update between MemoryX and its systems. Nodes copy on the way down and add
// on the way up: MemoryX's link carries what the fullest system's does, not what all of theirs do.
type Traffic struct {
	Down, Up               int64 // over MemoryX's link
	SystemsDown, SystemsUp int64 // over the links of all systems
}

// Traffic of the update: the weights of every micro-batch and its gradients; on several systems the
// tables of the embedding, whose rows then come from beside each system, once each way.
func (u *Update) Traffic() Traffic {
	in, out := u.Step.shared()
	tables := int64(0)
	if u.Systems > 1 {
		tables = bytesPerWavelet * u.Step.Tables
	}
	return Traffic{
		Down: bytesPerWavelet*in*int64(u.MicroSteps) + tables, Up: bytesPerWavelet*out*int64(u.MicroSteps) + tables,
		SystemsDown: bytesPerWavelet*in*u.AllSteps + int64(u.Systems)*tables,
		SystemsUp:   bytesPerWavelet*out*u.AllSteps + int64(u.Systems)*tables,
	}
}

// swarmxTable is what the way between MemoryX and its systems carries and costs.
func swarmxTable(all []scaled) sims.Table {
	t := sims.Table{Name: "swarmx", Title: "the way between MemoryX and its systems, per update", Columns: []sims.Column{
		text("model", "model"),
		number("sparsity", "sparsity", "", "%.2f"),
		text("scaling", "scaling"),
		number("systems", "systems", "", "%.0f"),
		number("levels", "levels", "", "%.0f"),
		number("nodes", "nodes", "", "%.0f"),
		number("micro_steps", "micro steps", "of the fullest", "%.0f"),
		number("all_micro_steps", "micro steps", "of all", "%.0f"),
		number("down_bytes", "down", "bytes", "%.4g"),
		number("up_bytes", "up", "bytes", "%.4g"),
		number("systems_down_bytes", "to all systems", "bytes", "%.4g"),
		number("systems_up_bytes", "from all systems", "bytes", "%.4g"),
		number("down_percent", "link down", "%", "%.1f"), // of the slowest link on the way
		number("up_percent", "link up", "%", "%.1f"),
		number("broadcast_seconds", "broadcast", "s exposed", "%.4g"),
		number("reduction_seconds", "reduction", "s exposed", "%.4g"),
		number("latency_seconds", "latency", "s exposed", "%.4g"),
		number("optimiser_seconds", "optimiser", "s exposed", "%.4g"),
		number("update_seconds", "update", "s", "%.4g"),
	}}
	for _, o := range all {
		u := o.Update
		nodes := 0
		for _, n := range u.Tree.Nodes {
			nodes += n
		}
		x, e := u.Traffic(), u.Exposed()
		share := func(bytes int64) float64 {
			return 100 * float64(bytes) / bytesPerWavelet / (u.Machine.StreamRate(u.Systems) * float64(u.Cycles))
		}
		t.Rows = append(t.Rows, []any{
			o.Model.Name, o.Sparsity, o.kind, float64(u.Systems), float64(u.Tree.Levels()), float64(nodes), float64(u.MicroSteps), float64(u.AllSteps),
			float64(x.Down), float64(x.Up), float64(x.SystemsDown), float64(x.SystemsUp), share(x.Down), share(x.Up),
			e.Broadcast, e.Reduction, e.Latency, e.Optimiser, u.Seconds,
		})
	}
	return t
}
