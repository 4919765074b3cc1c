package pe

import "fmt"

// MaxMicrothreads is how many a PE can be given: with the task's own thread they are a set of 32 bits.
const MaxMicrothreads = 31

// Config fixes one core: memory, datapath widths and fixed costs. Plain data; checked once by Validate.
type Config struct {
	SRAMBytes int // per PE
	Banks     int // equal contiguous parts of SRAM

	FP16PerCycle  int // fp16 FMACs per cycle
	MixedPerCycle int // fp16 x fp16 + fp32 FMACs per cycle
	FP32PerCycle  int // fp32 FMACs per cycle

	ConflictFactor       int // slow-down of an instruction whose operands share a bank
	TensorStartCycles    int // tensor instruction start, descriptors preloaded
	DescriptorLoadCycles int // added to the start when an instruction's three descriptors are loaded first
	OutputLoadCycles     int // and this, if one that is loaded is of a fabric output
	TriggerStartCycles   int // start of a data-triggered FMAC: descriptors stay loaded
	TaskSwitchCycles     int // dispatch of any other task
	Microthreads         int // at most MaxMicrothreads

	// Scalar instructions, by kind.
	ScalarCycles       int // register moves, integer arithmetic, activate, block, unblock, halt
	JumpCycles         int
	ScalarMemoryCycles int // load and store of a word
	ScalarFloatCycles  int
	ReciprocalCycles   int
	TruncateCycles     int // fp32 to integer, in software
	SetBaseCycles      int // base of a descriptor, its 32-bit address arithmetic included
	SendCycles         int // a wavelet from registers, its time on the datapath included
	TimestampCycles    int

	// Functions that software evaluates, per element of a tensor instruction.
	RecipElementCycles int
	RSqrtElementCycles int
	ExpElementCycles   int
	LogElementCycles   int
	GELUElementCycles  int // of either form, and of its derivative

	RebaseStartCycles int // once in a program, before its first SetBase
	RebaseConflicts   int // repeated steps in 16, of an instruction with a rebased and another operand in SRAM

	LaunchCycles int // launch of the program to dispatch of the tasks active at its start
}

// Validate reports the first impossible value.
func (c Config) Validate() error {
	for _, v := range []struct {
		key      string
		got      int
		min, max int
	}{
		{"sram_bytes", c.SRAMBytes, 256, 1 << 24},
		{"banks", c.Banks, 1, 64},
		{"fp16_per_cycle", c.FP16PerCycle, 1, 64},
		{"mixed_per_cycle", c.MixedPerCycle, 1, 64},
		{"fp32_per_cycle", c.FP32PerCycle, 1, 64},
		{"conflict_factor", c.ConflictFactor, 1, 16},
		{"tensor_start_cycles", c.TensorStartCycles, 0, 1000},
		{"descriptor_load_cycles", c.DescriptorLoadCycles, 0, 1000},
		{"output_load_cycles", c.OutputLoadCycles, 0, 1000},
		{"trigger_start_cycles", c.TriggerStartCycles, 0, 1000},
		{"task_switch_cycles", c.TaskSwitchCycles, 0, 1000},
		{"microthreads", c.Microthreads, 1, MaxMicrothreads},
		{"scalar_cycles", c.ScalarCycles, 1, 1000},
		{"jump_cycles", c.JumpCycles, 1, 1000},
		{"scalar_memory_cycles", c.ScalarMemoryCycles, 1, 1000},
		{"scalar_float_cycles", c.ScalarFloatCycles, 1, 1000},
		{"reciprocal_cycles", c.ReciprocalCycles, 1, 1000},
		{"truncate_cycles", c.TruncateCycles, 1, 1000},
		{"set_base_cycles", c.SetBaseCycles, 1, 1000},
		{"rebase_start_cycles", c.RebaseStartCycles, 0, 1000000},
		{"rebase_conflicts", c.RebaseConflicts, 0, 16},
		{"send_cycles", c.SendCycles, 1, 1000},
		{"timestamp_cycles", c.TimestampCycles, 1, 1000},
		{"recip_element_cycles", c.RecipElementCycles, 1, 1000},
		{"rsqrt_element_cycles", c.RSqrtElementCycles, 1, 1000},
		{"exp_element_cycles", c.ExpElementCycles, 1, 1000},
		{"log_element_cycles", c.LogElementCycles, 1, 1000},
		{"gelu_element_cycles", c.GELUElementCycles, 1, 1000},
		{"launch_cycles", c.LaunchCycles, 0, 1000000},
	} {
		if v.got < v.min || v.got > v.max {
			return fmt.Errorf("pe: %s is %d, must be %d to %d", v.key, v.got, v.min, v.max)
		}
	}
	if c.SRAMBytes%(2*c.Banks) != 0 {
		return fmt.Errorf("pe: sram_bytes is %d, must be a multiple of %d (16-bit words in each of %d sram_banks)", c.SRAMBytes, 2*c.Banks, c.Banks)
	}
	return nil
}
