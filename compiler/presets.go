package compiler

import (
	"fmt"
	"strings"

	"cs2sim.dev/pe"
)

// preset is one row of the machine table: a field and its value on each machine.
type preset struct {
	key, unit        string
	min, max         float64
	whole            bool
	wse1, wse2, wse3 entry
}

type entry struct {
	value  float64
	mark   Mark
	source string
}

// row fills one field that is alike on all machines.
func row(key, unit string, min, max float64, whole bool, e entry) preset {
	return preset{key, unit, min, max, whole, e, e, e}
}

// machines is the machine table: every number with its mark and source.
func machines() []preset {
	const (
		hc34  = "Hot Chips 34 (Lie 2022)"
		sdk   = "Cerebras SDK documentation"
		ws    = "Cerebras, CS weight streaming white paper, 2021, section 6"
		rocki = "Rocki et al. 2020, arXiv 2010.03660"
		wse3  = "programs for the SDK: a fabric of 762 x 1172, less memcpy's 7 columns and 2 rows"
		fmac  = "measured on the vendor's fabric simulator, pr0f3ss/SpMM_Cerebras"
		spmm  = "benchmarks/COO_benchmark.csv and CSC_benchmark.csv of pr0f3ss/SpMM_Cerebras"
	)
	return []preset{
		{"width", "PEs", 1, 4096, true,
			entry{600, Stated, rocki}, entry{750, Stated, sdk}, entry{755, Derived, wse3}},
		{"height", "PEs", 1, 4096, true,
			entry{595, Stated, rocki}, entry{994, Stated, sdk}, entry{1170, Derived, wse3}},
		{"clock_hz", "Hz", 1e6, 1e11, false,
			entry{0.85e9, Assumed, "as the CS-2 examples of SDK users"}, entry{1.1e9, Stated, hc34}, entry{1.1e9, Stated, "Hot Chips 2024"}},
		row("sram_bytes", "bytes", 256, 1<<24, true, entry{48 << 10, Stated, hc34}),
		row("sram_banks", "banks", 1, 64, true, entry{8, Stated, hc34}),
		row("code_bytes", "bytes", 0, 1<<20, true, entry{4 << 10, Assumed, "code, stack and descriptors of one kernel"}),
		{"fp16_per_cycle", "FMACs/cycle", 1, 64, true,
			entry{4, Stated, hc34}, entry{4, Stated, hc34}, entry{8, Stated, "Hot Chips 2024; AXPY measured at most 4"}},
		row("mixed_per_cycle", "FMACs/cycle", 1, 64, true, entry{2, Assumed, "recalled from " + rocki}),
		row("fp32_per_cycle", "FMACs/cycle", 1, 64, true, entry{1, Stated, fmac}),
		row("conflict_factor", "times", 1, 16, true, entry{2, Stated, fmac}),
		row("tensor_start_cycles", "cycles", 0, 1000, true, entry{6, Stated, fmac}),
		row("descriptor_load_cycles", "cycles", 0, 1000, true, entry{28, Derived, "34 with descriptor load, less the start; " + fmac}),
		row("output_load_cycles", "cycles", 0, 1000, true, entry{17, Calibrated, "a descriptor of a fabric output among them: the constant 61 of the chain reduce, less task switch 10, start 6 and load 28; two-phase and tree reduce follow; " + fmac}),
		row("trigger_start_cycles", "cycles", 0, 1000, true, entry{2, Assumed, "descriptors stay loaded; range 1 to 4"}),
		row("task_switch_cycles", "cycles", 0, 1000, true, entry{10, Assumed, "weak source"}),
		row("scalar_cycles", "cycles", 1, 1000, true, entry{1, Assumed, "register move, integer arithmetic, activate, block"}),
		row("jump_cycles", "cycles", 1, 1000, true, entry{1, Assumed, "compare and jump"}),
		row("scalar_memory_cycles", "cycles", 1, 1000, true, entry{1, Assumed, "load or store of a word; range 1 to 3"}),
		row("scalar_float_cycles", "cycles", 1, 1000, true, entry{1, Assumed, "as an element of a tensor instruction"}),
		row("reciprocal_cycles", "cycles", 1, 1000, true, entry{20, Assumed, "by software iteration"}),
		row("truncate_cycles", "cycles", 1, 1000, true, entry{15, Calibrated, "the 53 cycles per column of the CSC loop, three conversions in it; " + spmm}),
		row("set_base_cycles", "cycles", 1, 1000, true, entry{13, Calibrated, "the 39 cycles per non-zero of the COO loop that do not grow with m, less start 6 and 7 other instructions; " + spmm}),
		row("rebase_conflicts", "steps in 16", 0, 16, true, entry{3, Calibrated, "the slope 19/16 in m of the COO and CSC loops; as two reads in 8 banks and a 64-bit write every second step would meet, 1/8 + 1/16; " + spmm}),
		row("rebase_start_cycles", "cycles", 0, 1e6, true, entry{1600, Calibrated, "what the COO and CSC loops take beyond their non-zeros and columns, cause unknown; " + spmm}),
		row("send_cycles", "cycles", 1, 1000, true, entry{1, Assumed, "as an element of a tensor instruction"}),
		row("timestamp_cycles", "cycles", 1, 1000, true, entry{3, Assumed, "the counter is three 16-bit words"}),
		row("recip_element_cycles", "cycles", 1, 1000, true, entry{4, Assumed, "an estimate and two Newton steps of two tensor operations each, fp32"}),
		row("rsqrt_element_cycles", "cycles", 1, 1000, true, entry{8, Assumed, "an estimate and two Newton steps of four tensor operations each, fp32"}),
		row("exp_element_cycles", "cycles", 1, 1000, true, entry{10, Assumed, "range reduction and a polynomial of degree 5 by tensor operations, fp32"}),
		row("log_element_cycles", "cycles", 1, 1000, true, entry{14, Assumed, "range reduction and a polynomial of degree 8 by tensor operations, fp32"}),
		row("gelu_element_cycles", "cycles", 1, 1000, true, entry{20, Assumed, "of either form: its argument, an exponential and a reciprocal by tensor operations, fp32"}),
		row("launch_cycles", "cycles", 0, 1e6, true, entry{0, Assumed, "nothing of the chain reduce's constant 61 is left for it"}),
		row("kernel_switch_cycles", "cycles", 0, 1e6, true, entry{2000, Assumed, "a barrier over the wafer and back, width + height hops, and the next kernel's command"}),
		row("microthreads", "threads", 1, pe.MaxMicrothreads, true, entry{8, Stated, hc34}),
		row("buffer_depth", "wavelets", 1, 64, true, entry{4, Assumed, "per color and router input port"}),
		row("queue_words", "wavelets", 2, 64, true, entry{4, Stated, "input queues 2 and 3; " + sdk}),
		{"hop_cycles", "cycles", 1, 64, true,
			entry{1, Assumed, "as wse2"}, entry{1, Stated, "Luczynski et al., HPDC 2024"}, entry{2, Stated, "measured"}},
		row("ramp_cycles", "cycles", 1, 64, true, entry{2, Stated, "Luczynski et al., HPDC 2024"}),
		row("io_bits_per_second", "bit/s", 1, 1e18, false, entry{1.2e12, Stated, "12 x 100 GbE; " + hc34}),
		row("memoryx_bytes_per_second", "bytes/s", 1e6, 1e18, false, entry{1.5e12, Assumed, "memory of the MemoryX nodes while they update weights, ten times the wafer's link"}),
		row("memoryx_bits_per_second", "bit/s", 1, 1e18, false, entry{1.2e13, Assumed, "the links of the MemoryX nodes together, each way: as fast as their memory"}),
		row("swarmx_fanout", "systems", 2, 1024, true, entry{4, Stated, "a broadcast-reduce node is 1:4; " + ws}),
		row("swarmx_bits_per_second", "bit/s", 1, 1e18, false, entry{1.2e12, Derived, "a link of the tree each way: nodes of 100 Gb/s interfaces that scale with the systems so that each gets its 1.2 Tb/s, adding at line rate; " + ws}),
		row("swarmx_level_seconds", "s", 0, 1, false, entry{2e-6, Assumed, "latency of one level of the tree, one way"}),
		row("swarmx_granule_bytes", "bytes", 4, 1<<30, true, entry{4096, Assumed, "a node passes on as much at a time, once it has all of it"}),
		row("watts_per_core", "W", 0, 10, false, entry{0.030, Stated, "peak; " + hc34}),
		row("joules_per_bit_hop", "J", 0, 1e-6, false, entry{0.15e-12, Stated, hc34}),
	}
}

// PresetNames lists the machines in order of age.
func PresetNames() []string { return []string{"wse1", "wse2", "wse3"} }

// Preset returns a named machine.
func Preset(name string) (Target, error) {
	t := Target{Name: name}
	for _, r := range machines() {
		var e entry
		switch name {
		case "wse1":
			e = r.wse1
		case "wse2":
			e = r.wse2
		case "wse3":
			e = r.wse3
		default:
			return Target{}, fmt.Errorf("unknown machine preset %q; known: %s", name, strings.Join(PresetNames(), ", "))
		}
		t.Params = append(t.Params, Param{
			Key: r.key, Value: e.value, Unit: r.unit, Mark: e.mark, Source: e.source,
			Min: r.min, Max: r.max, Whole: r.whole,
		})
	}
	return t, nil
}
