package sims

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// smallRun is a run of a few milliseconds.
const smallRun = `experiment = "matmul"
[machine]
width = 12
height = 4
[matmul]
rows = 40
cols = 40
tokens = 30
sparsities = [0.5, 0.75, 0.9]
[[variant]]
name = "one group"
set = { "mapping.groups" = 1 }
[[variant]]
name = "same as the run"
set = { "mapping.groups" = "auto" }
`

func smallCurves(t *testing.T) []Curve {
	t.Helper()
	curves, err := curvesOf(t, map[string]string{"run.toml": smallRun})
	if err != nil {
		t.Fatal(err)
	}
	return curves
}

func TestSimulate(t *testing.T) {
	curves := smallCurves(t)
	var first []Result
	for _, threads := range []int{1, 4} {
		saved := map[string]Point{}
		results, err := Simulate(t.Context(), curves, Options{Threads: threads, Done: func(p Point) error {
			saved[p.Input.Key()] = p
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if done, all := Count(results); done != 8 || all != 8 || len(saved) != 8 {
			t.Errorf("%d of %d points, %d saved; want 8: two curves of three and a dense base, the third shared", done, all, len(saved))
		}
		if first == nil {
			first = results
		}
		ignore := cmp.Comparer(func(a, b Curve) bool { return a.Name == b.Name })
		if diff := cmp.Diff(first, results, ignore); diff != "" {
			t.Errorf("%d threads differ from one:\n%s", threads, diff)
		}
	}
	r := MatMulResults(first)
	if !r.Complete || len(r.Results.Rows) != 3 || len(r.Variants.Rows) != 6 {
		t.Errorf("complete %v, %d rows, %d variant rows; want true, 3, 6", r.Complete, len(r.Results.Rows), len(r.Variants.Rows))
	}
	base := first[0]
	want := float64(base.Dense.Report.Cycles) / float64(base.Points[2].Report.Cycles)
	if got := r.Results.Rows[2][r.Results.column("simulated_speedup")]; got != want {
		t.Errorf("speedup is %v, want %v over the dense point that is not listed", got, want)
	}
}

// The mapping of all points comes from one search, unless each sparsity is to have its own.
func TestMappingSearch(t *testing.T) {
	for _, per := range []bool{false, true} {
		c := smallCurves(t)[:1]
		c[0].Config.Mapping.PerSparsity = per
		var mu sync.Mutex
		searches, fixed := 0, 0
		e := engine{
			compile: func(g *model.Graph, m compiler.Target, o compiler.Options) (*compiler.Program, error) {
				mu.Lock()
				defer mu.Unlock()
				if o.Groups == 0 {
					searches++
					if want := 1 - g.Nodes[0].Mask.Sparsity; per && (len(o.Densities) != 1 || o.Densities[0] != want) {
						t.Errorf("search at density %v weighs %v", want, o.Densities)
					}
				} else if fixed++; o.Groups != 3 || o.RunAhead != 5 {
					t.Errorf("point compiled with %+v, want 3 groups and run-ahead 5", o)
				}
				return &compiler.Program{Mapping: compiler.Mapping{Groups: 3, RunAhead: 5}}, nil
			},
			run: func(context.Context, *compiler.Program, runtime.Options) (*runtime.Report, error) {
				return fakeReport(), nil
			},
		}
		if _, err := Simulate(t.Context(), c, Options{engine: e}); err != nil {
			t.Fatal(err)
		}
		if want := map[bool][2]int{false: {1, 4}, true: {4, 0}}[per]; searches != want[0] || fixed != want[1] {
			t.Errorf("per sparsity %v: %d searches, %d fixed; want %v", per, searches, fixed, want)
		}
	}
}

func fakeReport() *runtime.Report {
	r := &runtime.Report{Cycles: 10, Width: 1, Height: 1, Rows: 1, Column: make([]pe.StateCycles, 1)}
	r.States[pe.Compute], r.Column[0][pe.Compute] = 10, 10
	return r
}

// fakeEngine runs nothing but the given function.
func fakeEngine(run func(ctx context.Context, sparsity float64) (*runtime.Report, error)) engine {
	return engine{
		compile: func(g *model.Graph, m compiler.Target, o compiler.Options) (*compiler.Program, error) {
			return &compiler.Program{Node: g.Nodes[0], Mapping: compiler.Mapping{Groups: 1, Columns: 1}}, nil
		},
		run: func(ctx context.Context, p *compiler.Program, _ runtime.Options) (*runtime.Report, error) {
			return run(ctx, p.Node.Mask.Sparsity)
		},
	}
}

func TestFirstErrorInOrderWins(t *testing.T) {
	curves := smallCurves(t)[:1]
	for threads := 1; threads <= 4; threads++ {
		slow := make(chan bool)
		e := fakeEngine(func(_ context.Context, sparsity float64) (*runtime.Report, error) {
			switch {
			case sparsity == 0.5 && threads > 1:
				<-slow // fails after the next one has
				return nil, errors.New("first")
			case sparsity == 0.5:
				return nil, errors.New("first")
			case sparsity == 0.75:
				close(slow)
				return nil, errors.New("second")
			}
			return fakeReport(), nil
		})
		results, err := simulateWith(t, curves, threads, e)
		if p := (*PointError)(nil); !errors.As(err, &p) || p.Sparsity != 0.5 || p.Err.Error() != "first" {
			t.Errorf("%d threads: error is %v, want that of sparsity 0.5", threads, err)
		}
		if results[0].Dense == nil {
			t.Errorf("%d threads: the finished dense point is lost", threads)
		}
	}
}

// simulateWith runs with more threads than there may be processors.
func simulateWith(t *testing.T, curves []Curve, threads int, e engine) ([]Result, error) {
	p := newPool(curves, Options{Threads: threads, engine: e})
	err := p.run(t.Context())
	return p.results(curves), err
}

func TestCancelKeepsFinishedPoints(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := fakeEngine(func(ctx context.Context, sparsity float64) (*runtime.Report, error) {
		if sparsity == 0.75 {
			cancel()
			return nil, fmt.Errorf("engine stopped: %w", ctx.Err())
		}
		return fakeReport(), nil
	})
	results, err := Simulate(ctx, smallCurves(t)[:1], Options{Threads: 1, engine: e})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
	if done, all := Count(results); done != 2 || all != 4 {
		t.Errorf("%d of %d points, want 2 of 4", done, all)
	}
	if r := MatMulResults(results); r.Complete || len(r.Results.Rows) != 1 {
		t.Errorf("complete %v with %d rows, want false with 1", r.Complete, len(r.Results.Rows))
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	e := fakeEngine(func(context.Context, float64) (*runtime.Report, error) { panic("bug") })
	_, err := Simulate(t.Context(), smallCurves(t), Options{engine: e})
	if bug := (*InternalError)(nil); !errors.As(err, &bug) || bug.Value != "bug" {
		t.Errorf("error is %v, want an InternalError", err)
	}
}

func TestDoneErrorStopsTheRun(t *testing.T) {
	full := errors.New("disk full")
	e := fakeEngine(func(context.Context, float64) (*runtime.Report, error) { return fakeReport(), nil })
	n := 0
	results, err := Simulate(t.Context(), smallCurves(t)[:1], Options{Threads: 1, engine: e, Done: func(Point) error {
		if n++; n == 2 {
			return full
		}
		return nil
	}})
	if done, _ := Count(results); err != full || done != 1 || n != 2 {
		t.Errorf("error %v, %d points, %d calls; want the disk's, 1 and 2", err, done, n)
	}
}

func TestResume(t *testing.T) {
	curves := smallCurves(t)
	dir := filepath.Join(t.TempDir(), "a", "b")
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first, err := Simulate(t.Context(), curves, Options{Done: f.SavePoint})
	if err != nil {
		t.Fatal(err)
	}
	have, err := f.Points()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Simulate(t.Context(), curves, Options{Have: have, Done: func(p Point) error {
		return fmt.Errorf("point at %v simulated again", p.Input.Sparsity)
	}})
	if err != nil {
		t.Fatal(err)
	}
	a, b := MatMulResults(first), MatMulResults(again)
	if diff := cmp.Diff(string(a.Variants.CSV())+string(a.Results.CSV()), string(b.Variants.CSV())+string(b.Results.CSV())); diff != "" {
		t.Errorf("tables from saved points differ:\n%s", diff)
	}
	if x, y := first[0].Points[0].Busy(1, 1), again[0].Points[0].Busy(1, 1); x != y || !(x > 0 && x <= 1) {
		t.Errorf("busy share is %v, from the saved point %v", x, y)
	}
	if !math.IsNaN(first[0].Points[0].Busy(11, 4)) {
		t.Error("a PE without tokens has a busy share")
	}

	// A point that is cut short, or of other input, is simulated again.
	name := filepath.Join(dir, "points", first[0].Points[0].Input.FileName())
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data[:len(data)/2], 0o666); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "points", first[0].Points[1].Input.FileName())
	if err := os.WriteFile(other, data, 0o666); err != nil {
		t.Fatal(err)
	}
	if have, err = f.Points(); err != nil || len(have) != 6 {
		t.Errorf("%d points are taken (error %v), want 6 of 8", len(have), err)
	}
}

func TestKeysTellPointsApart(t *testing.T) {
	base := smallCurves(t)[0].Config
	seen := map[string]string{base.input(0.5).Key(): "base"}
	for name, change := range map[string]func(*Config){
		"seed": func(c *Config) { c.Seed++ }, "check": func(c *Config) { c.Check++ },
		"fidelity": func(c *Config) { c.Fidelity = runtime.Wavelet },
		"machine":  func(c *Config) { c.Machine, _ = c.Machine.With("hop_cycles", 7) },
		"rows":     func(c *Config) { c.MatMul.Rows++ }, "cols": func(c *Config) { c.MatMul.Cols++ },
		"tokens":    func(c *Config) { c.MatMul.Tokens++ },
		"precision": func(c *Config) { c.MatMul.Precision = model.FP16 },
		"mask":      func(c *Config) { c.MatMul.Mask = model.MaskRowBalanced },
		"groups":    func(c *Config) { c.Mapping.Groups = 2 }, "run-ahead": func(c *Config) { c.Mapping.RunAhead = 2 },
		"mapping": func(c *Config) { c.Mapping.PerSparsity = true },
		"search":  func(c *Config) { c.MatMul.Sparsities = []float64{0.5} },
	} {
		c := base
		change(&c)
		key := c.input(0.5).Key()
		if twin, ok := seen[key]; ok {
			t.Errorf("%s and %s have one key", name, twin)
		}
		seen[key] = name
	}
	unused := base
	unused.MatMul.NMGroup++
	if unused.input(0.5).Key() != base.input(0.5).Key() {
		t.Error("nm_group tells points apart whose mask does not use it")
	}
}

func TestSeedsDiffer(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range 100 {
		c := Config{Seed: seed}
		seen[c.maskSeed()], seen[c.valueSeed()], seen[c.checkSeed()] = true, true, true
	}
	if len(seen) != 300 {
		t.Errorf("%d distinct seeds of 300", len(seen))
	}
	// Output 1 of splitmix64 from seed 0, as in the published test vectors.
	if got := splitmix64(0, 1); got != 0xe220a8397b1dcdaf {
		t.Errorf("splitmix64 is %#x", got)
	}
}

func TestEnginesThroughSims(t *testing.T) {
	curves := smallCurves(t)[:1]
	curves[0].Config.Check = 5
	for _, f := range []runtime.Fidelity{runtime.Stream, runtime.Wavelet} {
		curves[0].Config.Fidelity = f
		results, err := Simulate(t.Context(), curves, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := Mismatches(results); n != 0 {
			t.Errorf("%s: %d mismatches", f, n)
		}
		for _, p := range results[0].Points {
			if p.Report.States.Total() != int64(p.Report.Cycles)*12*4 {
				t.Errorf("%s: states do not sum to PEs x cycles", f)
			}
		}
	}
}
