package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in vec.denseTile; a slice is 24 bytes, its pointer first.
const (
	denseV       = 0
	denseX       = 24
	denseSegs    = 48
	denseW       = 72
	denseVStride = denseW + 6*24
	denseWStep   = denseVStride + 8
)

// dense emits the tile of rows outputs x nv vectors of tokens.
func dense(s isa, rows, nv int, fma bool) {
	name := "dense" + suffix(fma)
	a := kernel(name, s, fmt.Sprintf("adds the segments of %d outputs to their sums at %d tokens.", rows, nv*s.lanes))
	segs, nSegs := field(a, denseSegs), field(a, denseSegs+8)
	w := make([]reg.GPVirtual, rows)
	for r := range w {
		w[r] = field(a, denseW+24*r)
	}
	step := field(a, denseWStep)
	SHLQ(Imm(2), step)

	sum := make([][]reg.VecVirtual, rows)
	psum := make([][]reg.VecVirtual, rows)
	eachRow := func(f func(m Mem, v reg.VecVirtual)) {
		p, stride := field(a, denseV), field(a, denseVStride)
		for r := range rows {
			for i := range nv {
				f(Mem{Base: p, Disp: i * s.bytes}, sum[r][i])
			}
			if r < rows-1 {
				LEAQ(Mem{Base: p, Index: stride, Scale: 4}, p)
			}
		}
	}
	for r := range rows {
		sum[r], psum[r] = s.vecs(nv), s.vecs(nv)
	}
	eachRow(func(m Mem, v reg.VecVirtual) { VMOVUPS(m, v) })

	seg := name + "Seg"
	loop := name + "Loop"
	next := name + "Next"
	Label(seg)
	TESTQ(nSegs, nSegs)
	JZ(LabelRef(name + "Done"))
	k := GP64()
	MOVQ(Mem{Base: segs}, k)
	SHLQ(Imm(2), k)
	x := GP64()
	MOVQ(Mem{Base: segs, Disp: 8}, x)
	SHLQ(Imm(2), x)
	ADDQ(Mem{Base: a, Disp: denseX}, x)
	n := GP64()
	MOVQ(Mem{Base: segs, Disp: 16}, n)
	for i, acc := range flat(psum) {
		if i == 0 {
			VBROADCASTSS(s.negZero(), acc)
		} else {
			VMOVAPS(flat(psum)[0], acc)
		}
	}
	TESTQ(n, n)
	JZ(LabelRef(next))
	Label(loop)
	xv := s.vecs(nv)
	for i := range xv {
		VMOVUPS(Mem{Base: x, Disp: i * s.bytes}, xv[i])
	}
	for r := range rows {
		wv := s.reg()
		VBROADCASTSS(Mem{Base: w[r], Index: k, Scale: 1}, wv)
		for i := range xv {
			s.multiplyAdd(fma, xv[i], wv, psum[r][i])
		}
	}
	ADDQ(step, k)
	ADDQ(I32(int32(nv*s.bytes)), x)
	DECQ(n)
	JNZ(LabelRef(loop))
	Label(next)
	for r := range rows {
		for i := range nv {
			VADDPS(psum[r][i], sum[r][i], sum[r][i])
		}
	}
	ADDQ(Imm(24), segs)
	DECQ(nSegs)
	JMP(LabelRef(seg))
	Label(name + "Done")
	eachRow(func(m Mem, v reg.VecVirtual) { VMOVUPS(v, m) })
	done()
}

func flat(v [][]reg.VecVirtual) []reg.VecVirtual {
	var f []reg.VecVirtual
	for _, row := range v {
		f = append(f, row...)
	}
	return f
}

// Offsets in vec.sparseTile.
const (
	sparseV     = 0
	sparseX     = 24
	sparseRows  = 48
	sparseCount = 72
	sparseOff   = 96
	sparseW     = 120
)

// sparse emits the tile of any number of outputs x nv vectors of tokens. x is a
// memory operand: no two outputs share a weight's position.
func sparse(s isa, nv int, fma bool) {
	name := "sparse" + suffix(fma)
	a := kernel(name, s, fmt.Sprintf("adds the segments of outputs to their sums at %d tokens, weight by weight.", nv*s.lanes))
	x := field(a, sparseX)
	rows, nRows := field(a, sparseRows), field(a, sparseRows+8)
	count, off, w := field(a, sparseCount), field(a, sparseOff), field(a, sparseW)

	Label(name + "Row")
	TESTQ(nRows, nRows)
	JZ(LabelRef(name + "Done"))
	v := GP64()
	MOVLQSX(Mem{Base: rows}, v)
	SHLQ(Imm(2), v)
	ADDQ(Mem{Base: a, Disp: sparseV}, v)
	nSegs := GP64()
	MOVLQSX(Mem{Base: rows, Disp: 4}, nSegs)
	sum, psum := s.vecs(nv), s.vecs(nv)
	for i := range sum {
		VMOVUPS(Mem{Base: v, Disp: i * s.bytes}, sum[i])
	}
	Label(name + "Seg")
	n := GP64()
	MOVLQSX(Mem{Base: count}, n)
	ADDQ(Imm(4), count)
	for i := range psum {
		if i == 0 {
			VBROADCASTSS(s.negZero(), psum[i])
		} else {
			VMOVAPS(psum[0], psum[i])
		}
	}
	Label(name + "Loop")
	k := GP64()
	MOVLQSX(Mem{Base: off}, k)
	wv := s.reg()
	VBROADCASTSS(Mem{Base: w}, wv)
	LEAQ(Mem{Base: x, Index: k, Scale: 4}, k)
	for i := range psum {
		s.multiplyAdd(fma, Mem{Base: k, Disp: i * s.bytes}, wv, psum[i])
	}
	ADDQ(Imm(4), off)
	ADDQ(Imm(4), w)
	DECQ(n)
	JNZ(LabelRef(name + "Loop"))
	for i := range sum {
		VADDPS(psum[i], sum[i], sum[i])
	}
	DECQ(nSegs)
	JNZ(LabelRef(name + "Seg"))
	for i := range sum {
		VMOVUPS(sum[i], Mem{Base: v, Disp: i * s.bytes})
	}
	ADDQ(Imm(8), rows)
	DECQ(nRows)
	JMP(LabelRef(name + "Row"))
	Label(name + "Done")
	done()
}
