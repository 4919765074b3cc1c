package runtime

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// waveletEngine runs a Program on the mesh: every wavelet, router and PE by itself.
type waveletEngine struct {
	wafer
	p    *compiler.Program
	edge *ingress
	core pe.Config
}

func newWaveletEngine(p *compiler.Program, mask *model.Mask) (*waveletEngine, error) {
	e, err := newWeightedEngine(p, &synthetic{p: p, mask: mask})
	if err != nil {
		return nil, err
	}
	for i, core := range e.cores {
		e.loadActivations(core, e.mesh.At(int32(i)))
	}
	e.samples = newSampler(p.Mapping.Columns, mostWindows)
	return e, nil
}

// newWeightedEngine runs p on given weights; its SRAM is zero.
func newWeightedEngine(p *compiler.Program, w weights) (*waveletEngine, error) {
	m := p.Mapping
	mesh, err := fabric.NewMesh(p.Target.Fabric(m.Groups*m.Columns, m.Rows))
	if err != nil {
		return nil, err
	}
	e := &waveletEngine{wafer: wafer{mesh: mesh}, p: p, core: p.Target.Core()}
	for _, r := range p.Routes {
		for y := r.Y0; y < r.Y1; y++ {
			if err := mesh.SetRoute(fabric.Coord{X: r.X, Y: y}, r.Color, r.Route); err != nil {
				return nil, err
			}
		}
	}
	edge := p.Ingress()
	edge.Next = newMemoryX(p, w).next
	if e.edge, err = newIngress(mesh, &edge); err != nil {
		return nil, err
	}
	e.ports = []edgePort{e.edge}
	if err := mesh.Seal(); err != nil {
		return nil, err
	}
	e.edge.connect()
	for i := range mesh.Size() {
		at := mesh.At(int32(i))
		core, err := pe.New(&e.core, p.Roles[p.RoleOf[at.X%m.Columns]], mesh, int32(i))
		if err != nil {
			return nil, err
		}
		e.cores = append(e.cores, core)
	}
	return e, nil
}

// token is the first token of the PE at column x, row y of the wafer.
func token(p *compiler.Program, x, y int) int {
	m := p.Mapping
	return (x/m.Columns*m.Rows + y) * m.Tokens
}

func (e *waveletEngine) loadActivations(core *pe.PE, at fabric.Coord) {
	xt, _, _, _ := e.p.Types()
	m := e.p.Mapping
	c := at.X % m.Columns
	first := token(e.p, at.X, at.Y)
	tile := make([]float32, 0, m.Features*m.Tokens)
	for k := e.p.InBounds[c]; k < e.p.InBounds[c+1]; k++ {
		for t := range m.Tokens {
			v := float32(0) // padding
			if first+t < e.p.Tokens {
				v = e.p.Node.Activation(first+t, k)
			}
			tile = append(tile, v)
		}
	}
	core.Store(xt, e.p.Alloc("x").Base, tile)
}

// run executes the program, telling progress in output rows.
func (e *waveletEngine) run(ctx context.Context, progress func(done, total int64)) (fabric.Cycle, error) {
	return e.wafer.run(ctx, func(fabric.Cycle) {
		if progress != nil {
			progress(int64(e.edge.lanes[0].row), int64(e.p.Node.Out))
		}
	})
}

// outputs reads Y [tokens][Out] back from SRAM.
func (e *waveletEngine) outputs() [][]float32 {
	_, _, _, yt := e.p.Types()
	m := e.p.Mapping
	y := make([][]float32, e.p.Tokens)
	for i := range y {
		y[i] = make([]float32, e.p.Node.Out)
	}
	base := e.p.Alloc("y").Base
	for i, core := range e.cores {
		at := e.mesh.At(int32(i))
		c := at.X % m.Columns
		first := token(e.p, at.X, at.Y)
		for j := e.p.OutBounds[c]; j < e.p.OutBounds[c+1]; j++ {
			tile := core.Load(yt, base+(j-e.p.OutBounds[c])*m.Tokens*yt.Words(), m.Tokens)
			for t, v := range tile {
				if first+t < e.p.Tokens {
					y[first+t][j] = v
				}
			}
		}
	}
	return y
}

// report sums up a finished run.
func (e *waveletEngine) report(end fabric.Cycle) *Report {
	m := e.p.Mapping
	r := newReport(e.p, end)
	for i, core := range e.cores {
		core.Finish(end)
		r.States.Add(core.States, 1)
		r.FMACs += core.FMACs
		if at := e.mesh.At(int32(i)); at.Y == 0 {
			r.Column[at.X] = core.States
		}
	}
	own := r.Column[:m.Columns:m.Columns]
	r.Windows = staggered(e.samples.windows(own, int64(end)), r.RowSkew*int64(m.Rows-1), int64(end), own, r.RowSkew)
	r.addUnused(int64(m.Groups * m.Columns * m.Rows))
	r.EdgeWavelets = e.edge.sent
	r.Hops = e.mesh.Stats().Hops
	r.Wavelets = make([]int64, r.Width)
	copy(r.Wavelets, routedBy(e.mesh, nil, []*ingress{e.edge}).in()[:m.Groups*m.Columns]) // all used rows alike
	return r
}
