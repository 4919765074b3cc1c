package view

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/trace"
)

// decoded is a run as the page gets it.
type decoded struct {
	header
	arrays map[string][]int64
}

func decode(t testing.TB, data []byte) decoded {
	t.Helper()
	if len(data) < 16 || string(data[:8]) != runMagic {
		t.Fatalf("%d bytes are no run", len(data))
	}
	size := int(binary.LittleEndian.Uint64(data[8:]))
	d := decoded{arrays: map[string][]int64{}}
	if err := json.Unmarshal(data[16:16+size], &d.header); err != nil {
		t.Fatal(err)
	}
	base := 16 + size
	for _, a := range d.Arrays {
		if base%align != 0 || a.Offset%align != 0 {
			t.Errorf("array %s begins at byte %d + %d", a.Name, base, a.Offset)
		}
		values := make([]int64, a.Length)
		for i := range values {
			at := data[base+a.Offset+i*width(a.Type):]
			switch a.Type {
			case "u32":
				values[i] = int64(binary.LittleEndian.Uint32(at))
			case "i32":
				values[i] = int64(int32(binary.LittleEndian.Uint32(at)))
			case "i64":
				values[i] = int64(binary.LittleEndian.Uint64(at))
			case "f64":
				values[i] = int64(math.Float64frombits(binary.LittleEndian.Uint64(at)))
			default:
				t.Fatalf("array %s is of type %s", a.Name, a.Type)
			}
		}
		d.arrays[a.Name] = values
	}
	return d
}

// totals adds up what the page adds up: every phase's kind.
func (d *decoded) totals() (sum [8]int64) {
	for _, k := range d.arrays["phase.kind"] {
		for s := range sum {
			sum[s] += d.arrays["kind.sums"][int(k)*len(sum)+s]
		}
	}
	return sum
}

// TestMessage: what the page gets of a run adds up to the trace's totals, by phases and by cells.
func TestMessage(t *testing.T) {
	for seed := range uint64(3) {
		s := small()
		s.blocks = seed > 0
		whole := s.run(t, "drawn", seed)
		d := decode(t, encode(whole))
		r := whole.Fine(maxWindows)
		for i, n := range r.Phase {
			if d.arrays["phase.launch"][i] != int64(n) {
				t.Fatalf("window %d is of phase %d, must be %d", i, d.arrays["phase.launch"][i], n)
			}
		}
		if len(r.Phases) < 2*len(whole.Phases) {
			t.Errorf("%d windows of %d phases", len(r.Phases), len(whole.Phases))
		}
		if got := d.totals(); got != r.Totals() {
			t.Errorf("sums are %v, the trace's %v", got, r.Totals())
		}
		if d.Cycles != r.Cycles || len(d.arrays["phase.start"]) != len(r.Phases) || len(d.arrays["memory.base"]) != len(r.Memory) {
			t.Errorf("%d cycles in %d phases, %d regions", d.Cycles, len(d.arrays["phase.start"]), len(d.arrays["memory.base"]))
		}
		for i := range r.Phases {
			if got, want := d.Names[d.arrays["phase.frame"][i]], r.Phases[i].Frame(); got != want {
				t.Errorf("phase %d is %q, must be %q", i, got, want)
			}
		}
		cell := 0
		for k := range r.Kinds {
			for i := range r.Kinds[k].Cells {
				c := &r.Kinds[k].Cells[i]
				want := c.At(c.Y.From)
				for st, name := range trace.StateNames() {
					if got := d.arrays["cell."+name][cell]; got != want[st] {
						t.Fatalf("cell %d: %s is %d, must be %d", cell, name, got, want[st])
					}
				}
				at := 8 * d.arrays["cell.class"][cell]
				x := d.arrays["class.span"][at : at+8]
				if int(x[0]) != c.X.From || int(x[7]) != c.Y.Count {
					t.Fatalf("cell %d has span %v, must be %v and %v", cell, x, c.X, c.Y)
				}
				cell++
			}
			if first := d.arrays["kind.first"]; int(first[k+1]) != cell {
				t.Fatalf("kind %d ends at cell %d, must be %d", k, first[k+1], cell)
			}
		}
	}
}

// TestTypes: a number that the narrow types do not hold is not cut.
func TestTypes(t *testing.T) {
	for _, c := range []struct {
		values []int64
		kind   string
	}{
		{nil, "u32"}, {[]int64{0, math.MaxUint32}, "u32"}, {[]int64{-1, math.MaxInt32}, "i32"}, {[]int64{-1, math.MaxInt32 + 1}, "f64"},
		{[]int64{math.MaxUint32 + 1}, "f64"}, {[]int64{math.MinInt32 - 1}, "f64"},
	} {
		if got := typeOf(c.values, false); got != c.kind {
			t.Errorf("%v are %s, must be %s", c.values, got, c.kind)
		}
		e := encoder{names: map[string]int64{}}
		e.add("a", c.values)
		e.addWide("b", c.values)
		d := decode(t, e.message())
		for _, name := range []string{"a", "b"} {
			for i, v := range c.values {
				if d.arrays[name][i] != v {
					t.Errorf("%v come as %v", c.values, d.arrays[name])
				}
			}
		}
	}
}

// TestResults: the page's totals of a simulated run are those of its results.
func TestResults(t *testing.T) {
	source, err := sims.Load("../../examples/small.toml")
	if err != nil {
		t.Fatal(err)
	}
	if source, err = source.Set("test", "matmul.sparsities", "[0.5, 0.75]"); err != nil {
		t.Fatal(err)
	}
	curves, err := source.Curves()
	if err != nil {
		t.Fatal(err)
	}
	results, err := sims.Simulate(t.Context(), curves, sims.Options{})
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, written(t, sims.Traces(results)...))
	n := 0
	for _, result := range results {
		for _, p := range result.Points {
			d := decode(t, body(t, get(t, url+"api/run?folder=0&read=1&run="+string(rune('0'+n)), nil)))
			if d.totals() != p.Report.States {
				t.Errorf("%s: %v on the page, %v in the results", d.Name, d.totals(), p.Report.States)
			}
			all := int64(0)
			for _, v := range d.totals() {
				all += v
			}
			if want := int64(d.Machine.Width) * int64(d.Machine.Height) * int64(p.Report.Cycles); all != want {
				t.Errorf("%s: %d PE-cycles, PEs x cycles is %d", d.Name, all, want)
			}
			if f := d.Place.Features; len(f) != d.Place.Columns+1 || f[d.Place.Columns] != p.Input.Cols {
				t.Errorf("%s: columns hold features %v of %d", d.Name, f, p.Input.Cols)
			}
			n++
		}
	}
	if n != 2 || !strings.Contains(string(body(t, get(t, url+"api/traces", nil))), "sparsity 75 %") {
		t.Errorf("%d runs", n)
	}
}
