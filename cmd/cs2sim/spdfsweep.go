package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/spdf"
)

// spdfSweep runs an experiment at every point of a grid, one after the other, each into a
// numbered folder of its own, and sets their summaries side by side.
func (c *console) spdfSweep(ctx context.Context, g *gridSweep, curves []sims.Curve) error {
	for i := range curves {
		if curves[i].Config.Experiment != sims.ExperimentSPDF {
			return curves[i].Problem("experiment", "", "must be the same at all points of a sweep")
		}
		if _, err := spdf.Prepare(curves[i]); err != nil { // all of it before hours of training
			return err
		}
	}
	folder, err := sims.OpenFolder(g.out.dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Write("run.toml", g.runFile()); err != nil {
		return err
	}
	var tables []sims.Table
	var runErr error
	for i := range curves {
		out := g.out
		out.dir, out.json = filepath.Join(g.out.dir, fmt.Sprintf("point-%03d", i+1)), false
		if !g.out.json {
			fmt.Fprintf(c.err, "point %d of %d: %s\n", i+1, len(curves), curves[i].Name)
		}
		quiet := &console{out: io.Discard, err: c.err}
		results, err := quiet.spdf(ctx, out, curves[i])
		if len(results.Summary.Columns) > 0 {
			tables = append(tables, results.Summary)
		}
		if err != nil {
			runErr = err
			break
		}
	}
	g.table = sims.GridTable(g.axes, tables)
	if runErr != nil {
		if len(tables) == 0 {
			return runErr
		}
		g.note = "stopped early; only points that were begun are listed"
	}
	data, err := g.json()
	if err != nil {
		return errors.Join(runErr, err)
	}
	if err := writeAll(folder, []file{{"sweep.json", data}, {"sweep.csv", g.table.CSV()}}); err != nil {
		return errors.Join(runErr, err)
	}
	if runErr != nil {
		return runErr
	}
	if g.out.json {
		return c.print(string(data))
	}
	var names []string
	for _, a := range g.axes {
		names = append(names, a.Key.Name)
	}
	head := g.table.Select(append(names, "sparsity", "finetune", "pretrain_loss", "loss", "bleu", "nist", "rouge_l", "seconds", "cycles_speedup")...)
	return c.print(strings.Join([]string{g.table.Title, "", head.Terminal(), "results in " + g.out.dir, ""}, "\n"))
}
