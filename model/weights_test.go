package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestInitParams(t *testing.T) {
	c := Config{Name: "init", Layers: 8, DModel: 64, Heads: 4, DFF: 256, Vocabulary: 500, SequenceLength: 64}
	p, err := InitParams(c, 5)
	if err != nil {
		t.Fatal(err)
	}
	first := map[float32]string{}
	for i, tensor := range p.Layout.Tensors {
		v := p.Layout.View(p.Values, i)
		deviation := 0.02
		switch {
		case tensor.Kind == KindGain || tensor.Kind == KindBias:
			want := float32(0)
			if tensor.Kind == KindGain {
				want = 1
			}
			if slices.Max(v) != want || slices.Min(v) != want {
				t.Errorf("%s is not %v everywhere", tensor.Name, want)
			}
			continue
		case strings.HasSuffix(tensor.Name, "proj.w"):
			deviation = 0.02 / 4 // sqrt(2*8)
		}
		var sum, squares float64
		for _, x := range v {
			sum += float64(x)
			squares += float64(x) * float64(x)
		}
		n := float64(len(v))
		checkMean(t, tensor.Name+" mean", sum/n, 0, deviation/math.Sqrt(n))
		checkMean(t, tensor.Name+" variance", squares/n, deviation*deviation, deviation*deviation*math.Sqrt(2/n))
		if other, ok := first[v[0]]; ok {
			t.Errorf("%s and %s begin alike", tensor.Name, other)
		}
		first[v[0]] = tensor.Name
	}
	// A value depends on seed, name and index alone, not on the shape around it.
	deeper := c
	deeper.Layers, deeper.Vocabulary = 9, 400
	q, err := InitParams(deeper, 5)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Layout.ViewOf(p.Values, "h.3.mlp.fc.w"), q.Layout.ViewOf(q.Values, "h.3.mlp.fc.w")) {
		t.Error("h.3.mlp.fc.w depends on other tensors")
	}
	if other, _ := InitParams(c, 6); slices.Equal(other.Values, p.Values) {
		t.Error("two seeds give the same parameters")
	}
}

func TestPattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := drawShape(t)
		spec := drawSpec(t, rows, cols)
		m, err := NewMask(rows, cols, spec)
		if err != nil {
			t.Fatal(err)
		}
		p := m.Pattern()
		if err := p.check(); err != nil {
			t.Fatal(err)
		}
		if int64(p.NonZeros()) != m.NonZeros() {
			t.Fatalf("%d non-zeros, the mask has %d", p.NonZeros(), m.NonZeros())
		}
		w := make([]float32, rows*cols)
		for i := range w {
			w[i] = float32(i + 1)
		}
		p.zeroOutside(w)
		var row []uint64
		for j := range rows {
			row = m.Row(j, row)
			for k := range cols {
				want := float32(j*cols+k+1) * float32(row[k>>6]>>(k&63)&1)
				if got := w[j*cols+k]; got != want {
					t.Fatalf("weight (%d, %d) is %v, want %v", j, k, got, want)
				}
			}
		}
		if again := PatternOf(w, rows, cols); !slices.Equal(again.Col, p.Col) || !slices.Equal(again.Start, p.Start) {
			t.Fatal("the pattern of masked weights is not their mask")
		}
	})
}

func TestSparsity(t *testing.T) {
	c := tinyConfig()
	spec := MaskSpec{Kind: MaskUnstructured, Sparsity: 0.75, Seed: 2}
	p, err := InitParams(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	before := append([]float32(nil), p.Values...)
	m, err := p.Layout.DrawMasks(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetMasks(m); err != nil {
		t.Fatal(err)
	}
	zeros := int64(0)
	for i, tensor := range p.Layout.Tensors {
		v, old := p.Layout.View(p.Values, i), p.Layout.View(before, i)
		for k := range v {
			switch {
			case v[k] == 0 && tensor.Kind == KindLinear:
				zeros++
			case v[k] != old[k]:
				t.Fatalf("%s[%d] changed from %v to %v", tensor.Name, k, old[k], v[k])
			}
		}
	}
	s, want := p.Sparsity(), Sparsity{Zeros: zeros, Linear: c.LinearParameters(), Parameters: c.Parameters()}
	if s != want {
		t.Errorf("%+v, counted %+v", s, want)
	}
	if planned, err := c.Sparsity(spec); err != nil || planned != want {
		t.Errorf("planned %+v, %v; counted %+v", planned, err, want)
	}
	if s.OfLinear() != 0.75 || s.Overall() >= 0.75 {
		t.Errorf("sparsity is %v of linear weights and %v overall", s.OfLinear(), s.Overall())
	}
	p.Densify()
	if p.Sparsity().Zeros != 0 || p.Layout.ViewOf(p.Values, "h.0.attn.q.w")[0] != p.Values[p.Layout.Tensors[p.Layout.Index("h.0.attn.q.w")].Offset] {
		t.Error("densified parameters are still masked")
	}
	// GPT-3 XL at 75 %, without drawing a mask: the dense embeddings leave 69 %.
	xl, err := Preset("gpt3-xl")
	if err != nil {
		t.Fatal(err)
	}
	big, err := xl.Sparsity(spec)
	if err != nil {
		t.Fatal(err)
	}
	if big.OfLinear() != 0.75 || math.Abs(big.Overall()-0.6886) > 1e-4 {
		t.Errorf("GPT-3 XL: %v of linear weights, %v overall", big.OfLinear(), big.Overall())
	}
}

func TestMaskErrors(t *testing.T) {
	p := mustParams(t, tinyConfig())
	good, err := p.Layout.DrawMasks(MaskSpec{Kind: MaskUnstructured, Sparsity: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	q := p.Layout.Index("h.0.attn.q.w")
	for want, change := range map[string]func(m *Masks){
		"masks of 1 tensors":                         func(m *Masks) { m.Patterns = m.Patterns[:1] },
		"wte is masked":                              func(m *Masks) { m.Patterns[0] = m.Patterns[q] },
		"mask of h.0.attn.q.w is 40 x 12":            func(m *Masks) { m.Patterns[q] = m.Patterns[p.Layout.Index("h.0.mlp.fc.w")] },
		"mask of h.0.attn.q.w: pattern bounds":       func(m *Masks) { m.Patterns[q] = &Pattern{Rows: 12, Cols: 12} },
		"mask of h.0.attn.q.w: pattern row 0 has":    func(m *Masks) { m.Patterns[q] = badPattern(12, 5, 5) },
		"mask of h.0.attn.q.w: pattern row 0 has co": func(m *Masks) { m.Patterns[q] = badPattern(12, 1, 12) },
	} {
		m := &Masks{Patterns: slices.Clone(good.Patterns)}
		change(m)
		if err := p.SetMasks(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, must say %q", err, want)
		}
	}
	if _, err := p.Layout.DrawMasks(MaskSpec{Kind: "blocks", Sparsity: 0.5}); err == nil {
		t.Error("an unknown kind of mask is drawn")
	}
}

// badPattern has two columns in row 0 and none after.
func badPattern(n int, a, b int32) *Pattern {
	p := &Pattern{Rows: n, Cols: n, Start: make([]int, n+1), Col: []int32{a, b}}
	for j := range n {
		p.Start[j+1] = 2
	}
	return p
}
