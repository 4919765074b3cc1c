package kernels

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/runtime"
)

// Stencil is the 25-point finite-difference stencil of the wave equation, after arXiv
// 2204.03775: star-shaped, eighth order, fp32; every PE holds a column of NZ cells and gets the
// columns of its neighbours up to distance 4 in the four directions, once per step.
//
//	u(t+1) = c0 u + sum over d = 1..4 of c_d (east + west + north + south + up + down)(d) - u(t-1)
//
// Beyond the grid u is 0.
type Stencil struct {
	NZ            int // cells of a column
	Width, Height int // PEs; 0 means 11, the least with an interior PE that has no edge in reach of its neighbours
	Steps         int // 0 means 3
}

// reach is how far the stencil goes, and how far a column is broadcast.
const reach = 4

// stencilWeights are c0 to c4: eighth-order second derivatives in three dimensions, times the
// square of the Courant number 1/4, plus the 2 of the leapfrog in c0.
func stencilWeights() [reach + 1]float32 {
	const s = 1.0 / 16
	return [reach + 1]float32{2 - 3*s*205.0/72, s * 8.0 / 5, -s * 1.0 / 5, s * 8.0 / 315, -s * 1.0 / 560}
}

// chunks is how many parts a column is exchanged in: the buffer for all neighbours' parts is
// 400 cells deep at most, as in the authors' program.
func (k Stencil) chunks() int { return 1 + k.NZ/401 }

// chunk is the cells of a part, the last one may be shorter.
func (k Stencil) chunk() int { return (k.NZ + k.chunks() - 1) / k.chunks() }

func (k Stencil) sized() (Stencil, error) {
	if k.NZ < 1 || k.Width < 0 || k.Height < 0 || k.Steps < 0 {
		return k, fmt.Errorf("stencil: columns of %d cells on %d x %d PEs, %d steps, must be at least 1 each", k.NZ, k.Width, k.Height, k.Steps)
	}
	if k.Width == 0 {
		k.Width = 11
	}
	if k.Height == 0 {
		k.Height = 11
	}
	if k.Steps == 0 {
		k.Steps = 3
	}
	return k, nil
}

// direction is where a broadcast goes, and the axis and sign along which it comes.
type direction struct {
	name string
	port fabric.Port
	dx   int
	dy   int
}

func directions() [4]direction {
	return [4]direction{{"east", fabric.East, 1, 0}, {"west", fabric.West, -1, 0}, {"south", fabric.South, 0, 1}, {"north", fabric.North, 0, -1}}
}

// phase tells who sends on which color: PEs whose distance along the axis of d is a multiple
// of reach + 1. A router then carries one stream per direction and color.
func (d direction) phase(x, y int) int {
	if d.dx != 0 {
		return x % (reach + 1)
	}
	return y % (reach + 1)
}

// inside reports whether the PE at distance n from x, y against d exists.
func (k Stencil) inside(d direction, x, y, n int) bool {
	x, y = x-n*d.dx, y-n*d.dy
	return x >= 0 && y >= 0 && x < k.Width && y < k.Height
}

// sender is how far the sender of phase p is from x, y, against d; false if there is none in
// reach. Distance 0 is the PE itself.
func (k Stencil) sender(d direction, x, y, p int) (int, bool) {
	n := (d.phase(x, y) - p) * (d.dx + d.dy)
	n = (n + 2*(reach+1)) % (reach + 1)
	return n, k.inside(d, x, y, n)
}

// Layout gives each direction a color per phase, with static routes: the column of a sender goes to
// the ramps of the next four PEs. A PE's own column comes back to it over its own router, eastward.
func (k Stencil) Layout(t compiler.Target) (*compiler.Layout, error) {
	k, err := k.sized()
	if err != nil {
		return nil, err
	}
	b := compiler.NewBuilder("stencil", t, k.Width, k.Height)
	var colors [4][reach + 1]fabric.Color
	for i, d := range directions() {
		for p := range reach + 1 {
			colors[i][p] = b.Color(fmt.Sprintf("%s %d", d.name, p), fmt.Sprintf("columns going %s from PEs %d mod %d", d.name, p, reach+1))
		}
	}
	roles := map[string]*compiler.Role{}
	for y := range k.Height {
		for x := range k.Width {
			k.routes(b, colors, x, y)
			name := k.roleOf(x, y)
			if roles[name] == nil {
				roles[name] = b.Role(name, 5, 5, 5, 5, 2, 2, 2, 2)
				k.program(roles[name], t.Core(), colors, x, y)
			}
			b.Place(roles[name], compiler.At(x, y))
			z := roles[name].Named("z")
			b.Load(compiler.At(x, y), z, k.initial(x, y))
		}
	}
	return b.Build()
}

// initial is both time levels of a column, each with margins of zeros.
func (k Stencil) initial(x, y int) []float32 {
	v := make([]float32, 2*(k.NZ+2*reach))
	copy(v[reach:], chainInput(3*x+5*y, k.NZ))
	copy(v[k.NZ+3*reach:], chainInput(3*x+5*y+1, k.NZ))
	return v
}

// routes lays the four broadcasts past a router.
func (k Stencil) routes(b *compiler.Builder, colors [4][reach + 1]fabric.Color, x, y int) {
	for i, d := range directions() {
		for p := range reach + 1 {
			n, ok := k.sender(d, x, y, p)
			if !ok {
				continue
			}
			onward := n < reach && k.inside(d, x, y, -1)
			var tx fabric.PortSet
			if onward {
				tx = fabric.Ports(d.port)
			}
			rx := fabric.Ports(d.port.Opposite())
			if n == 0 {
				rx = fabric.Ports(fabric.Ramp)
			}
			if n > 0 || d.port == fabric.East {
				tx |= fabric.Ports(fabric.Ramp)
			}
			if tx != 0 {
				b.Route(colors[i][p], compiler.At(x, y), fabric.Static(rx, tx))
			}
		}
	}
}

// perStep is a step's cycles, over all steps but the first, which starts the pipeline; over the
// first if it is the only one.
func (k Stencil) perStep(stamps []runtime.Stamp) int64 {
	first, n := min(1, k.Steps-1), len(stamps)-1
	return int64(stamps[n].Cycle-stamps[first].Cycle) / int64(n-first)
}

// Run marches in time. Cycles are those of a step of the middle PE, and the spread is over all PEs.
func (k Stencil) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	k, err := k.sized()
	if err != nil {
		return nil, err
	}
	l, err := k.Layout(t)
	if err != nil {
		return nil, err
	}
	r, err := runtime.RunLayout(ctx, l, t, runtime.LayoutOptions{})
	if err != nil {
		return nil, err
	}
	out := &Result{Cycles: k.perStep(r.Stamps[l.Index(k.Width/2, k.Height/2)]), Report: r}
	for i, stamps := range r.Stamps {
		out.Spread.add(k.perStep(stamps), i, len(r.Stamps))
	}
	want := k.reference()
	for y := range k.Height {
		for x := range k.Width {
			out.Mismatches += differ(r.Read(x, y, "z"), want[y*k.Width+x])
		}
	}
	return out, nil
}
