package compiler

import (
	"testing"

	"cs2sim.dev/model"
)

func testSpace(t testing.TB, cfg model.Config, width, height, perHead, tokens int, p model.Precision) *Space {
	t.Helper()
	m, err := Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	for key, v := range map[string]float64{"width": float64(width), "height": float64(height)} {
		if m, err = m.With(key, v); err != nil {
			t.Fatal(err)
		}
	}
	s, err := NewSpace(cfg, m, p, perHead, tokens)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSpaceGivesEveryFeatureAndTokenOnePlace on a shape where nothing divides.
func TestSpaceGivesEveryFeatureAndTokenOnePlace(t *testing.T) {
	cfg := model.Config{Name: "odd", Layers: 1, DModel: 35, Heads: 5, DFF: 61, Vocabulary: 101, SequenceLength: 13}
	s := testSpace(t, cfg, 24, 11, 2, 3, model.Mixed)
	if s.Columns != 10 || s.Groups != 2 || s.SeqRows != 5 || s.Sequences != 2 {
		t.Errorf("%d groups of %d columns, %d sequences of %d rows; want 2 of 10, 2 of 5", s.Groups, s.Columns, s.Sequences, s.SeqRows)
	}
	for h := range cfg.Heads {
		if got, want := s.Feat[2*h], 7*h; got != want {
			t.Errorf("head %d begins at feature %d, want %d", h, got, want)
		}
	}
	for _, b := range [][]int{s.Feat, s.FF, s.Vocab} {
		for c := range s.Columns {
			if b[c] >= b[c+1] {
				t.Errorf("column %d owns nothing of %v", c, b)
			}
		}
	}
	seen := map[int]bool{}
	for n := range s.MicroBatch() {
		for pos := range cfg.SequenceLength {
			g, y, i := s.Place(n, pos)
			at := s.HostIndex(g, i, y)
			if seen[at] || at >= s.HostTokens() {
				t.Fatalf("sequence %d position %d lies at %d: taken or outside %d", n, pos, at, s.HostTokens())
			}
			seen[at] = true
		}
	}
}
