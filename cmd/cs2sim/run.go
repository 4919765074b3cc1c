package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/trace"
)

func newRun(c *console) *cobra.Command {
	var over overrides
	var out output
	var watch string
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run the experiment of a run file",
		Long: `Run the experiment of a run file at all its sparsities, print the table, and write a folder with the
resolved run file, tables, figures, traces and the log. The same run file and seed give the same bytes.

Ctrl-C keeps the finished points; the same command with --resume does only the rest.

--watch runs one point on the wavelet engine, follows one wavelet, number INDEX from 0 of those of COLOR
that enter the fabric at (X,Y), prints its life, and writes nothing.`,
		Example: `  cs2sim run examples/matmul12k.toml
  cs2sim run examples/small.toml --fidelity wavelet --check 100
  cs2sim run examples/matmul12k.toml --set matmul.mask=row_balanced --out runs/balanced`,
		Args:              oneFile("a run file"),
		ValidArgsFunction: completeRunFile,
	}
	over.flags(cmd)
	over.checkFlag(cmd)
	out.flags(cmd, "")
	cmd.Flags().BoolVar(&out.noTrace, "no-trace", false, "count no links, cut no windows, write no trace: faster, but there is nothing to look into afterwards")
	cmd.Flags().StringVar(&watch, "watch", "", "follow one wavelet, `X,Y,COLOR,INDEX`")
	cmd.MarkFlagsMutuallyExclusive("watch", "json")
	cmd.RunE = action(func(ctx context.Context, args []string) error {
		s, err := over.load(args[0])
		if err != nil {
			return err
		}
		if watch != "" {
			return c.watchPoint(ctx, s, watch)
		}
		curves, err := s.Curves()
		if err != nil {
			return err
		}
		if out.dir == "" {
			out.dir = defaultDir(args[0], "")
		}
		if curves[0].Config.Experiment == sims.ExperimentGPT {
			return c.trainGPT(ctx, out, curves, &gptRun{console: c, out: out, curves: curves})
		}
		if curves[0].Config.Experiment == sims.ExperimentSPDF {
			if len(curves) > 1 {
				return curves[0].Problem("variant", "", "experiment %s takes no variants, must be left out", sims.ExperimentSPDF)
			}
			_, err := c.spdf(ctx, out, curves[0])
			return err
		}
		return c.simulate(ctx, out, curves, &matmulRun{console: c, out: out, curves: curves})
	})
	return cmd
}

// study is what to make of finished points: a run or a sweep. write is called with what there is, and
// why that is not all.
type study interface {
	runFile() []byte
	maps() bool                         // whether write draws wafer maps
	saved(f *sims.Folder, p sims.Point) // called after each point
	write(f *sims.Folder, results []sims.Result, note string) error
	print() error
}

