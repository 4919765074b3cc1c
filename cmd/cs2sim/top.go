package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/trace"
)

// readTrace reads the trace of a folder and finds a run in it; the wrong folder is wrong input.
func readTrace(dir, name string) (*trace.Trace, *trace.Run, error) {
	t, err := trace.Read(dir)
	if err != nil {
		return nil, nil, &sims.InputError{Want: err.Error()} // which names the folder
	}
	r, err := t.Find(name)
	if err != nil && name != "" && len(t.Runs) > 0 {
		var names []string
		for _, r := range t.Runs {
			names = append(names, r.Name)
		}
		return nil, nil, &sims.InputError{File: "--run", Value: strconv.Quote(name), Want: "must be a run of " + dir + ": " + quoted(names)}
	}
	if err != nil {
		return nil, nil, &sims.InputError{File: dir, Want: err.Error()}
	}
	return t, r, nil
}

func newTop(c *console) *cobra.Command {
	var run string
	n := 10
	cmd := &cobra.Command{
		Use:   "top DIR",
		Short: "Say which kernels and columns lose the most cycles, and why",
		Long: `Read the trace in a run's folder and list the kernels in which the most PE-cycles computed nothing, with
the largest reason and what to try, links that one color fills, and the columns with the most work, which
the others wait for.

A PE-cycle is lost when its PE did no datapath step of a weight: ring adds, instruction starts,
waiting, and PEs that are done or hold nothing.`,
		Example: `  cs2sim top runs/matmul12k
  cs2sim top runs/gpt3xl --run "gpt3-xl, 75 %, length 2048 (3)" -n 5`,
		Args: oneFile("the folder of a run"),
	}
	cmd.Flags().StringVar(&run, "run", "", "run of the trace, by `NAME`; default the first; cs2sim trace DIR lists them")
	cmd.Flags().IntVarP(&n, "number", "n", n, "list the worst `N` kernels and columns")
	cmd.RunE = action(func(_ context.Context, args []string) error {
		if n < 1 {
			return &sims.InputError{File: "--number", Value: strconv.Itoa(n), Want: "must be 1 or more"}
		}
		_, r, err := readTrace(args[0], run)
		if err != nil {
			return err
		}
		kernels := r.Kernels()
		text := fmt.Sprintf("%s on %s: %d cycles, %.1f %% of PE-cycles compute\n\nkernels that lose the most PE-cycles\n\n%s\nwhat to try\n",
			r.Name, r.Machine.Name, r.Cycles, share(trace.Computed(r.Totals()), r.PEs()*r.Cycles), topTable(r, kernels, n).Terminal())
		said := map[string]bool{}
		for _, k := range kernels[:min(n, len(kernels))] {
			if line := fmt.Sprintf("  %s: %s", k.Reason.Name, k.Reason.Try); !said[line] {
				said[line] = true
				text += line + "\n"
			}
		}
		text += busiestText(r, kernels[:min(n, len(kernels))])
		text += fmt.Sprintf("\ncolumns with the most work, the sum of %d groups of %d\n\n", r.Place.Groups, r.Place.Columns) + columnTable(r, n).Terminal()
		return c.print(text)
	})
	return cmd
}

func share(n, of int64) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}

func topTable(r *trace.Run, kernels []trace.Worst, n int) sims.Table {
	t := sims.Table{Name: "kernels", Columns: []sims.Column{
		{Name: "op", Title: "op", Kind: sims.Text}, {Name: "kernel", Title: "kernel", Kind: sims.Text},
		{Name: "phases", Title: "phases", Kind: sims.Number, Format: "%.0f"},
		{Name: "time", Title: "time", Unit: "%", Kind: sims.Number, Format: "%.1f"},
		{Name: "compute", Title: "compute", Unit: "%", Kind: sims.Number, Format: "%.1f"},
		{Name: "lost", Title: "of all lost", Unit: "%", Kind: sims.Number, Format: "%.1f"},
		{Name: "reason", Title: "largest reason", Kind: sims.Text},
		{Name: "share", Title: "its share", Unit: "%", Kind: sims.Number, Format: "%.1f"},
	}}
	lost := int64(0)
	for _, k := range kernels {
		lost += k.Lost
	}
	for _, k := range kernels[:min(n, len(kernels))] {
		t.Rows = append(t.Rows, []any{
			k.Op, k.Frame, float64(k.Phases), share(k.Cycles, r.Cycles), share(trace.Computed(k.States), k.States.Total()),
			share(k.Lost, lost), k.Reason.Name, 100 * k.Reason.Share,
		})
	}
	return t
}

func columnTable(r *trace.Run, n int) sims.Table {
	t := sims.Table{Name: "columns", Columns: []sims.Column{
		{Name: "column", Title: "column", Kind: sims.Number, Format: "%.0f"},
		{Name: "features", Title: "features", Kind: sims.Text},
		{Name: "busy", Title: "busy", Unit: "cycles", Kind: sims.Number, Format: "%.0f"},
		{Name: "over", Title: "over the mean", Kind: sims.Number, Format: "%.4f"},
		{Name: "waiting", Title: "waiting", Unit: "%", Kind: sims.Number, Format: "%.1f"},
	}}
	for _, h := range r.Heaviest(n) {
		t.Rows = append(t.Rows, []any{
			float64(h.Column), r.Place.FeaturesOf(h.Column), float64(h.Busy), h.Over, share(trace.Waiting(h.States), h.States.Total()),
		})
	}
	return t
}
