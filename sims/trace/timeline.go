package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Threads of a run in a timeline; PEs follow.
const (
	layersThread = 1
	firstPE      = 2
)

// Timeline is the runs as a Chrome trace in JSON, gzipped, as Perfetto and chrome://tracing open it: a
// process per run; in it the kernels within their layers, counters, and a track for each of the PEs,
// nil for the notable ones of each run. Times are those of the wafer. Counters and PEs change from window
// to window; within one, a PE's states are drawn one after the other: their order in time is not recorded.
func Timeline(pes []fabric.Coord, runs ...*Run) ([]byte, error) {
	t := timeline{quotes: map[string]string{}, b: bytes.NewBufferString(`{"displayTimeUnit":"ns","otherData":{"format":"cs2sim timeline 1"},"traceEvents":[`)}
	for i, r := range runs {
		t.pid, t.clock = i+1, r.Machine.ClockHz
		chosen := pes
		if chosen == nil {
			chosen = r.Notable()
		}
		for _, at := range chosen {
			if at.X < 0 || at.X >= r.Machine.Width || at.Y < 0 || at.Y >= r.Machine.Height {
				return nil, fmt.Errorf("PE %d,%d lies outside of the %d x %d PEs of run %q", at.X, at.Y, r.Machine.Width, r.Machine.Height, r.Name)
			}
		}
		t.run(r, chosen)
	}
	t.b.WriteString("\n]}\n")
	data, err := zipped(t.b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	return data, nil
}

type timeline struct {
	b     *bytes.Buffer
	pid   int
	clock float64
	some  bool

	quotes map[string]string
}

// arg is one entry of an event's args, in order.
type arg struct {
	name  string
	value any
}

// nanoseconds rounds a cycle to the grid on which viewers place events, so that what touches in
// cycles touches there.
func (t *timeline) nanoseconds(cycle int64) int64 {
	return int64(math.Round(float64(cycle) / t.clock * 1e9))
}

func microseconds(ns int64) string { return strconv.FormatFloat(float64(ns)/1e3, 'f', 3, 64) }

func (t *timeline) event(kind, name string, thread int, at, cycles int64, args ...arg) {
	if t.some {
		t.b.WriteByte(',')
	}
	t.some = true
	t.text("\n{\"ph\":", t.quoted(kind), ",\"name\":", t.quoted(name), ",\"pid\":", strconv.Itoa(t.pid), ",\"tid\":", strconv.Itoa(thread))
	if kind != "M" {
		from := t.nanoseconds(at)
		t.text(",\"ts\":", microseconds(from))
		if kind == "X" {
			t.text(",\"dur\":", microseconds(t.nanoseconds(at+cycles)-from))
		}
	}
	for i, a := range args {
		lead := ","
		if i == 0 {
			lead = `,"args":{`
		}
		t.text(lead, t.quoted(a.name), ":")
		switch v := a.value.(type) {
		case string:
			t.text(t.quoted(v))
		case int64:
			t.text(strconv.FormatInt(v, 10))
		default:
			fmt.Fprint(t.b, v)
		}
	}
	if len(args) > 0 {
		t.b.WriteByte('}')
	}
	t.b.WriteByte('}')
}

func (t *timeline) text(parts ...string) {
	for _, p := range parts {
		t.b.WriteString(p)
	}
}

// quoted is quote of one of a few texts, kept.
func (t *timeline) quoted(s string) string {
	q, ok := t.quotes[s]
	if !ok {
		q = quote(s)
		t.quotes[s] = q
	}
	return q
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always encode
	}
	return string(b)
}

