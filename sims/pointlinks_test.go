package sims

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cs2sim.dev/compiler"
	"cs2sim.dev/runtime"
)

// TestPointLinks: a point's links are read as they were written, and nothing else is.
func TestPointLinks(t *testing.T) {
	want := &Links{
		Colors:  []compiler.ColorUse{{Color: 3, Name: "ring"}},
		Classes: []runtime.Links{{Color: 3, Direction: 2, X: runtime.Places{From: 1, Step: 4, Block: 1, Count: 2}, Wavelets: 7, Stalls: runtime.Stalls{All: -1}}},
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got *Links
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	pack := func(text string) []byte {
		var out bytes.Buffer
		zip, _ := flate.NewWriter(&out, flate.BestSpeed)
		_, _ = zip.Write([]byte(text))
		_ = zip.Close()
		b, _ := json.Marshal(out.Bytes())
		return b
	}
	for text, reason := range map[string]string{
		`5`: "base64", `"AAAA"`: "links of a point", string(pack(`{"Classes":[{"Direction":8}]}`)): "direction 8", string(pack(`[`)): "links of a point",
	} {
		if err := json.Unmarshal([]byte(text), &got); err == nil || reason != "base64" && !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: error is %v", text, err)
		}
	}
}
