package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cs2sim.dev/compiler"
	"cs2sim.dev/sims"
)

func newValidate(c *console) *cobra.Command {
	var m machineFlags
	var names []string
	var threads int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate [KERNEL]",
		Short: "Hold the machine against published measurements, or run a kernel of any size",
		Long: `Run every published case and print ours beside it: pass, known deviation, or fail (exit code 1).
Takes a few seconds. The published throughput of GPTs is a run of its own: make throughput.

With the name of a kernel, run that kernel at the size its flags give.

With --json the error is ours / published - 1. Ctrl-C prints what is finished.`,
		Example: `  cs2sim validate
  cs2sim validate --case fmac --case reduce/chain,pes=512,elements=8192
  cs2sim validate reduce --algorithm chain --pes 512 --elements 8192
  cs2sim validate fmac --elements 1028 --conflict --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var names []string
			for _, k := range sims.Kernels() {
				names = append(names, k.Name)
			}
			return &sims.InputError{File: "KERNEL", Value: strconv.Quote(args[0]), Want: "must be one of " + strings.Join(names, ", ") + ", or collectives"}
		},
	}
	m.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&names, "case", nil, "run only the case, or the cases of the kernel, `NAME`; may be repeated")
	f.IntVar(&threads, "threads", 0, "`N` cases run at a time; 0: one per processor")
	f.BoolVar(&asJSON, "json", false, "print the results as JSON and nothing else")
	cmd.RegisterFlagCompletionFunc("case", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return sims.CaseNames(), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.RunE = action(func(ctx context.Context, _ []string) error {
		if threads < 0 {
			return &sims.InputError{File: "--threads", Value: strconv.Itoa(threads), Want: "must be 0 or more"}
		}
		t, err := m.load()
		if err != nil {
			return err
		}
		cases, err := sims.FindCases(names)
		if err != nil {
			return err
		}
		bar := newBar(c.err, asJSON)
		results, runErr := sims.Validate(ctx, cases, t, sims.ValidateOptions{Threads: threads, Progress: bar.set})
		bar.stop()
		return c.validated(sims.Validation{Machine: t, Cases: results, Complete: runErr == nil}, len(cases), asJSON, runErr)
	})
	cmd.AddCommand(newCollectives(c))
	for _, k := range sims.Kernels() {
		cmd.AddCommand(newKernel(c, k))
	}
	return cmd
}

// validated prints what there is. The reason a run ended early is the error that counts.
func (c *console) validated(v sims.Validation, wanted int, asJSON bool, reason error) error {
	if reason != nil {
		if !errors.Is(reason, context.Canceled) {
			return reason
		}
		v.Note = "interrupted; only finished cases are listed"
		reason = &interrupted{fmt.Sprintf("interrupted: %d of %d cases are finished", len(v.Cases), wanted)}
	}
	text := v.Table().Title + "\n\n" + v.Table().Terminal() + "\n" + v.Summary() + "\n"
	if asJSON {
		data, err := marshal(v)
		if err != nil {
			return err
		}
		text = string(data)
	}
	if err := c.print(text); err != nil {
		return err
	}
	if n := v.Count(sims.Fail); n > 0 && reason == nil {
		return fmt.Errorf("%d published cases fail", n)
	}
	return reason
}

// machineFlags choose and change the machine.
type machineFlags struct {
	preset string
	set    []string
}

func (m *machineFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.preset, "preset", "", "machine preset `NAME`; default wse2")
	f.StringArrayVar(&m.set, "set", nil, "change a field of the machine, `machine.KEY=VALUE`; may be repeated")
	cmd.RegisterFlagCompletionFunc("preset", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return compiler.PresetNames(), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.RegisterFlagCompletionFunc("set", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(typed) < len("machine.") {
			typed = "machine."
		}
		return completeKeys(nil, nil, typed)
	})
}

func (m *machineFlags) load() (compiler.Target, error) { return sims.Machine(m.preset, m.set) }
