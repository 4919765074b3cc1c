package trace

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// large is a step of the shape of GPT-3 XL's: 24 blocks, every matrix another mask and so another
// kind in each of three kernels, rows of attention all different, on the whole wafer.
func large(t testing.TB) Step {
	cfg, err := model.Preset("gpt3-xl")
	if err != nil {
		t.Fatal(err)
	}
	m := target(t, 750, 994)
	s, err := compiler.NewSpace(cfg, m, model.Mixed, compiler.Spread{HeadColumns: 4, Tokens: 15})
	if err != nil {
		t.Fatal(err)
	}
	d := drawn{rand.New(rand.NewPCG(1, 1)), s}
	r := &runtime.StepReport{Step: &compiler.Step{Space: s, Train: true}, Switch: 2000}
	do := func(name string, layer int, pass compiler.Pass, k compiler.Kernel, p *runtime.PhaseReport) {
		r.Step.Phases = append(r.Step.Phases, compiler.Phase{Name: name, Layer: layer, Pass: pass, Kernel: k})
		r.Phases = append(r.Phases, p)
		r.Cycles += p.Cycles + r.Switch
	}
	heads := d.report(1)
	for i := range heads.Grid.Cells { // no two columns alike
		heads.Grid.Cells[i] = d.cell(heads.Cycles)
	}
	heads.Grid.Windows = d.windows(&heads.Grid, heads.Cycles, 0)
	element := d.report(2)
	names := []string{"attn.q", "attn.k", "attn.v", "attn.proj", "mlp.fc", "mlp.proj"}
	for l := range cfg.Layers {
		for _, pass := range []compiler.Pass{compiler.Forward, compiler.Recompute, compiler.Backward} {
			for _, n := range names {
				forward := d.report(0)
				do(n, l, pass, &compiler.Linear{}, forward)
				if pass == compiler.Backward {
					do(n, l, pass, &compiler.WeightGrad{}, d.report(2))
				}
			}
			for range 8 {
				do("ln_1", l, pass, &compiler.LayerNorm{}, element)
			}
			do("attn", l, pass, &compiler.Attention{}, heads)
		}
	}
	width, height := s.Groups*s.Columns, s.Rows()
	used, all := int64(width)*int64(height), int64(m.Width())*int64(m.Height())
	for _, p := range r.Phases {
		r.States.Add(p.Grid.Sum(width, height), 1)
	}
	r.States[pe.Overhead] += r.Switch * int64(len(r.Phases)) * used
	r.States[pe.Idle] += (all - used) * r.Cycles
	return Step{Experiment: "pretrain", Name: "pretrain", Report: r}
}

// TestLarge: a step of GPT-3 XL's size stays within 50 MB, its profile within 5 MB, and adds up.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("a wafer's trace")
	}
	s := large(t)
	dir := t.TempDir()
	begin := time.Now()
	if err := WriteSteps(dir, "test", s); err != nil {
		t.Fatal(err)
	}
	wrote := time.Since(begin)
	begin = time.Now()
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	read := time.Since(begin)
	if got.Runs[0].Totals() != s.Report.States {
		t.Errorf("cells sum to %v, the report to %v", got.Runs[0].Totals(), s.Report.States)
	}
	sizes := map[string]int64{}
	total := int64(0)
	err = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			sizes[filepath.Base(path)] = info.Size()
			total += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d phases, %d kinds: %d bytes written in %v, read in %v: %v", len(got.Runs[0].Phases), len(got.Runs[0].Kinds), total, wrote, read, sizes)
	if total > 50e6 || sizes[ProfileFile] > 5e6 {
		t.Errorf("%d bytes in all, profile %d", total, sizes[ProfileFile])
	}
}

// TestCoarse: a grid with more classes than fit is added up by neighbours, and loses no cycle.
func TestCoarse(t *testing.T) {
	m := target(t, 15, 11)
	s := step(t, m, 1, 1, 0)
	r := s.Run()
	for _, limit := range []int{40, 10, 4, 1} {
		for i, p := range s.Report.Phases {
			k := r.kind(&p.Grid, p.Cycles, limit)
			if err := k.check(r.Machine); err != nil {
				t.Errorf("phase %d in %d cells: %v", i, limit, err)
			}
			if n := len(k.Cells) - 2; p.Grid.Shift == nil && len(p.Grid.Wavelets) <= len(p.Grid.Cells) && n > max(limit, 1) && p.Grid.PeriodX == s.Report.Step.Space.Columns {
				t.Errorf("phase %d has %d cells, at most %d", i, n, limit)
			}
			var sum pe.StateCycles
			for _, b := range k.bandSums(r.grid(3, 4)) {
				sum.Add(b, 1)
			}
			if sum != k.Sum() {
				t.Errorf("phase %d in %d cells: bands sum to %v, cells to %v", i, limit, sum, k.Sum())
			}
		}
	}
}

// TestLimit: small grids stay whole, large ones share what is left.
func TestLimit(t *testing.T) {
	var grids []*runtime.PhaseReport
	for _, n := range []int{100, 5, 7, 90, 1} {
		grids = append(grids, &runtime.PhaseReport{Grid: runtime.Grid{Cells: make([]pe.StateCycles, n)}})
	}
	for _, c := range []struct{ cells, most int }{{203, 1 << 40}, {202, 99}, {113, 50}, {20, 4}, {5, 1}} {
		got, sum := limitFor(grids, 1, c.cells), 0
		for _, g := range grids {
			sum += min(got, len(g.Grid.Cells))
		}
		if sum > c.cells || got < c.most {
			t.Errorf("limit %d for %d cells in all: %d, want at least %d", got, c.cells, sum, c.most)
		}
	}
}
