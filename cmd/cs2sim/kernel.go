package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
)

// newKernel is the command that runs one kernel at any size.
func newKernel(c *console, k sims.Kernel) *cobra.Command {
	var m machineFlags
	var watch string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   k.Name,
		Short: k.Doc,
		Long: k.Doc + `.

Values are checked against plain loops that add in the same order; a value that differs is a failure
(exit code 1). Cycles are counted as the published measurement counts them, where there is one.

--watch follows one wavelet: number INDEX, from 0, of those of COLOR that enter the fabric at (X,Y).`,
		Example: "  cs2sim validate " + k.Name + sized(k) + "\n  cs2sim validate " + k.Name + " --json",
		Args:    cobra.NoArgs,
	}
	for _, p := range k.Params {
		v := &paramFlag{p: p, text: p.Default}
		separator := "; "
		if p.Words != nil {
			separator = ": "
		}
		f := cmd.Flags().VarPF(v, p.Name, "", p.Doc+separator+p.Range())
		if p.Switch {
			f.Usage, f.NoOptDefVal = p.Doc, "true"
		}
		if p.Words != nil {
			cmd.RegisterFlagCompletionFunc(p.Name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return p.Words, cobra.ShellCompDirectiveNoFileComp
			})
		}
	}
	m.flags(cmd)
	cmd.Flags().StringVar(&watch, "watch", "", "follow one wavelet, `X,Y,COLOR,INDEX`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object and nothing else")
	cmd.RunE = action(func(ctx context.Context, _ []string) error {
		t, err := m.load()
		if err != nil {
			return err
		}
		values := map[string]string{}
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if v, ok := f.Value.(*paramFlag); ok {
				values[f.Name] = v.text
			}
		})
		args, err := k.Args(values, t)
		if err != nil {
			return err
		}
		ctx, w, err := watching(ctx, watch)
		if err != nil {
			return err
		}
		bar := newBar(c.err, asJSON)
		o, err := sims.RunKernel(ctx, args, t, bar.set)
		bar.stop()
		switch {
		case errors.Is(err, context.Canceled):
			return &interrupted{"interrupted: " + k.Name + " was not finished"}
		case err != nil:
			return c.died(w, err)
		}
		if w != nil {
			if err := found(w, watch); err != nil {
				return err
			}
			o.Watched = w.Life()
		}
		return c.kernel(o, asJSON)
	})
	return cmd
}

// sized spells out the defaults of a kernel's first parameters that have one.
func sized(k sims.Kernel) (flags string) {
	n := 0
	for _, p := range k.Params {
		if n < 3 && !p.Switch && p.Default != "" && p.Default != "0" {
			flags += " --" + p.Name + " " + p.Default
			n++
		}
	}
	return flags
}

// kernel prints one outcome.
func (c *console) kernel(o *sims.Outcome, asJSON bool) error {
	text := kernelText(o)
	if asJSON {
		data, err := marshal(o)
		if err != nil {
			return err
		}
		text = string(data)
	}
	if err := c.print(text); err != nil {
		return err
	}
	if o.Mismatches > 0 {
		return fmt.Errorf("%d values differ from the plain loop", o.Mismatches)
	}
	return nil
}

func kernelText(o *sims.Outcome) string {
	var b strings.Builder
	if o.Watched != "" {
		b.WriteString(o.Watched + "\n")
	}
	b.WriteString(o.Title() + "\n\n")
	row := func(name, format string, a ...any) { fmt.Fprintf(&b, "%-15s  %s\n", name, fmt.Sprintf(format, a...)) }
	row("cycles", "%.10g", o.Cycles)
	if !math.IsNaN(o.Min) {
		row("  of PEs", "%.10g to %.10g", o.Min, o.Max)
	}
	ours, name := o.Compared()
	name = strings.ReplaceAll(name, "_", " ")
	if o.Derived != nil {
		slowest := ""
		if !math.IsNaN(o.Max) {
			slowest = " (of the slowest PE)"
		}
		row(name, "%.6g%s", ours, slowest)
	}
	if m := o.Measured; m != nil {
		row("published", "%.10g %s (%s)", m.Published, name, m.Source)
		row("error", "%+.3f %%", 100*(ours/m.Published-1))
	}
	row("mismatches", "%d", o.Mismatches)
	row("time", "%.4g us", 1e6*o.Slowest()/o.Machine.Get("clock_hz"))
	row("hops", "%d", o.Hops)
	row("instructions", "%d", o.Instructions)
	return b.String()
}

// paramFlag is a kernel's parameter as a flag.
type paramFlag struct {
	p    sims.Param
	text string
}

func (f *paramFlag) String() string { return f.text }

func (f *paramFlag) Type() string {
	switch {
	case f.p.Switch:
		return "bool"
	case f.p.Words != nil:
		return "WORD"
	}
	return "N"
}

// Set takes any text: what a value may be depends on the machine, which other flags choose.
func (f *paramFlag) Set(text string) error {
	f.text = text
	return nil
}

// died prints the life of a watched wavelet before the fault that ended it.
func (c *console) died(w *runtime.Watch, err error) error {
	if w != nil && errors.As(err, new(*runtime.Fault)) && w.Found() == nil {
		if lost := c.print(w.Life()); lost != nil {
			return errors.Join(err, lost)
		}
	}
	return err
}
