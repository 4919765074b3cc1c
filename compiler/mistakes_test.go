package compiler

import (
	"math"
	"strings"
	"testing"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

func edge(b *Builder, rate float64) {
	b.Route(0, At(0, 0), fabric.Static(fabric.Ports(fabric.North), fabric.Ports(fabric.South)))
	b.EdgeIn(EdgeIn{Name: "e", Port: fabric.North, Rate: rate})
}

// TestMistakesRefused: what a builder or Verify can see is refused there, by name.
func TestMistakesRefused(t *testing.T) {
	m, err := Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	ramp := fabric.Ports(fabric.Ramp)
	for want, mistake := range map[string]func(b *Builder){
		"task other is one of role b": func(b *Builder) {
			r, o := b.Role("a"), b.Role("b")
			r.Local("own").Activate(o.Local("other"))
		},
		"task another is one of role b": func(b *Builder) {
			r, o := b.Role("a"), b.Role("b")
			v := r.Array("v", pe.F32, 2)
			r.Local("own").FMov(2, v.All(), pe.Constant(pe.F32, 0)).ThenUnblock(o.Local("another"))
		},
		"task first is one of role b": func(b *Builder) { b.Role("a").Start(b.Role("b").Local("first")) },
		"parameter in register 16":    func(b *Builder) { b.Param(At(0, 0), 16, 1) },
		"has no role yet":             func(b *Builder) { b.Param(At(0, 0), 2, 1) },
		"comes after Place": func(b *Builder) {
			r := b.Role("a")
			b.Place(r, At(0, 0))
			r.Reg("late", 5)
		},
		"must not be negative": func(b *Builder) { b.Role("a").Fixed("v", pe.F32, -2, 4) },
		"by register -1": func(b *Builder) {
			r := b.Role("a")
			r.Local("t").Read(2, r.Array("v", pe.F32, 4).By(-1, 1))
		},
		"9 switch commands": func(b *Builder) {
			r := b.Role("a")
			r.Local("t").FMov(1, pe.Out(pe.F32, 0), pe.Constant(pe.F32, 0)).AsControl(make([]fabric.SwitchCommand, 9)...)
		},
		"of 6 elements leaves array v": func(b *Builder) {
			r := b.Role("a")
			v := r.Array("v", pe.F32, 4)
			r.Array("next", pe.F32, 4)
			r.Local("t").FMov(6, v.All(), pe.Constant(pe.F32, 0))
		},
		`two arrays "v"`: func(b *Builder) {
			r := b.Role("a")
			r.Array("v", pe.F32, 4)
			r.Array("v", pe.F16, 4)
		},
		`no label ""`: func(b *Builder) { b.Role("a").Local("t").Jump("") },
		"elements, must be at most": func(b *Builder) {
			r := b.Role("a")
			r.Local("t").FMov(math.MaxInt32+2, r.Array("v", pe.F32, 4).All(), pe.Constant(pe.F32, 0))
		},
		"is software, for operands in SRAM": func(b *Builder) {
			r := b.Role("a")
			r.Local("t").Special(pe.FExp, 4, r.Array("v", pe.F32, 4).All(), pe.In(pe.F32, 0))
			b.Place(r, At(0, 0))
		},
		"control wavelets without a fabric output": func(b *Builder) {
			r := b.Role("a")
			r.Local("t").FMov(4, r.Array("v", pe.F32, 4).All(), pe.Constant(pe.F32, 0)).AsControl(fabric.SwitchAdvance)
			b.Place(r, At(0, 0))
		},
		"a port beyond the ramp":           func(b *Builder) { b.Route(0, At(0, 0), fabric.Static(ramp, fabric.Ports(6))) },
		"0 switch positions, must be 1":    func(b *Builder) { b.Route(0, At(0, 0), fabric.Route{}) },
		"rate NaN, must be a millionth":    func(b *Builder) { edge(b, math.NaN()) },
		"rate 1e-300, must be a millionth": func(b *Builder) { edge(b, 1e-300) },
		"is routed in a circle by PE (": func(b *Builder) { // with an exit at (1,1), where a task takes a copy
			r := b.Role("a")
			r.Data("take", 0)
			b.Place(r, At(1, 1))
			east, south, west, north := fabric.Ports(fabric.East), fabric.Ports(fabric.South), fabric.Ports(fabric.West), fabric.Ports(fabric.North)
			b.Route(0, At(0, 0), fabric.Static(south|ramp, east))
			b.Route(0, At(1, 0), fabric.Static(west, south))
			b.Route(0, At(1, 1), fabric.Static(north, west|ramp))
			b.Route(0, At(0, 1), fabric.Static(east, north))
			s := b.Role("sender")
			s.Local("t").Send(0, 2)
			b.Place(s, At(0, 0))
		},
	} {
		b := NewBuilder("mistake", m, 2, 2)
		mistake(b)
		l, err := b.Build()
		if err == nil {
			err = l.Verify(m)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
