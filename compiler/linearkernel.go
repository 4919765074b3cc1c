package compiler

import (
	"fmt"

	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// Name is the kernel's word in tables and traces.
func (k *Linear) Name() string { return "linear" }

// SetRunAhead takes the memory plan's choice.
func (k *Linear) SetRunAhead(rows int) { k.RunAhead = rows }

// Scratch is what the kernel needs beside its tiles: partial sums, a run for the product that is
// added to something, and a descriptor per row of run-ahead.
func (k *Linear) Scratch(s *Space) Scratch {
	need := Scratch{T: k.RunAhead * ringEntryBytes / 2, S: (k.RunAhead + 1) * k.psumRun(s)}
	if k.Add != nil {
		need.S += k.Y.RunWords(s.Tokens)
	}
	return need
}

func (k *Linear) psumRun(s *Space) int {
	return s.Tokens * formatsOf(s.Precision).psum.Words()
}

// Program is the kernel as the compiled weight-streaming program of the first rows PE rows of
// the first groups token groups: the code, routes and stream of a single layer, with tiles and
// scratch where the memory plan of the step put them.
func (k *Linear) Program(s *Space, groups, rows int) (*Program, error) {
	p := &Program{
		Node:   model.Node{Name: k.Param, Op: model.OpLinear, In: k.X.Total(), Out: k.Y.Total(), Precision: s.Precision},
		Tokens: groups * rows * s.Tokens,
		Target: s.Target, StreamRate: s.StreamRate,
		Output: k.Y.Type,
		Mapping: Mapping{
			Groups: groups, Columns: s.Columns, Rows: rows, Tokens: s.Tokens,
			Features: widest(k.X.Bounds), Outputs: widest(k.Y.Bounds), RunAhead: k.RunAhead,
		},
		InBounds: k.X.Bounds, OutBounds: k.Y.Bounds,
		Ring: s.Ring, RingHops: s.RingHops,
	}
	if err := k.check(p); err != nil {
		return nil, &Error{"kernel " + k.Name() + " " + k.Param, err}
	}
	p.orderRows()
	if k.Bias != "" {
		p.Stream.BiasIndex = (k.Ones.Base - k.X.Base) / k.X.RunWords(s.Tokens)
	}
	if err := route(p, Options{}); err != nil {
		return nil, &Error{"route", err}
	}
	k.emit(p, s)
	for _, r := range p.Roles {
		if err := r.Verify(s.Target.Core()); err != nil {
			return nil, &Error{"emit", err}
		}
	}
	return p, nil
}

// check refuses tiles the stream cannot address.
func (k *Linear) check(p *Program) error {
	if k.X.Type != formatsOf(p.Node.Precision).x {
		return fmt.Errorf("tile %s is %v, weights meet activations in %v", k.X.Name, k.X.Type, formatsOf(p.Node.Precision).x)
	}
	if k.Add != nil && (k.Add.Type != k.Y.Type || k.Add.Total() != k.Y.Total()) {
		return fmt.Errorf("tile %s cannot be added to tile %s: another shape or format", k.Add.Name, k.Y.Name)
	}
	if k.Bias != "" {
		if err := reaches(k.Ones, k.X, p.Mapping.Tokens); err != nil {
			return err
		}
	}
	if p.Mapping.Features > 1<<16 {
		return fmt.Errorf("%d inputs per column exceed the wavelet's 16-bit index", p.Mapping.Features)
	}
	return nil
}

// emit writes one program per pair of ring colors. A PE's image holds all tiles of the step.
func (k *Linear) emit(p *Program, s *Space) {
	at := addresses{x: k.X.Base, y: k.Y.Base, psum: k.at.S}
	psum := pe.Alloc{Name: allocPsum, Base: k.at.S, Words: (k.RunAhead + 1) * k.psumRun(s), Type: formatsOf(s.Precision).psum}
	var add *addend
	if k.Add != nil {
		add = &addend{base: k.Add.Base, product: psum.Base + psum.Words}
	}
	p.emitRoles(func(c ringColors) *pe.Program {
		code := kernelCode(p.formats(), p.Mapping, at, c, add)
		code.Words = s.Target.Core().SRAMBytes / 2
		code.Allocs = []pe.Alloc{
			{Name: k.X.Name, Base: k.X.Base, Words: k.X.Words(s.Tokens), Type: k.X.Type},
			{Name: k.Y.Name, Base: k.Y.Base, Words: k.Y.Words(s.Tokens), Type: k.Y.Type},
			psum,
		}
		return code
	})
}

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *Linear) Layout(s *Space, groups, rows int) (*Layout, error) {
	p, err := k.Program(s, groups, rows)
	if err != nil {
		return nil, err
	}
	return p.Layout(), nil
}

// Layout is a program as a layout of its rectangle. Its ingress has no stream yet.
func (p *Program) Layout() *Layout {
	m := p.Mapping
	l := &Layout{
		Name: "linear " + p.Node.Name, Width: m.Groups * m.Columns, Height: m.Rows,
		Colors: p.Colors, Roles: p.Roles, PEs: make([]PlacedPE, m.Groups*m.Columns*m.Rows),
	}
	for _, r := range p.Routes {
		l.Routes = append(l.Routes, AreaRoute{r.Color, Area{r.X, r.Y0, r.X + 1, r.Y1}, r.Route})
	}
	for i := range l.PEs {
		role := p.RoleOf[l.coord(i).X%m.Columns]
		l.PEs[i] = PlacedPE{Role: role, Registers: p.Roles[role].Registers}
	}
	l.Ingress = []Ingress{p.Ingress()}
	return l
}

// Ingress is the edge that feeds the program's columns, a lane each, without its stream.
func (p *Program) Ingress() Ingress {
	m := p.Mapping
	in := Ingress{Name: "weights", Port: fabric.North, Color: p.Stream.Color, Rate: p.EdgeRate(), Lanes: make([][]fabric.Coord, m.Columns)}
	for c := range in.Lanes {
		for g := range m.Groups {
			in.Lanes[c] = append(in.Lanes[c], fabric.Coord{X: g*m.Columns + c})
		}
	}
	return in
}

// reaches holds that the run of ones is an input feature of tile x, past its own.
func reaches(ones, x *Tile, tokens int) error {
	run := x.RunWords(tokens)
	if d := ones.Base - x.Base; ones.Type != x.Type || d < 0 || d%run != 0 || d/run >= 1<<16 {
		return fmt.Errorf("ones at word %d cannot be reached from tile %s at word %d in runs of %d words by a 16-bit index", ones.Base, x.Name, x.Base, run)
	}
	return nil
}
