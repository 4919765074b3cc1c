package pe

import (
	"testing"

	"cs2sim.dev/fabric"
)

const memoryWords = 24 << 10 // all of SRAM

// TestLaunchSwitchStart: launch, task switch, instruction start and steps follow without a gap
// and without overlap.
func TestLaunchSwitchStart(t *testing.T) {
	r := runRig(t, testConfig(), local(memoryWords, []Instr{stampNow(0), axpy(9), stampNow(1)}, []Instr{stampNow(2)}), nil, 0)
	first := fabric.Cycle(17 + 10)
	for id, want := range []fabric.Cycle{first, first + 7 + 6 + 9, first + 7 + 6 + 9 + 7 + 10} {
		if got := r.stamp(t, id); got != want {
			t.Errorf("timestamp %d at cycle %d, want %d", id, got, want)
		}
	}
	if want := (StateCycles{Compute: 9, Overhead: 17 + 10 + 7 + 6 + 7 + 10 + 7}); r.States != want {
		t.Errorf("states %v, want %v", r.States, want)
	}
}

// TestNoLaunchWithoutStart: a PE that only waits for wavelets is ready from cycle 0 on.
func TestNoLaunchWithoutStart(t *testing.T) {
	g := &Program{Name: "test", Words: memoryWords, Tasks: []Task{{Name: "d", Kind: Data, Color: inColor, Words: 1, Wait: WaitWeight, Code: []Instr{stampNow(0)}}}}
	r := runRig(t, testConfig(), g, []feed{{4, data(1, 2)}}, 0)
	if got := r.stamp(t, 0); got != 4+10 {
		t.Errorf("the task ran at cycle %d, want at 14", got)
	}
	if r.regs[0] != 1 || r.regs[1] != 2 {
		t.Errorf("value and index in r0, r1: %v", r.regs[:2])
	}
	if r.States[WaitWeight] != int64(r.end)-10-7 {
		t.Errorf("states %v", r.States)
	}
}

// TestTriggerStart: a triggered task has no switch and a short start; back to back the next
// begins in the cycle the last one ends.
func TestTriggerStart(t *testing.T) {
	in := axpy(8)
	in.Dst, in.A = Indexed(F16, 0, 1, 8), Memory(F16, 6144)
	in.A.Type, in.B = F16, Register(F16, 0)
	for _, triggered := range []bool{true, false} {
		g := &Program{Name: "test", Words: memoryWords, Tasks: []Task{{Name: "w", Kind: Data, Color: inColor, Words: 1, Triggered: triggered, Wait: WaitWeight, Code: []Instr{in, stampNow(0)}}}}
		r := runRig(t, testConfig(), g, []feed{{5, data(0x3c00, 0)}, {6, data(0x3c00, 1)}}, 0)
		cost := fabric.Cycle(2 + 2)
		if !triggered {
			cost = 10 + 6 + 2
		}
		if a, b := r.Stamps[0].Cycle, r.Stamps[1].Cycle; a != 5+cost || b != 5+cost+7+cost {
			t.Errorf("triggered %v: instructions end at %d and %d, want %d and %d", triggered, a, b, 5+cost, 5+2*cost+7)
		}
	}
}

// TestMicrothreadsInterleave: two instructions share the datapath cycle by cycle; one with
// priority keeps it.
func TestMicrothreadsInterleave(t *testing.T) {
	run := func(mainFirst, threadFirst bool) (main, thread fabric.Cycle) {
		a, b := axpy(8), axpy(8)
		a.Thread, a.Priority, b.Priority = 1, threadFirst, mainFirst
		a.Done = Action{Activate, 1}
		g := local(memoryWords, []Instr{a, b, stampNow(0), {Op: Jump, Target: 4}})
		g.Threads = []int{2}
		g.Tasks = append(g.Tasks, Task{Name: "done", Code: []Instr{stampNow(1)}})
		r := runRig(t, testConfig(), g, nil, 0)
		return r.stamp(t, 0) - 27, r.stamp(t, 1) - 27
	}
	main, _ := run(false, false)
	if main != 27 && main != 28 {
		t.Errorf("equal rights: the task's instruction ends after %d cycles, want 27 or 28 of the 28 both take", main)
	}
	if main, _ = run(true, false); main != 14 {
		t.Errorf("priority: the task's instruction ends after %d cycles, want its own 14", main)
	}
	main, thread := run(false, true)
	if main != 28 {
		t.Errorf("priority on the microthread: the task's instruction ends after %d cycles, want 28", main)
	}
	if want := main + 7 + 2 + 10; thread != want {
		t.Errorf("the completion's task ran at %d, want right after the running task at %d", thread, want)
	}
}

