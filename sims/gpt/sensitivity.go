package gpt

import (
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/sims"
)

// Probe is a number of the machine changed to see what the throughput hangs on.
type Probe struct {
	Key   string
	Value float64
}

// probes are the numbers that no source states for this machine, or not surely, each lower and
// higher within what sources and neighbours of the machine leave open.
func probes(t compiler.Target) (all []Probe) {
	times := func(key string, factors ...float64) {
		for _, f := range factors {
			all = append(all, Probe{key, f * t.Get(key)})
		}
	}
	set := func(key string, values ...float64) {
		for _, v := range values {
			if v != t.Get(key) {
				all = append(all, Probe{key, v})
			}
		}
	}
	set("mixed_per_cycle", 1, 4) // fp32's and fp16's rates
	set("trigger_start_cycles", 1, 4)
	set("task_switch_cycles", 5, 20)
	set("exp_element_cycles", 5, 20)
	set("gelu_element_cycles", 10, 40)
	set("scalar_memory_cycles", 3)
	set("kernel_switch_cycles", 0, 8000)
	set("clock_hz", 0.85e9, 1.1e9) // SDK users', the vendor's
	times("io_bits_per_second", 0.5, 2)
	times("memoryx_bytes_per_second", 0.5, 2)
	set("code_bytes", 2<<10, 8<<10) // of SRAM that activations do not get
	return all
}

// Probes are further cases: the dense pre-training of every model of the run on the fewest systems, on
// machines that differ in one number each.
func Probes(cases []Case) (all []Case, err error) {
	for _, c := range cases {
		if c.Task != "" || c.Sparsity != 0 || !c.config.GPT.Sensitivity || c.Curve != baseName || c.Systems != c.config.GPT.Systems[0] {
			continue
		}
		for _, p := range probes(c.Job.Machine) {
			one := c
			if one.Job.Machine, err = c.Job.Machine.With(p.Key, p.Value); err != nil {
				return nil, fmt.Errorf("sensitivity: %w", err)
			}
			one.Probe = &p
			all = append(all, one)
		}
	}
	return all, nil
}

// sensitivityTable is the change of the throughput with each probe. The rows of recomputation and optimiser are
// not simulated: they leave the time of these out of the step there is.
func sensitivityTable(base, probes []Outcome) sims.Table {
	t := sims.Table{Name: "sensitivity", Title: "what the throughput of dense pre-training hangs on", Columns: []sims.Column{
		text("model", "model"),
		text("number", "number"),
		text("mark", "mark"),
		number("is", "is", "", "%.4g"),
		number("instead", "instead", "", "%.4g"),
		text("unit", "unit"),
		number("sequences_per_second", "sequences per second", "", "%.4g"),
		number("change_percent", "change", "%", "%+.1f"),
	}}
	for i := range base {
		o := &base[i]
		if o.Task != "" || o.Sparsity != 0 || o.Update == nil {
			continue
		}
		was := o.Update.SequencesPerSecond()
		row := func(name, mark string, is, instead float64, unit string, rate float64) {
			t.Rows = append(t.Rows, []any{o.Model.Name, name, mark, is, instead, unit, rate, 100 * (rate/was - 1)})
		}
		found := false
		for k := range probes {
			p := &probes[k]
			if p.Model.Name != o.Model.Name || p.Systems != o.Systems || p.Update == nil {
				continue
			}
			found = true
			for _, x := range o.Job.Machine.Params {
				if x.Key == p.Probe.Key {
					row(x.Key, string(x.Mark), x.Value, p.Probe.Value, x.Unit, p.Update.SequencesPerSecond())
				}
			}
		}
		if !found {
			continue
		}
		without := func(name string, cycles int64) {
			seconds := float64(o.Update.Cycles-cycles) / o.Job.Machine.Get("clock_hz")
			row(name, "computed", 1, 0, "times", float64(o.Batch)/seconds)
		}
		again := int64(0)
		for _, ph := range o.Update.Step.Phases {
			if ph.Pass == compiler.Recompute {
				again += ph.Cycles + o.Update.Step.Switch
			}
		}
		without("recomputed phases", again*int64(o.Update.MicroSteps))
		without("optimiser after the last gradient", o.Update.Step.Tail)
	}
	return t
}
