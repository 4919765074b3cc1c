package pe

// State is what a PE does in one cycle. Every PE is in exactly one state in every cycle,
// so the states of all PEs sum to PEs x cycles.
type State uint8

const (
	Idle       State = iota // no work left, or PE not used
	Compute                 // datapath steps of a tensor instruction
	RingAdd                 // datapath steps that add or forward partial sums
	Overhead                // instruction start, task switch, scalar instructions
	Conflict                // datapath steps repeated by a bank conflict
	WaitWeight              // input queue empty
	WaitPsum                // partial sum of the neighbour, or of a full run-ahead window
	BlockedOut              // no room towards the fabric
	NumStates
)

// Name is the state's word in tables, traces and files.
func (s State) Name() string {
	return [NumStates]string{
		"idle", "compute", "ring_add", "overhead", "memory_conflict", "wait_weights", "wait_partial_sums", "blocked_output",
	}[s]
}

// States lists every state in order.
func States() []State {
	all := make([]State, NumStates)
	for i := range all {
		all[i] = State(i)
	}
	return all
}

// Busy reports whether the datapath or the task dispatcher works in s.
func (s State) Busy() bool { return s == Compute || s == RingAdd || s == Overhead || s == Conflict }

// StateCycles counts cycles by state.
type StateCycles [NumStates]int64

// Total is the sum over all states.
func (c StateCycles) Total() (n int64) {
	for _, v := range c {
		n += v
	}
	return n
}

// Add adds k times o to c.
func (c *StateCycles) Add(o StateCycles, k int64) {
	for i, v := range o {
		c[i] += k * v
	}
}
