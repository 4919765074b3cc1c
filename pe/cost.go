package pe

// Cost is what one instruction takes from the datapath, fabric waits not included.
type Cost struct {
	Start    int // instruction start: overhead
	Steps    int // datapath steps
	Conflict int // steps repeated by a bank conflict
}

// Total is the sum in cycles.
func (c Cost) Total() int { return c.Start + c.Steps + c.Conflict }

// Cost is the one table of cycles. triggered says that the instruction opens a data-triggered
// task, whose descriptors stay loaded.
func (c Config) Cost(in *Instr, triggered bool) Cost {
	if !in.Op.Tensor() {
		return Cost{Start: 1}
	}
	cost := Cost{Start: c.TensorStartCycles}
	if triggered {
		cost.Start = c.TriggerStartCycles
	}
	if in.LoadDescriptors {
		cost.Start += c.DescriptorLoadCycles
	}
	rate := c.rate(in)
	cost.Steps = (in.N + rate - 1) / rate
	if c.conflicting(in) {
		cost.Conflict = (c.ConflictFactor - 1) * cost.Steps
	}
	return cost
}

// rate is elements per step.
func (c Config) rate(in *Instr) int {
	if in.Streams() {
		return 1 // one wavelet per cycle over the ramp
	}
	narrow := in.A.Type == F16 && (in.B.Kind == None || in.B.Type == F16)
	switch {
	case narrow && in.Dst.Type == F16:
		return c.FP16PerCycle
	case narrow && in.Dst.Type == F32 && (in.Op == FMac || in.Op == FMul):
		return c.MixedPerCycle
	}
	return c.FP32PerCycle
}

// Streams reports whether the instruction moves an element per wavelet.
func (i *Instr) Streams() bool {
	return i.Dst.Kind == FabOut || i.A.Kind == FabIn || i.B.Kind == FabIn
}

// conflicting reports whether two operands that are read in the same step lie in one bank.
// The descriptor's base decides: the compiler keeps operand pairs in disjoint banks as a whole.
func (c Config) conflicting(in *Instr) bool {
	var reads [3]Operand
	n := 0
	for _, o := range []Operand{in.A, in.B} {
		if o.Kind == Mem {
			reads[n] = o
			n++
		}
	}
	if in.Op == FMac && in.Dst.Kind == Mem {
		reads[n] = in.Dst
		n++
	}
	for i := range n {
		for j := range i {
			if c.Bank(reads[i].Base) == c.Bank(reads[j].Base) {
				return true
			}
		}
	}
	return false
}
