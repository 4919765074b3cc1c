package compiler

import (
	"fmt"
	"testing"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// What docs/fidelity.md lists as missing is asserted here: closing a gap breaks its test.

// loner is one PE whose program is made by code, fed by as many colors as asked for from the west.
func loner(t *testing.T, colors int, code func(*Role, *Task, []fabric.Color)) *Layout {
	t.Helper()
	b := NewBuilder("loner", wse2(t), 1, 1)
	var all []fabric.Color
	for i := range colors {
		c := b.Color(fmt.Sprint(i), "")
		b.Route(c, At(0, 0), fabric.Static(fabric.Ports(fabric.West), fabric.Ports(fabric.Ramp)))
		b.EdgeIn(EdgeIn{Name: fmt.Sprint(i), Port: fabric.West, Color: c})
		all = append(all, c)
	}
	r := b.Role("r")
	run := r.Local("run")
	r.Start(run)
	code(r, run, all)
	b.Place(r, At(0, 0))
	l, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestGapInputQueues: a PE reads 20 colors, each from a queue of its own; the hardware has 8 input queues.
func TestGapInputQueues(t *testing.T) {
	l := loner(t, 20, func(r *Role, run *Task, colors []fabric.Color) {
		v := r.Array("v", pe.F32, 4)
		for _, c := range colors {
			run.FMov(4, v.All(), pe.In(pe.F32, c))
		}
	})
	if err := l.Verify(wse2(t)); err != nil {
		t.Errorf("the gap is closed, docs/fidelity.md says it is not: %v", err)
	}
}

// TestGapDescriptorRegisters: 60 preloaded memory descriptors; the hardware has 44 data structure registers.
func TestGapDescriptorRegisters(t *testing.T) {
	l := loner(t, 0, func(r *Role, run *Task, _ []fabric.Color) {
		for i := range 30 {
			from, to := r.Array(fmt.Sprint("from", i), pe.F32, 4), r.Array(fmt.Sprint("to", i), pe.F32, 4)
			run.FMov(4, to.All(), from.All())
		}
	})
	if err := l.Verify(wse2(t)); err != nil {
		t.Errorf("the gap is closed, docs/fidelity.md says it is not: %v", err)
	}
}

// TestGapCodeSpace: arrays of a layout may fill all 48 KB; on the hardware code, stack and descriptors
// lie there too.
func TestGapCodeSpace(t *testing.T) {
	m := wse2(t)
	l := loner(t, 0, func(r *Role, run *Task, _ []fabric.Color) {
		v := r.Array("v", pe.F32, m.Core().SRAMBytes/4)
		run.FMov(4, v.All(), pe.Constant(pe.F32, 1))
	})
	if err := l.Verify(m); err != nil {
		t.Errorf("the gap is closed, docs/fidelity.md says it is not: %v", err)
	}
}
