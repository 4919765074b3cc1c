package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cs2sim.dev/compiler"
	"cs2sim.dev/sims"
)

func newCompile(c *console) *cobra.Command {
	var over overrides
	var explain, asJSON bool
	var gptFlags gptCompile
	cmd := &cobra.Command{
		Use:   "compile FILE",
		Short: "Compile a run file's layer or training step and print its mapping",
		Long: `Compile a run file's layer, or the training steps of its GPTs, for its machine and print the mapping.
--explain prints the candidates with their estimated cycles, the choice and why, the per-PE memory map,
the color table and a listing.`,
		Example: `  cs2sim compile examples/matmul12k.toml
  cs2sim compile examples/matmul12k.toml --explain --set mapping.groups=1
  cs2sim compile examples/gpt3xl.toml --explain --memory --listing mlp.fc`,
		Args:              oneFile("a run file"),
		ValidArgsFunction: completeRunFile,
	}
	over.flags(cmd)
	cmd.Flags().BoolVar(&explain, "explain", false, "print candidates, reasons, memory map, colors and listing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the mapping as JSON and nothing else")
	cmd.MarkFlagsMutuallyExclusive("explain", "json")
	gptFlags.flags(cmd)
	cmd.RunE = action(func(_ context.Context, args []string) error {
		s, err := over.load(args[0])
		if err != nil {
			return err
		}
		base, err := s.Base()
		if err != nil {
			return err
		}
		if base.Config.Experiment == sims.ExperimentGPT {
			gptFlags.explain, gptFlags.json = explain, asJSON
			return c.compileGPT(base, gptFlags)
		}
		if gptFlags.memory || gptFlags.listing != "" {
			return &sims.InputError{Want: "--memory and --listing are for run files of experiment gpt; the listing of a layer is part of --explain"}
		}
		if base.Config.Experiment != sims.ExperimentMatMul {
			return base.Problem("experiment", strconv.Quote(base.Config.Experiment), "must be %q or %q", sims.ExperimentMatMul, sims.ExperimentGPT)
		}
		p, err := base.Compile(base.Config.MatMul.Sparsities[0])
		if err != nil {
			return err
		}
		switch {
		case asJSON:
			data, err := marshal(p.Mapping)
			if err != nil {
				return err
			}
			return c.print(string(data))
		case explain:
			var text strings.Builder
			if err := p.Explain(&text); err != nil {
				return err
			}
			return c.print(text.String())
		}
		return c.print(mappingTable(p.Mapping).Terminal())
	})
	return cmd
}

func mappingTable(m compiler.Mapping) sims.Table {
	t := sims.Table{Name: "mapping", Columns: []sims.Column{
		{Name: "field", Title: "mapping", Kind: sims.Text},
		{Name: "value", Title: "value", Kind: sims.Number},
		{Name: "unit", Title: "unit", Kind: sims.Text},
	}}
	for _, r := range []struct {
		name  string
		value int
		unit  string
	}{
		{"groups", m.Groups, "token groups along x"},
		{"columns", m.Columns, "PE columns per group"},
		{"rows", m.Rows, "PE rows used, per group"},
		{"tokens", m.Tokens, "tokens per PE"},
		{"features", m.Features, "input features per column, at most"},
		{"outputs", m.Outputs, "output features per column, at most"},
		{"run_ahead", m.RunAhead, "output rows beyond the pending ring"},
	} {
		t.Rows = append(t.Rows, []any{r.name, float64(r.value), r.unit})
	}
	return t
}
