package compiler

import (
	"fmt"
	"math"
	"strings"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Mark says how well a number is known.
type Mark string

const (
	Stated     Mark = "stated"     // by a public source
	Derived    Mark = "derived"    // from stated numbers
	Assumed    Mark = "assumed"    // ours
	Calibrated Mark = "calibrated" // to a published measurement, which its source names
	Overridden Mark = "overridden" // by the run file or command line
)

// Param is one number of a machine with its unit, range, mark and source.
type Param struct {
	Key      string  `json:"key"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Mark     Mark    `json:"mark"`
	Source   string  `json:"source"`
	Min, Max float64 `json:"-"`
	Whole    bool    `json:"-"` // must be an integer
}

// Target is the machine a graph is compiled for: an ordered list of numbers, nothing hidden.
type Target struct {
	Name   string  `json:"name"`
	Params []Param `json:"params"`

	Bare bool `json:"-"` // layouts get no data: enough to see whether they fit
}

// WithoutData is the same machine for bare layouts.
func (t Target) WithoutData() Target {
	t.Bare = true
	return t
}

// Keys lists the machine fields in order.
func (t Target) Keys() []string {
	keys := make([]string, len(t.Params))
	for i, p := range t.Params {
		keys[i] = p.Key
	}
	return keys
}

// Get returns the value of key; an unknown key is our own bug.
func (t Target) Get(key string) float64 {
	for _, p := range t.Params {
		if p.Key == key {
			return p.Value
		}
	}
	panic("compiler: no machine field " + key)
}

func (t Target) whole(key string) int { return int(t.Get(key)) }

// With returns a copy with one field overridden. The error names the key, the value and the range.
func (t Target) With(key string, value float64) (Target, error) {
	for i, p := range t.Params {
		if p.Key != key {
			continue
		}
		if math.IsNaN(value) || value < p.Min || value > p.Max {
			return t, fmt.Errorf("machine field %s is %v, must be %v to %v %s", key, value, p.Min, p.Max, p.Unit)
		}
		if p.Whole && value != math.Trunc(value) {
			return t, fmt.Errorf("machine field %s is %v, must be a whole number of %s", key, value, p.Unit)
		}
		p.Value, p.Mark, p.Source = value, Overridden, "overrides "+trim(p.Value)+" ("+string(p.Mark)+", "+p.Source+")"
		params := append([]Param(nil), t.Params...)
		params[i] = p
		t.Params = params
		return t, nil
	}
	return t, fmt.Errorf("unknown machine field %q; known: %s", key, strings.Join(t.Keys(), ", "))
}

func trim(v float64) string { return fmt.Sprintf("%.10g", v) }

// Fabric returns the wires of the target, cut to a rectangle of width x height PEs.
func (t Target) Fabric(width, height int) fabric.Config {
	return fabric.Config{
		Width: width, Height: height,
		HopCycles:   t.whole("hop_cycles"),
		RampCycles:  t.whole("ramp_cycles"),
		BufferDepth: t.whole("buffer_depth"),
		QueueWords:  t.whole("queue_words"),
	}
}

// Core returns one PE of the target.
func (t Target) Core() pe.Config {
	return pe.Config{
		SRAMBytes:            t.whole("sram_bytes"),
		Banks:                t.whole("sram_banks"),
		FP16PerCycle:         t.whole("fp16_per_cycle"),
		MixedPerCycle:        t.whole("mixed_per_cycle"),
		FP32PerCycle:         t.whole("fp32_per_cycle"),
		ConflictFactor:       t.whole("conflict_factor"),
		TensorStartCycles:    t.whole("tensor_start_cycles"),
		DescriptorLoadCycles: t.whole("descriptor_load_cycles"),
		OutputLoadCycles:     t.whole("output_load_cycles"),
		TriggerStartCycles:   t.whole("trigger_start_cycles"),
		TaskSwitchCycles:     t.whole("task_switch_cycles"),
		Microthreads:         t.whole("microthreads"),
		ScalarCycles:         t.whole("scalar_cycles"),
		JumpCycles:           t.whole("jump_cycles"),
		ScalarMemoryCycles:   t.whole("scalar_memory_cycles"),
		ScalarFloatCycles:    t.whole("scalar_float_cycles"),
		ReciprocalCycles:     t.whole("reciprocal_cycles"),
		RecipElementCycles:   t.whole("recip_element_cycles"),
		RSqrtElementCycles:   t.whole("rsqrt_element_cycles"),
		ExpElementCycles:     t.whole("exp_element_cycles"),
		LogElementCycles:     t.whole("log_element_cycles"),
		GELUElementCycles:    t.whole("gelu_element_cycles"),
		TruncateCycles:       t.whole("truncate_cycles"),
		SetBaseCycles:        t.whole("set_base_cycles"),
		RebaseStartCycles:    t.whole("rebase_start_cycles"),
		RebaseConflicts:      t.whole("rebase_conflicts"),
		SendCycles:           t.whole("send_cycles"),
		TimestampCycles:      t.whole("timestamp_cycles"),
		LaunchCycles:         t.whole("launch_cycles"),
	}
}

// Width and Height are the program rectangle in PEs.
func (t Target) Width() int  { return t.whole("width") }
func (t Target) Height() int { return t.whole("height") }

// IORate is how many 32-bit wavelets cross the wafer's edge per cycle, one way.
func (t Target) IORate() float64 { return t.Get("io_bits_per_second") / 32 / t.Get("clock_hz") }

// StreamRate is how many wavelets per cycle of what all of so many systems share, weights down and
// their gradients up, pass between MemoryX and each of them, one way: the least of the wafer's edge, MemoryX's
// link, and for several systems a link of SwarmX. Nodes copy on the way down and add on the way up, so
// that every link carries a stream once.
func (t Target) StreamRate(systems int) float64 {
	bits := min(t.Get("io_bits_per_second"), t.Get("memoryx_bits_per_second"))
	if systems > 1 {
		bits = min(bits, t.Get("swarmx_bits_per_second"))
	}
	return bits / 32 / t.Get("clock_hz")
}

// Seconds converts cycles to time.
func (t Target) Seconds(c fabric.Cycle) float64 { return float64(c) / t.Get("clock_hz") }

// Validate checks what no single field can: the two configs it builds.
func (t Target) Validate() error {
	if err := t.Fabric(t.Width(), t.Height()).Validate(); err != nil {
		return err
	}
	return t.Core().Validate()
}
