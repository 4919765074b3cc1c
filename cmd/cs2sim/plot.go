package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/gpt"
)

func newPlot(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "plot DIR",
		Short: "Redraw the figures of a run's folder from its results",
		Long: `Redraw the charts of a run's folder, as PNG and SVG, from its results.json, without simulating again.
Wafer maps (utilization-*) are not redrawn: cs2sim trace DIR --figures DIR2 draws them from the trace.
Of an interrupted run it draws what is finished, and ends with exit code 1 if a figure is missing.`,
		Example: `  cs2sim plot runs/matmul12k
  cs2sim plot runs/gpt3xl`,
		Args: oneFile("the folder of a run"),
		RunE: action(func(_ context.Context, args []string) error {
			files, missing, err := savedFigures(args[0])
			if errors.As(err, new(*sims.InputError)) {
				return err
			}
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
			if missing != "" {
				return fmt.Errorf("%s: %s; the same run with --resume does the rest", args[0], missing)
			}
			return c.print("figures in " + args[0] + "\n")
		}),
	}
}

// savedFigures draws what results.json of a folder holds, and says what an interrupted run lacks for more.
func savedFigures(dir string) (files []file, missing string, err error) {
	if r, ok, err := gpt.ReadResults(dir); ok || err != nil {
		if err != nil {
			return nil, "", err
		}
		files, err = gptFigures(r)
		return files, "", err
	}
	r, err := sims.ReadResults(dir)
	switch {
	case err != nil:
		return nil, "", err
	case r.Experiment == sims.ExperimentSPDF:
		files, err = plotSPDF(dir)
		return files, "", err
	case r.Complete:
		files, err = tableFigures(r)
		return files, "", err
	}
	return unfinishedFigures(r)
}
