package main

import (
	"context"

	"github.com/spf13/cobra"

	"cs2sim.dev/sims"
)

func newPlot(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "plot DIR",
		Short: "Redraw the figures of a run's folder from its results",
		Long: `Redraw speedup and cycles, as PNG and SVG, from the results.json of a run's folder, without simulating
again. Wafer maps are not redrawn.`,
		Example: `  cs2sim plot runs/matmul12k`,
		Args:    oneFile("the folder of a run"),
		RunE: action(func(_ context.Context, args []string) error {
			r, err := sims.ReadResults(args[0])
			if err != nil {
				return err
			}
			draw := func() ([]file, error) { return tableFigures(r) }
			if r.Experiment == sims.ExperimentSPDF {
				draw = func() ([]file, error) { return plotSPDF(args[0]) }
			}
			files, err := draw()
			if err != nil {
				return &sims.InputError{File: args[0], Want: err.Error()}
			}
			f, err := sims.OpenFolder(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			if err := writeAll(f, files); err != nil {
				return err
			}
			return c.print("figures in " + args[0] + "\n")
		}),
	}
}
