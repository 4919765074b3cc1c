package pe

import (
	"math"

	"cs2sim.dev/fabric"
)

// execFast performs the common shapes with the choices of Apply made once, not per element;
// it does to every element what Apply does, in the same order. False: not one of them.
func (p *PE) execFast(a *active) bool {
	in := a.in
	if in.Dst.Type != F32 || in.Dst.Inner > 0 || in.A.Inner > 0 || in.B.Inner > 0 {
		return false
	}
	mem := func(o *Operand, t Type) bool { return o.Kind == Mem && o.Type == t }
	flat := func(o *Operand) bool { return o.Kind == Scalar || o.Kind == Const }
	d, dp := int(a.dst), in.Dst.pitch()
	switch {
	case in.Op == FMac && in.Dst.Fixed && mem(&in.A, in.B.Type) && mem(&in.B, in.A.Type):
		p.dot(a)
	case in.Op == FMac && in.Dst.Fixed && !a.accumulate:
		return false
	case in.Op == FMac && a.accumulate && mem(&in.A, F16) && flat(&in.B):
		x, xp := int(a.a), in.A.pitch()
		for range a.n {
			p.store32(d, p.load32(d)+float32(p.load(F16, x)*a.sb))
			d, x = d+dp, x+xp
		}
	case mem(&in.A, F32) && mem(&in.B, F32):
		p.pairs32(a, d, dp, int(a.a), in.A.pitch(), int(a.b), in.B.pitch())
	case mem(&in.A, F32) && (flat(&in.B) || in.B.Kind == None):
		p.scaled32(a, d, dp, int(a.a), in.A.pitch())
	default:
		return false
	}
	return true
}

// pairs32 performs dst = x op y in fp32; each element may depend on those before. The commonest form has a loop of its own.
func (p *PE) pairs32(a *active, d, dp, x, xp, y, yp int) {
	sram := p.sram
	if a.in.Op == FAdd && dp == 2 && xp == 2 && yp == 2 {
		dst, xs, ys := row32(sram, d, a.n), row32(sram, x, a.n), row32(sram, y, a.n)
		for i := 0; i < len(dst)-1 && i < len(xs)-1 && i < len(ys)-1; i += 2 {
			store32(dst, i, load32(xs, i)+load32(ys, i))
		}
		return
	}
	for range a.n {
		store32(sram, d, apply32(a.in.Op, a.accumulate, load32(sram, d), load32(sram, x), load32(sram, y)))
		d, x, y = d+dp, x+xp, y+yp
	}
}

// scaled32 is pairs32 with one scalar for y.
func (p *PE) scaled32(a *active, d, dp, x, xp int) {
	sram, y := p.sram, a.sb
	if a.in.Op == FMac && a.accumulate && dp == 2 && xp == 2 {
		dst, xs := row32(sram, d, a.n), row32(sram, x, a.n)
		for i := 0; i < len(dst)-1 && i < len(xs)-1; i += 2 {
			store32(dst, i, load32(dst, i)+float32(load32(xs, i)*y))
		}
		return
	}
	for range a.n {
		store32(sram, d, apply32(a.in.Op, a.accumulate, load32(sram, d), load32(sram, x), y))
		d, x = d+dp, x+xp
	}
}

// row32 is n fp32 elements that lie one behind the other from word w on.
func row32(sram []uint16, w int, n int32) []uint16 { return sram[w:][:2*n] }

// dot is a sum of products of two operands of one format.
func (p *PE) dot(a *active) {
	in := a.in
	sum := p.load32(int(a.dst))
	x, xp, y, yp := int(a.a), in.A.pitch(), int(a.b), in.B.pitch()
	for i := range a.n {
		product := float32(p.load(in.A.Type, x) * p.load(in.B.Type, y))
		if i == 0 && !a.accumulate {
			sum = product
		} else {
			sum += product
		}
		x, y = x+xp, y+yp
	}
	p.store32(int(a.dst), sum)
}

// apply32 is Apply to format F32, where rounding changes nothing.
func apply32(op Op, accumulate bool, d, x, y float32) float32 {
	switch op {
	case FMac:
		if accumulate {
			return d + float32(x*y)
		}
		return float32(x * y)
	case FMov:
		return x
	case FAdd:
		return x + y
	case FSub:
		return x - y
	case FMul:
		return float32(x * y)
	}
	return Apply(op, F32, d, x, y, accumulate)
}

func (p *PE) load32(w int) float32 { return load32(p.sram, w) }

func (p *PE) store32(w int, v float32) { store32(p.sram, w, v) }

func load32(sram []uint16, w int) float32 {
	s := sram[w : w+2 : w+2]
	return math.Float32frombits(uint32(s[0]) | uint32(s[1])<<16)
}

func store32(sram []uint16, w int, v float32) {
	s, bits := sram[w:w+2:w+2], math.Float32bits(v)
	s[0], s[1] = uint16(bits), uint16(bits>>16)
}

// shape is a common form of an instruction that streams fp32, for which the choices of element are
// made at issue.
type shape uint8

const (
	anyShape   shape = iota
	fromFabric       // SRAM = fabric input op scalar
	toFabric         // fabric output = SRAM
	forward          // fabric output = fabric input + SRAM, in either order
)

// shape returns the form, and where its one operand in SRAM begins, operands being at, and its pitch.
func (i *Instr) shape(at extent) (s shape, base, pitch int32) {
	mem := func(o *Operand) bool { return o.Kind == Mem && o.Type == F32 && o.Inner == 0 }
	in := func(o *Operand) bool { return o.Kind == FabIn && o.Type == F32 }
	out := i.Dst.Kind == FabOut && i.Dst.Type == F32 && i.Op.Tensor() && !i.Control
	flat := i.B.Kind == Scalar || i.B.Kind == Const || i.B.Kind == None
	switch {
	case mem(&i.Dst) && in(&i.A) && flat && i.Op != FMac:
		return fromFabric, int32(at.dst), int32(i.Dst.pitch())
	case out && i.Op == FMov && mem(&i.A):
		return toFabric, int32(at.a), int32(i.A.pitch())
	case out && i.Op == FAdd && in(&i.A) && mem(&i.B):
		return forward, int32(at.b), int32(i.B.pitch())
	case out && i.Op == FAdd && mem(&i.A) && in(&i.B):
		return forward, int32(at.a), int32(i.A.pitch())
	}
	return anyShape, 0, 0
}

// received is what fromFabric makes of an element.
func received(op Op, x, scalar float32) float32 {
	if op == FMul {
		return float32(x * scalar)
	}
	return apply32(op, true, 0, x, scalar)
}

// elementFast does to element k what element does to an instruction of any shape.
func (p *PE) elementFast(a *active, k int32, t fabric.Cycle) {
	var v float32
	at := int(a.base + k*a.pitch)
	switch a.shape {
	case fromFabric:
		p.store32(at, received(a.in.Op, math.Float32frombits(p.mesh.PopData(a.from[0], t)), a.sb))
		return
	case toFabric:
		v = p.load32(at)
	case forward:
		q := a.from[0]
		if q == fabric.NoQueue {
			q = a.from[1]
		}
		v = math.Float32frombits(p.mesh.PopData(q, t)) + p.load32(at)
	}
	w := fabric.Wavelet{Data: math.Float32bits(v), Color: a.in.Dst.Color}
	if a.done == a.n {
		w.Switches = a.in.Switches
	}
	p.mesh.Push(a.to, w, t+p.latency)
}
