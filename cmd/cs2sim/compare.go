package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cs2sim.dev/plots"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/gpt"
)

func newCompare(c *console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Say what changed between two result folders",
		Long: `Compare the results of two run folders of the same experiment: the settings that differ, every cell of
results.csv that changed, and a figure of both, in tables and files.`,
		Example: `  cs2sim compare runs/gpt3xl runs/gpt3xl-fast`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &sims.InputError{Want: cmd.CommandPath() + " takes two arguments, the folders of two runs; " + strconv.Itoa(len(args)) + " given"}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "out", "", "output `DIR`; default runs/compare-<A>-<B>")
	cmd.MarkFlagDirname("out")
	cmd.RunE = action(func(_ context.Context, args []string) error {
		if dir == "" {
			dir = filepath.Join("runs", "compare-"+filepath.Base(filepath.Clean(args[0]))+"-"+filepath.Base(filepath.Clean(args[1])))
		}
		return c.compare(args[0], args[1], dir)
	})
	return cmd
}

func (c *console) compare(a, b, dir string) error {
	settings, err := sims.CompareSettings(a, b)
	if err != nil {
		return err
	}
	changes, picture, err := comparison(a, b)
	if err != nil {
		return err
	}
	files := append([]file{
		// OpenFolder knows a folder of ours by the first line of run.toml.
		{"run.toml", fmt.Appendf(nil, "# cs2sim resolved run file: none, a comparison of\n# A: %s\n# B: %s\n", a, b)},
		{"settings.csv", settings.CSV()}, {"compare.csv", changes.CSV()},
	}, picture...)
	f, err := sims.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Clean(nil); err != nil {
		return err
	}
	if err := writeAll(f, files); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "A: %s\nB: %s\n", a, b)
	for _, t := range []sims.Table{settings, changes} {
		if len(t.Rows) == 0 {
			fmt.Fprintf(&text, "\n%s: none\n", t.Title)
			continue
		}
		fmt.Fprintf(&text, "\n%s\n\n%s", t.Title, t.Terminal())
	}
	fmt.Fprintf(&text, "\nresults in %s\n", dir)
	return c.print(text.String())
}

// comparison is the changed cells of two folders of one experiment, and a figure of both.
func comparison(a, b string) (changes sims.Table, figures []file, err error) {
	ra, okA, err := gpt.ReadResults(a)
	if err != nil {
		return changes, nil, err
	}
	rb, okB, err := gpt.ReadResults(b)
	if err != nil {
		return changes, nil, err
	}
	if okA && okB {
		changes = sims.Compare(ra.Results, rb.Results, "model", "sparsity", "phase", "systems")
		bars, problem := plots.CompareSteps(ra.Breakdown, rb.Breakdown)
		if problem != nil { // no model or sparsity in common: nothing to draw
			return changes, nil, nil
		}
		figures, err = render("compare", bars, nil)
		return changes, figures, err
	}
	sa, err := sims.ReadResults(a)
	if err != nil {
		return changes, nil, err
	}
	sb, err := sims.ReadResults(b)
	if err != nil {
		return changes, nil, err
	}
	if sa.Experiment != sims.ExperimentMatMul || sb.Experiment != sa.Experiment {
		return changes, nil, &sims.InputError{File: b, Want: fmt.Sprintf("is of experiment %q, must be of that of %s, %q, and one that can be compared: %q or %q",
			sb.Experiment, a, sa.Experiment, sims.ExperimentMatMul, sims.ExperimentGPT)}
	}
	changes = sims.Compare(sa.Results, sb.Results, "sparsity")
	chart, err := plots.CompareSpeedups(sa.Results, sb.Results)
	figures, err = render("compare", chart, err)
	return changes, figures, err
}
