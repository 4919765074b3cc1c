package compiler

import (
	"math"

	"cs2sim.dev/pe"
)

// estimate is the closed form the search ranks by; no result comes from it. Per output row
// the slowest column works on its non-zeros and on one ring add; the run-ahead window
// averages the columns' random non-zero counts; edge and column links bound the rate.
func (p *Program) estimate(m Mapping, density float64) float64 {
	fmac, ring := p.rowCosts(m)
	n := float64(m.Features) * density
	spread := math.Sqrt(float64(m.Features)*density*(1-density)) * float64(fmac)
	words := 1.0
	if p.formats().w == pe.F32 {
		words = 2
	}
	work := n*float64(fmac) + float64(ring)
	// x is by how much the slowest column of one row is late; a window of r rows is late by x*x/r.
	if x := spread / work * math.Sqrt(2*math.Log(float64(m.Columns))); x > 0 {
		work *= 1 + x*x/(x+float64(m.RunAhead))
	}
	link := n*words + 1
	edge := (float64(p.Node.In)*density*words + float64(m.Columns)) / p.Target.IORate()
	fill := float64(m.Columns*(3+2*int(p.Target.Get("ramp_cycles"))) + m.Rows)
	return float64(p.Node.Out)*max(work, link, edge) + fill
}

// rowCosts is one data-triggered FMAC, and all that an output row costs beside them.
func (p *Program) rowCosts(m Mapping) (fmac, ring int) {
	core := p.Target.Core()
	code := kernelCode(p.formats(), m, p.addresses(m), ringColors{in: ringColor(0), out: ringColor(1)}, nil)
	fmac = core.Cost(&code.Tasks[taskWeight].Code[0], true).Total()
	command := CommandAdd
	if m.Columns == 1 {
		command = CommandOnly
	}
	registers := code.Registers
	registers[regAccumulate] = 1
	path := controlTask(code, command).Walk(core, &registers)
	ring = core.TaskSwitchCycles + path.Before + path.After
	for _, in := range path.Issued {
		ring += core.Cost(in, false).Total()
	}
	return fmac, ring
}
