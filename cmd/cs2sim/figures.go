package main

import (
	"fmt"

	"cs2sim.dev/plots"
	"cs2sim.dev/sims"
)

// figure is any picture of package plots.
type figure interface {
	Render(plots.Format) ([]byte, error)
}

// render draws a figure in all formats.
func render(name string, f figure, err error) ([]file, error) {
	if err != nil {
		return nil, err
	}
	var files []file
	for _, format := range []plots.Format{plots.PNG, plots.SVG} {
		data, err := f.Render(format)
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", name, err)
		}
		files = append(files, file{name + "." + string(format), data})
	}
	return files, nil
}

// tableFigures are the figures that come from results.json alone.
func tableFigures(r sims.Results) ([]file, error) {
	chart, err := plots.Speedup(r.Speedups())
	speedup, err := render("speedup", chart, err)
	if err != nil {
		return nil, err
	}
	cycles, err := cyclesFigure(r)
	if err != nil {
		return nil, err
	}
	return append(speedup, cycles...), nil
}

func cyclesFigure(r sims.Results) ([]file, error) {
	bars, err := plots.LostCycles(r.Results)
	return render("cycles", bars, err)
}

// unfinishedFigures are those of tableFigures for which an interrupted run has the points, and what is missing for the
// others: a speedup takes a point and the dense one.
func unfinishedFigures(r sims.Results) (files []file, missing string, err error) {
	switch {
	case len(r.Results.Rows) == 0:
		return nil, "no figures: none of the points they show is finished", nil
	case !r.HasSpeedups():
		files, err = cyclesFigure(r)
		return files, "no speedup figure: the dense point, which every speedup is over, is not finished", err
	}
	files, err = tableFigures(r)
	return files, "", err
}

// runFigures are all figures of a finished run: its first curve also has wafer maps.
func runFigures(r sims.Results, base sims.Result) ([]file, error) {
	files, err := tableFigures(r)
	if err != nil {
		return nil, err
	}
	for _, p := range base.Extremes() {
		maps, err := render(mapName(p), heatMap(p), nil)
		if err != nil {
			return nil, err
		}
		files = append(files, maps...)
	}
	return files, nil
}

func mapName(p *sims.Point) string { return fmt.Sprintf("utilization-s%.4g", p.Input.Sparsity) }

// heatMap shows how busy each PE of the wafer was at one sparsity. Its scale is the data's own
// range: columns differ by a few percent, which a scale from zero would hide.
func heatMap(p *sims.Point) plots.HeatMap {
	return plots.HeatMap{
		Title:      fmt.Sprintf("Busy PEs at %.4g %% weight sparsity", 100*p.Input.Sparsity),
		Subtitle:   p.MappingLine(),
		XLabel:     "PE column",
		YLabel:     "PE row",
		ValueLabel: "Busy share of cycles",
		Width:      p.Report.Width, Height: p.Report.Height,
		At: p.Busy,
	}
}
