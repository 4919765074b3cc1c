package trace

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cs2sim.dev/pe"
)

// TestFine: a run cut into its windows is the same run: time without gaps, all that was counted, every PE's
// cycles by state in every phase, what lies in memory.
func TestFine(t *testing.T) {
	for _, r := range runs(t) {
		for _, most := range []int{1, 20, 50, maxPhases} {
			f := r.Fine(most)
			if err := f.Check(); err != nil {
				t.Fatal(err)
			}
			if f.Totals() != r.Totals() {
				t.Errorf("%d windows: %v, the run %v", most, f.Totals(), r.Totals())
			}
			if most == maxPhases && len(f.Phases) < 3*len(r.Phases) || most == 1 && len(f.Phases) != len(r.Phases) {
				t.Errorf("at most %d windows: %d for %d phases", most, len(f.Phases), len(r.Phases))
			}
			for i, p := range r.Phases {
				var sum Phase
				var at pe.StateCycles
				x, y := i%r.Machine.Width, i%r.Machine.Height
				for k := f.First[i]; k < f.First[i+1]; k++ {
					w := f.Phases[k]
					if f.Phase[k] != i || w.Name != p.Name || w.Kernel != p.Kernel {
						t.Errorf("window %d of phase %d is %+v", k, i, w)
					}
					sum.Cycles, sum.FMACs, sum.Hops = sum.Cycles+w.Cycles, sum.FMACs+w.FMACs, sum.Hops+w.Hops
					sum.EdgeIn, sum.EdgeOut = sum.EdgeIn+w.EdgeIn, sum.EdgeOut+w.EdgeOut
					one := f.KindOf(k).At(x, y)
					if one.Total() != w.Cycles {
						t.Errorf("window %d of %d cycles: a PE has %d", k, w.Cycles, one.Total())
					}
					at.Add(one, 1)
				}
				if want := (Phase{Cycles: p.Cycles, FMACs: p.FMACs, Hops: p.Hops, EdgeIn: p.EdgeIn, EdgeOut: p.EdgeOut}); sum != want {
					t.Errorf("windows of phase %d have %+v, it has %+v", i, sum, want)
				}
				if want := r.KindOf(i).At(x, y); at != want {
					t.Errorf("windows of phase %d, PE %d,%d: %v, the phase says %v", i, x, y, at, want)
				}
				for k := f.First[i]; k < f.First[i+1]; k++ {
					for m, g := range f.Live(k) {
						if r.Live(i)[m].Name != g.Name {
							t.Errorf("window %d holds %s, phase %d %s", k, g.Name, i, r.Live(i)[m].Name)
						}
					}
				}
			}
		}
	}
}

// TestWindowTable: the table of windows, read by the public library and the names of its columns alone,
// sums to the table of cells, kind by kind, and each of its windows to PEs x cycles.
func TestWindowTable(t *testing.T) {
	dir, all := written(t)
	for part, r := range all {
		c, rows := parquetRows(t, dir, part, "windows")
		type place struct{ kind, window int32 }
		sums, cycles, whole := map[place]pe.StateCycles{}, map[place]int64{}, map[int32]pe.StateCycles{}
		for _, row := range rows {
			at := place{row[c["kind"]].Int32(), row[c["window"]].Int32()}
			sum, kind := sums[at], whole[at.kind]
			for _, s := range pe.States() {
				n := row[c[s.Name()]].Int64() * row[c["blocks"]].Int64()
				if i, ok := c["sum_"+s.Name()]; ok {
					n = row[i].Int64()
				}
				sum[s] += n
				kind[s] += n
			}
			sums[at], whole[at.kind], cycles[at] = sum, kind, row[c["cycles"]].Int64()
		}
		if len(sums) == 0 {
			t.Fatalf("%s has no windows", r.Name)
		}
		for at, sum := range sums {
			if want := cycles[at] * r.PEs(); sum.Total() != want {
				t.Errorf("%s, kind %d, window %d: %d PE-cycles, PEs x cycles is %d", r.Name, at.kind, at.window, sum.Total(), want)
			}
		}
		for k, sum := range whole {
			if want := r.Kinds[k].Sum(); sum != want {
				t.Errorf("%s, kind %d: windows sum to %v, cells to %v", r.Name, k, sum, want)
			}
		}
	}
}

