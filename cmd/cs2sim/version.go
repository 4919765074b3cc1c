package main

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"cs2sim.dev/sims"
)

func newVersion(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: action(func(context.Context, []string) error {
			text := "cs2sim " + sims.Version
			if info, ok := debug.ReadBuildInfo(); ok {
				text += ", " + info.GoVersion
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						text += ", " + s.Value
					}
				}
			}
			return c.print(fmt.Sprintln(text))
		}),
	}
}
