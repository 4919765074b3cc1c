package compiler

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite golden files")

func target(t testing.TB, fields ...any) Target {
	t.Helper()
	m, err := Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		if m, err = m.With(fields[i].(string), float64(fields[i+1].(int))); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func layer(tokens, in, out int, sparsity float64, p model.Precision) *model.Graph {
	return model.MatMul("layer", tokens, in, out, model.MaskSpec{Kind: model.MaskUnstructured, Sparsity: sparsity}, 1, p)
}

func TestGoldenListing(t *testing.T) {
	p, err := Compile(layer(50, 30, 20, 0.5, model.Mixed), target(t, "width", 8, "height", 3), Options{RunAhead: -1})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Explain(&b); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "small.txt")
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("listing differs from %s (-update rewrites it):\n%s", golden, got)
	}
}

// TestCompileIsPure: same graph, same machine, same program.
func TestCompileIsPure(t *testing.T) {
	g, m := layer(1000, 100, 90, 0.9, model.FP32), target(t, "width", 30, "height", 20)
	a, err := Compile(g, m, Options{RunAhead: -1})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Compile(g, m, Options{RunAhead: -1})
	if err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("second compilation differs (%v)", err)
	}
}

// TestEveryChoiceVerifies: whatever shape compiles keeps all invariants after its last pass,
// and its tokens and features have exactly one home.
func TestEveryChoiceVerifies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, _ := Preset("wse2")
		m, _ = m.With("width", float64(rapid.IntRange(1, 60).Draw(t, "width")))
		m, _ = m.With("height", float64(rapid.IntRange(1, 40).Draw(t, "height")))
		g := layer(rapid.IntRange(1, 3000).Draw(t, "tokens"), rapid.IntRange(1, 300).Draw(t, "in"), rapid.IntRange(1, 300).Draw(t, "out"), 0.5,
			rapid.SampledFrom(model.Precisions()).Draw(t, "precision"))
		p, err := Compile(g, m, Options{Groups: rapid.IntRange(0, m.Width()).Draw(t, "groups"), RunAhead: rapid.IntRange(-1, 5).Draw(t, "run_ahead")})
		var oom *pe.OutOfMemory
		if errors.As(err, &oom) {
			if oom.NeedBytes <= oom.HaveBytes {
				t.Fatalf("%v: nothing is missing", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, pass := range passes() {
			if err := Verify(p, pass.name); err != nil {
				t.Fatal(err)
			}
		}
		if p.InBounds[len(p.InBounds)-1] != p.Node.In || p.OutBounds[len(p.OutBounds)-1] != p.Node.Out {
			t.Fatal("features without a home")
		}
		for j := range p.Node.Out {
			if c := p.OwnerOf(j); j < p.OutBounds[c] || j >= p.OutBounds[c+1] {
				t.Fatalf("output %d: owner %d has %v", j, c, p.OutBounds[c:c+2])
			}
		}
	})
}

// TestNeighbouringLinksDiffer: at no router do two ring links share a color.
func TestNeighbouringLinksDiffer(t *testing.T) {
	for columns := 2; columns < 40; columns++ {
		p, err := Compile(layer(columns, columns, columns, 0, model.Mixed), target(t, "width", columns, "height", 1), Options{Groups: 1, RunAhead: 1})
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Ring {
			if p.LinkColor(i) == p.LinkColor((i+1)%columns) && columns > 2 {
				t.Errorf("%d columns: links %d and %d share color %d", columns, i, i+1, p.LinkColor(i))
			}
		}
		if longest := maxOf(p.RingHops); longest > 2 {
			t.Errorf("%d columns: a ring link of %d hops", columns, longest)
		}
	}
}

func maxOf(all []int) (m int) {
	for _, v := range all {
		m = max(m, v)
	}
	return m
}

// TestSearchTakesTheBest: no candidate that fits has a better objective than the chosen one,
// and the objective is the geometric mean of its estimates.
func TestSearchTakesTheBest(t *testing.T) {
	p, err := Compile(layer(301056, 12288, 12288, 0, model.Mixed), target(t), Options{RunAhead: -1, Densities: []float64{1, 0.5, 0.1}})
	if err != nil {
		t.Fatal(err)
	}
	best := p.Candidates[0]
	if best.Mapping != p.Mapping {
		t.Errorf("chosen %+v, first candidate %+v", p.Mapping, best.Mapping)
	}
	for _, c := range p.Candidates {
		if c.Reject == "" && c.Objective < best.Objective {
			t.Errorf("%+v is better: %v < %v", c.Mapping, c.Objective, best.Objective)
		}
	}
	if mean := math.Cbrt(best.Cycles[0] * best.Cycles[1] * best.Cycles[2]); math.Abs(mean/best.Objective-1) > 1e-9 {
		t.Errorf("objective %v, geometric mean %v", best.Objective, mean)
	}
}

func TestOutOfMemoryNamesBytesAndWhatFits(t *testing.T) {
	m := target(t, "width", 10, "height", 10)
	if _, err := Compile(layer(1e12, 7, 1, 0.5, model.Mixed), target(t, "width", 2, "height", 8), Options{RunAhead: -1}); !errors.As(err, new(*pe.OutOfMemory)) {
		t.Errorf("1e12 tokens on 16 PEs: error %v", err) // and at once
	}
	_, err := Compile(layer(1<<20, 1000, 1000, 0, model.Mixed), m, Options{RunAhead: -1})
	var oom *pe.OutOfMemory
	if !errors.As(err, &oom) || !strings.Contains(err.Error(), "bytes missing") {
		t.Fatalf("error %v", err)
	}
	at := strings.Index(err.Error(), "at most ")
	if at < 0 {
		t.Fatalf("no word of what would fit: %v", err)
	}
	most := 0
	for _, r := range err.Error()[at+len("at most "):] {
		if r < '0' || r > '9' {
			break
		}
		most = most*10 + int(r-'0')
	}
	if _, err := Compile(layer(most, 1000, 1000, 0, model.Mixed), m, Options{RunAhead: -1}); err != nil {
		t.Errorf("%d tokens were said to fit: %v", most, err)
	}
	if _, err := Compile(layer(most+1, 1000, 1000, 0, model.Mixed), m, Options{RunAhead: -1}); err == nil {
		t.Errorf("%d tokens were said to be the most, %d fit", most, most+1)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name string
		g    *model.Graph
		o    Options
		want string
	}{
		{"groups", layer(1, 1, 1, 0, model.Mixed), Options{Groups: 9}, "groups is 9, must be 1 to 8"},
		{"run-ahead", layer(1, 1, 1, 0, model.Mixed), Options{RunAhead: -2}, "run_ahead is -2"},
		{"tokens", layer(0, 1, 1, 0, model.Mixed), Options{}, "tokens is 0"},
		{"precision", layer(1, 1, 1, 0, "fp8"), Options{}, "fp8"},
	} {
		_, err := Compile(c.g, target(t, "width", 8, "height", 2), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
