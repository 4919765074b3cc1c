package main

import (
	"context"
	"fmt"
	"strconv"
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
stated numbers, assumed, or calibrated to the measurement named. Every field may be overridden in the [machine] table of a run file.`,
		Example: `  cs2sim machines
  cs2sim machines wse2
  cs2sim machines wse2 --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &sims.InputError{Want: cmd.CommandPath() + " takes one argument at most, a machine preset; " + strconv.Itoa(len(args)) + " given"}
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return compiler.PresetNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, without NAME a list of them, and nothing else")
	cmd.RunE = action(func(_ context.Context, args []string) error {
		names := compiler.PresetNames()
		if len(args) > 0 {
			names = args
		}
		var targets []compiler.Target
		for _, name := range names {
			t, err := compiler.Preset(name)
			if err != nil {
				return &sims.InputError{File: "NAME", Value: strconv.Quote(name), Want: "must be one of " + quoted(compiler.PresetNames())}
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
