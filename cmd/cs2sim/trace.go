package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cs2sim.dev/fabric"
	"cs2sim.dev/plots"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/trace"
)

// traceView is what to show of a trace.
type traceView struct {
	run, pe, show string
	phase         int
	ascii, links  bool
	kernel        string
	figures       string
	timeline      string
}

func newTrace(c *console) *cobra.Command {
	v := traceView{show: string(trace.QuantityBusy)}
	cmd := &cobra.Command{
		Use:   "trace DIR",
		Short: "Look into a run: its phases, one PE's life, maps of the wafer",
		Long: `Look into the trace in a run's folder. Without flags: the runs it holds and the phases of the first one.
With --pe the life of one PE: what it holds, its states, phase by phase what it did, and its router's links.
With --links what every color's links carried and where wavelets stood, of one kernel with --kernel. With
--ascii a map of the wafer in the terminal. --phase narrows each of them to one phase.

The tables in DIR/trace are Parquet, DIR/profile.pb.gz is for go tool pprof and DIR/timeline.json.gz for
ui.perfetto.dev; docs/trace.md and docs/profiling.md say more.`,
		Example: `  cs2sim trace runs/matmul12k
  cs2sim trace runs/gpt3xl --run "gpt3-xl, 75 %, length 2048 (3)" --pe 63,127
  cs2sim trace runs/gpt3xl --links --kernel "linear (forward)"
  cs2sim trace runs/gpt3xl --ascii --show waiting --phase 41
  cs2sim trace runs/gpt3xl --figures maps --phase 41
  cs2sim trace runs/gpt3xl --pe 63,127 --timeline pe.json.gz`,
		Args: oneFile("the folder of a run"),
	}
	f := cmd.Flags()
	f.StringVar(&v.run, "run", "", "run of the trace, by `NAME`; default the first; without flags all are listed")
	f.IntVar(&v.phase, "phase", 0, "one phase, by its number `N` from 0; default all")
	f.StringVar(&v.pe, "pe", "", "the life of the PE in column X and row Y, `X,Y`")
	f.BoolVar(&v.links, "links", false, "wavelets and stalls of the links, by color and direction")
	f.StringVar(&v.kernel, "kernel", "", "with --links, the phases of one kernel, by its `NAME`")
	f.BoolVar(&v.ascii, "ascii", false, "a map of the wafer in the terminal")
	f.StringVar(&v.show, "show", v.show, "with --ascii, the `QUANTITY` to show: busy, waiting, wavelets or energy")
	f.StringVar(&v.figures, "figures", "", "draw maps, utilization over time and the columns' load into `DIR2`")
	f.StringVar(&v.timeline, "timeline", "", "write a timeline of the run, with a track for the PE of --pe, to `FILE`")
	cmd.MarkFlagDirname("figures")
	for _, other := range []string{"pe", "links", "figures", "timeline"} {
		cmd.MarkFlagsMutuallyExclusive("ascii", other)
	}
	for _, other := range []string{"pe", "links", "timeline"} {
		cmd.MarkFlagsMutuallyExclusive("figures", other)
	}
	cmd.MarkFlagsMutuallyExclusive("links", "timeline")
	cmd.RunE = action(func(_ context.Context, args []string) error {
		if f.Changed("show") && !v.ascii {
			return &sims.InputError{File: "--show", Value: strconv.Quote(v.show), Want: "goes with --ascii"}
		}
		if v.kernel != "" && !v.links {
			return &sims.InputError{File: "--kernel", Value: strconv.Quote(v.kernel), Want: "goes with --links"}
		}
		t, r, err := readTrace(args[0], v.run)
		if err != nil {
			return err
		}
		first, last := 0, len(r.Phases)-1
		if f.Changed("phase") {
			if v.phase < 0 || v.phase > last {
				return &sims.InputError{File: "--phase", Value: strconv.Itoa(v.phase), Want: fmt.Sprintf("must be 0 to %d", last)}
			}
			first, last = v.phase, v.phase
		}
		if v.figures != "" {
			return c.traceFigures(v.figures, r, first, last)
		}
		text, err := v.text(t, r, first, last)
		if err != nil {
			return err
		}
		return c.print(text)
	})
	return cmd
}

