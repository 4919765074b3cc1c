package compiler

import (
	"strings"
	"testing"

	"cs2sim.dev/model"
)

func testSpace(t testing.TB, cfg model.Config, width, height, columns, perHead, tokens int, p model.Precision) *Space {
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
	s, err := NewSpace(cfg, m, p, Spread{columns, perHead, tokens})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSpaceGivesEveryFeatureAndTokenOnePlace on a shape where nothing divides.
func TestSpaceGivesEveryFeatureAndTokenOnePlace(t *testing.T) {
	cfg := model.Config{Name: "odd", Layers: 1, DModel: 35, Heads: 5, DFF: 61, Vocabulary: 101, SequenceLength: 13}
	s := testSpace(t, cfg, 25, 11, 12, 2, 3, model.Mixed)
	if s.Columns != 12 || s.Groups != 2 || s.SeqRows != 5 || s.Sequences != 2 {
		t.Errorf("%d groups of %d columns, %d sequences of %d rows; want 2 of 12, 2 of 5", s.Groups, s.Columns, s.Sequences, s.SeqRows)
	}
	for h := range cfg.Heads {
		if got, want := s.Head[2*h], 7*h; got != want {
			t.Errorf("head %d begins at feature %d, want %d", h, got, want)
		}
	}
	if got := s.Head[s.AllHeads():]; len(got) != 3 || got[0] != 35 || got[1] != 35 || got[2] != 35 {
		t.Errorf("behind the heads features begin at %d, want three times 35", got)
	}
	if got := widest(s.Feat); got != 3 {
		t.Errorf("%d of 35 features on one of 12 columns, want 3", got)
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

// TestSpaceRefuses columns that there are not, or that hold nothing.
func TestSpaceRefuses(t *testing.T) {
	m, err := Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	cfg := model.Config{Name: "m", Layers: 1, DModel: 800, Heads: 5, DFF: 61, Vocabulary: 101, SequenceLength: 13}
	small := cfg
	small.DModel = 40
	for _, c := range []struct {
		cfg  model.Config
		o    Spread
		want string
	}{
		{cfg, Spread{0, 151, 3}, "5 heads of 151 columns need 755 PE columns, the machine has 750"},
		{cfg, Spread{9, 2, 3}, "columns per group is 9, must be 10, those of the heads, to 750,"},
		{cfg, Spread{751, 2, 3}, "columns per group is 751, must be 10, those of the heads, to 750,"},
		{small, Spread{41, 2, 3}, "columns per group is 41, must be 10, those of the heads, to 40,"},
		{cfg, Spread{0, 0, 3}, "columns per head is 0"},
		{cfg, Spread{0, 2, 14}, "tokens per PE is 14"},
	} {
		if _, err := NewSpace(c.cfg, m, model.Mixed, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c.o, err, c.want)
		}
	}
}
