package trace

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"cs2sim.dev/pe"
)

// processorVariable names the trace processor for those who have it elsewhere than in PATH.
const processorVariable = "CS2SIM_TRACE_PROCESSOR"

// traceProcessor is Perfetto's own reader, the one behind ui.perfetto.dev. No package of Debian or npm has it.
func traceProcessor(t *testing.T) string {
	t.Helper()
	if path := os.Getenv(processorVariable); path != "" {
		return path
	}
	path, err := exec.LookPath("trace_processor_shell")
	if err != nil {
		t.Skipf("no trace_processor_shell in PATH, and %s does not say where it is: the timeline is not opened by Perfetto's own reader; docs/trace.md says where to get it", processorVariable)
	}
	return path
}

// query asks the trace processor and returns the rows.
func query(t *testing.T, file, sql string) [][]string {
	t.Helper()
	script := filepath.Join(t.TempDir(), "query.sql")
	if err := os.WriteFile(script, []byte(sql+";\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(traceProcessor(t), "--query-file", script, file)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", sql, err, errors.String())
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%s: %v: %s", sql, err, out)
	}
	return rows[1:]
}

// TestPerfetto: the real trace processor takes the timeline without a complaint, and what its tables of slices
// and counters sum to is what the runs say.
func TestPerfetto(t *testing.T) {
	traceProcessor(t)
	dir, all := written(t)
	file := filepath.Join(dir, TimelineFile)
	if bad := query(t, file, "SELECT name, value FROM stats WHERE severity IN ('error', 'data_loss') AND value > 0"); len(bad) > 0 {
		t.Errorf("it complains of %v", bad)
	}
	for i, r := range all {
		of := fmt.Sprintf("FROM slice JOIN thread_track ON slice.track_id = thread_track.id JOIN thread USING (utid) JOIN process USING (upid) WHERE process.pid = %d", i+1)
		number := func(what, rest string) int64 {
			t.Helper()
			rows := query(t, file, "SELECT "+what+" "+rest)
			n, err := strconv.ParseFloat(rows[0][0], 64)
			if err != nil {
				t.Fatalf("%s: %v", what, rows)
			}
			return int64(math.Round(n))
		}
		totals := r.Totals()
		for _, s := range pe.States() {
			if got := number(fmt.Sprintf("SUM(EXTRACT_ARG(slice.arg_set_id, 'args.pe_cycles_%s'))", s.Name()), of); got != totals[s] {
				t.Errorf("%s: kernels have %d PE-cycles of %s, the run %d", r.Name, got, s.Name(), totals[s])
			}
		}
		if got := number("COUNT(*)", of+" AND EXTRACT_ARG(slice.arg_set_id, 'args.kernel') IS NOT NULL"); got != int64(len(r.Phases)) {
			t.Errorf("%s: %d kernels, the run has %d phases", r.Name, got, len(r.Phases))
		}
		for _, at := range r.Notable() {
			track := fmt.Sprintf("PE %d,%d", at.X, at.Y)
			for _, s := range pe.States() {
				want := int64(0)
				for k := range r.Phases {
					want += r.KindOf(k).At(at.X, at.Y)[s]
				}
				got := number("COALESCE(SUM(EXTRACT_ARG(slice.arg_set_id, 'args.cycles')), 0)", fmt.Sprintf("%s AND thread.name = '%s' AND slice.name = '%s'", of, track, s.Name()))
				if got != want {
					t.Errorf("%s, %s: %d cycles of %s, the run says %d", r.Name, track, got, s.Name(), want)
				}
			}
		}
		for name, want := range map[string]int64{"utilisation busy": Busy(totals), "utilisation waiting": Waiting(totals)} {
			rows := query(t, file, fmt.Sprintf(`SELECT SUM(value * (next - ts)) FROM (
				SELECT value, ts, LEAD(ts) OVER (ORDER BY ts) AS next FROM counter JOIN process_counter_track ON counter.track_id = process_counter_track.id
				JOIN process USING (upid) WHERE process.pid = %d AND process_counter_track.name = '%s')`, i+1, name))
			nanoseconds, err := strconv.ParseFloat(rows[0][0], 64)
			got := nanoseconds / 1e9 * r.Machine.ClockHz * float64(r.PEs())
			if err != nil || math.Abs(got/float64(want)-1) > 1e-4 {
				t.Errorf("%s: counter %s stands for %.0f PE-cycles, the run has %d (%v)", r.Name, name, got, want, err)
			}
		}
	}
}
