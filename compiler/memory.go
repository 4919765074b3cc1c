package compiler

import "cs2sim.dev/pe"

// Names of the kernel's allocations.
const (
	allocCode    = "code"
	allocX       = "x"
	allocY       = "y"
	allocPending = "pending ring instructions"
	allocPsum    = "partial sums"
)

// ringEntryBytes is what a waiting ring instruction keeps: a resolved descriptor (A).
const ringEntryBytes = 8

// layout is the memory plan of a mapping. Partial sums share no bank with x: a
// data-triggered FMAC reads both in every cycle.
func (p *Program) layout(m Mapping) (*pe.Layout, error) {
	core := p.Target.Core()
	xt, _, pt, yt := p.Types()
	l := pe.NewLayout(core)
	if _, err := l.Add(allocCode, ceilDiv(p.Target.whole("code_bytes"), 2), "code, stack, descriptors"); err != nil {
		return l, err
	}
	x, err := l.Add(allocX, m.Features*m.Tokens*xt.Words(), "activations, one run of tokens per input feature")
	if err != nil {
		return l, err
	}
	if _, err := l.Add(allocY, m.Outputs*m.Tokens*yt.Words(), "outputs, one run of tokens per output feature"); err != nil {
		return l, err
	}
	if _, err := l.Add(allocPending, m.RunAhead*ringEntryBytes/2, "one descriptor per row of run-ahead"); err != nil {
		return l, err
	}
	l.ApartFrom(x)
	_, err = l.Add(allocPsum, (m.RunAhead+1)*m.Tokens*pt.Words(), "circular, one run of tokens per row of run-ahead, and the current")
	return l, err
}

// addresses are the bases of a mapping's plan; of one that does not fit, as far as it goes.
func (p *Program) addresses(m Mapping) addresses {
	l, _ := p.layout(m)
	var at addresses
	for _, a := range l.Allocs {
		switch a.Name {
		case allocX:
			at.x = a.Base
		case allocY:
			at.y = a.Base
		case allocPsum:
			at.psum = a.Base
		}
	}
	return at
}

// fits reports what is missing; free, if given, gets the bytes left.
func (p *Program) fits(m Mapping, free *int) error {
	l, err := p.layout(m)
	if err == nil && free != nil {
		*free = l.FreeBytes()
	}
	return err
}

func planMemory(p *Program, _ Options) error {
	l, err := p.layout(p.Mapping)
	if err != nil {
		return err
	}
	p.Memory = l.Allocs
	return nil
}
