package sims

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

func someWindows(windows, cells int) Windows {
	r := rand.New(rand.NewPCG(1, 2))
	w := make(Windows, windows)
	for i := range w {
		w[i] = runtime.Window{Cycles: r.Int64N(1e6), Skew: r.Int64N(3) - 1, Cells: make([]pe.StateCycles, cells)}
		for c := range w[i].Cells {
			for s := range w[i].Cells[c] {
				w[i].Cells[c][s] = r.Int64N(1 << (8 * (1 + i%4)))
			}
		}
	}
	return w
}

// TestPointWindows: what is written is read.
func TestPointWindows(t *testing.T) {
	for _, w := range []Windows{someWindows(1, 1), someWindows(2, 3), someWindows(60, 40)} {
		data, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		var got Windows
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(w, got); d != "" {
			t.Error(d)
		}
	}
}

// FuzzPointWindows: any text is read or refused.
func FuzzPointWindows(f *testing.F) {
	for _, w := range []Windows{nil, someWindows(2, 3)} {
		data, err := w.MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte(`"////////////////"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var w Windows
		if json.Unmarshal(data, &w) != nil {
			return
		}
		again, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		var got Windows
		if err := json.Unmarshal(again, &got); err != nil || len(got) != len(w) {
			t.Errorf("%d windows, written and read again %d: %v", len(w), len(got), err)
		}
	})
}