// TestEveryMicrothread: the last of as many microthreads as there can be does what the first does.
func TestEveryMicrothread(t *testing.T) {
	cfg := testConfig()
	cfg.Microthreads = MaxMicrothreads
	run := func(thread int) (main, done fabric.Cycle, r *rig) {
		a, b := axpy(8), axpy(8)
		a.Thread, a.Done = thread, Action{Activate, 1}
		g := local(memoryWords, []Instr{a, b, stampNow(0), {Op: Jump, Target: 4}})
		for range MaxMicrothreads {
			g.Threads = append(g.Threads, 1)
		}
		g.Tasks = append(g.Tasks, Task{Name: "done", Code: []Instr{stampNow(1)}})
		r = runRig(t, cfg, g, nil, 0)
		return r.stamp(t, 0), r.stamp(t, 1), r
	}
	main, done, r := run(1)
	for thread := 2; thread <= MaxMicrothreads; thread++ {
		if m, d, got := run(thread); m != main || d != done || got.States != r.States {
			t.Errorf("microthread %d: %d and %d, %v; the first %d and %d, %v", thread, m, d, got.States, main, done, r.States)
		}
	}
}

// TestPriorityStreams: a streaming instruction with priority takes the datapath in exactly the
// cycles its elements are there.
func TestPriorityStreams(t *testing.T) {
	for _, priority := range []bool{true, false} {
		ring := Instr{Op: FAdd, N: 4, Dst: Memory(F32, 12288), A: In(F32, inColor), B: Memory(F32, 12288), Accumulate: -1, Thread: 1, Priority: priority, Charge: RingAdd, Wait: WaitPsum}
		g := local(memoryWords, []Instr{ring, axpy(40), stampNow(0)})
		g.Threads = []int{1}
		r := runRig(t, testConfig(), g, []feed{{40, word(0)}, {45, word(0)}, {50, word(0)}, {51, word(0)}}, 0)
		// 27 to the issue, 6 starts of the microthread, 6 and 40 of the task, 4 ring elements in between.
		if got := r.stamp(t, 0); got != 27+6+6+40+4 {
			t.Errorf("priority %v: the task's instruction ends at %d, want %d", priority, got, 27+6+6+40+4)
		}
		if r.States[RingAdd] != 4 || r.States[Compute] != 40 || r.States[WaitPsum] != 0 {
			t.Errorf("priority %v: states %v", priority, r.States)
		}
	}
}

// TestWaitForInput: an instruction whose element is ready in cycle t takes it in t, not before.
func TestWaitForInput(t *testing.T) {
	for _, ready := range []fabric.Cycle{32, 33, 34, 60} {
		in := Instr{Op: FMov, N: 1, Dst: Memory(F32, 0), A: In(F32, inColor), Accumulate: -1, Charge: Compute, Wait: WaitPsum}
		r := runRig(t, testConfig(), local(memoryWords, []Instr{in, stampNow(0)}), []feed{{ready, word(0x40490fdb)}}, 0)
		able := fabric.Cycle(27 + 6)
		if got, want := r.stamp(t, 0), max(ready, able)+1; got != want {
			t.Errorf("element ready at %d: taken by %d, want %d", ready, got, want)
		}
		if got, want := r.States[WaitPsum], int64(max(0, ready-able)); got != want {
			t.Errorf("element ready at %d: waited %d cycles, want %d", ready, got, want)
		}
		if got := r.Load(F32, 0, 1)[0]; got != 3.1415927 {
			t.Errorf("stored %v", got)
		}
	}
}

// TestBlockedOutput: with nobody taking, the wires hold 7 wavelets at the ramp and 5 at the edge;
// the 13th leaves two cycles after the first was taken.
func TestBlockedOutput(t *testing.T) {
	const open = 100
	for n := 11; n <= 14; n++ {
		in := Instr{Op: FMov, N: n, Dst: Out(F32, outColor), A: Memory(F32, 0), Accumulate: -1, Charge: RingAdd}
		r := runRig(t, testConfig(), local(memoryWords, []Instr{in, stampNow(0)}), nil, open)
		want, blocked := fabric.Cycle(27+6+n), int64(0)
		if n > 12 {
			want, blocked = fabric.Cycle(open+2+n-12), open+2-(27+6+12)
		}
		if got := r.stamp(t, 0); got != want {
			t.Errorf("%d wavelets: the last is sent by %d, want %d", n, got, want)
		}
		if r.States[BlockedOut] != blocked || len(r.got) != n {
			t.Errorf("%d wavelets: blocked %d cycles, want %d; %d arrived", n, r.States[BlockedOut], blocked, len(r.got))
		}
	}
}

