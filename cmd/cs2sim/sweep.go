package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"cs2sim.dev/sims"
)

func newSweep(c *console) *cobra.Command {
	var over overrides
	var out output
	var vary []string
	cmd := &cobra.Command{
		Use:   "sweep FILE --vary KEY=VALUES ...",
		Short: "Run a run file over a grid of values of any of its keys",
		Long: `Run a run file at every combination of the varied keys, points in parallel. VALUES is a list a,b,c whose
items may be ranges: lo:hi:step, or lo:hi:xFACTOR for equal ratios; both ends count. Any key of the run
file or of its [machine] table may be varied; of a list key each value is a list of one. Speedups are over
the dense point of the same combination. Variants of the run file take no part. An spdf experiment is
run whole at each point, into a folder of its own.`,
		Example: `  cs2sim sweep examples/small.toml --vary mapping.groups=1:4:1
  cs2sim sweep examples/small.toml --vary matmul.tokens=64:1024:x2 --vary machine.buffer_depth=1,4`,
		Args:              oneFile("a run file"),
		ValidArgsFunction: completeRunFile,
	}
	over.flags(cmd)
	over.checkFlag(cmd)
	out.flags(cmd, "-sweep")
	cmd.Flags().StringArrayVar(&vary, "vary", nil, "key to vary and its values, `KEY=VALUES`; several make a grid")
	cmd.RegisterFlagCompletionFunc("vary", completeKeys)
	cmd.RunE = action(func(ctx context.Context, args []string) error {
		if len(vary) == 0 {
			return &sims.InputError{File: "--vary", Want: "is missing, must be KEY=VALUES, such as matmul.tokens=1000,2000"}
		}
		s, err := over.load(args[0])
		if err != nil {
			return err
		}
		var axes []sims.Axis
		for _, text := range vary {
			a, err := sims.ParseAxis(text)
			if err != nil {
				return err
			}
			axes = append(axes, a)
		}
		curves, err := s.Grid(axes)
		if err != nil {
			return err
		}
		base, err := s.Base()
		if err != nil {
			return err
		}
		if out.dir == "" {
			out.dir = defaultDir(args[0], "-sweep")
		}
		grid := &gridSweep{console: c, out: out, base: base, vary: vary, axes: axes}
		switch base.Config.Experiment {
		case sims.ExperimentGPT:
			return c.trainGPT(ctx, out, curves, &gptSweep{gridSweep: *grid, curves: curves})
		case sims.ExperimentSPDF:
			return c.spdfSweep(ctx, grid, curves)
		}
		return c.simulate(ctx, out, curves, grid)
	})
	return cmd
}

// gridSweep writes and prints the results of cs2sim sweep.
type gridSweep struct {
	*console
	out   output
	base  sims.Curve
	vary  []string // as given
	axes  []sims.Axis
	table sims.Table
	note  string
}

func (g *gridSweep) saved(*sims.Folder, sims.Point) {} // sweeps leave no trace

// runFile is the file that was swept, and how.
func (g *gridSweep) runFile() []byte {
	text := sims.WriteRunFile(g.out.dir, []sims.Curve{g.base})
	for _, v := range g.vary {
		text = fmt.Appendf(text, "\n# swept with --vary %q", v)
	}
	return append(text, '\n')
}

// sweepResults is what sweep.json holds.
type sweepResults struct {
	Version  string     `json:"version"`
	Complete bool       `json:"complete"`
	Note     string     `json:"note,omitempty"`
	Sweep    sims.Table `json:"sweep"`
}

func (g *gridSweep) maps() bool { return false }

func (g *gridSweep) json() ([]byte, error) {
	return marshal(sweepResults{sims.Version, g.note == "", g.note, g.table})
}

func (g *gridSweep) write(f *sims.Folder, results []sims.Result, note string) error {
	g.table, g.note = sims.SweepTable(g.axes, results), note
	data, err := g.json()
	if err != nil {
		return err
	}
	files := []file{
		{"sweep.json", data},
		{"sweep.csv", g.table.CSV()},
		{"log.txt", []byte(sims.Log(results, note))},
	}
	if !g.out.noFigures && note == "" {
		chart, ok := sweepChart(g.axes, results)
		if ok {
			figures, err := render("sweep", chart, nil)
			if err != nil {
				return err
			}
			files = append(files, figures...)
		}
	}
	return writeAll(f, files)
}

func (g *gridSweep) print() error {
	if g.out.json {
		data, err := g.json()
		if err != nil {
			return err
		}
		return g.console.print(string(data))
	}
	var text strings.Builder
	text.WriteString(g.table.Title + "\n\n")
	text.WriteString(sims.SweepSummary(g.axes, g.table).Terminal())
	text.WriteString("\nresults in " + g.out.dir + "\n")
	return g.console.print(text.String())
}
