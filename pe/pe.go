package pe

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"cs2sim.dev/fabric"
	"cs2sim.dev/fabric/pages"
)

// PE is one core at work. Step is called in every cycle in which something it waits for may
// have happened; between steps at most one instruction phase runs down.
type PE struct {
	// What every step touches comes first, in few cache lines of the host: a mesh has thousands of PEs.
	mesh  *fabric.Mesh
	actor int32
	index int32

	// The task being run is thread 0: its instruction, or nothing between tasks.
	threads []thread
	busy    uint32       // threads with an instruction, as a set
	changed uint32       // threads whose instruction may have ended, or that were handed one
	now     fabric.Cycle // cycles before now are accounted
	since   fabric.Cycle // end of the last cycle in which something ran
	awaited uint64       // tasks that a wavelet triggers, as a set
	blocked uint64       // tasks
	pending uint64       // activated tasks
	issue   *Instr       // waiting for room in its microthread
	fault   *Fault
	running int   // thread whose countdown occupies the datapath since now; -1 none
	turn    int   // thread served last, for rotation
	task    int   // -1: none
	state   State // charged while nothing runs
	halted  bool
	urgent  bool         // some instruction of the program has priority
	flowing bool         // run by flows, not stepped
	owing   bool         // flows may have something to do in SRAM
	flows   *Flows       // of a mesh in lanes
	place   int32        // among them
	latency fabric.Cycle // of a wavelet from the datapath to the router
	sram    []uint16
	States  StateCycles

	cfg     *Config
	prog    *Program
	pc      int
	regs    [16]int32
	trigger []fabric.QueueID // per task: its queue
	out     [fabric.NumColors]fabric.QueueID
	in      [fabric.NumColors]fabric.QueueID

	halts   bool // the program says when it ends
	rebased bool // a SetBase was executed

	FMACs        int64
	Instructions int64 // tensor and scalar, begun
	Stamps       []Stamp
}

// Stamp is one reading of the cycle counter.
type Stamp struct {
	ID    int // the instruction's Imm
	Cycle fabric.Cycle
}

// thread runs tensor instructions in order. It takes two lines of the host's cache, the first of them for what is looked
// at again and again.
type thread struct {
	cur   active
	busy  bool
	queue []active // issued, not begun; capacity fixed at load
	_     [2]uint64
}

// active is a tensor instruction in progress, registers resolved at issue.
type active struct {
	in         *Instr
	from       [2]fabric.QueueID // inputs of an instruction that streams, NoQueue if none
	to         fabric.QueueID    // its output
	n, done    int32             // elements; of a streaming instruction, elements so far
	left       [3]int32          // cycles of start, steps, conflict still to run (of an instruction that streams, steps come one by one)
	base       int32             // of the one operand in SRAM, if shape says so
	pitch      int32             // its
	sb         float32
	streams    bool
	accumulate bool
	state      State // what its steps count as
	pairs      bool  // each element reads two operands from SRAM
	shape      shape // of an instruction that streams
	dst, a, b  int32
	sa         float32
	acc        float32 // running result of a scalar destination
}

// adds reports whether element i of an FMac accumulates: what overwrites an accumulator does so once.
func (a *active) adds(i int) bool {
	return a.accumulate || i > 0 && (a.in.Dst.Kind == Scalar || a.in.Dst.Fixed)
}

// Fault is a simulated machine that cannot go on.
type Fault struct {
	At     fabric.Coord
	Cycle  fabric.Cycle
	Reason string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("fault at PE %v, cycle %d: %s", f.At, f.Cycle, f.Reason)
}

// New loads prog onto PE index of the sealed mesh m, with zeroed SRAM, and wakes it for cycle 0.
// It fails if a task waits for a color, or an instruction reads or writes one, that has no route here.
func New(cfg *Config, prog *Program, m *fabric.Mesh, index int32) (*PE, error) {
	return NewSlab(slices.Values([]*Program{prog})).New(cfg, prog, m, index, prog.Registers, make([]uint16, prog.Words))
}

// Slab is memory for PEs, side by side.
type Slab struct {
	pes     []PE
	threads []thread
}

// NewSlab is for the PEs of these programs; nil ones have none.
func NewSlab(programs iter.Seq[*Program]) *Slab {
	pes, threads := 0, 0
	for p := range programs {
		if p != nil {
			pes++
			threads += 1 + len(p.Threads)
		}
	}
	return &Slab{pages.Make[PE](pes), pages.Make[thread](threads)}
}

