package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"cs2sim.dev/compiler"
	"cs2sim.dev/sims"
)

func newMachines(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "machines [NAME]",
		Short: "List the machine presets: every number with its unit, mark and source",
		Long: `List the machine presets. The mark says how well a number is known: stated by the source, derived from
stated numbers, or assumed. Every field may be overridden in the [machine] table of a run file.`,
		Example: `  cs2sim machines
  cs2sim machines wse2
  cs2sim machines wse2 --json`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return compiler.PresetNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = action(func(_ context.Context, args []string) error {
		names := compiler.PresetNames()
		if len(args) > 0 {
			names = args
		}
		var targets []compiler.Target
		for _, name := range names {
			t, err := compiler.Preset(name)
			if err != nil {
				return &sims.InputError{Want: err.Error()}
			}
			targets = append(targets, t)
		}
		if asJSON {
			var v any = targets
			if len(args) > 0 {
				v = targets[0]
			}
			data, err := marshal(v)
			if err != nil {
				return err
			}
			return c.print(string(data))
		}
		var parts []string
		for _, t := range targets {
			parts = append(parts, t.Name+"\n\n"+machineTable(t).Terminal())
		}
		return c.print(strings.Join(parts, "\n"))
	})
	return cmd
}

func machineTable(t compiler.Target) sims.Table {
	out := sims.Table{Name: t.Name, Columns: []sims.Column{
		{Name: "field", Title: "field", Kind: sims.Text},
		{Name: "value", Title: "value", Kind: sims.Number},
		{Name: "unit", Title: "unit", Kind: sims.Text},
		{Name: "mark", Title: "mark", Kind: sims.Text},
		{Name: "source", Title: "source", Kind: sims.Text},
	}}
	for _, p := range t.Params {
		out.Rows = append(out.Rows, []any{p.Key, p.Value, p.Unit, fmt.Sprint(p.Mark), p.Source})
	}
	return out
}
