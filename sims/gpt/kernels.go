package gpt

import (
	"fmt"
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"cs2sim.dev/sims"
)

// kernelUse is all phases of a step that run one kernel on one operation in one pass.
type kernelUse struct {
	op, kernel string
	pass       compiler.Pass
	phases     int
	cycles     int64
	fmacs      int64
	in, out    int64
	states     pe.StateCycles
}

// uses of a step in the order of their first phase.
func (s *Step) uses() []*kernelUse {
	var all []*kernelUse
	at := map[string]*kernelUse{}
	for _, p := range s.Phases {
		key := fmt.Sprintf("%s|%s|%s", p.Op, p.Kernel, p.Pass)
		k, ok := at[key]
		if !ok {
			k = &kernelUse{op: p.Op, kernel: p.Kernel, pass: p.Pass}
			at[key] = k
			all = append(all, k)
		}
		k.phases++
		k.cycles += p.Cycles
		k.fmacs += p.FMACs
		k.in += p.EdgeIn
		k.out += p.EdgeOut
		k.states.Add(p.States, 1)
	}
	return all
}

// PassRecompute is the word of recomputed phases in the kernel table.
const PassRecompute = string(compiler.Recompute)

// linkFull is the share of the I/O rate from which on a kernel is bound by the link.
const linkFull = 0.9

// boundBy names what a kernel spends most of its PE-cycles on, or the I/O link if that is full.
func (k *kernelUse) boundBy(t compiler.Target) string {
	rate := t.IORate() * float64(k.cycles)
	if float64(k.in) > linkFull*rate || float64(k.out) > linkFull*rate {
		return "I/O link"
	}
	most := pe.Idle
	for _, st := range pe.States() {
		if k.states[st] > k.states[most] {
			most = st
		}
	}
	return map[pe.State]string{
		pe.Idle: "imbalance", pe.Compute: "datapath", pe.RingAdd: "ring adds", pe.Overhead: "instruction starts", pe.Conflict: "bank conflicts",
		pe.WaitWeight: "weights", pe.WaitPsum: "neighbours", pe.BlockedOut: "fabric",
	}[most]
}

// kernelTable is where the cycles of a micro-batch went by kernel, pre-training at every sparsity.
func kernelTable(all []Outcome) sims.Table {
	t := sims.Table{Name: "kernels", Title: "kernels of a micro-batch of pre-training", Columns: []sims.Column{
		text("model", "model"),
		number("systems", "systems", "", "%.0f"),
		number("sparsity", "sparsity", "", "%.2f"),
		text("op", "operation"),
		text("kernel", "kernel"),
		text("pass", "pass"),
		number("phases", "phases", "", "%.0f"),
		number("cycles", "cycles", "", "%.0f"),
		number("share_percent", "share", "%", "%.1f"),
		number("pe_utilization", "PE utilization", "", "%.3f"),
		number("fmacs_per_cycle", "FMACs", "per cycle", "%.0f"),
		number("edge_in_per_cycle", "in", "wavelets/cycle", "%.1f"),
		number("edge_out_per_cycle", "out", "wavelets/cycle", "%.1f"),
		number("flops_per_second", "FLOP/s", "", "%.3g"),
		number("flops_per_byte", "intensity", "FLOPs/byte", "%.3g"), // of the busier way of the I/O link
		text("bound_by", "bound by"),
	}}
	for i := range all {
		o := &all[i]
		if o.Task != "" || o.Update == nil || !o.Listed {
			continue
		}
		s, clock := o.Update.Step, o.Job.Machine.Get("clock_hz")
		pes := float64(s.Width) * float64(s.Height)
		for _, k := range s.uses() {
			cycles := float64(k.cycles)
			intensity := math.NaN() // no bytes over the edge
			if most := max(k.in, k.out); most > 0 {
				intensity = 2 * float64(k.fmacs) / (bytesPerWavelet * float64(most))
			}
			t.Rows = append(t.Rows, []any{
				o.Model.Name, float64(o.Systems), o.Sparsity, k.op, k.kernel, string(k.pass), float64(k.phases), cycles,
				100 * cycles / float64(s.Cycles), float64(k.states[pe.Compute]) / (pes * cycles), float64(k.fmacs) / cycles,
				float64(k.in) / cycles, float64(k.out) / cycles,
				2 * float64(k.fmacs) * clock / cycles, intensity,
				k.boundBy(o.Job.Machine),
			})
		}
	}
	return t
}

// KernelSummary is the kernels of the densest and the sparsest pre-training of each model that
// take at least a fiftieth of it.
func (r Results) KernelSummary() sims.Table {
	const least = 2.0
	t := r.Kernels.Select("model", "sparsity", "op", "kernel", "pass", "phases", "cycles", "share_percent", "pe_utilization", "fmacs_per_cycle", "bound_by")
	low, high := map[any]float64{}, map[any]float64{}
	for _, row := range t.Rows {
		s := row[1].(float64)
		if v, ok := low[row[0]]; !ok || s < v {
			low[row[0]] = s
		}
		high[row[0]] = max(high[row[0]], s)
	}
	kept := t.Rows[:0:0]
	for _, row := range t.Rows {
		if s := row[1].(float64); (s == low[row[0]] || s == high[row[0]]) && row[7].(float64) >= least {
			kept = append(kept, row)
		}
	}
	t.Rows = kept
	return t
}
