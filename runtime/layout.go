package runtime

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/fabric/pages"
	"cs2sim.dev/pe"
)

// LayoutOptions of one run.
type LayoutOptions struct {
	// Images replaces the layout's SRAM images, PE by PE where not nil. The run takes the slices
	// over and writes to them: a report's Images go into the next run without a copy.
	Images    [][]uint16
	Windows   int          // most windows of LayoutReport.Windows; 0: none
	CountOnly bool         // of what leaves over the edge, take numbers and not wavelets
	Unstalled bool         // of a traced run's links, wavelets are enough: stalls, which take time to count, are 0
	MaxCycles fabric.Cycle // a run that is longer is a Fault; 0: no limit
	Observer  fabric.Observer
	Progress  func(t fabric.Cycle) // called now and then
}

// LayoutReport is what a layout did. Slices over PEs go row by row.
type LayoutReport struct {
	Layout *compiler.Layout
	Cycles fabric.Cycle     // launch to quiescence
	States pe.StateCycles   // sums to PEs x Cycles
	PEs    []pe.StateCycles // each sums to Cycles
	FMACs  int64
	Instrs int64 // tensor and scalar instructions
	Hops   int64 // router to router
	// EdgeIn and EdgeOut are wavelets over the I/O link, a lane's copies counted once.
	EdgeIn, EdgeOut int64
	LastOut         fabric.Cycle     // in which something left
	Stamps          [][]Stamp        // per PE, in the order taken
	Out             []EdgeData       // per Layout.Out
	Routed          *routed          // wavelets into each router
	Windows         []Window         // their cells are as PEs; nil: not asked for, too short, or too many PEs
	Links           []fabric.LinkUse // if they were counted
	counted         bool

	Images    [][]uint16 // SRAM per PE at the end; nil where no program is placed
	Registers [][16]int32
}

// Stamp is one reading of a PE's cycle counter.
type Stamp struct {
	Name  string
	Cycle fabric.Cycle
}

// EdgeData is what left by one edge output.
type EdgeData struct {
	Name     string
	Arrivals []Arrival
}

// RunLayout executes l on machine t with every wavelet on every hop, until nothing moves. What
// is wrong with l is an error before the run; a PE that cannot go on, or a machine on which
// nothing moves before all programs ended, is a *Fault.
func RunLayout(ctx context.Context, l *compiler.Layout, t compiler.Target, o LayoutOptions) (*LayoutReport, error) {
	if err := l.Verify(t); err != nil {
		return nil, err
	}
	if o.Images != nil && len(o.Images) != len(l.PEs) {
		return nil, fmt.Errorf("layout %s: %d SRAM images for %d PEs", l.Name, len(o.Images), len(l.PEs))
	}
	core := t.Core()
	w, ports, err := loadLayout(l, t, &core, o)
	if err != nil {
		return nil, fmt.Errorf("layout %s: %w", l.Name, err)
	}
	if traced(ctx) && !o.Unstalled {
		w.mesh.CountStalls()
	}
	if watch := watchOf(ctx); watch != nil && o.Observer == nil {
		watch.begin(w.mesh, l.Colors)
	}
	w.limit = o.MaxCycles
	if o.Windows > 0 {
		w.samples = newSampler(len(w.cores), o.Windows)
	}
	tick := o.Progress
	if tick == nil {
		tick = func(fabric.Cycle) {}
	}
	end, err := w.run(ctx, tick)
	if err != nil {
		return nil, err
	}
	r := reportLayout(l, w, ports, end)
	if r.counted = traced(ctx); r.counted {
		r.Links = w.mesh.Links()
	}
	return r, nil
}

// layoutPorts are the edge ports of a layout, by kind.
type layoutPorts struct {
	sources []*source
	ingress []*ingress
	sinks   []*sink
}

func (p *layoutPorts) declare(w *wafer, l *compiler.Layout, keep bool) error {
	var link *edgeLink
	if l.InRate > 0 && len(l.In) > 0 {
		link = newEdgeLink(w.mesh, l.InRate)
		w.ports = append(w.ports, link)
	}
	for i := range l.In {
		var actor int32
		if link != nil {
			actor = link.actor
		} else {
			actor = w.mesh.AddActor()
		}
		s, err := newSource(w.mesh, &l.In[i], actor)
		if err != nil {
			return err
		}
		p.sources = append(p.sources, s)
		if link != nil {
			link.ports = append(link.ports, s)
		} else {
			w.ports = append(w.ports, s)
		}
	}
	for i := range l.Ingress {
		in, err := newIngress(w.mesh, &l.Ingress[i])
		if err != nil {
			return err
		}
		p.ingress, w.ports = append(p.ingress, in), append(w.ports, in)
	}
	if l.OutRate > 0 {
		e, sinks, err := newEgress(w.mesh, l, keep)
		if err != nil {
			return err
		}
		p.sinks, w.ports = sinks, append(w.ports, e)
		return nil
	}
	for i := range l.Out {
		s, err := newSink(w.mesh, &l.Out[i], w.mesh.AddActor(), keep)
		if err != nil {
			return err
		}
		p.sinks, w.ports = append(p.sinks, s), append(w.ports, s)
	}
	return nil
}

