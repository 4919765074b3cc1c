package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in vec.dotTile.
const (
	dotS     = 0
	dotDY    = 24
	dotX     = 48
	dotQuads = 72
	dotN     = 96
)

// dots emits the gradient tile: for lanes positions at a time one dot product per
// PE row (a lane), four positions sharing dy; then, transposed so that lanes are
// positions, the chain over the rows from the last lane to the first.
func dots(s isa, fma bool) {
	name := "dots" + suffix(fma)
	a := kernel(name, s, fmt.Sprintf("adds the dot products of %d PE rows to the chains of the positions.", s.lanes))
	sums, dy0, x0 := field(a, dotS), field(a, dotDY), field(a, dotX)
	quads, nQuads := field(a, dotQuads), field(a, dotQuads+8)
	Label(name + "Block")
	TESTQ(nQuads, nQuads)
	JLE(LabelRef(name + "Done"))
	acc := s.vecs(s.lanes)
	for q := range s.lanes / 4 {
		p := acc[4*q : 4*q+4]
		at := 20 * q
		load := func(base reg.GPVirtual, disp int) reg.GPVirtual {
			r := GP64()
			MOVLQSX(Mem{Base: quads, Disp: disp}, r)
			LEAQ(Mem{Base: base, Index: r, Scale: 4}, r)
			return r
		}
		dy := load(dy0, at)
		var x [4]reg.GPVirtual
		for i := range x {
			x[i] = load(x0, at+4+4*i)
		}
		n, o := GP64(), GP64()
		MOVQ(Mem{Base: a, Disp: dotN}, n)
		XORQ(o, o)
		for i := range p {
			if i == 0 {
				VBROADCASTSS(s.negZero(), p[i])
			} else {
				VMOVAPS(p[0], p[i])
			}
		}
		loop := fmt.Sprintf("%sLoop%d", name, q)
		Label(loop)
		d := s.reg()
		VMOVUPS(Mem{Base: dy, Index: o, Scale: 1}, d)
		for i := range p {
			s.multiplyAdd(fma, Mem{Base: x[i], Index: o, Scale: 1}, d, p[i])
		}
		ADDQ(I32(int32(s.bytes)), o)
		DECQ(n)
		JNZ(LabelRef(loop))
	}
	rows := s.transposed(acc)
	sum := s.reg()
	VMOVUPS(Mem{Base: sums}, sum)
	for r := s.lanes - 1; r >= 0; r-- {
		VADDPS(rows[r], sum, sum)
	}
	VMOVUPS(sum, Mem{Base: sums})
	ADDQ(I32(int32(s.bytes)), sums)
	ADDQ(I32(int32(20*s.lanes/4)), quads)
	SUBQ(I32(int32(s.lanes/4)), nQuads)
	JMP(LabelRef(name + "Block"))
	Label(name + "Done")
	done()
}

// transposed emits the transposition of a lanes x lanes matrix in registers.
func (s isa) transposed(in []reg.VecVirtual) []reg.VecVirtual {
	pair := func(in []reg.VecVirtual, dist int, lo, hi func(b, a, d reg.VecVirtual)) []reg.VecVirtual {
		out := make([]reg.VecVirtual, len(in))
		for i := range in {
			if i&dist == 0 {
				a, b := in[i], in[i+dist]
				out[i], out[i+dist] = s.reg(), s.reg()
				lo(b, a, out[i])
				hi(b, a, out[i+dist])
			}
		}
		return out
	}
	// Within 128 bits: register 4*g+c then holds column c of rows 4*g to 4*g+3.
	v := pair(in, 1,
		func(b, a, d reg.VecVirtual) { VUNPCKLPS(b, a, d) },
		func(b, a, d reg.VecVirtual) { VUNPCKHPS(b, a, d) })
	v = pair(v, 2,
		func(b, a, d reg.VecVirtual) { VUNPCKLPD(b, a, d) },
		func(b, a, d reg.VecVirtual) { VUNPCKHPD(b, a, d) })
	for i := 0; i < len(v); i += 4 {
		v[i+1], v[i+2] = v[i+2], v[i+1]
	}
	// Across: 128-bit parts, even ones before odd ones, twice.
	if s.lanes == 8 {
		return pair(v, 4,
			func(b, a, d reg.VecVirtual) { VPERM2F128(Imm(0x20), b, a, d) },
			func(b, a, d reg.VecVirtual) { VPERM2F128(Imm(0x31), b, a, d) })
	}
	even := func(b, a, d reg.VecVirtual) { VSHUFF32X4(Imm(0x88), b, a, d) }
	odd := func(b, a, d reg.VecVirtual) { VSHUFF32X4(Imm(0xdd), b, a, d) }
	return pair(pair(v, 4, even, odd), 8, even, odd)
}

// Offsets in vec.transposeTile.
const (
	transposeDst       = 0
	transposeSrc       = 24
	transposeDstStride = 48
	transposeSrcStride = 56
	transposeN         = 64
)

// transpose emits dst[c*dstStride+r] = src[r*srcStride+c] for lanes rows r and n
// columns c, a multiple of lanes. dstStride may be negative.
func transpose(s isa) {
	a := kernel("transpose", s, fmt.Sprintf("transposes %d rows.", s.lanes))
	dst, src := field(a, transposeDst), field(a, transposeSrc)
	dStride, sStride := field(a, transposeDstStride), field(a, transposeSrcStride)
	n := field(a, transposeN)
	Label("transposeBlock")
	TESTQ(n, n)
	JLE(LabelRef("transposeDone"))
	in := s.vecs(s.lanes)
	p := GP64()
	MOVQ(src, p)
	for i := range in {
		VMOVUPS(Mem{Base: p}, in[i])
		LEAQ(Mem{Base: p, Index: sStride, Scale: 4}, p)
	}
	for _, v := range s.transposed(in) {
		VMOVUPS(v, Mem{Base: dst})
		LEAQ(Mem{Base: dst, Index: dStride, Scale: 4}, dst)
	}
	ADDQ(I32(int32(s.bytes)), src)
	SUBQ(I32(int32(s.lanes)), n)
	JMP(LabelRef("transposeBlock"))
	Label("transposeDone")
	done()
}
