package pe

import (
	"math"

	"github.com/x448/float16"
)

// Round returns v as stored in format t, to nearest even.
func Round(t Type, v float32) float32 {
	if t == F16 {
		return float16.Fromfloat32(v).Float32()
	}
	return v
}

// Bits encodes v in format t: fp16 in the low 16 bits, or the fp32 pattern.
func Bits(t Type, v float32) uint32 {
	if t == F16 {
		return uint32(float16.Fromfloat32(v).Bits())
	}
	return math.Float32bits(v)
}

// Value decodes Bits.
func Value(t Type, bits uint32) float32 {
	if t == F16 {
		return float16.Frombits(uint16(bits)).Float32()
	}
	return math.Float32frombits(bits)
}

// Apply is what a tensor instruction does to one element; the result is in format t.
// Products are rounded to fp32 before the sum (of two fp16 they are exact), sums to fp32,
// and the result to t.
func Apply(op Op, t Type, dst, a, b float32, accumulate bool) float32 {
	var v float32
	switch op {
	case FMov:
		v = a
	case FNeg:
		v = -a
	case FAdd:
		v = a + b
	case FSub:
		v = a - b
	case FMul:
		v = float32(a * b)
	case FMax:
		v = max(a, b)
	case FRecip:
		v = 1 / a
	case FRSqrt:
		v = RSqrt(a)
	case FExp:
		v = Exp(a)
	case FLog:
		v = Log(a)
	case FGELU:
		v = GELU(a)
	case FGELUSlope:
		v = GELUSlope(a)
	case FGELUErf:
		v = GELUErf(a)
	case FGELUErfSlope:
		v = GELUErfSlope(a)
	case FMac:
		v = float32(a * b)
		if accumulate {
			v += dst
		}
	default:
		panic("pe: " + op.String() + " is not a tensor instruction")
	}
	return Round(t, v)
}

// load and store move one element between SRAM and the datapath; word is its address.
func (p *PE) load(t Type, word int) float32 {
	if t == F16 {
		return Value(F16, uint32(p.sram[word]))
	}
	return math.Float32frombits(uint32(p.sram[word]) | uint32(p.sram[word+1])<<16)
}

func (p *PE) store(t Type, word int, v float32) {
	bits := Bits(t, v)
	p.sram[word] = uint16(bits)
	if t == F32 {
		p.sram[word+1] = uint16(bits >> 16)
	}
}

// Load returns n contiguous elements of SRAM from word on.
func (p *PE) Load(t Type, word, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = p.load(t, word+i*t.Words())
	}
	return out
}

// Store writes elements to SRAM from word on.
func (p *PE) Store(t Type, word int, values []float32) {
	for i, v := range values {
		p.store(t, word+i*t.Words(), v)
	}
}

// Decode returns the elements that words of SRAM hold.
func Decode(t Type, words []uint16) []float32 {
	out := make([]float32, len(words)/t.Words())
	for i := range out {
		bits := uint32(words[i*t.Words()])
		if t == F32 {
			bits |= uint32(words[2*i+1]) << 16
		}
		out[i] = Value(t, bits)
	}
	return out
}

// pitch is the distance between elements, in words.
func (o *Operand) pitch() int {
	switch {
	case o.Fixed:
		return 0
	case o.Stride == 0:
		return o.Type.Words()
	}
	return o.Stride * o.Type.Words()
}

// word is the address of element i of an SRAM operand whose resolved base is given.
func (o *Operand) word(base, i int) int {
	if o.Inner > 0 {
		return base + i/o.Inner*o.Outer*o.Type.Words() + i%o.Inner*o.pitch()
	}
	return base + i*o.pitch()
}

// span is the first and last word that n elements begin at, n at least 1.
func (o *Operand) span(base, n int) (first, last int) {
	inner, outer := n-1, 0
	if o.Inner > 0 && n > o.Inner {
		inner, outer = o.Inner-1, (n-1)/o.Inner
	}
	a, b := inner*o.pitch(), outer*o.Outer*o.Type.Words()
	return base + min(a, 0) + min(b, 0), base + max(a, 0) + max(b, 0)
}

// Reach is the first word of n elements from the operand's base on, n at least 1, and the end of the last.
func (o *Operand) Reach(n int) (first, end int) {
	first, last := o.span(o.Base, n)
	return first, last + o.Type.Words()
}

// source reads element i of a source operand that is not a fabric input.
func (p *PE) source(o *Operand, base int, scalar float32, i int) float32 {
	switch o.Kind {
	case Mem:
		return p.load(o.Type, o.word(base, i))
	case Scalar, Const:
		return scalar
	}
	return 0
}

// scalarSource is source for an instruction whose destination is a register: as an operand
// too, that register is the running result.
func (p *PE) scalarSource(a *active, o *Operand, base int, scalar float32, i int) float32 {
	if o.Kind == Scalar && o.Reg == a.in.Dst.Reg {
		return a.acc
	}
	return p.source(o, base, scalar, i)
}

// execLocal performs a tensor instruction without fabric operands, all elements at once and
// in order: a Fixed destination that is a source too accumulates.
func (p *PE) execLocal(a *active) {
	in := a.in
	if in.Dst.Kind == Scalar {
		for i := range int(a.n) {
			x := p.scalarSource(a, &in.A, int(a.a), a.sa, i)
			y := p.scalarSource(a, &in.B, int(a.b), a.sb, i)
			a.acc = Apply(in.Op, in.Dst.Type, a.acc, x, y, a.adds(i))
		}
		p.regs[in.Dst.Reg] = int32(Bits(in.Dst.Type, a.acc))
		return
	}
	if p.execFast(a) {
		return
	}
	if in.Op == FMac && in.Dst.Fixed && in.Dst.Inner > 0 {
		p.execSums(a)
		return
	}
	for i := range int(a.n) {
		w := in.Dst.word(int(a.dst), i)
		x := p.source(&in.A, int(a.a), a.sa, i)
		y := p.source(&in.B, int(a.b), a.sb, i)
		var d float32
		if in.Op == FMac && a.adds(i) {
			d = p.load(in.Dst.Type, w)
		}
		p.store(in.Dst.Type, w, Apply(in.Op, in.Dst.Type, d, x, y, a.adds(i)))
	}
}
