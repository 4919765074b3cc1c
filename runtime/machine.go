package runtime

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
)

// Run executes p and reports what every PE did. A failing simulated machine is a *Fault;
// a cancelled ctx returns its error.
func Run(ctx context.Context, p *compiler.Program, o Options) (*Report, error) {
	mask, err := model.NewMask(p.Node.Out, p.Node.In, p.Node.Mask)
	if err != nil {
		return nil, err
	}
	var r *Report
	var values func(tokens, outputs []int) [][]float32
	switch o.Fidelity {
	case Wavelet:
		e, err := newWaveletEngine(p, mask)
		if err != nil {
			return nil, err
		}
		if w := watchOf(ctx); w != nil {
			w.begin(e.mesh, p.Colors)
		}
		if o.Links {
			e.mesh.CountStalls()
		}
		end, err := e.run(ctx, o.Progress)
		if err != nil {
			return nil, err
		}
		r = e.report(end)
		if o.Links {
			r.Links = linkTable(p.Colors, densePieces(e.mesh.Links(), copiesOf(p.Layout()), 0, 1))
		}
		values = e.values
	case Stream, "":
		e := newStreamEngine(p, mask)
		e.countLinks = o.Links
		if err := e.run(ctx, o.Progress); err != nil {
			return nil, err
		}
		r = e.report()
		r.Links = e.links()
		values = e.values
	default:
		return nil, fmt.Errorf("unknown fidelity %q; known: %s, %s", o.Fidelity, Stream, Wavelet)
	}
	r.NonZeros = mask.NonZeros()
	r.UsefulFMACs = r.NonZeros * int64(p.Tokens)
	r.EdgeRate = float64(r.EdgeWavelets) / float64(r.Cycles)
	if o.Check > 0 {
		r.Check = check(p, mask, o, values)
	}
	return r, nil
}