func loadLayout(l *compiler.Layout, t compiler.Target, core *pe.Config, o LayoutOptions) (*wafer, *layoutPorts, error) {
	mesh, err := fabric.NewMesh(t.Fabric(l.Width, l.Height))
	if err != nil {
		return nil, nil, err
	}
	mesh.Observer = o.Observer
	for _, r := range l.Routes {
		for y := r.Area.Y0; y < r.Area.Y1; y++ {
			for x := r.Area.X0; x < r.Area.X1; x++ {
				if err := mesh.SetRoute(fabric.Coord{X: x, Y: y}, r.Color, r.Route); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	w := &wafer{mesh: mesh, cores: make([]*pe.PE, len(l.PEs))}
	ports := &layoutPorts{}
	if err := ports.declare(w, l, !o.CountOnly); err != nil {
		return nil, nil, err
	}
	if err := mesh.Seal(); err != nil {
		return nil, nil, err
	}
	for _, p := range w.ports {
		p.connect()
	}
	fresh := newImages(l, o.Images)
	slab := pe.NewSlab(func(yield func(*pe.Program) bool) {
		for i := 0; i < len(l.PEs) && yield(l.Program(i)); i++ {
		}
	})
	for i := range l.PEs {
		g := l.Program(i)
		if g == nil {
			continue
		}
		var image []uint16
		if o.Images != nil {
			image = o.Images[i]
		}
		if image == nil {
			image = fresh.image(g.Words)
			copy(image, l.PEs[i].Image)
		}
		if w.cores[i], err = slab.New(core, g, mesh, int32(i), l.PEs[i].Registers, image); err != nil {
			return nil, nil, err
		}
	}
	return w, ports, nil
}

// images is memory for the SRAM of many PEs. Images begin an odd number of host cache lines apart:
// PEs work at the same address of their SRAM more often than not, and pages would put that into
// the same few sets of the host's caches.
type images struct{ left []uint16 }

const lineWords = 32 // 16-bit words in a cache line of the host

func stagger(words int) int { return (words+lineWords-1)/lineWords/2*2*lineWords + lineWords }

func newImages(l *compiler.Layout, given [][]uint16) *images {
	words := 0
	for i := range l.PEs {
		if g := l.Program(i); g != nil && (given == nil || given[i] == nil) {
			words += stagger(g.Words)
		}
	}
	return &images{pages.Make[uint16](words)}
}

func (m *images) image(words int) []uint16 {
	image := m.left[:words:words]
	m.left = m.left[stagger(words):]
	return image
}

func reportLayout(l *compiler.Layout, w *wafer, ports *layoutPorts, end fabric.Cycle) *LayoutReport {
	r := &LayoutReport{Layout: l, Cycles: end, Hops: w.mesh.Stats().Hops}
	n := len(l.PEs)
	r.PEs, r.Stamps = make([]pe.StateCycles, n), make([][]Stamp, n)
	r.Images, r.Registers = make([][]uint16, n), make([][16]int32, n)
	for i, core := range w.cores {
		if core == nil {
			r.PEs[i][pe.Idle] = int64(end)
		} else {
			core.Finish(end)
			r.PEs[i] = core.States
			r.FMACs += core.FMACs
			r.Instrs += core.Instructions
			for _, s := range core.Stamps {
				r.Stamps[i] = append(r.Stamps[i], Stamp{l.Program(i).Stamps[s.ID], s.Cycle})
			}
			r.Images[i], r.Registers[i] = core.SRAM(), core.Registers()
		}
		r.States.Add(r.PEs[i], 1)
	}
	r.Windows = w.samples.windows(r.PEs, int64(end))
	r.Routed = routedBy(w.mesh, ports.sources, ports.ingress)
	for _, s := range ports.sources {
		r.EdgeIn += s.sent
	}
	for _, in := range ports.ingress {
		r.EdgeIn += in.sent
	}
	for _, s := range ports.sinks {
		r.EdgeOut += s.count
		r.LastOut = max(r.LastOut, s.last)
		r.Out = append(r.Out, EdgeData{s.spec.Name, s.got})
	}
	return r
}

// Read returns a named array from the SRAM of the PE at x, y. A name or place that does not
// exist is the caller's bug.
func (r *LayoutReport) Read(x, y int, name string) []float32 {
	if i := r.Layout.Index(x, y); r.has(x, y) && r.Layout.Program(i) != nil {
		for _, a := range r.Layout.Program(i).Allocs {
			if a.Name == name {
				return pe.Decode(a.Type, r.Images[i][a.Base:a.Base+a.Words])
			}
		}
	}
	panic(fmt.Sprintf("runtime: PE (%d,%d) of layout %s has no array %q", x, y, r.Layout.Name, name))
}

func (r *LayoutReport) has(x, y int) bool {
	return x >= 0 && y >= 0 && x < r.Layout.Width && y < r.Layout.Height
}

// Stamp is the first timestamp of a name taken by the PE at x, y; false if it took none.
func (r *LayoutReport) Stamp(x, y int, name string) (fabric.Cycle, bool) {
	if !r.has(x, y) {
		return 0, false
	}
	for _, s := range r.Stamps[r.Layout.Index(x, y)] {
		if s.Name == name {
			return s.Cycle, true
		}
	}
	return 0, false
}
