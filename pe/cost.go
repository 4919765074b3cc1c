package pe

// Cost is what one instruction takes from the datapath, fabric waits not included.
type Cost struct {
	Start    int // instruction start: overhead
	Steps    int // datapath steps
	Conflict int // steps repeated by a bank conflict
}

// Total is the sum in cycles.
func (c Cost) Total() int { return c.Start + c.Steps + c.Conflict }

// Cost is the one table of cycles, for operands at their descriptors' bases. triggered says that
// the instruction opens a data-triggered task, whose descriptors stay loaded.
func (c Config) Cost(in *Instr, triggered bool) Cost {
	if !in.Op.Tensor() {
		return Cost{Start: c.scalarCost(in)}
	}
	return c.costAt(in, triggered, extent{in.Dst.Base, in.A.Base, in.B.Base, in.N})
}

// loadCycles is what loading an instruction's descriptors adds to its start.
func (c Config) loadCycles(in *Instr) int {
	n := c.DescriptorLoadCycles
	switch {
	case in.LoadDescriptors:
	case in.LoadDestination:
		n = (n + 2) / 3
	default:
		return 0
	}
	if in.Dst.Kind == FabOut {
		n += c.OutputLoadCycles
	}
	return n
}

// scalarCost is the datapath time of a scalar instruction.
func (c Config) scalarCost(in *Instr) int {
	switch in.Op {
	case Send:
		if n := c.loadCycles(in); n > 0 { // a tensor instruction of one element, as compiled code sends a control wavelet
			return c.TensorStartCycles + n + c.SendCycles
		}
		return c.SendCycles
	case JumpZero, JumpIf, Jump:
		return c.JumpCycles
	case Load, Store:
		return c.ScalarMemoryCycles
	case SAdd, SSub, SMul, Widen, Narrow:
		return c.ScalarFloatCycles
	case Trunc:
		return c.TruncateCycles
	case SetBase:
		return c.SetBaseCycles
	case Recip:
		return c.ReciprocalCycles
	case Timestamp:
		return c.TimestampCycles
	}
	return c.ScalarCycles
}

// specialCycles is the datapath time of a software function per element.
func (c Config) specialCycles(op Op) int {
	switch op {
	case FRecip:
		return c.RecipElementCycles
	case FRSqrt:
		return c.RSqrtElementCycles
	case FExp:
		return c.ExpElementCycles
	case FLog:
		return c.LogElementCycles
	}
	return c.GELUElementCycles
}

// extent is where an instruction's operands lie once its registers are read.
type extent struct{ dst, a, b, n int }

// costAt is Cost for resolved operands. Of an instruction that streams, the steps and their
// conflicts come one by one.
func (c Config) costAt(in *Instr, triggered bool, at extent) Cost {
	cost := Cost{Start: c.TensorStartCycles}
	if triggered {
		cost.Start = c.TriggerStartCycles
	}
	cost.Start += c.loadCycles(in)
	rate := c.rate(in)
	cost.Steps = (at.n + rate - 1) / rate
	if in.Op.Special() {
		cost.Steps = at.n * c.specialCycles(in.Op)
		return cost // one operand is read per element: no conflict
	}
	if n := c.conflicts(in, at, cost.Steps, rate); n > 0 {
		cost.Conflict = (c.ConflictFactor - 1) * n
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

// memoryReads counts the operands read from SRAM for every element.
func (i *Instr) memoryReads() (n int) {
	for _, o := range [2]*Operand{&i.A, &i.B} {
		if o.Kind == Mem && !o.Fixed {
			n++
		}
	}
	if i.Op == FMac && i.Dst.Kind == Mem && !i.Dst.Fixed {
		n++
	}
	return n
}

// conflicts counts the steps in which two operands that are read together lie in one bank. The
// first element of a step decides: a step is at most 64 bits wide, a bank's row.
//
// That holds where a program planned its arrays into banks. Below the 6 KB of a bank addresses
// are interleaved in a way that is not public, and operands that software addresses row by row
// meet in it: on average, for rows at unrelated addresses, in RebaseConflicts of 16 steps.
func (c Config) conflicts(in *Instr, at extent, steps, rate int) int {
	var reads [3]access
	n, stray := 0, false
	add := func(o *Operand, base int) {
		if o.Kind == Mem && !o.Fixed {
			reads[n] = access{o, base, rate}
			n++
			stray = stray || o.Rebased
		}
	}
	add(&in.A, at.a)
	add(&in.B, at.b)
	if in.Op == FMac {
		add(&in.Dst, at.dst)
	}
	if n < 2 || steps == 0 {
		return 0
	}
	least := 0
	if stray {
		least = (steps*c.RebaseConflicts + 8) / 16
	}
	bank := c.BankWords()
	meet, fixed := false, true // some pair's banks overlap; every operand stays in its bank
	var lo, hi [3]int
	for i, r := range reads[:n] {
		first, last := r.o.span(r.base, at.n)
		lo[i], hi[i] = first/bank, last/bank
		fixed = fixed && lo[i] == hi[i]
		for j := range i {
			meet = meet || lo[i] <= hi[j] && lo[j] <= hi[i]
		}
	}
	if !meet {
		return least
	}
	if fixed {
		return steps
	}
	count := 0
	for k := range steps {
		if together(reads[:n], k, bank) {
			count++
		}
	}
	return max(count, least)
}

// access is an operand read once per step of rate elements.
type access struct {
	o          *Operand
	base, rate int
}

// word is what the k-th step reads first.
func (a access) word(k int) int { return a.o.word(a.base, k*a.rate) }

func together(reads []access, k, bank int) bool {
	for i, r := range reads {
		for _, s := range reads[:i] {
			if r.word(k)/bank == s.word(k)/bank {
				return true
			}
		}
	}
	return false
}
