package runtime

import (
	"math"
	"math/rand/v2"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// values computes outputs of the given tokens as the folded PEs do: the tokens lie side by
// side, and one pass does on all of them what every PE does on its own.
func (e *streamEngine) values(tokens, outputs []int) [][]float32 {
	p := e.p
	xt, _, pt, yt := p.Types()
	y := make([][]float32, len(tokens))
	for i := range y {
		y[i] = make([]float32, len(outputs))
	}
	mem := newMemoryX(p, e.weights)
	psum := make([]float32, len(tokens))
	ring := make([]float32, len(tokens))
	for o, j := range outputs {
		row := mem.row(j).bits
		owner := p.OwnerOf(j)
		first := 0
		if len(p.Ring) > 1 {
			first = p.RingStart(owner)
		}
		clear(ring)
		for k := range p.Ring {
			c := p.Ring[(first+k)%len(p.Ring)]
			loaded := false
			for in := nextBit(row, p.InBounds[c], p.InBounds[c+1]); in < p.InBounds[c+1]; in = nextBit(row, in+1, p.InBounds[c+1]) {
				w := e.weights.value(j, in)
				for i, t := range tokens {
					x := pe.Round(xt, p.Node.Activation(t, in))
					psum[i] = pe.Apply(pe.FMac, pt, psum[i], x, w, loaded)
				}
				loaded = true
			}
			if !loaded {
				continue // the ring passes by
			}
			for i := range tokens {
				if k == 0 {
					ring[i] = pe.Apply(pe.FMov, pt, 0, psum[i], 0, false)
				} else {
					ring[i] = pe.Apply(pe.FAdd, pt, 0, ring[i], psum[i], false)
				}
			}
		}
		for i := range tokens {
			y[i][o] = pe.Apply(pe.FMov, yt, 0, ring[i], 0, false)
		}
	}
	return y
}

// values picks entries of the outputs in SRAM.
func (e *waveletEngine) values(tokens, outputs []int) [][]float32 {
	all := e.outputs()
	y := make([][]float32, len(tokens))
	for i, t := range tokens {
		for _, j := range outputs {
			y[i] = append(y[i], all[t][j])
		}
	}
	return y
}

// order is the Program's order of additions, for the reference.
func order(p *compiler.Program) model.Order {
	return model.Order{
		Segments: p.InBounds,
		Ring:     p.Ring,
		First: func(j int) int {
			if len(p.Ring) == 1 {
				return 0
			}
			return p.Ring[p.RingStart(p.OwnerOf(j))]
		},
	}
}

// check compares random output entries with the plain-loop reference, bit for bit, and with
// a float64 sum.
func check(p *compiler.Program, mask *model.Mask, o Options, values func(tokens, outputs []int) [][]float32) *Check {
	rng := rand.New(rand.NewPCG(o.CheckSeed, 0x636865636b))
	c := &Check{Entries: o.Check}
	for range o.Check {
		t, j := []int{rng.IntN(p.Tokens)}, []int{rng.IntN(p.Node.Out)}
		got := values(t, j)[0][0]
		want := model.LinearReference(p.Node, mask, t, j, order(p))[0][0]
		if math.Float32bits(got) != math.Float32bits(want) {
			c.Mismatches++
		}
		exact := model.LinearFloat64(p.Node, mask, t, j)[0][0]
		c.MaxError = max(c.MaxError, math.Abs(float64(got)-exact))
	}
	return c
}
