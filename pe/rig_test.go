package pe

import (
	"testing"

	"cs2sim.dev/fabric"
)

// Colors of the rig's one router: in comes from the west edge to the ramp, out goes from the
// ramp to the east edge.
const (
	inColor fabric.Color = iota
	outColor
)

// testConfig has round numbers that differ from each other.
func testConfig() Config {
	return Config{
		SRAMBytes: 48 << 10, Banks: 8, FP16PerCycle: 4, MixedPerCycle: 2, FP32PerCycle: 1, ConflictFactor: 2,
		TensorStartCycles: 6, DescriptorLoadCycles: 28, OutputLoadCycles: 17, TriggerStartCycles: 2, TaskSwitchCycles: 10, Microthreads: 8,
		ScalarCycles: 1, JumpCycles: 2, ScalarMemoryCycles: 3, ScalarFloatCycles: 4, ReciprocalCycles: 20, SendCycles: 5, TimestampCycles: 7,
		RecipElementCycles: 4, RSqrtElementCycles: 8, ExpElementCycles: 10, LogElementCycles: 14, GELUElementCycles: 20,
		TruncateCycles: 11, SetBaseCycles: 13, RebaseStartCycles: 100, RebaseConflicts: 3,
		LaunchCycles: 17,
	}
}

// rig is one PE with an edge that feeds it and an edge that takes what it sends.
type rig struct {
	*PE
	mesh *fabric.Mesh
	got  []arrival
	end  fabric.Cycle
}

type arrival struct {
	at fabric.Cycle
	w  fabric.Wavelet
}

// feed is a wavelet that is in the PE's queue from cycle ready on.
type feed struct {
	ready fabric.Cycle
	w     fabric.Wavelet
}

// latency from a push at the edge to the PE: hop 1, ramp 2.
const latency = 3

// runRig runs g to quiescence; the east edge takes nothing before cycle open.
func runRig(t *testing.T, cfg Config, g *Program, feeds []feed, open fabric.Cycle) *rig {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := g.Verify(cfg); err != nil {
		t.Fatal(err)
	}
	m, err := fabric.NewMesh(fabric.Config{Width: 1, Height: 1, HopCycles: 1, RampCycles: 2, BufferDepth: 4, QueueWords: 4})
	if err != nil {
		t.Fatal(err)
	}
	west, east, ramp := fabric.Ports(fabric.West), fabric.Ports(fabric.East), fabric.Ports(fabric.Ramp)
	feeder, taker := m.AddActor(), m.AddActor()
	at := fabric.Coord{}
	for _, err := range []error{
		m.SetRoute(at, inColor, fabric.Static(west, ramp)),
		m.SetRoute(at, outColor, fabric.Static(ramp, east)),
		m.EdgeIn(at, fabric.West, inColor, feeder),
		m.EdgeOut(at, fabric.East, outColor, taker),
		m.Seal(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := New(&cfg, g, m, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{PE: p, mesh: m}
	in, out := m.EdgeQueue(at, fabric.West, inColor, true), m.EdgeQueue(at, fabric.East, outColor, false)
	if len(feeds) > 0 {
		m.Agenda().Wake(feeder, feeds[0].ready-latency)
	}
	m.Agenda().Wake(taker, open)
	for {
		now, due := m.Agenda().Next()
		if now == fabric.Never {
			break
		}
		r.end = now
		for _, actor := range due {
			switch actor {
			case 0:
				m.StepRouter(0, now)
			case 1:
				p.Step(now)
			case feeder:
				if !m.Room(in, now) {
					continue
				}
				m.Push(in, feeds[0].w, now+1)
				if feeds = feeds[1:]; len(feeds) > 0 {
					m.Agenda().Wake(feeder, max(now+1, feeds[0].ready-latency))
				}
			case taker:
				if w, ready, ok := m.Peek(out); ok && ready <= now {
					m.Pop(out, now)
					r.got = append(r.got, arrival{now, w})
					m.Agenda().Wake(taker, now+1)
				} else if ok {
					m.Agenda().Wake(taker, ready)
				}
			}
		}
	}
	p.Finish(r.end)
	if total := p.States.Total(); total != int64(r.end) {
		t.Errorf("states %v sum to %d, %d cycles passed", p.States, total, r.end)
	}
	return r
}

// stamp is the cycle of the first timestamp id.
func (r *rig) stamp(t *testing.T, id int) fabric.Cycle {
	t.Helper()
	for _, s := range r.Stamps {
		if s.ID == id {
			return s.Cycle
		}
	}
	t.Fatalf("no timestamp %d: %v", id, r.Stamps)
	return 0
}

// local is a program of local tasks, all active at the start.
func local(words int, code ...[]Instr) *Program {
	g := &Program{Name: "test", Words: words}
	for i, c := range code {
		g.Tasks = append(g.Tasks, Task{Name: "task", Code: c})
		g.Start = append(g.Start, i)
	}
	return g
}

// stampNow is a timestamp instruction.
func stampNow(id int) Instr { return Instr{Op: Timestamp, D: 15, Imm: id} }

// axpy is y += 2x on n fp32 elements in different banks.
func axpy(n int) Instr {
	return Instr{Op: FMac, N: n, Dst: Memory(F32, 0), A: Memory(F32, 6144), B: Constant(F32, 2), Accumulate: -1, Charge: Compute}
}

func data(value, index uint16) fabric.Wavelet {
	return fabric.Wavelet{Color: inColor, Data: fabric.Pack(value, index)}
}

func word(bits uint32) fabric.Wavelet { return fabric.Wavelet{Color: inColor, Data: bits} }
