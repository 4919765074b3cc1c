package fabric

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// traffic drives a mesh with mixed traffic without end: every row streams east to its last
// PE (unicast), every column multicasts south to all its PEs, and every row's first color
// turns north-east over shared links. Sources push whenever there is room; sinks take at
// once, or only every pause-th cycle.
type traffic struct {
	m       *Mesh
	sources [][]QueueID // per PE
	sinks   [][]QueueID // per PE
	pause   Cycle
	latency Cycle // of what a PE sends, until it is at the router
	taken   int64
	sum     uint64 // of what was taken when and where, independent of the order within a cycle
}

const (
	rowColor Color = iota
	columnColor
	turnColor
	mergeColor  // only of newHardTraffic
	switchColor // as well
)

func newTraffic(t testing.TB, w, h int, pause Cycle) *traffic {
	t.Helper()
	return newTrafficOn(t, defaults(w, h), pause, false)
}

// newTrafficOn adds, if it is to be hard, a color on which every PE of an odd row merges into what comes from the west, and
// one on which those of even rows send in turns, which commands among their wavelets end and begin.
func newTrafficOn(t testing.TB, c Config, pause Cycle, hard bool) *traffic {
	t.Helper()
	m, err := NewMesh(c)
	if err != nil {
		t.Fatal(err)
	}
	w, h := c.Width, c.Height
	set := func(x, y int, c Color, rx, tx PortSet) {
		if err := m.SetRoute(Coord{x, y}, c, Static(rx, tx)); err != nil {
			t.Fatal(err)
		}
	}
	for y := range h {
		set(0, y, rowColor, Ports(Ramp), Ports(East))
		for x := 1; x < w-1; x++ {
			set(x, y, rowColor, Ports(West), Ports(East))
		}
		set(w-1, y, rowColor, Ports(West), Ports(Ramp))
	}
	for x := range w {
		set(x, 0, columnColor, Ports(Ramp), Ports(South))
		for y := 1; y < h-1; y++ {
			set(x, y, columnColor, Ports(North), Ports(Ramp, South))
		}
		set(x, h-1, columnColor, Ports(North), Ports(Ramp))
	}
	for y := 0; y < h; y += 2 { // east along row y, then south one row
		set(0, y, turnColor, Ports(Ramp), Ports(East))
		for x := 1; x < w-1; x++ {
			set(x, y, turnColor, Ports(West), Ports(East))
		}
		set(w-1, y, turnColor, Ports(West), Ports(South))
		set(w-1, y+1, turnColor, Ports(North), Ports(Ramp))
	}
	for y := 0; hard && y < h; y++ {
		c, onward, back := mergeColor, Ports(East), Ports(West)
		if y%2 == 0 {
			c = switchColor
		}
		for x := range w {
			r := Static(back|Ports(Ramp), onward)
			switch {
			case x == w-1:
				r = Static(back, Ports(Ramp))
			case x == 0:
				r = Static(Ports(Ramp), onward)
			case c == switchColor:
				r = Route{Positions: []Position{{Ports(Ramp), onward}, {back, onward | Ports(Ramp)}}, Wrap: true, FilterControl: x%2 == 0, KeepCommand: x%3 == 0}
			}
			if err := m.SetRoute(Coord{x, y}, c, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := m.Seal(); err != nil {
		t.Fatal(err)
	}
	tr := &traffic{m: m, sources: make([][]QueueID, w*h), sinks: make([][]QueueID, w*h), pause: pause, latency: Cycle(1 + c.RampCycles)}
	for i := range int32(w * h) {
		for c := rowColor; c <= switchColor; c++ {
			if q := m.RampIn(i, c); q != NoQueue {
				tr.sources[i] = append(tr.sources[i], q)
			}
			if q := m.RampOut(i, c); q != NoQueue {
				tr.sinks[i] = append(tr.sinks[i], q)
			}
		}
		m.agenda.Wake(m.PEActor(i), 0)
	}
	return tr
}

// step runs up to and with cycle end, shuffling the actors of a cycle if rng is given.
func (tr *traffic) step(end Cycle, rng *rand.Rand) {
	n := int32(tr.m.Size())
	for {
		t, due := tr.m.agenda.Next()
		if rng != nil {
			due = slices.Clone(due)
			rng.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
		}
		for _, actor := range due {
			if actor < n {
				tr.m.StepRouter(actor, t)
			} else {
				tr.pe(actor-n, t)
			}
		}
		if t >= end {
			return
		}
	}
}

func (tr *traffic) pe(i int32, t Cycle) {
	m := tr.m
	wake := Never
	for _, q := range tr.sources[i] {
		if m.Room(q, t) {
			w := Wavelet{Data: uint32(t), Color: m.colors[q]}
			if w.Color == switchColor {
				w.Control = (uint32(t)^uint32(i))%5 == 0
				w.Switches = uint16((uint32(t)*2654435761 + uint32(i)*40503) >> 16 % 3)
				if w.Control {
					w.Switches |= uint16(uint32(t)%3<<2 | uint32(i)%3<<4)
				}
			}
			m.Push(q, w, t+tr.latency)
			wake = t + 1
		}
	}
	for _, q := range tr.sinks[i] {
		w, ready, ok := m.Peek(q)
		if !ok {
			continue
		}
		ready = (max(ready, t) + tr.pause - 1) / tr.pause * tr.pause
		if ready > t {
			wake = min(wake, ready)
			continue
		}
		m.Pop(q, t)
		tr.taken++
		tr.sum += (uint64(t)*1000003 + uint64(i)) * (uint64(w.Data) + 0x9e3779b97f4a7c15)
		wake = t + 1
	}
	if wake != Never {
		m.agenda.Wake(m.PEActor(i), wake)
	}
}

// TestOrderIndependence: what happens in a cycle does not depend on who is stepped first.
func TestOrderIndependence(t *testing.T) {
	for _, pause := range []Cycle{1, 3} {
		plain := newTraffic(t, 7, 6, pause)
		plain.step(3000, nil)
		if plain.taken == 0 {
			t.Fatal("nothing arrived")
		}
		for seed := range uint64(5) {
			shuffled := newTraffic(t, 7, 6, pause)
			shuffled.step(3000, rand.New(rand.NewPCG(seed, 1)))
			if shuffled.sum != plain.sum || shuffled.taken != plain.taken || shuffled.m.Stats() != plain.m.Stats() {
				t.Fatalf("pause %d, shuffle %d: %d taken, stats %+v; in order %d, %+v", pause, seed, shuffled.taken, shuffled.m.Stats(), plain.taken, plain.m.Stats())
			}
			if err := shuffled.m.CheckConservation(); err != nil {
				t.Error(err)
			}
		}
	}
}

// BenchmarkMixedTraffic reports wavelet-hops per second of one core on a 64 x 64 mesh, PEs'
// ends included.
func BenchmarkMixedTraffic(b *testing.B) {
	for _, pause := range []Cycle{1, 4} {
		name := map[Cycle]string{1: "free", 4: "congested"}[pause]
		b.Run(name, func(b *testing.B) {
			tr := newTraffic(b, 64, 64, pause)
			tr.step(2000, nil)
			b.ReportAllocs()
			b.ResetTimer()
			hops := tr.m.Stats().Hops
			end := Cycle(2000)
			for b.Loop() {
				end += 100
				tr.step(end, nil)
			}
			b.ReportMetric(float64(tr.m.Stats().Hops-hops)/b.Elapsed().Seconds(), "hops/s")
		})
	}
}
