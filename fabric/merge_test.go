package fabric

import "testing"

// TestMergeInRotation: two streams of one color that meet at a router share its output in turns.
func TestMergeInRotation(t *testing.T) {
	r := newRig(t, defaults(3, 1))
	r.route(0, 0, 0, Ports(Ramp), Ports(East))
	r.route(2, 0, 0, Ports(Ramp), Ports(West))
	r.route(1, 0, 0, Ports(East, West), Ports(Ramp))
	r.seal()
	a, b := r.peSource(0, 0, 6, 0), r.peSource(2, 0, 6, 0)
	for i := range b.send {
		a.send[i].Data, b.send[i].Data = 100, 200
	}
	sink := r.peSink(1, 0, 0)
	r.run()
	if len(sink.got) != 12 {
		t.Fatalf("%d wavelets arrived, want 12", len(sink.got))
	}
	for i := 1; i < 10; i++ {
		if sink.got[i].Data == sink.got[i-1].Data {
			t.Errorf("arrivals %d and %d come from one side", i-1, i)
		}
		if sink.at[i] != sink.at[i-1]+1 {
			t.Errorf("arrival %d in cycle %d, the one before in %d", i, sink.at[i], sink.at[i-1])
		}
	}
}

// TestMergeUnderPressure: of two streams that wait for room in one buffer, both hear of it.
func TestMergeUnderPressure(t *testing.T) {
	r := newRig(t, defaults(3, 1))
	r.route(0, 0, 0, Ports(Ramp), Ports(East))
	r.route(2, 0, 0, Ports(Ramp), Ports(West))
	r.route(1, 0, 0, Ports(East, West), Ports(Ramp))
	r.seal()
	r.peSource(0, 0, 30, 0)
	r.peSource(2, 0, 30, 0)
	sink := r.peSink(1, 0, 100)
	r.run()
	if len(sink.got) != 60 {
		t.Errorf("%d wavelets arrived, want 60", len(sink.got))
	}
}
