package compiler

import (
	"fmt"

	"cs2sim.dev/fabric"
)

// Verify checks what holds from the named pass on. A failure is a compiler bug.
func Verify(p *Program, after string) error {
	m := p.Mapping
	if m.Groups*m.Columns > p.Target.Width() || m.Rows > p.Target.Height() {
		return fmt.Errorf("%d groups x %d columns x %d rows exceed the rectangle", m.Groups, m.Columns, m.Rows)
	}
	if m.Groups*m.Rows*m.Tokens < p.Tokens {
		return fmt.Errorf("%d token places for %d tokens", m.Groups*m.Rows*m.Tokens, p.Tokens)
	}
	switch after {
	case "map":
		return nil
	case "place":
		return p.verifyPlace()
	case "memory":
		return p.verifyMemory()
	case "route":
		return p.verifyRoutes()
	case "emit":
		core := p.Target.Core()
		for _, r := range p.Roles {
			if err := r.Verify(core); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Program) verifyPlace() error {
	c := p.Mapping.Columns
	for i := range c {
		if n := p.InBounds[i+1] - p.InBounds[i]; n < 0 || n > p.Mapping.Features {
			return fmt.Errorf("column %d owns %d inputs, planned at most %d", i, n, p.Mapping.Features)
		}
		if n := p.OutBounds[i+1] - p.OutBounds[i]; n < 0 || n > p.Mapping.Outputs {
			return fmt.Errorf("column %d owns %d outputs, planned at most %d", i, n, p.Mapping.Outputs)
		}
	}
	seen := make([]bool, c)
	for i, column := range p.Ring {
		if seen[column] {
			return fmt.Errorf("column %d is in the ring twice", column)
		}
		seen[column] = true
		if c > 1 && (p.RingHops[i] < 1 || p.RingHops[i] > 2) {
			return fmt.Errorf("ring link %d spans %d hops", i, p.RingHops[i])
		}
	}
	streamed := make([]bool, p.Node.Out)
	for _, j := range p.Stream.Rows {
		if streamed[j] {
			return fmt.Errorf("output row %d is streamed twice", j)
		}
		streamed[j] = true
	}
	if len(p.Stream.Rows) != p.Node.Out {
		return fmt.Errorf("%d of %d output rows are streamed", len(p.Stream.Rows), p.Node.Out)
	}
	if len(p.Ring) != c {
		return fmt.Errorf("%d columns in the ring of %d", len(p.Ring), c)
	}
	return nil
}

func (p *Program) verifyMemory() error {
	end := 0
	for _, a := range p.Memory {
		if a.Base < end {
			return fmt.Errorf("allocation %q overlaps the one before", a.Name)
		}
		end = a.Base + a.Words
	}
	core := p.Target.Core()
	if 2*end > core.SRAMBytes {
		return fmt.Errorf("memory plan ends at byte %d of %d", 2*end, core.SRAMBytes)
	}
	x, psum := p.Alloc(allocX), p.Alloc(allocPsum)
	if core.Bank(x.Base+x.Words-1) >= core.Bank(psum.Base) {
		return fmt.Errorf("x and partial sums share bank %d", core.Bank(psum.Base))
	}
	return nil
}

// verifyRoutes holds that no color has two routes at one router.
func (p *Program) verifyRoutes() error {
	type place struct {
		x int
		c fabric.Color
	}
	rows := map[place][][2]int{}
	for _, r := range p.Routes {
		if r.Color >= fabric.NumColors {
			return fmt.Errorf("color %d", r.Color)
		}
		key := place{r.X, r.Color}
		for _, o := range rows[key] {
			if r.Y0 < o[1] && o[0] < r.Y1 {
				return fmt.Errorf("two routes for color %d in column %d, rows %d to %d", r.Color, r.X, max(r.Y0, o[0]), min(r.Y1, o[1])-1)
			}
		}
		rows[key] = append(rows[key], [2]int{r.Y0, r.Y1})
	}
	return nil
}
