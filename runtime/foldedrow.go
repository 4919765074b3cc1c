package runtime

import (
	"context"

	"cs2sim.dev/compiler"
)

// rowByWavelet reports whether the one row is simulated wavelet by wavelet instead of by row
// recurrences: where links cannot carry a wavelet in every cycle (a single buffer per color),
// and where weights may be late, unless the layer is so large that the supply's view of late
// weights has to do.
func (e *streamEngine) rowByWavelet() bool {
	return !e.wires.streams || e.supply != nil && e.events() < e.rowEvents
}

// maxRowEvents is some ten seconds of one core.
const maxRowEvents = 100e6

// events estimates the wavelets of one row: each weight and command, and each ring element.
func (e *streamEngine) events() int64 {
	m := e.p.Mapping
	return e.nonZeros*int64(e.p.Stream.WordsPerWeight) + int64(e.p.Node.Out)*int64(m.Columns)*int64(1+2*m.Tokens)
}

// runRow simulates the one row wavelet by wavelet. Rows and groups stay folded.
func (e *streamEngine) runRow(ctx context.Context, progress func(done, total int64)) error {
	row, err := newWeightedEngine(oneRow(e.p), e.weights)
	if err != nil {
		return err
	}
	if e.countLinks {
		row.mesh.CountStalls()
	}
	row.samples = newSampler(len(row.cores), e.most)
	end, err := row.run(ctx, progress)
	if err != nil {
		return err
	}
	if e.countLinks {
		e.rowLinks = row.mesh.Links()
	}
	e.end = int64(end)
	for i, core := range row.cores {
		core.Finish(end)
		e.cols[i].states = core.States
		e.cols[i].weights = core.FMACs / int64(e.p.Mapping.Tokens)
		e.sent += e.cols[i].weights
	}
	e.windows = row.samples.windows(accounts(e.cols), e.end)
	return nil
}

// oneRow is p on the first group's last row: its routes forward nothing south.
func oneRow(p *compiler.Program) *compiler.Program {
	row := *p
	last := p.Mapping.Rows - 1
	row.Mapping.Groups, row.Mapping.Rows = 1, 1
	row.Routes = nil
	for _, r := range p.Routes {
		if r.X < p.Mapping.Columns && r.Y0 <= last && last < r.Y1 {
			r.Y0, r.Y1 = 0, 1
			row.Routes = append(row.Routes, r)
		}
	}
	return &row
}
