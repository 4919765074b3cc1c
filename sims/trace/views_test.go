package trace

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/pprof/profile"
	"github.com/parquet-go/parquet-go"

	"cs2sim.dev/pe"
)

// written is the folder of a trace, and its runs.
func written(t testing.TB) (dir string, want []*Run) {
	t.Helper()
	dir, want = t.TempDir(), runs(t)
	if err := WriteSteps(dir, "test", steps(t)...); err != nil {
		t.Fatal(err)
	}
	return dir, want
}

// TestRoundTrip: what was written is read, and written again to the same bytes.
func TestRoundTrip(t *testing.T) {
	dir, want := written(t)
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Complete || len(got.Runs) != len(want) {
		t.Fatalf("%d runs, complete %t", len(got.Runs), got.Complete)
	}
	for i := range want {
		if d := cmp.Diff(want[i], got.Runs[i]); d != "" {
			t.Errorf("run %d: %s", i, d)
		}
	}
	again := t.TempDir()
	if err := Write(again, "test", got.Runs...); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*", Folder + "/*"} {
		names, _ := filepath.Glob(filepath.Join(dir, pattern))
		if len(names) < 3 {
			t.Errorf("%s: %v", pattern, names)
		}
		for _, name := range names {
			rel, _ := filepath.Rel(dir, name)
			a, errA := os.ReadFile(name)
			b, errB := os.ReadFile(filepath.Join(again, rel))
			if rel != Folder && (errA != nil || errB != nil || !bytes.Equal(a, b)) {
				t.Errorf("%s differs (%v, %v)", rel, errA, errB)
			}
		}
	}
}

// TestKilled: a trace that was not closed has the runs added so far.
func TestKilled(t *testing.T) {
	dir, want := t.TempDir(), runs(t)
	w, err := Create(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(1, want[1]); err != nil {
		t.Fatal(err)
	}
	// The next part was on its way.
	for _, name := range []string{"phases-000.parquet", ".cells-000.parquet123"} {
		if err := os.WriteFile(filepath.Join(dir, Folder, name), []byte("PAR1"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got.Complete || len(got.Runs) != 1 || !cmp.Equal(got.Runs[0], want[1]) {
		t.Errorf("complete %t, %d runs", got.Complete, len(got.Runs))
	}
	if _, err := Create(dir, "test"); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, Folder, "*")); len(left) > 0 {
		t.Errorf("an earlier trace left %v", left)
	}
}

// TestOneStory: Parquet read by another reader, pprof and timeline add up to the report's
// cycles by state, and to PEs x cycles.
func TestOneStory(t *testing.T) {
	dir, all := written(t)
	reports := steps(t)
	for i, r := range all {
		want := reports[i].Report.States
		if want.Total() != r.PEs()*r.Cycles {
			t.Errorf("the report has %d PE-cycles, PEs x cycles is %d", want.Total(), r.PEs()*r.Cycles)
		}
		for view, got := range map[string]pe.StateCycles{
			"Parquet":     parquetTotals(t, dir, i),
			"pprof":       profileTotals(t, filepath.Join(dir, ProfileFile), r.Name),
			"own profile": profileTotals(t, filepath.Join(dir, Folder, partName("profile", i, "", "pb.gz")), r.Name),
			"timeline":    timelineTotals(t, dir, r.Name),
		} {
			if got != want {
				t.Errorf("%s, %s: %v, the report says %v", r.Name, view, got, want)
			}
		}
	}
}

// parquetRows reads a table with the public library, by the names of its columns alone.
func parquetRows(t *testing.T, dir string, part int, kind string) (columns map[string]int, rows []parquet.Row) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, Folder, partName(kind, part, "", "parquet")))
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	columns = map[string]int{}
	for i, c := range f.Schema().Columns() {
		columns[c[0]] = i
	}
	r := parquet.NewReader(f)
	defer r.Close()
	for range f.NumRows() {
		row := make([]parquet.Row, 1)
		if n, err := r.ReadRows(row); n != 1 {
			t.Fatal(err)
		}
		rows = append(rows, row[0].Clone())
	}
	return columns, rows
}

func parquetTotals(t *testing.T, dir string, part int) (sum pe.StateCycles) {
	t.Helper()
	c, phases := parquetRows(t, dir, part, "phases")
	times := map[int32]int64{}
	for _, p := range phases {
		times[p[c["kind"]].Int32()]++
	}
	c, cells := parquetRows(t, dir, part, "cells")
	for _, row := range cells {
		n := times[row[c["kind"]].Int32()]
		for _, s := range pe.States() {
			if i, ok := c["sum_"+s.Name()]; ok {
				sum[s] += n * row[i].Int64()
			} else {
				sum[s] += n * row[c[s.Name()]].Int64() * int64(row[c["x_count"]].Int32()) * int64(row[c["y_count"]].Int32())
			}
		}
	}
	return sum
}

func profileTotals(t *testing.T, path, run string) (sum pe.StateCycles) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(data)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]pe.State{}
	for _, s := range pe.States() {
		byName[s.Name()] = s
	}
	for _, s := range p.Sample {
		if s.Label["run"][0] != run {
			continue
		}
		if leaf := s.Location[0].Line[0].Function.Name; leaf != LinksFrame {
			sum[byName[leaf]] += s.Value[0]
		} else if s.Value[0] != 0 || s.Value[1] == 0 {
			t.Errorf("links have %d cycles and %d picojoules", s.Value[0], s.Value[1])
		}
	}
	return sum
}

// event is one of a Chrome trace.
type event struct {
	Ph   string
	Name string
	Pid  int
	Tid  int
	Ts   float64
	Dur  float64
	Args map[string]any
}

func events(t *testing.T, dir string) []event {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, TimelineFile))
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ TraceEvents []event }
	if err := json.NewDecoder(zip).Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file.TraceEvents
}

func timelineTotals(t *testing.T, dir, run string) (sum pe.StateCycles) {
	t.Helper()
	pid := -1
	for _, e := range events(t, dir) {
		if e.Name == "process_name" && e.Args["name"] == run {
			pid = e.Pid
		}
		if e.Pid != pid || e.Ph != "X" || e.Tid != layersThread {
			continue
		}
		for _, s := range pe.States() {
			if v, ok := e.Args["pe_cycles_"+s.Name()].(float64); ok {
				sum[s] += int64(v)
			}
		}
	}
	return sum
}

// TestTimeline: events of a thread nest, begin one after the other, and last as long as the run;
// a PE's states add up to it.
func TestTimeline(t *testing.T) {
	dir, all := written(t)
	type track struct{ pid, tid int }
	open := map[track][]event{}
	last := map[track]float64{}
	outer, states := map[track]float64{}, map[track]int64{}
	names, counters := map[string]bool{}, map[string]bool{}
	for _, e := range events(t, dir) {
		k := track{e.Pid, e.Tid}
		switch e.Ph {
		case "M":
			names[fmt.Sprint(e.Args["name"])] = true
			continue
		case "C":
			counters[e.Name] = true
			continue
		}
		if e.Ts < last[k] {
			t.Fatalf("%q begins at %v, the one before at %v", e.Name, e.Ts, last[k])
		}
		last[k] = e.Ts
		stack := open[k]
		const grid = 0.0005 // half a nanosecond
		for len(stack) > 0 && stack[len(stack)-1].Ts+stack[len(stack)-1].Dur <= e.Ts+grid {
			stack = stack[:len(stack)-1]
		}
		if n := len(stack); n == 0 {
			outer[k] += e.Dur
		} else if out := stack[n-1]; e.Ts+e.Dur > out.Ts+out.Dur+grid {
			t.Fatalf("%q ends after %q, which it is in", e.Name, out.Name)
		}
		open[k] = append(stack, e)
		if n, ok := e.Args["cycles"].(float64); ok && e.Tid >= firstPE {
			states[k] += int64(n)
		}
	}
	for i, r := range all {
		for tid := layersThread; tid < firstPE+len(r.Notable()); tid++ {
			k := track{i + 1, tid}
			if got, want := outer[k], float64(r.Cycles)/r.Machine.ClockHz*1e6; math.Abs(got-want) > 0.01 {
				t.Errorf("track %+v lasts %v us, the run %v", k, got, want)
			}
			if tid >= firstPE && states[k] != r.Cycles {
				t.Errorf("track %+v: states last %d cycles, the run %d", k, states[k], r.Cycles)
			}
		}
		if !names[r.Name] {
			t.Errorf("no process %q", r.Name)
		}
	}
	if !names["kernels by layer"] || len(counters) != 3 {
		t.Errorf("names %v, counters %v", names, counters)
	}
}

// TestTimelinePE refuses a PE that is not there.
func TestTimelinePE(t *testing.T) {
	r := runs(t)[0]
	if _, err := Timeline(r.Notable(), r); err != nil {
		t.Error(err)
	}
	bad := r.Notable()
	bad[0].X = r.Machine.Width
	if _, err := Timeline(bad, r); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("error is %v", err)
	}
}

// TestPprofTool asks the questions of docs/profiling.md with the real tool.
func TestPprofTool(t *testing.T) {
	if testing.Short() {
		t.Skip("runs go tool pprof")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	dir, all := written(t)
	ask := func(args ...string) string {
		out, err := exec.Command(tool, append([]string{"tool", "pprof"}, args...)...).CombinedOutput()
		if err != nil {
			if strings.Contains(string(out), "no such tool") {
				t.Skip("no go tool pprof")
			}
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	whole := filepath.Join(dir, ProfileFile)
	dense, sparse := filepath.Join(dir, Folder, "profile-000.pb.gz"), filepath.Join(dir, Folder, "profile-001.pb.gz")
	wants := []struct {
		name, out string
		has       []string
	}{
		{"top", ask("-top", "-unit=cycles", dense), []string{fmt.Sprintf("%dcycles total", all[0].PEs()*all[0].Cycles), "idle", "wait_weights", "linear (forward)"}},
		{"energy", ask("-top", "-sample_index=energy", dense), []string{LinksFrame, "compute"}},
		{"peek", ask("-peek", `linear \(forward\)`, dense), []string{"mlp.fc", "compute"}},
		{"tags", ask("-tags", whole), []string{"columns", "rows", "sparsity", "75%"}},
		{"focus", ask("-top", "-tagfocus=sparsity=75%", "-unit=cycles", whole), []string{fmt.Sprintf("of %dcycles total", (all[0].Cycles+all[1].Cycles)*all[0].PEs())}},
		{"diff", ask("-top", "-unit=cycles", "-diff_base", dense, sparse), []string{"block 00", fmt.Sprintf("of %dcycles total", all[0].PEs()*all[0].Cycles)}},
	}
	for _, w := range wants {
		for _, s := range w.has {
			if !strings.Contains(w.out, s) {
				t.Errorf("%s: no %q in\n%s", w.name, s, w.out)
			}
		}
	}
}

// TestMaps: what figures are drawn from adds up to the same totals.
func TestMaps(t *testing.T) {
	for _, r := range runs(t) {
		last := len(r.Phases) - 1
		totals := r.Totals()
		var columns, binned pe.StateCycles
		for _, s := range r.Columns(0, last) {
			columns.Add(s, 1)
		}
		for _, b := range r.Bins(0, last, 77) {
			for s, v := range b.States {
				binned[s] += int64(math.Round(v * 1e3))
			}
		}
		var kernels pe.StateCycles
		for _, w := range r.Kernels() {
			kernels.Add(w.States, 1)
			if w.Lost > 0 && (w.Reason.Name == "" || w.Reason.Try == "" || w.Reason.Share <= 0 || w.Reason.Share > 1) {
				t.Errorf("%s of %s: reason %+v", w.Frame, w.Op, w.Reason)
			}
		}
		if kernels != totals {
			t.Errorf("kernels sum to %v, the run to %v", kernels, totals)
		}
		unused := (r.PEs() - int64(r.Place.Width*r.Place.Height)) * r.Cycles
		for _, s := range pe.States() {
			want := totals[s]
			if math.Abs(float64(binned[s])-1e3*float64(want)) > 1e3 {
				t.Errorf("bins have %d thousandths of %s, the run %d cycles", binned[s], s.Name(), want)
			}
			if s == pe.Idle {
				want -= unused
			}
			if columns[s] != want {
				t.Errorf("columns have %d of %s, the run %d", columns[s], s.Name(), want)
			}
			sum := int64(0)
			for _, v := range r.Raster(0, last, func(c pe.StateCycles) int64 { return c[s] }) {
				sum += v
			}
			if sum != want {
				t.Errorf("the map has %d of %s, the run %d", sum, s.Name(), want)
			}
		}
		if text := r.ASCII(make([]float64, r.Place.Width*r.Place.Height), 8); !strings.Contains(text, "not in use") {
			t.Errorf("map in text:\n%s", text)
		}
	}
}