// New is New in the slab, with the PE's own registers and an image of its SRAM, which it takes over and
// writes to. The image must hold prog.Words words.
func (s *Slab) New(cfg *Config, prog *Program, m *fabric.Mesh, index int32, regs [16]int32, image []uint16) (*PE, error) {
	if len(image) != prog.Words {
		return nil, fmt.Errorf("pe %v: SRAM image of %d words, program %s has %d", m.At(index), len(image), prog.Name, prog.Words)
	}
	p, n := &s.pes[0], 1+len(prog.Threads)
	*p = PE{
		cfg: cfg, prog: prog, mesh: m, index: index, actor: m.PEActor(index),
		sram: image, regs: regs,
		threads: s.threads[:n:n],
		task:    -1, running: -1,
		trigger: make([]fabric.QueueID, len(prog.Tasks)),
	}
	s.pes, s.threads = s.pes[1:], s.threads[n:]
	p.latency = fabric.Cycle(1 + m.Config().RampCycles)
	for i, depth := range prog.Threads {
		p.threads[i+1].queue = make([]active, 0, depth)
	}
	for c := range p.out {
		p.out[c] = m.RampIn(index, fabric.Color(c))
		p.in[c] = m.RampOut(index, fabric.Color(c))
	}
	for i, t := range prog.Tasks {
		if t.Kind != Local {
			p.awaited |= 1 << i
			p.trigger[i] = p.in[t.Color]
			if p.trigger[i] == fabric.NoQueue {
				return nil, fmt.Errorf("pe %v: task %s waits for color %d, which no route delivers here", p.At(), t.Name, t.Color)
			}
		}
		for k := range t.Code {
			if err := p.checkColors(&t.Code[k]); err != nil {
				return nil, fmt.Errorf("pe %v: task %s: %w", p.At(), t.Name, err)
			}
			p.halts = p.halts || t.Code[k].Op == Halt
			p.urgent = p.urgent || t.Code[k].Priority
		}
	}
	for _, t := range prog.Start {
		p.pending |= 1 << t
	}
	if len(prog.Start) > 0 && cfg.LaunchCycles > 0 {
		p.countdown(cfg.LaunchCycles)
	}
	m.Agenda().Wake(p.actor, 0)
	return p, nil
}

func (p *PE) checkColors(in *Instr) error {
	for _, o := range []*Operand{&in.Dst, &in.A, &in.B} {
		if o.Kind == FabIn && p.in[o.Color] == fabric.NoQueue {
			return fmt.Errorf("%v reads color %d, which no route delivers here", in, o.Color)
		}
		if o.Kind == FabOut && p.out[o.Color] == fabric.NoQueue {
			return fmt.Errorf("%v writes color %d, which the router does not take from the ramp", in, o.Color)
		}
	}
	return nil
}

// Halted reports whether the program said it is done and no instruction is left.
func (p *PE) Halted() bool { return p.halted && !p.anyBusy() }

func (p *PE) anyBusy() bool { return p.busy != 0 }

// begin makes a thread's instruction the one in cur.
func (p *PE) begin(thread int) {
	p.threads[thread].busy = true
	p.busy |= 1 << thread
	p.changed |= 1 << thread
}

// countdown occupies the task thread with cycles that are no tensor instruction's.
func (p *PE) countdown(cycles int) {
	p.threads[0].cur = active{left: [3]int32{int32(cycles)}, state: Overhead}
	p.begin(0)
}

// AtRest reports whether nothing is begun or due: no instruction runs or waits, no activated
// task waits for its unblocking, and a program that contains a halt has reached it.
func (p *PE) AtRest() bool {
	return !p.anyBusy() && p.issue == nil && p.task < 0 && (p.halted || !p.halts && p.pending == 0)
}

// Fault returns what stopped the PE, if anything did.
func (p *PE) Fault() *Fault { return p.fault }

// SRAM is the PE's memory, and Registers its registers, as they are now.
func (p *PE) SRAM() []uint16       { return p.sram }
func (p *PE) Registers() [16]int32 { return p.regs }

// At is the PE's place.
func (p *PE) At() fabric.Coord { return p.mesh.At(p.index) }

// Waiting is the state the PE is in, and since when.
func (p *PE) Waiting() (State, fabric.Cycle) { return p.state, p.since }

// Running reports whether the datapath is in use.
func (p *PE) Running() bool { return p.running >= 0 }

