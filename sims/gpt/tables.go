package gpt

import (
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/sims"
)

// Results is what results.json holds of a gpt run: all that tables and figures need.
type Results struct {
	Version     string          `json:"version"`
	Experiment  string          `json:"experiment"`
	Seed        int             `json:"seed"`
	Complete    bool            `json:"complete"`
	Note        string          `json:"note,omitempty"` // why it is not complete
	Method      string          `json:"method"`         // what is simulated and what is multiplied
	Machine     compiler.Target `json:"machine"`
	Precision   string          `json:"precision"`
	Results     sims.Table      `json:"results"`
	Answer      sims.Table      `json:"answer"`
	Breakdown   sims.Table      `json:"breakdown"`
	Excess      sims.Table      `json:"excess"`
	Kernels     sims.Table      `json:"kernels"`
	FLOPs       sims.Table      `json:"flops"`
	Scaling     *sims.Table     `json:"scaling,omitempty"`
	SwarmX      *sims.Table     `json:"swarmx,omitempty"`
	Sensitivity *sims.Table     `json:"sensitivity,omitempty"`
	Variants    *sims.Table     `json:"variants,omitempty"` // results of the variants
}

// Method says what is simulated and what is multiplied.
const Method = "Simulated: one micro-batch of each phase through every block, every non-zero weight accounted for. " +
	"An update is that micro-batch as often as its sequences need it, what MemoryX does after the last gradient, and the way over SwarmX. " +
	"Hours, FLOPs and energy are an update times the number of updates. Fine-tuning is dense; its tasks share one step."

const baseName = "base"

// NewResults makes the tables of a run. The first curve is the run itself, the others its variants.
func NewResults(curves []sims.Curve, all []Outcome) Results {
	c := curves[0].Config
	var base, others []Outcome
	complete := true
	var probes, weak []Outcome
	for _, o := range all {
		complete = complete && o.Update != nil
		switch {
		case o.Probe != nil:
			probes = append(probes, o)
		case o.Weak:
			weak = append(weak, o)
		case o.Curve == curves[0].Name:
			base = append(base, o)
		default:
			others = append(others, o)
		}
	}
	r := Results{
		Version: sims.Version, Experiment: c.Experiment, Seed: c.Seed, Complete: complete, Method: Method,
		Machine: c.Machine, Precision: string(c.Model.Precision),
		Results: resultsTable(base), Answer: answerTable(base), Breakdown: breakdownTable(base), Excess: excessTable(base),
		Kernels: kernelTable(base), FLOPs: FLOPTable(),
	}
	if len(c.GPT.Systems) > 1 {
		all := scaledOutcomes(base, weak)
		scaling, swarmx := scalingTable(all), swarmxTable(all)
		r.Scaling, r.SwarmX = &scaling, &swarmx
	}
	if len(probes) > 0 {
		t := sensitivityTable(base, probes)
		r.Sensitivity = &t
	}
	if len(others) > 0 {
		t := resultsTable(others)
		t.Name, t.Title = "variants", t.Title+": variants"
		r.Variants = &t
	}
	return r
}

func text(name, title string) sims.Column {
	return sims.Column{Name: name, Title: title, Kind: sims.Text}
}

func number(name, title, unit, format string) sims.Column {
	return sims.Column{Name: name, Title: title, Unit: unit, Kind: sims.Number, Format: format}
}

// resultsTable has a row per model, systems, sparsity and phase.
func resultsTable(all []Outcome) sims.Table {
	t := sims.Table{Name: "results", Title: "GPT training", Columns: []sims.Column{
		text("variant", "variant"),
		text("model", "model"),
		number("sparsity", "sparsity", "", "%.2f"),
		text("phase", "phase"),
		number("systems", "systems", "", "%.0f"),
		number("batch", "batch", "sequences", "%.0f"),
		number("micro_batch", "micro batch", "sequences", "%.0f"),
		number("micro_steps", "micro steps", "per update", "%.0f"),
		number("cycles_per_step", "cycles per step", "", "%.0f"),
		number("sequences_per_second", "sequences per second", "", "%.4g"),
		number("tokens_per_second", "tokens per second", "", "%.0f"),
		number("published_sequences_per_second", "published per second", "", "%.4g"),
		number("error_percent", "error", "%", "%+.1f"),
		number("pe_utilization", "PE utilization", "", "%.3f"),
		number("flop_utilization", "FLOP utilization", "", "%.3f"),
		number("exaflops", "exaFLOPs", "", "%.4g"),
		number("steps", "steps", "updates", "%.0f"),
		number("hours", "hours", "", "%.4g"),
		number("energy_kwh", "energy", "kWh", "%.4g"),
		text("masks", "masks"),
		number("density", "density", "of the masked", "%.4f"),
		number("non_zeros", "non-zeros", "weights", "%.0f"),
		number("groups", "groups", "", "%.0f"),
		number("columns", "columns", "per group", "%.0f"),
		number("columns_per_head", "columns", "per head", "%.0f"),
		number("tokens_per_pe", "tokens", "per PE", "%.0f"),
		text("activations", "activations"),
		number("chunks", "vocabulary", "chunks", "%.0f"),
		number("peak_bytes", "SRAM peak", "bytes", "%.0f"),
		number("micro_batch_cycles", "cycles of a micro batch", "", "%.0f"),
	}}
	for i := range all {
		if o := &all[i]; o.Update != nil && o.Listed {
			t.Rows = append(t.Rows, o.row())
		}
	}
	return t
}