func (v traceView) text(t *trace.Trace, r *trace.Run, first, last int) (string, error) {
	if v.ascii {
		wrong := func(want string) error {
			return &sims.InputError{File: "--show", Value: strconv.Quote(v.show), Want: want}
		}
		if !slices.Contains(trace.Quantities(), trace.Quantity(v.show)) {
			return "", wrong("must be busy, waiting, wavelets or energy")
		}
		values, err := r.Map(first, last, trace.Quantity(v.show))
		if err != nil {
			return "", wrong(err.Error())
		}
		return trace.Quantity(v.show).Label() + ", " + r.Name + "\n" + r.ASCII(values, 48), nil
	}
	if v.links {
		return v.linksText(r, first, last)
	}
	if v.pe == "" && v.timeline != "" {
		return v.writeTimeline(r, nil)
	}
	if v.pe == "" {
		return runsText(t) + "\n" + phasesText(r, first, last), nil
	}
	at, err := parsePE(v.pe, r)
	if err != nil {
		return "", err
	}
	if v.timeline != "" {
		return v.writeTimeline(r, []fabric.Coord{at})
	}
	return lifeText(r, at, first, last), nil
}

// writeTimeline draws tracks for the PEs; nil: for the notable ones.
func (v traceView) writeTimeline(r *trace.Run, pes []fabric.Coord) (string, error) {
	data, err := trace.Timeline(pes, r)
	if err != nil {
		return "", err
	}
	if err := writeFile(v.timeline, data); err != nil {
		return "", err
	}
	return "timeline in " + v.timeline + "\n", nil
}

// parsePE reads X,Y.
func parsePE(text string, r *trace.Run) (fabric.Coord, error) {
	want := fmt.Sprintf("must be X,Y with X 0 to %d and Y 0 to %d", r.Machine.Width-1, r.Machine.Height-1)
	wrong := &sims.InputError{File: "--pe", Value: strconv.Quote(text), Want: want}
	a, b, ok := strings.Cut(text, ",")
	x, errX := strconv.Atoi(strings.TrimSpace(a))
	y, errY := strconv.Atoi(strings.TrimSpace(b))
	if !ok || errX != nil || errY != nil || x < 0 || x >= r.Machine.Width || y < 0 || y >= r.Machine.Height {
		return fabric.Coord{}, wrong
	}
	return fabric.Coord{X: x, Y: y}, nil
}

func runsText(t *trace.Trace) string {
	var b strings.Builder
	b.WriteString("runs of the trace")
	if !t.Complete {
		b.WriteString(", which ended early")
	}
	b.WriteString("\n")
	for _, r := range t.Runs {
		fmt.Fprintf(&b, "  %q: %d cycles on %s, %d x %d PEs, %d x %d in use", r.Name, r.Cycles, r.Machine.Name, r.Machine.Width, r.Machine.Height, r.Place.Width, r.Place.Height)
		if r.Of > 0 {
			fmt.Fprintf(&b, "; the first %d of %d phases", len(r.Phases), r.Of)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// traceFigures draws a map of every quantity that was counted, and the two charts.
func (c *console) traceFigures(dir string, r *trace.Run, first, last int) error {
	var files []file
	add := func(name string, f figure, err error) error {
		drawn, err := render(name, f, err)
		files = append(files, drawn...)
		return err
	}
	for _, q := range trace.Quantities() {
		if q == trace.QuantityWavelets && !r.HasWavelets(first, last) {
			fmt.Fprintln(c.err, "no map of wavelets: not every kernel's were counted PE by PE")
			continue
		}
		m, err := plots.WaferMap(r, first, last, q)
		if err := add("map-"+string(q), m, err); err != nil {
			return &sims.InputError{Want: err.Error()}
		}
	}
	over, err := plots.UtilizationOverTime(r, first, last)
	if err := add("utilization-time", over, err); err != nil {
		return err
	}
	load, err := plots.ColumnLoad(r, first, last)
	if err := add("column-load", load, err); err != nil {
		return &sims.InputError{Want: err.Error()}
	}
	for _, f := range files {
		if err := writeFile(filepath.Join(dir, f.name), f.data); err != nil {
			return err
		}
	}
	return c.print("figures in " + dir + "\n")
}