// simulate does the points of the curves into the folder and hands them to the study.
func (c *console) simulate(ctx context.Context, out output, curves []sims.Curve, s study) error {
	if err := out.check(); err != nil {
		return err
	}
	folder, err := sims.OpenFolder(out.dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	have, keep := map[string]sims.Point{}, map[string]bool{}
	if out.resume {
		if have, err = folder.Points(); err != nil {
			return err
		}
		have = sims.Wanted(curves, have)
		for _, p := range have {
			keep[p.Input.FileName()] = true
		}
	}
	// The results of an earlier run stay until there is something to replace them with.
	begin := sync.OnceValue(func() error {
		if err := folder.Write("run.toml", s.runFile()); err != nil {
			return err
		}
		return folder.Clean(keep)
	})
	save := func(p sims.Point) error {
		if err := begin(); err != nil {
			return err
		}
		if err := folder.SavePoint(p); err != nil {
			return err
		}
		s.saved(folder, p)
		return nil
	}
	if len(keep) > 0 {
		fmt.Fprintf(c.err, "resuming: %d points are finished\n", len(keep))
	}
	bar := newBar(c.err, out.json)
	results, runErr := sims.Simulate(ctx, curves, sims.Options{
		Threads: out.threads, Have: have, Done: save, Progress: bar.set, Slim: !s.maps(), Untraced: out.noTrace,
	})
	bar.stop()
	if done, _ := sims.Count(results); runErr != nil && done == 0 {
		return c.ended(runErr, results, out.dir)
	}
	if err := begin(); err != nil {
		return err
	}
	if runErr != nil {
		return c.partial(folder, results, out, s, runErr)
	}
	if err := s.write(folder, results, ""); err != nil {
		return err
	}
	if err := s.print(); err != nil {
		return err
	}
	if n := sims.Mismatches(results); n > 0 {
		return fmt.Errorf("%d checked output entries differ from the reference: see check_mismatches in %s", n, out.dir)
	}
	return nil
}

// partial writes what was finished when a run ends early. The reason it ended is the error that counts.
func (c *console) partial(f *sims.Folder, results []sims.Result, out output, s study, reason error) error {
	note := "interrupted"
	if !errors.Is(reason, context.Canceled) {
		note = fmt.Sprintf("stopped early: %v", reason)
	}
	reason = c.ended(reason, results, out.dir)
	if err := s.write(f, results, note+"; only finished points are listed"); err != nil {
		return errors.Join(reason, err)
	}
	if out.json {
		return errors.Join(reason, s.print())
	}
	return reason
}

// ended says what is left of an interrupted run.
func (c *console) ended(reason error, results []sims.Result, dir string) error {
	if !errors.Is(reason, context.Canceled) {
		return reason
	}
	done, all := sims.Count(results)
	return &interrupted{fmt.Sprintf("interrupted: %d of %d points are finished and kept in %s; the same command with --resume does the rest", done, all, dir)}
}

// matmulRun writes and prints the results of cs2sim run.
type matmulRun struct {
	*console
	out     output
	curves  []sims.Curve
	results sims.Results
	trace   *trace.Writer // of the points so far; nil if the disk does not take it
	points  int
}

func (m *matmulRun) runFile() []byte { return sims.WriteRunFile(m.out.dir, m.curves) }
func (m *matmulRun) maps() bool      { return true }

// saved adds the point to the trace, so that a run that is killed leaves one. A disk that cannot
// take it does not end the run: write tries again, in the order of the curves, and reports.
func (m *matmulRun) saved(f *sims.Folder, p sims.Point) {
	if m.out.noTrace {
		return
	}
	if m.points == 0 {
		m.trace, _ = trace.Create(f.Dir, sims.Version)
	}
	if m.trace != nil && m.trace.Add(m.points, sims.TracePoint(m.curves, &p)) != nil {
		m.trace = nil
	}
	m.points++
}

func (m *matmulRun) write(f *sims.Folder, results []sims.Result, note string) error {
	m.results = sims.MatMulResults(results)
	m.results.Note = note
	data, err := marshal(m.results)
	if err != nil {
		return err
	}
	files := []file{
		{"results.json", data},
		{"results.csv", m.results.Results.CSV()},
		{"log.txt", []byte(sims.Log(results, note))},
	}
	if m.results.Variants != nil {
		files = append(files, file{"variants.csv", m.results.Variants.CSV()})
	}
	if !m.out.noFigures && note == "" {
		figures, err := runFigures(m.results, results[0])
		if err != nil {
			return err
		}
		files = append(files, figures...)
	}
	if err := writeAll(f, files); err != nil || m.out.noTrace {
		return err
	}
	return trace.Write(f.Dir, sims.Version, sims.Traces(results)...)
}

func (m *matmulRun) print() error {
	if m.out.json {
		data, err := marshal(m.results)
		if err != nil {
			return err
		}
		return m.console.print(string(data))
	}
	text := m.results.Results.Title + "\n\n" + m.results.Summary().Terminal()
	if m.results.Variants != nil {
		text += "\nsimulated speedup of the run and its variants\n\n" + m.results.VariantSummary().Terminal()
	}
	return m.console.print(text + "\nresults in " + m.out.dir + "\n")
}

// file is one result, ready to be written.
type file struct {
	name string
	data []byte
}

func writeAll(f *sims.Folder, files []file) error {
	for _, one := range files {
		if err := f.Write(one.name, one.data); err != nil {
			return err
		}
	}
	return nil
}

func marshal(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, fmt.Errorf("results as JSON: %w", err)
	}
	return append(data, '\n'), nil
}
