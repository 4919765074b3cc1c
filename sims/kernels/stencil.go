package kernels

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
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
	Width, Height int // PEs; 0 means 16
	Steps         int // 0 means 3

	parts int // a column is exchanged in
}

// reach is how far the stencil goes, and how far a column is broadcast.
const reach = 4

// stencilWeights are c0 to c4: eighth-order second derivatives in three dimensions, times the
// square of the Courant number 1/4, plus the 2 of the leapfrog in c0.
func stencilWeights() [reach + 1]float32 {
	const s = 1.0 / 16
	return [reach + 1]float32{2 - 3*s*205.0/72, s * 8.0 / 5, -s * 1.0 / 5, s * 8.0 / 315, -s * 1.0 / 560}
}

// chunk is the cells of a part, the last one may be shorter.
func (k Stencil) chunk() int { return (k.NZ + k.parts - 1) / k.parts }

// cells are those of all arrays: two time levels, the sum, and the neighbours' parts.
func (k Stencil) cells() int { return 2*(k.NZ+2*reach) + k.NZ + (4*reach+1)*k.chunk() }

// sized fills in what was left open. The buffer for all neighbours' parts is 400 cells deep at most, as in the
// authors' program, and less where that does not fit.
func (k Stencil) sized(core pe.Config) (Stencil, error) {
	if k.NZ < 1 || k.Width < 0 || k.Height < 0 || k.Steps < 0 {
		return k, fmt.Errorf("stencil: columns of %d cells on %d x %d PEs, %d steps, must be at least 1 each", k.NZ, k.Width, k.Height, k.Steps)
	}
	if k.Width == 0 {
		k.Width = 16
	}
	if k.Height == 0 {
		k.Height = 16
	}
	if k.Steps == 0 {
		k.Steps = 3
	}
	for k.parts = 1 + k.NZ/401; k.parts < k.NZ && 4*k.cells() > core.SRAMBytes; {
		k.parts++
	}
	return k, nil
}

// direction is where a broadcast goes.
type direction struct {
	name   string
	port   fabric.Port
	dx, dy int
}

func directions() [4]direction {
	return [4]direction{{"east", fabric.East, 1, 0}, {"west", fabric.West, -1, 0}, {"south", fabric.South, 0, 1}, {"north", fabric.North, 0, -1}}
}

// from is how many PEs lie before x, y in a direction, and ahead how many lie behind it.
func (k Stencil) from(d direction, x, y int) int {
	switch d.port {
	case fabric.East:
		return x
	case fabric.West:
		return k.Width - 1 - x
	case fabric.South:
		return y
	}
	return k.Height - 1 - y
}

func (k Stencil) ahead(d direction, x, y int) int {
	if d.dx != 0 {
		return k.Width - 1 - k.from(d, x, y)
	}
	return k.Height - 1 - k.from(d, x, y)
}

// sender is how far before x, y the sender of phase p is; false if there is none in reach. In
// phase p every PE with p mod 5 before it sends, so that a router carries one column at a time.
func (k Stencil) sender(d direction, x, y, p int) (int, bool) {
	at := k.from(d, x, y)
	n := (at%(reach+1) - p + reach + 1) % (reach + 1)
	return n, n <= at
}

// sends reports whether a PE's column has anywhere to go in a direction. Its own column comes back
// to it over its own router, eastward.
func (k Stencil) sends(d direction, x, y int) bool {
	return d.port == fabric.East || k.ahead(d, x, y) > 0
}

// Layout gives each direction a color. Switches let the columns of neighbours pass one after the other.
func (k Stencil) Layout(t compiler.Target) (*compiler.Layout, error) {
	k, err := k.sized(t.Core())
	if err != nil {
		return nil, err
	}
	b := compiler.NewBuilder("stencil", t, k.Width, k.Height)
	var colors [4]fabric.Color
	for i, d := range directions() {
		colors[i] = b.Color(d.name, "columns going "+d.name)
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
		}
	}
	b.LoadEach("z", k.initial)
	return b.Build()
}

// initial is both time levels of a column, each with margins of zeros.
func (k Stencil) initial(x, y int) []float32 {
	v := make([]float32, 2*(k.NZ+2*reach))
	copy(v[reach:], chainInput(3*x+5*y, k.NZ))
	copy(v[k.NZ+3*reach:], chainInput(3*x+5*y+1, k.NZ))
	return v
}

// routes lays the four broadcasts past a router. Over the phases it sends its PE's column, ends
// the broadcast of the PE four before it, and hands on those between; the control wavelet behind a
// column moves the switches, and no PE sees it.
func (k Stencil) routes(b *compiler.Builder, colors [4]fabric.Color, x, y int) {
	const (
		none = iota
		sender
		middle
		last
	)
	ramp := fabric.Ports(fabric.Ramp)
	for i, d := range directions() {
		onward, back := fabric.Ports(d.port), fabric.Ports(d.port.Opposite())
		if k.ahead(d, x, y) == 0 {
			onward = 0
		}
		var list []fabric.Position
		first, before := none, none
		for p := range reach + 1 {
			n, ok := k.sender(d, x, y, p)
			now, pos := middle, fabric.Position{Rx: back, Tx: ramp | onward}
			switch {
			case !ok || n == 0 && !k.sends(d, x, y):
				continue
			case n == 0 && d.port == fabric.East:
				now, pos.Rx = sender, ramp
			case n == 0:
				now, pos = sender, fabric.Position{Rx: ramp, Tx: onward}
			case n == reach:
				now, pos.Tx = last, ramp
			}
			if now != before {
				list = append(list, pos)
			}
			if before == none {
				first = now
			}
			before = now
		}
		if n := len(list); n > 1 && first == before { // one phase runs into the next round's
			list = list[:n-1]
		}
		if len(list) > 0 {
			b.Route(colors[i], compiler.At(x, y), fabric.Route{Positions: list, Wrap: true, FilterControl: true})
		}
	}
}

// perStep is a step's cycles, over all steps but the first, which starts the pipeline; over the
// first if it is the only one.
func (k Stencil) perStep(stamps []runtime.Stamp) int64 {
	first, n := min(1, k.Steps-1), len(stamps)-1
	return int64(stamps[n].Cycle-stamps[first].Cycle) / int64(n-first)
}

// Run marches in time. Cycles are those of a step of the slowest PE, which is what a host sees.
func (k Stencil) Run(ctx context.Context, t compiler.Target) (*Result, error) {
	k, err := k.sized(t.Core())
	if err != nil {
		return nil, err
	}
	r, err := execute(ctx, k, t)
	if err != nil {
		return nil, err
	}
	out := &Result{Report: r}
	for i, stamps := range r.Stamps {
		out.Spread.add(k.perStep(stamps), i)
	}
	out.Cycles = out.Spread.Max
	want, err := k.reference(ctx)
	if err != nil {
		return nil, err
	}
	for y := range k.Height {
		for x := range k.Width {
			out.Mismatches += differ(r.Read(x, y, "z"), want[y*k.Width+x])
		}
	}
	return out, nil
}