// TestFullMicrothread: a task waits to issue to a microthread that holds all it can.
func TestFullMicrothread(t *testing.T) {
	a := axpy(20)
	a.Thread = 1
	for depth, want := range map[int]fabric.Cycle{1: 27 + 26 + 26, 2: 27 + 26, 3: 27} {
		g := local(memoryWords, []Instr{a, a, a, stampNow(0)})
		g.Threads = []int{depth}
		if got := runRig(t, testConfig(), g, nil, 0).stamp(t, 0); got != want {
			t.Errorf("depth %d: the third is issued at %d, want %d", depth, got, want)
		}
	}
}

// TestTaskOrder: of the tasks that can run, the earlier one in the program does; a blocked one
// waits until unblocked.
func TestTaskOrder(t *testing.T) {
	g := local(memoryWords,
		[]Instr{{Op: Block, Task: 1}, stampNow(0)},
		[]Instr{stampNow(1)},
		[]Instr{stampNow(2), {Op: Unblock, Task: 1}},
		[]Instr{stampNow(3)})
	r := runRig(t, testConfig(), g, nil, 0)
	order := ""
	for _, s := range r.Stamps {
		order += string(rune('0' + s.ID))
	}
	if order != "0213" {
		t.Errorf("tasks ran in order %s, want 0213", order)
	}
	if !r.AtRest() {
		t.Error("not at rest")
	}
}

// TestUnblockOnCompletion: a data task that is blocked leaves its wavelet in the queue until
// the instruction it waits for is complete.
func TestUnblockOnCompletion(t *testing.T) {
	a := axpy(100)
	a.Thread, a.Done = 1, Action{Unblock, 1}
	g := local(memoryWords, []Instr{{Op: Block, Task: 1}, a})
	g.Threads = []int{1}
	g.Tasks = append(g.Tasks, Task{Name: "d", Kind: Data, Color: inColor, Words: 1, Wait: WaitWeight, Code: []Instr{stampNow(0)}})
	r := runRig(t, testConfig(), g, []feed{{4, data(0, 0)}}, 0)
	if got := r.stamp(t, 0); got != 27+1+106+10 {
		t.Errorf("the data task ran at %d, want %d", got, 27+1+106+10)
	}
}

// TestNotAtRest: what waits for ever is told from what ended.
func TestNotAtRest(t *testing.T) {
	wait := Instr{Op: FMov, N: 2, Dst: Memory(F32, 0), A: In(F32, inColor), Accumulate: -1, Charge: Compute, Wait: WaitPsum}
	r := runRig(t, testConfig(), local(memoryWords, []Instr{wait}), []feed{{40, word(1)}}, 0)
	if state, since := r.Waiting(); r.AtRest() || state != WaitPsum || since != 41 {
		t.Errorf("at rest %v, in %v since %d, want waiting since cycle 41", r.AtRest(), state.Name(), since)
	}
	if c, ok := r.Blocking(); !ok || c != inColor {
		t.Errorf("waits for color %d, %v", c, ok)
	}
	g := local(memoryWords, []Instr{{Op: Block, Task: 0}, {Op: Activate, Task: 0}})
	if runRig(t, testConfig(), g, nil, 0).AtRest() {
		t.Error("at rest with a blocked task active")
	}
	g = local(memoryWords, []Instr{stampNow(0)})
	g.Tasks = append(g.Tasks, Task{Name: "end", Code: []Instr{{Op: Halt}}})
	if runRig(t, testConfig(), g, nil, 0).AtRest() {
		t.Error("at rest though the halt was not reached")
	}
}

// TestSend: a wavelet from registers is in the router one step and the ramp after its cycle.
func TestSend(t *testing.T) {
	g := local(memoryWords, []Instr{
		{Op: Mov, D: 2, X: I(7)}, {Op: Mov, D: 3, X: I(9)},
		{Op: Send, Dst: Out(F16, outColor), X: R(2), Y: R(3)}, stampNow(0),
		{Op: Send, Dst: Out(F32, outColor), X: I(3), Control: true, Switches: 0x0009, LoadDestination: true}, stampNow(1),
	})
	r := runRig(t, testConfig(), g, nil, 0)
	if got := r.stamp(t, 0); got != 27+1+1+5 {
		t.Errorf("sent by %d, want %d", got, 27+7)
	}
	if got := r.stamp(t, 1) - r.stamp(t, 0); got != 7+6+10+17+5 {
		t.Errorf("sent with its descriptor loaded %d later, want a timestamp's 7, start 6, load 10 + 17, and 5", got)
	}
	// The push is in the last of the 5 cycles, 33; the router has it at 36, the edge at 37.
	if len(r.got) != 2 || r.got[0].at != 37 || r.got[0].w.Data != fabric.Pack(7, 9) || r.got[0].w.Control {
		t.Errorf("arrived: %+v", r.got)
	}
	// The router on the way executed one command and removed it.
	if w := r.got[1].w; !w.Control || w.Data != 3 || w.Switches != 0x0002 {
		t.Errorf("control wavelet %+v", w)
	}
}
