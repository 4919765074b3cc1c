package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in vec.mapArgs.
const (
	mapDst = 0
	mapA   = 24
	mapB   = 48
	mapS   = 72
)

type vec = reg.VecVirtual

// elementwise emits the loops over slices. They wait for memory more than for
// arithmetic, so one width is enough.
func elementwise(s isa) {
	s.each("add", 2, func(a, b, _ vec) vec { return s.op(VADDPS, a, b) })
	s.each("sub", 2, func(a, b, _ vec) vec { return s.op(VSUBPS, a, b) })
	s.each("mul", 2, func(a, b, _ vec) vec { return s.op(VMULPS, a, b) })
	s.each("max", 2, func(a, b, _ vec) vec {
		// VMAXPS returns the second of two zeros, or of a number and NaN.
		larger := s.op(VANDPS, s.op(VMAXPS, a, b), s.op(VMAXPS, b, a))
		nan, r := s.reg(), s.reg()
		VCMPPS(Imm(3), a, b, nan)
		VBLENDVPS(nan, s.op(VADDPS, a, b), larger, r)
		return r
	})
	s.each("axpy", 2, func(a, b, c vec) vec { return s.op(VADDPS, a, s.op(VMULPS, c, b)) })
	s.each("addSquare", 2, func(a, b, _ vec) vec { return s.op(VADDPS, a, s.op(VMULPS, b, b)) })
	s.each("expOfDifference", 2, func(a, b, c vec) vec { return s.exp(s.op(VMULPS, s.op(VSUBPS, a, b), c)) })
	s.each("expOfScaled", 2, func(a, b, c vec) vec { return s.exp(s.op(VSUBPS, s.op(VMULPS, c, a), b)) })
	s.each("scale", 1, func(a, _, c vec) vec { return s.op(VMULPS, c, a) })
	s.each("shift", 1, func(a, _, c vec) vec { return s.op(VADDPS, c, a) })
	s.each("round16", 1, func(a, _, _ vec) vec {
		h, r := XMM(), s.reg()
		VCVTPS2PH(Imm(0), a, h)
		VCVTPH2PS(h, r)
		return r
	})
	s.each("rsqrt", 1, func(a, _, _ vec) vec {
		r := s.reg()
		VSQRTPS(a, r)
		return s.op(VDIVPS, s.float(1), r)
	})
	s.each("exp", 1, func(a, _, _ vec) vec { return s.exp(a) })
	s.each("gelu", 1, func(x, _, _ vec) vec {
		e := s.exp(s.geluArg(x))
		return s.op(VDIVPS, x, s.op(VADDPS, s.float(1), e))
	})
	s.each("geluGrad", 1, func(x, _, _ vec) vec {
		x = s.op(VMAXPS, s.float(-16), s.op(VMINPS, s.float(16), x))
		e := s.exp(s.op(VMINPS, s.float(80), s.geluArg(x)))
		sig := s.op(VDIVPS, s.float(1), s.op(VADDPS, s.float(1), e))
		d := s.op(VADDPS, s.float(geluC), s.op(VMULPS, s.float(geluC3), s.op(VMULPS, x, x)))
		t := s.op(VMULPS, s.op(VMULPS, x, d), s.op(VMULPS, s.op(VMULPS, e, sig), sig))
		return s.op(VADDPS, sig, t)
	})
}

// each emits dst[i] = f(a[i], b[i], s) for a multiple of lanes elements.
func (s isa) each(name string, inputs int, f func(a, b, c vec) vec) {
	args := kernel(name, s, "maps whole vectors.")
	dst, n := field(args, mapDst), field(args, mapDst+8)
	pa := field(args, mapA)
	var pb reg.GPVirtual
	if inputs == 2 {
		pb = field(args, mapB)
	}
	var c vec
	switch name {
	case "axpy", "scale", "shift", "expOfDifference", "expOfScaled":
		c = s.reg()
		VBROADCASTSS(Mem{Base: args, Disp: mapS}, c)
	}
	i := GP64()
	XORQ(i, i)
	SUBQ(Imm(uint64(s.lanes)), n)
	JLT(LabelRef(name + "Done"))
	Label(name + "Loop")
	a, b := s.reg(), s.reg()
	VMOVUPS(Mem{Base: pa, Index: i, Scale: 4}, a)
	if inputs == 2 {
		VMOVUPS(Mem{Base: pb, Index: i, Scale: 4}, b)
	}
	VMOVUPS(f(a, b, c), Mem{Base: dst, Index: i, Scale: 4})
	ADDQ(Imm(uint64(s.lanes)), i)
	CMPQ(i, n)
	JLE(LabelRef(name + "Loop"))
	Label(name + "Done")
	done()
}

// op emits f with the operands in the order they are written: a - b, a / b,
// a > b ? a : b.
func (s isa) op(f func(...Op), a, b Op) vec {
	r := s.reg()
	f(b, a, r)
	return r
}

func (s isa) float(x float32) vec {
	r := s.reg()
	VBROADCASTSS(s.bits(math.Float32bits(x)), r)
	return r
}

func (s isa) int(u uint32) vec {
	r := s.reg()
	VPBROADCASTD(s.bits(u), r)
	return r
}

// The numbers of vec.Exp, vec.Gelu and vec.GeluGrad.
const (
	geluZ  = -1.5957691216057308 // -2*sqrt(2/pi)
	geluZ3 = -0.07135481627159025
	geluC  = 1.5957691216057308
	geluC3 = 0.21406444881477076
)

// exp emits vec.Exp.
func (s isa) exp(x vec) vec {
	const magic = 12582912 // 1.5 * 2^23: adding it rounds to an integer
	x = s.op(VMAXPS, s.float(-104), s.op(VMINPS, s.float(89), x))
	t := s.op(VADDPS, s.op(VMULPS, x, s.float(1.44269504088896341)), s.float(magic))
	n := s.op(VSUBPS, t, s.float(magic))
	r := s.op(VSUBPS, x, s.op(VMULPS, n, s.float(0.693359375)))
	r = s.op(VSUBPS, r, s.op(VMULPS, n, s.float(-2.12194440e-4)))
	p := s.float(1.9875691500e-4)
	for _, c := range []float32{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		p = s.op(VADDPS, s.op(VMULPS, p, r), s.float(c))
	}
	p = s.op(VADDPS, s.op(VMULPS, p, s.op(VMULPS, r, r)), r)
	p = s.op(VADDPS, p, s.float(1))
	// 2^n in two factors, for n of 128 and of subnormal results.
	ni := s.op(VPSUBD, t, s.int(math.Float32bits(magic)))
	half := s.reg()
	VPSRAD(Imm(1), ni, half)
	rest := s.op(VPSUBD, ni, half)
	for _, e := range []vec{half, rest} {
		f := s.reg()
		VPSLLD(Imm(23), s.op(VPADDD, e, s.int(127)), f)
		p = s.op(VMULPS, p, f)
	}
	return p
}

// geluArg emits -2 sqrt(2/pi) (x + 0.044715 x^3).
func (s isa) geluArg(x vec) vec {
	return s.op(VMULPS, x, s.op(VADDPS, s.float(geluZ), s.op(VMULPS, s.float(geluZ3), s.op(VMULPS, x, x))))
}