func (o *Outcome) row() []any {
	u, s := o.Update, o.Update.Step
	m := s.Mapping
	real := math.NaN()
	if v, ok := throughput()[o.Model.Name]; ok && o.Sparsity == 0 && o.Task == "" && o.Systems == 1 {
		real = v
	}
	variant := ""
	if o.Curve != baseName {
		variant = o.Curve
	}
	rate := u.SequencesPerSecond()
	return []any{
		variant, o.Model.Name, o.Sparsity, o.Phase(), float64(o.Systems), float64(o.Batch),
		float64(m.MicroBatch()), float64(u.MicroSteps), float64(u.Cycles), rate, rate * float64(o.Length()),
		real, 100 * (rate/real - 1),
		u.PEUtilization(), o.FLOPUtilization(), o.FLOPs() / 1e18, o.Updates(), o.Seconds() / 3600,
		o.Updates() * u.Joules() / 3.6e6,
		s.Masks, s.Density, float64(s.NonZeros),
		float64(m.Groups), float64(m.Columns), float64(m.ColumnsPerHead), float64(m.Tokens), m.Activations(), float64(m.Chunks), float64(s.Peak),
		float64(s.Cycles),
	}
}

// Summary is the part of the results a person reads first.
func (r Results) Summary() sims.Table {
	names := []string{"model", "sparsity", "phase", "systems", "micro_batch", "micro_steps", "cycles_per_step", "sequences_per_second"}
	if r.published() {
		names = append(names, "published_sequences_per_second", "error_percent")
	}
	return r.Results.Select(append(names, "pe_utilization", "flop_utilization", "exaflops", "hours", "energy_kwh")...)
}

// published tells whether some row has a published throughput.
func (r Results) published() bool {
	t := r.Results.Select("published_sequences_per_second")
	for _, row := range t.Rows {
		if v, ok := row[0].(float64); ok && !math.IsNaN(v) {
			return true
		}
	}
	return false
}

// answerTable is the question of the paper: the speedup of sparse pre-training and dense fine-tuning over dense, in FLOPs
// and on the machine.
func answerTable(all []Outcome) sims.Table {
	t := sims.Table{Name: "answer", Title: "sparse pre-training and dense fine-tuning over dense", Columns: []sims.Column{
		text("model", "model"),
		number("systems", "systems", "", "%.0f"),
		number("sparsity", "sparsity", "", "%.2f"),
		text("task", "task"),
		number("dense_hours", "dense", "hours", "%.4g"),
		number("sparse_hours", "sparse", "hours", "%.4g"),
		number("flop_speedup", "FLOP speedup", "", "%.2f"),
		number("machine_speedup", "machine speedup", "", "%.2f"),
		number("realised_percent", "of the FLOP speedup", "%", "%.1f"),
	}}
	for i := range all {
		o := &all[i]
		if o.Update == nil || !o.Listed || o.Sparsity == 0 {
			continue
		}
		sparse, dense := find(all, o, o.Sparsity, ""), find(all, o, 0, "")
		if sparse == nil || dense == nil {
			continue
		}
		before, after := dense.Seconds(), sparse.Seconds()
		flopsBefore, flopsAfter := dense.FLOPs(), sparse.FLOPs()
		name := "pre-training alone"
		if o.Task != "" {
			name = taskOf(o.Task).paper
			before, after = before+o.Seconds(), after+o.Seconds()
			flopsBefore, flopsAfter = flopsBefore+o.FLOPs(), flopsAfter+o.FLOPs()
		}
		flop, machine := flopsBefore/flopsAfter, before/after
		t.Rows = append(t.Rows, []any{
			o.Model.Name, float64(o.Systems), o.Sparsity, name, before / 3600, after / 3600, flop, machine, 100 * machine / flop,
		})
	}
	return t
}
