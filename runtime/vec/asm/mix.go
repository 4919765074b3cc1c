package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// Offsets in vec.mixTile and vec.mixSegment.
const (
	mixV     = 0
	mixX     = 24
	mixW     = 48
	mixSegs  = 72
	mixWStep = 96
	mixXStep = 104

	mixSegW     = 0
	mixSegX     = 8
	mixSegN     = 16
	mixSegScale = 24
	mixSegBytes = 32
)

// mix emits the tile of one query over nv vectors of features.
func mix(s isa, nv int, fma bool) {
	name := "mix" + suffix(fma)
	a := kernel(name, s, fmt.Sprintf("adds weighted rows to %d sums.", nv*s.lanes))
	v, x0, w0 := field(a, mixV), field(a, mixX), field(a, mixW)
	segs, nSegs := field(a, mixSegs), field(a, mixSegs+8)
	wStep, xStep := field(a, mixWStep), field(a, mixXStep)
	SHLQ(Imm(2), wStep)
	SHLQ(Imm(2), xStep)
	acc := s.vecs(nv)
	for i := range acc {
		VMOVUPS(Mem{Base: v, Disp: i * s.bytes}, acc[i])
	}
	Label(name + "Seg")
	TESTQ(nSegs, nSegs)
	JZ(LabelRef(name + "Done"))
	scale := s.reg()
	VBROADCASTSS(Mem{Base: segs, Disp: mixSegScale}, scale)
	for i := range acc {
		VMULPS(scale, acc[i], acc[i])
	}
	w, x, n := GP64(), GP64(), GP64()
	MOVQ(Mem{Base: segs, Disp: mixSegW}, w)
	LEAQ(Mem{Base: w0, Index: w, Scale: 4}, w)
	MOVQ(Mem{Base: segs, Disp: mixSegX}, x)
	LEAQ(Mem{Base: x0, Index: x, Scale: 4}, x)
	MOVQ(Mem{Base: segs, Disp: mixSegN}, n)
	ADDQ(Imm(mixSegBytes), segs)
	DECQ(nSegs)
	TESTQ(n, n)
	JZ(LabelRef(name + "Seg"))
	Label(name + "Loop")
	wv := s.reg()
	VBROADCASTSS(Mem{Base: w}, wv)
	for i := range acc {
		s.multiplyAdd(fma, Mem{Base: x, Disp: i * s.bytes}, wv, acc[i])
	}
	ADDQ(wStep, w)
	ADDQ(xStep, x)
	DECQ(n)
	JNZ(LabelRef(name + "Loop"))
	JMP(LabelRef(name + "Seg"))
	Label(name + "Done")
	for i := range acc {
		VMOVUPS(acc[i], Mem{Base: v, Disp: i * s.bytes})
	}
	done()
}
