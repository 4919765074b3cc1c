package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"cs2sim.dev/plots"
	"cs2sim.dev/sims"
)

// newCollectives draws every collective beside its closed form.
func newCollectives(c *console) *cobra.Command {
	var m machineFlags
	var dir string
	cmd := &cobra.Command{
		Use:   "collectives",
		Short: "Draw every collective over PEs and elements beside its closed form",
		Long: `Simulate reduces, broadcasts and all-reduces over a grid of PEs and elements and write one table (CSV) and
one figure (PNG and SVG) each: our points, and the published closed form as a line. The closed forms are
cross-checks; no result comes from them. Takes about half a minute.`,
		Example: `  cs2sim validate collectives --out runs/collectives`,
		Args:    cobra.NoArgs,
	}
	m.flags(cmd)
	cmd.Flags().StringVar(&dir, "out", filepath.Join("runs", "collectives"), "output `DIR`, made if needed")
	cmd.RunE = action(func(ctx context.Context, _ []string) error {
		t, err := m.load()
		if err != nil {
			return err
		}
		grid := sims.DefaultCollectives()
		if err := grid.Check(t); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return &sims.InputError{File: "--out", Value: dir, Want: "must be a folder that can be made: " + err.Error()}
		}
		bar := newBar(c.err, false)
		tables, err := sims.CollectiveTables(ctx, t, grid, func(done, total int) { bar.set(int64(done), int64(total)) })
		bar.stop()
		stopped := errors.Is(err, context.Canceled)
		if err != nil && !stopped {
			return err
		}
		for _, table := range tables {
			chart, err := plots.Collective(table)
			files, err := render(table.Name, chart, err)
			if err != nil {
				return err
			}
			for _, f := range append(files, file{table.Name + ".csv", table.CSV()}) {
				if err := renameio.WriteFile(filepath.Join(dir, f.name), f.data, 0o666); err != nil {
					return fmt.Errorf("writing %s: %w", filepath.Join(dir, f.name), err)
				}
			}
		}
		if stopped {
			return &interrupted{fmt.Sprintf("interrupted: %d finished collectives are in %s", len(tables), dir)}
		}
		return c.print(fmt.Sprintf("%d collectives in %s\n", len(tables), dir))
	})
	return cmd
}