func (p *PE) fail(t fabric.Cycle, format string, args ...any) {
	if p.fault == nil {
		p.fault = &Fault{At: p.At(), Cycle: t, Reason: fmt.Sprintf(format, args...)}
	}
	p.halted = true
}

// Ahead reports whether the PE has acted in cycle t or later.
func (p *PE) Ahead(t fabric.Cycle) bool { return p.now > t }

// Step accounts for the time since the last step and decides what runs from cycle t on.
func (p *PE) Step(t fabric.Cycle) {
	if p.flowing { // woken by what it sees anyhow
		return
	}
	if t < p.now { // woken by what it did not depend on
		p.mesh.Agenda().Wake(p.actor, p.now)
		return
	}
	p.settle(t)
	if p.fault != nil {
		return
	}
	if p.undecided() {
		p.control(t)
	}
	p.dispatchDatapath(t)
	if p.flows != nil {
		p.flows.admit(p, t)
	}
	if p.mesh.Observer != nil {
		p.mesh.Observer.Saw(fabric.Event{Kind: fabric.Worked, Cycle: t, At: p.At(), By: p})
	}
}

// Finish accounts up to the end of the run, when nothing moves any more.
func (p *PE) Finish(t fabric.Cycle) { p.settle(t) }

// StatesAt is States as they are at the begin of cycle t. No event before t may be outstanding, and
// Mesh.Horizon must have kept the PE from acting in t or later.
func (p *PE) StatesAt(t fabric.Cycle) StateCycles {
	s, span := p.States, t-p.now
	if span <= 0 {
		return s
	}
	if p.running < 0 {
		s[p.state] += int64(span)
		return s
	}
	a := p.threads[p.running].cur
	a.spend(int64(span), &s)
	return s
}

// settle charges the cycles [p.now, t).
func (p *PE) settle(t fabric.Cycle) {
	span := t - p.now
	if span <= 0 {
		return
	}
	p.now = t
	if p.running >= 0 {
		p.since = t
	}
	if p.running < 0 {
		p.States[p.state] += int64(span)
		return
	}
	if over := p.threads[p.running].cur.spend(int64(span), &p.States); over > 0 {
		panic(fmt.Sprintf("pe %v: slept %d cycles past the end of an instruction at cycle %d", p.At(), over, t))
	}
	p.changed |= 1 << p.running
	p.running = -1
}

// spend runs a's countdown for a number of cycles, charges them, and returns how many were over.
func (a *active) spend(cycles int64, to *StateCycles) (over int64) {
	for phase := range a.left {
		k := min(cycles, int64(a.left[phase]))
		a.left[phase] -= int32(k)
		cycles -= k
		to[a.phaseState(phase)] += k
	}
	return cycles
}

func (a *active) phaseState(phase int) State {
	switch phase {
	case 0:
		return Overhead
	case 2:
		return Conflict
	}
	return a.state
}

func (a *active) countdown() int { return int(a.left[0] + a.left[1] + a.left[2]) }

// streaming reports that an element step is next.
func (a *active) streaming() bool {
	return a.streams && a.left[0] == 0 && a.left[2] == 0
}

func (a *active) finished() bool {
	if a.countdown() > 0 {
		return false
	}
	return !a.streams || a.done == a.n
}

// undecided reports whether control may have anything to do. Between the elements of instructions that
// stream it has not.
func (p *PE) undecided() bool {
	return p.changed != 0 || p.issue != nil || p.busy&1 == 0 && (p.task >= 0 || !p.halted && (p.pending|p.awaited)&^p.blocked != 0)
}

// control performs all that takes no datapath time at cycle t: completions, starts of queued
// instructions, the running task's code, dispatch of the next task.
func (p *PE) control(t fabric.Cycle) {
	for again := true; again && p.fault == nil; {
		again = false
		for set := p.changed; set != 0; set &= set - 1 {
			i := bits.TrailingZeros32(set)
			th := &p.threads[i]
			p.changed &^= 1 << i
			if th.busy && th.cur.finished() {
				p.complete(i)
				p.busy &^= 1 << i
				again = true
			}
			if !th.busy && len(th.queue) > 0 {
				th.cur = th.queue[0]
				th.queue = append(th.queue[:0], th.queue[1:]...)
				p.begin(i)
				again = true
			}
		}
		if p.issue != nil && p.roomToIssue(p.issue.Thread) {
			p.enqueue(p.issue, false)
			p.issue = nil
			again = true
		}
		if !p.threads[0].busy && p.issue == nil && p.main(t) {
			again = true
		}
	}
}
