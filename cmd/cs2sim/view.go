package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"cs2sim.dev/plots/view"
	"cs2sim.dev/sims"
)

func newView(c *console) *cobra.Command {
	port := 0
	cmd := &cobra.Command{
		Use:   "view DIR [DIR2]",
		Short: "Open the traces of one or two runs as a page in the browser",
		Long: `Serve a page on this machine that shows the trace in a run's folder: the wafer as a map of any state over
any stretch of time, kernels over time, a flame graph, and what each PE holds and did. Of two runs, in
one folder or in two, it shows both and the difference.

Open the address that it prints; Ctrl-C ends it. The page needs no network. Only this machine reaches it,
and it reads only the traces of these folders. Runs that finish meanwhile are there after a reload.

Keys: arrows move the PE (Shift: ten), + - 0 zoom, [ ] move the window of time, s next state, ? all keys.`,
		Example: `  cs2sim view runs/matmul12k
  cs2sim view runs/dense runs/sparse
  cs2sim view runs/gpt3xl --port 8080`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 && len(args) != 2 {
				return &sims.InputError{Want: cmd.CommandPath() + " takes one or two arguments, the folders of runs; " + strconv.Itoa(len(args)) + " given"}
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&port, "port", 0, "port on 127.0.0.1, `N`; 0: any free one")
	cmd.RunE = action(func(ctx context.Context, args []string) error {
		if port < 0 || port > 65535 {
			return &sims.InputError{File: "--port", Value: strconv.Itoa(port), Want: "must be 0 to 65535"}
		}
		server, err := view.Open(args...)
		if err != nil {
			return &sims.InputError{Want: err.Error()}
		}
		listener, err := view.Listen(port)
		if err != nil {
			return &sims.InputError{File: "--port", Value: strconv.Itoa(port), Want: fmt.Sprintf("cannot be taken: %v", err)}
		}
		if err := c.print(fmt.Sprintf("http://%s/\n", listener.Addr())); err != nil {
			listener.Close()
			return err
		}
		fmt.Fprintln(c.err, "Ctrl-C ends it")
		return server.Serve(ctx, listener)
	})
	return cmd
}
