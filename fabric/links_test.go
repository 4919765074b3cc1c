package fabric

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// standing looks at every buffer after each cycle and finds out by itself who stands there and why.
type standing struct {
	m      *Mesh
	stalls map[linkKey]*[NumReasons]int64
	sent   [][NumPorts]int64 // per router, after the cycle before
}

type linkKey struct {
	router int32
	color  Color
	dir    Direction
}

// cycle looks at the mesh after cycle t.
func (s *standing) cycle(t Cycle) {
	m := s.m
	for i := range m.queues {
		k := &m.queues[i]
		if k.channel < 0 || k.n() == 0 || m.slot(k, k.head).ready > t || k.last == uint32(t) {
			continue
		}
		key, reason := linkKey{k.owner, m.colors[i], NumDirections}, SharedLink // with whom does not show
		for j, to := range k.way.out[:k.way.n] {
			if reason == SharedLink && m.lacksRoom(to, t) {
				key.dir, reason = m.direction(k.owner, k.way.ports[j]), NoRoom
			}
		}
		if used := sentBy(m, k.owner); reason == SharedLink && used == s.sent[k.owner] {
			panic("nobody is in the way")
		}
		if s.stalls[key] == nil {
			s.stalls[key] = &[NumReasons]int64{}
		}
		s.stalls[key][reason]++
	}
	for i := range m.routers {
		s.sent[i] = sentBy(m, int32(i))
	}
}

// sentBy is what router i sent, by port.
func sentBy(m *Mesh, i int32) (sent [NumPorts]int64) {
	for p := range sent {
		sent[p] = m.LinkUse(i, Port(p))
	}
	return sent
}

// TestLinkCounts: counting changes nothing; stalls are what a look at every buffer in every cycle finds,
// wavelets what the routers sent, in any order of actors.
func TestLinkCounts(t *testing.T) {
	for _, pause := range []Cycle{1, 3} {
		plain := newTraffic(t, 7, 6, pause)
		plain.step(2000, nil)
		want := newTraffic(t, 7, 6, pause)
		want.m.CountStalls()
		s := standing{want.m, map[linkKey]*[NumReasons]int64{}, make([][NumPorts]int64, want.m.Size())}
		for end := range Cycle(2001) {
			if want.m.agenda.now < end {
				want.step(end, nil)
			}
			if want.m.agenda.now != end {
				t.Fatalf("stepped to %d, not %d", want.m.agenda.now, end)
			}
			s.cycle(end)
		}
		if want.sum != plain.sum || want.taken != plain.taken {
			t.Fatalf("pause %d: counting takes %d, without %d", pause, want.taken, plain.taken)
		}
		for i := range want.m.queues { // what still stands is counted when it leaves
			if k := &want.m.queues[i]; k.channel >= 0 {
				want.m.stalls.settle(QueueID(i), k.channel, 2001)
			}
		}
		reasons := [NumReasons]int64{}
		left := map[[2]int]int64{}
		for _, u := range want.m.Links() {
			i, _ := want.m.index(u.At)
			for r, n := range u.Stalls {
				key := linkKey{i, u.Color, u.Direction}
				if Reason(r) == SharedLink {
					key.dir = NumDirections
				}
				if got := s.stalls[key]; got != nil {
					got[r] -= n
				} else if n != 0 {
					t.Errorf("pause %d, %+v: nobody stood there", pause, u)
				}
			}
			for r, n := range u.Stalls {
				reasons[r] += n
			}
			if u.Direction.Leaves() {
				left[[2]int{int(i), int(u.Direction)}] += u.Wavelets
			}
		}
		for key, left := range s.stalls {
			if *left != [NumReasons]int64{} {
				t.Errorf("pause %d, %+v: %v stalls were not counted", pause, key, *left)
			}
		}
		if reasons[NoRoom] == 0 || reasons[SharedLink] == 0 {
			t.Errorf("pause %d: stalls %v", pause, reasons)
		}
		for i := range want.m.Size() {
			for p := North; p < NumPorts; p++ {
				if n := want.m.LinkUse(int32(i), p); n != left[[2]int{i, int(want.m.direction(int32(i), p))}] {
					t.Errorf("router %d sent %d by %v, its links carried %d", i, n, p, left[[2]int{i, int(p)}])
				}
			}
		}
		shuffled := newTraffic(t, 7, 6, pause)
		shuffled.m.CountStalls()
		shuffled.step(2000, rand.New(rand.NewPCG(3, 1)))
		for i := range shuffled.m.queues {
			if k := &shuffled.m.queues[i]; k.channel >= 0 {
				shuffled.m.stalls.settle(QueueID(i), k.channel, 2001)
			}
		}
		if d := cmp.Diff(want.m.Links(), shuffled.m.Links()); d != "" {
			t.Errorf("pause %d, in another order: %s", pause, d)
		}
	}
}

// TestSwitchedStall: a wavelet at a port that the switch keeps closed counts on the link it takes later.
func TestSwitchedStall(t *testing.T) {
	r := newRig(t, defaults(3, 1))
	err := r.m.SetRoute(Coord{1, 0}, 0, Route{Positions: []Position{{Ports(West), Ports(Ramp)}, {Ports(East), Ports(Ramp)}}})
	if err != nil {
		t.Fatal(err)
	}
	r.route(0, 0, 0, Ports(Ramp), Ports(East))
	r.route(2, 0, 0, Ports(Ramp), Ports(West))
	r.seal()
	r.m.CountStalls()
	late := r.peSource(0, 0, 1, 10)
	late.send[0].Control, late.send[0].Switches = true, uint16(SwitchAdvance)<<2 // for the second router
	r.peSource(2, 0, 1, 0)
	got := r.peSink(1, 0, 0)
	r.run()
	if len(got.got) != 2 {
		t.Fatalf("%d arrived", len(got.got))
	}
	want := []LinkUse{
		{At: Coord{0, 0}, Direction: ToEast, Wavelets: 1}, {At: Coord{0, 0}, Direction: FromPE, Wavelets: 1},
		// The early one is there 1 + ramp + hop cycles after it was sent, the other 10 later.
		{At: Coord{1, 0}, Direction: ToPE, Wavelets: 2, Stalls: [NumReasons]int64{Switched: 11}},
		{At: Coord{2, 0}, Direction: ToWest, Wavelets: 1}, {At: Coord{2, 0}, Direction: FromPE, Wavelets: 1},
	}
	if d := cmp.Diff(want, r.m.Links()); d != "" {
		t.Error(d)
	}
}
