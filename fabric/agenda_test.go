package fabric

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAgendaOrder holds the wheel and the far heap against a plain map of wake-ups.
func TestAgendaOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const actors = 8
		a := newAgenda(actors)
		want := map[int32]Cycle{}
		now := Cycle(-1)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "wake") {
				actor := int32(rapid.IntRange(0, actors-1).Draw(t, "actor"))
				at := now + Cycle(rapid.OneOf(rapid.IntRange(1, 5), rapid.IntRange(1, 3*wheelSize)).Draw(t, "delay"))
				a.Wake(actor, at)
				if old, ok := want[actor]; !ok || at < old {
					want[actor] = at
				}
				continue
			}
			first := Never
			for _, at := range want {
				first = min(first, at)
			}
			var due []int32
			for actor, at := range want {
				if at == first {
					due = append(due, actor)
					delete(want, actor)
				}
			}
			slices.Sort(due)
			at, got := a.Next()
			got = slices.Clone(got)
			slices.Sort(got)
			if at != first || !slices.Equal(got, due) {
				t.Fatalf("got cycle %d actors %v, want cycle %d actors %v", at, got, first, due)
			}
			if at != Never {
				now = at
			}
		}
	})
}

func TestAgendaSteadyStateDoesNotAllocate(t *testing.T) {
	a := newAgenda(4)
	a.Wake(0, 0)
	spin := func() {
		for range 4 * wheelSize {
			now, due := a.Next()
			for _, actor := range due {
				a.Wake(actor, now+3)
			}
		}
	}
	spin()
	if n := testing.AllocsPerRun(5, spin); n > 0 {
		t.Errorf("%v allocations in steady state, want 0", n)
	}
}
