// Command cs2sim simulates a wafer that streams sparse weights: run files in, tables and figures out.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr)) }

// execute runs one command line and returns its exit code.
func execute(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if v := recover(); v != nil {
			code = report(stderr, panicked(v))
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once

	root := newRoot(&console{out: stdout, err: stderr})
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return report(stderr, worded(cmd, err))
}

// console is where a command writes. Its result goes to out, all else to err.
type console struct{ out, err io.Writer }

// print writes a result. A lost result is a failure: a full disk may be behind the pipe.
func (c *console) print(text string) error {
	if _, err := io.WriteString(c.out, plainText(text)); err != nil {
		return &failure{errors.Join(errors.New("the result could not be written"), err)}
	}
	return nil
}

func newRoot(c *console) *cobra.Command {
	root := &cobra.Command{
		Use:   "cs2sim",
		Short: "Simulate a wafer that streams sparse weights",
		Long: `cs2sim simulates a wafer-scale machine that streams sparse weights: a zero weight is
never sent, so it costs nothing. A run file says what to run; docs/runfile.md lists its keys.

Exit codes: 0 done; 1 the simulated machine or the disk failed; 2 wrong input;
3 an internal error; 130 interrupted.`,
		Example: `  cs2sim run examples/matmul12k.toml
  cs2sim sweep examples/small.toml --vary mapping.groups=1:4:1
  cs2sim compile examples/matmul12k.toml --explain
  cs2sim validate
  cs2sim machines wse2`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newRun(c), newSweep(c), newCompile(c), newPlot(c), newCompare(c), newTop(c), newTrace(c), newView(c), newMachines(c), newValidate(c), newVersion(c))
	return root
}

// action wraps what a command does so that its errors can be told from those of the command line.
func action(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := do(cmd.Context(), args); err != nil {
			return &failure{err}
		}
		return nil
	}
}
