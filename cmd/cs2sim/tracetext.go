package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"cs2sim.dev/fabric"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/trace"
)

// maxPhaseLines is how many phases a table lists one by one; more are put together by layer.
const maxPhaseLines = 40

// stretch is consecutive phases of one layer and pass, or a single phase.
type stretch struct{ first, last int }

func stretches(r *trace.Run, first, last int) (out []stretch) {
	single := last-first < maxPhaseLines
	for i := first; i <= last; i++ {
		p := r.Phases[i]
		if n := len(out); !single && n > 0 {
			if q := r.Phases[out[n-1].last]; q.LayerName == p.LayerName && q.Pass == p.Pass {
				out[n-1].last = i
				continue
			}
		}
		out = append(out, stretch{i, i})
	}
	return out
}

// label says what a stretch is.
func (s stretch) label(r *trace.Run) (number, layer, what string) {
	p := r.Phases[s.first]
	if s.first == s.last {
		return fmt.Sprint(s.first), p.LayerName, p.Op + " " + p.Frame()
	}
	return fmt.Sprintf("%d-%d", s.first, s.last), p.LayerName, p.Pass
}

// stateTable lists stretches with the shares of some PEs' states; of gives them per phase.
func stateTable(r *trace.Run, first, last int, of func(phase int) []int64) sims.Table {
	t := sims.Table{Name: "phases", Columns: stateColumns(
		sims.Column{Name: "phase", Title: "phase", Kind: sims.Text}, sims.Column{Name: "layer", Title: "layer", Kind: sims.Text},
		sims.Column{Name: "what", Title: "what", Kind: sims.Text},
	)}
	for _, s := range stretches(r, first, last) {
		var cycles, total int64
		sums := make([]int64, len(trace.StateNames()))
		for i := s.first; i <= s.last; i++ {
			cycles += r.Phases[i].Cycles
			for st, n := range of(i) {
				sums[st] += n
				total += n
			}
		}
		number, layer, what := s.label(r)
		row := []any{number, layer, what, float64(r.Phases[s.first].Start), float64(cycles)}
		for _, n := range sums {
			row = append(row, share(n, total))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func phasesText(r *trace.Run, first, last int) string {
	kinds := make([][]int64, len(r.Kinds))
	t := stateTable(r, first, last, func(i int) []int64 {
		k := r.Phases[i].Kind
		if kinds[k] == nil {
			sum := r.Kinds[k].Sum()
			kinds[k] = sum[:]
		}
		return kinds[k]
	})
	windows := windowsText(r, first, last, func(k *trace.Kind) []int64 { s := k.Sum(); return s[:] })
	return fmt.Sprintf("phases of %q, shares of all PEs' cycles\n\n%s%s%s", r.Name, t.Terminal(), windows, memoryText(r, first, last))
}

// lifeText is what one PE holds and did.
func lifeText(r *trace.Run, at fabric.Coord, first, last int) string {
	kinds := make([][]int64, len(r.Kinds))
	t := stateTable(r, first, last, func(i int) []int64 {
		k := r.Phases[i].Kind
		if kinds[k] == nil {
			s := r.Kinds[k].At(at.X, at.Y)
			kinds[k] = s[:]
		}
		return kinds[k]
	})
	var b strings.Builder
	fmt.Fprintf(&b, "PE %d,%d in %q: ", at.X, at.Y, r.Name)
	if at.X >= r.Place.Width || at.Y >= r.Place.Height {
		b.WriteString("not in use\n")
	} else {
		fmt.Fprintf(&b, "group %d, features %s, tokens %s\n", at.X/max(1, r.Place.Columns), r.Place.FeaturesOf(at.X), r.Place.TokensOf(at.X, at.Y))
	}
	windows := windowsText(r, first, last, func(k *trace.Kind) []int64 { s := k.At(at.X, at.Y); return s[:] })
	b.WriteString("\n" + t.Terminal() + windows + routerText(r, at, first, last) + memoryText(r, first, last))
	return b.String()
}

// windowsText is the time of a single phase, window by window.
func windowsText(r *trace.Run, first, last int, of func(k *trace.Kind) []int64) string {
	if first != last || len(r.KindOf(first).Windows) == 0 {
		return ""
	}
	fine := r.WindowsOf(first, maxPhaseLines)
	t := sims.Table{Name: "windows", Columns: stateColumns(
		sims.Column{Name: "window", Title: "window", Kind: sims.Number, Format: "%.0f"},
	)}
	for i, w := range fine.Phases {
		row := []any{float64(i), float64(w.Start), float64(w.Cycles)}
		states, total := of(fine.KindOf(i)), int64(0)
		for _, n := range states {
			total += n
		}
		for _, n := range states {
			row = append(row, share(n, total))
		}
		t.Rows = append(t.Rows, row)
	}
	return fmt.Sprintf("\nwindows of phase %d\n\n%s", first, t.Terminal())
}

// stateColumns are columns that lead, time and the states' shares.
func stateColumns(lead ...sims.Column) []sims.Column {
	columns := append(lead,
		sims.Column{Name: "start", Title: "start", Unit: "cycles", Kind: sims.Number, Format: "%.0f"},
		sims.Column{Name: "cycles", Title: "cycles", Kind: sims.Number, Format: "%.0f"})
	for _, s := range trace.StateNames() {
		columns = append(columns, sims.Column{Name: s, Title: strings.ReplaceAll(s, "_", " "), Unit: "%", Kind: sims.Number, Format: "%.1f"})
	}
	return columns
}

// memoryText is the memory map of one phase.
func memoryText(r *trace.Run, first, last int) string {
	if first != last {
		return ""
	}
	var b strings.Builder
	used := 0
	b.WriteString("\nSRAM of a PE in this phase\n")
	for _, m := range r.Live(first) {
		fmt.Fprintf(&b, "  %6d..%-6d %6d bytes  %s\n", m.Base, m.Base+m.Bytes-1, m.Bytes, m.Name)
		used += m.Bytes
	}
	fmt.Fprintf(&b, "  %d bytes in use\n", used)
	return b.String()
}

// writeFile puts a file in place whole and makes its folder. What is no regular file is not replaced by one: the super-user
// could do that to /dev/full.
func writeFile(path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if err := sims.Regular(path); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.As(err, new(*fs.PathError)) {
		return &sims.InputError{File: path, Want: "cannot be written: " + err.Error()}
	}
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = renameio.WriteFile(path, data, 0o666, renameio.WithTempDir(filepath.Dir(path)))
	}
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return &sims.InputError{File: path, Want: "cannot be written: " + p.Err.Error()}
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
