package main

import (
	"strings"

	"github.com/spf13/cobra"

	"cs2sim.dev/compiler"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/gpt"
)

// gptCompile are the flags of cs2sim compile for a gpt run file.
type gptCompile struct {
	explain, json, memory bool
	listing               string
}

func (g *gptCompile) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&g.memory, "memory", false, "with --explain of a GPT: the SRAM map of every phase, not only of the fullest")
	cmd.Flags().StringVar(&g.listing, "listing", "", "with --explain of a GPT: list the code of an operation's `KERNEL`, such as mlp.fc or attention")
}

// compileGPT prints the mapping of every different step of a run.
func (c *console) compileGPT(base sims.Curve, g gptCompile) error {
	cases, err := gpt.Cases([]sims.Curve{base})
	if err != nil {
		return err
	}
	if !g.explain && (g.memory || g.listing != "") {
		return &sims.InputError{Want: "--memory and --listing are parts of --explain, which must be given too"}
	}
	var text strings.Builder
	table := gpt.MappingTable()
	for _, one := range gpt.Jobs(cases) {
		p, err := one.Plan()
		if err != nil {
			return err
		}
		table.Rows = append(table.Rows, one.MappingRow(p))
		if !g.explain {
			continue
		}
		text.WriteString("== " + one.Title() + "\n")
		err = p.Step.Explain(&text, p.Candidates, compiler.StepExplanation{Memory: g.memory, Listing: g.listing})
		if err != nil {
			return &sims.InputError{File: "--explain", Want: err.Error()}
		}
		text.WriteString("\n")
	}
	if g.json {
		data, err := marshal(table)
		if err != nil {
			return err
		}
		return c.print(string(data))
	}
	return c.print(text.String() + table.Terminal())
}