func (t *timeline) run(r *Run, pes []fabric.Coord) {
	t.event("M", "process_name", 0, 0, 0, arg{"name", r.Name})
	t.event("M", "process_sort_index", 0, 0, 0, arg{"sort_index", t.pid})
	t.thread(layersThread, "kernels by layer")
	sums := r.kindSums()
	for from := 0; from < len(r.Phases); {
		to, cycles := from, int64(0)
		for ; to < len(r.Phases) && sameLayer(&r.Phases[from], &r.Phases[to]); to++ {
			cycles += r.Phases[to].Cycles
		}
		p := &r.Phases[from]
		t.event("X", p.LayerName+", "+p.Pass, layersThread, p.Start, cycles, arg{"cycles", cycles})
		for i := from; i < to; i++ {
			t.kernel(&r.Phases[i], i, sums[r.Phases[i].Kind])
		}
		from = to
	}
	fine := r.Fine(maxTimelineWindows)
	t.counters(fine.Run)
	for i, at := range pes {
		t.pe(r, fine, firstPE+i, at)
	}
}

// maxTimelineWindows keeps a timeline of several steps within what viewers open at once.
const maxTimelineWindows = 3000

func sameLayer(a, b *Phase) bool { return a.LayerName == b.LayerName && a.Pass == b.Pass }

func (t *timeline) thread(id int, name string) {
	t.event("M", "thread_name", id, 0, 0, arg{"name", name})
	t.event("M", "thread_sort_index", id, 0, 0, arg{"sort_index", id})
}

func (t *timeline) kernel(p *Phase, i int, sum pe.StateCycles) {
	args := []arg{{"phase", i}, {"kernel", p.Kernel}, {"cycles", p.Cycles}, {"fmacs", p.FMACs}, {"hops", p.Hops}, {"edge_in", p.EdgeIn}, {"edge_out", p.EdgeOut}}
	for _, s := range pe.States() {
		args = append(args, arg{"pe_cycles_" + s.Name(), sum[s]})
	}
	t.event("X", p.Op+" "+p.Kernel, layersThread, p.Start, p.Cycles, args...)
}

// counters change where a phase begins and are zero after the last one.
func (t *timeline) counters(r *Run) {
	sums := r.kindSums()
	all := float64(r.PEs())
	set := func(at int64, p Phase, sum pe.StateCycles) {
		cycles := max(1, float64(p.Cycles))
		t.event("C", "utilisation", 0, at, 0, arg{"busy", share(Busy(sum), cycles*all)}, arg{"waiting", share(Waiting(sum), cycles*all)})
		t.event("C", "I/O wavelets per cycle", 0, at, 0, arg{"in", share(p.EdgeIn, cycles)}, arg{"out", share(p.EdgeOut, cycles)})
		t.event("C", "wavelets per cycle", 0, at, 0, arg{"router to router", share(p.Hops, cycles)})
	}
	for _, p := range r.Phases {
		if p.Cycles > 0 {
			set(p.Start, p, sums[p.Kind])
		}
	}
	set(r.Cycles, Phase{}, pe.StateCycles{})
}

// share is a number: chrome://tracing takes no text for a counter's value.
func share(n int64, of float64) json.Number {
	return json.Number(strconv.FormatFloat(float64(n)/of, 'g', 6, 64))
}

// pe is the life of one PE.
func (t *timeline) pe(r *Run, fine Fine, thread int, at fabric.Coord) {
	t.thread(thread, fmt.Sprintf("PE %d,%d", at.X, at.Y))
	states := make([]pe.StateCycles, len(fine.Kinds))
	for i := range fine.Kinds {
		states[i] = fine.Kinds[i].At(at.X, at.Y)
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		t.event("X", p.Op+" "+p.Kernel, thread, p.Start, p.Cycles, arg{"phase", i})
		for _, w := range fine.Phases[fine.First[i]:fine.First[i+1]] {
			now := w.Start
			for _, s := range lifeOrder() {
				if n := states[w.Kind][s]; n > 0 {
					t.event("X", s.Name(), thread, now, n, arg{"cycles", n})
					now += n
				}
			}
		}
	}
}

// lifeOrder draws work before waiting, and what is left at the end.
func lifeOrder() []pe.State {
	return []pe.State{pe.Compute, pe.Conflict, pe.RingAdd, pe.Overhead, pe.WaitWeight, pe.WaitPsum, pe.BlockedOut, pe.Idle}
}