// TestWindowCounters: the timeline's counters, each times the time to the next, are the run's busy and waiting
// PE-cycles, and so are the bins of the chart over time; both see more than phases.
func TestWindowCounters(t *testing.T) {
	dir, all := written(t)
	for i, r := range all {
		totals := r.Totals()
		var busy, waiting float64
		var last event
		n := 0
		for _, e := range events(t, dir) {
			if e.Pid != i+1 || e.Ph != "C" || e.Name != "utilisation" {
				continue
			}
			if n++; n > 1 {
				cycles := (e.Ts - last.Ts) * r.Machine.ClockHz / 1e6 * float64(r.PEs())
				busy += cycles * last.Args["busy"].(float64)
				waiting += cycles * last.Args["waiting"].(float64)
			}
			last = e
		}
		if n < 3*len(r.Phases) {
			t.Errorf("%d values of a counter for %d phases", n, len(r.Phases))
		}
		for _, c := range []struct {
			name string
			got  float64
			want int64
		}{{"busy", busy, Busy(totals)}, {"waiting", waiting, Waiting(totals)}} {
			if math.Abs(c.got/float64(c.want)-1) > 1e-4 { // nanoseconds and six digits
				t.Errorf("%s: counters say %.0f %s PE-cycles, the run %d", r.Name, c.got, c.name, c.want)
			}
		}
	}
}

// TestHostileWindows: windows that do not close are refused.
func TestHostileWindows(t *testing.T) {
	for reason, spoil := range map[string]func(k *Kind){
		"leave":         func(k *Kind) { k.Windows = k.Windows[:2] },
		"where":         func(k *Kind) { k.Windows[0].Cycles = k.Cycles + 1 },
		"window 1 of 0": func(k *Kind) { k.Windows[1].Cycles = 0 },
		"states sum to": func(k *Kind) { k.Windows[1].States[0][pe.Idle]++ },
		"each":          func(k *Kind) { k.Windows[0].Late[0].Weights = math.MinInt64 },
		"of cell 0 sum": func(k *Kind) { k.Windows[0].States[0] = moved(k.Windows[0].States[0]) },
		"of 1":          func(k *Kind) { k.Windows[1].States = k.Windows[1].States[1:] },
		"is -1 in": func(k *Kind) {
			k.Windows[0].States[0] = pe.StateCycles{pe.Idle: -1, pe.Compute: k.Windows[0].Cycles + 1}
		},
	} {
		r := runs(t)[0]
		for i := range r.Kinds {
			if len(r.Kinds[i].Windows) > 0 {
				spoil(&r.Kinds[i])
				break
			}
		}
		if err := r.Check(); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("error is %v, must say %q", err, reason)
		}
	}
}

// moved is an account of the same cycles in other states.
func moved(s pe.StateCycles) pe.StateCycles {
	s[pe.Idle], s[pe.Compute] = s[pe.Compute], s[pe.Idle]
	if s[pe.Idle] == s[pe.Compute] {
		s[pe.Idle], s[pe.RingAdd] = s[pe.Idle]+s[pe.RingAdd], 0
	}
	return s
}

// TestMerge: windows put together are as long as asked and lose nothing.
func TestMerge(t *testing.T) {
	r := runs(t)[0]
	for i := range r.Kinds {
		k := r.Kinds[i]
		k.merge(4000)
		if err := k.check(r.Machine); err != nil {
			t.Fatal(err)
		}
		for n := range k.Windows[:max(0, len(k.Windows)-1)] {
			if k.Windows[n].Cycles < 4000 {
				t.Errorf("window %d of %d lasts %d cycles", n, len(k.Windows), k.Windows[n].Cycles)
			}
		}
		k.merge(k.Cycles + 1)
		if k.Windows != nil || !cmp.Equal(k.Cells, r.Kinds[i].Cells) {
			t.Errorf("kind %d merged whole has %d windows", i, len(k.Windows))
		}
	}
}
