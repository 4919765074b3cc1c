// Command asm writes the amd64 kernels of package vec. Run it with go generate in
// the parent directory.
//
// Every kernel exists because the compiler's scalar code is an order of magnitude
// slower, and does per element exactly what its Go namesake in generic.go does.
// Kernels take whole vectors only; package vec pads or finishes the rest.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is a vector width.
type isa struct {
	name  string
	lanes int
	bytes int
	reg   func() reg.VecVirtual
	data  map[uint32]Mem // constants emitted so far
}

func main() {
	data := map[uint32]Mem{}
	avx2 := isa{"AVX2", 8, 32, YMM, data}
	avx512 := isa{"AVX512", 16, 64, ZMM, data}
	ConstraintExpr("amd64")

	for _, fma := range []bool{true, false} {
		// Sums and partial sums both stay in registers, so that a short segment
		// costs an addition and no memory: 6x2 of 32 registers, 3x2 of 16.
		dense(avx512, 6, 2, fma)
		dense(avx2, 3, 2, fma)
		sparse(avx512, 8, fma)
		sparse(avx2, 4, fma)
		dots(avx512, fma)
		dots(avx2, fma)
		mix(avx512, 4, fma)
		mix(avx2, 4, fma)
	}
	transpose(avx512)
	transpose(avx2)
	elementwise(avx2)
	f16c()
	Generate()
}

// f16c emits the test of CPUID leaf 1, ECX bit 29.
func f16c() {
	TEXT("f16c", NOSPLIT, "func() bool")
	Doc("f16c reports whether the processor converts fp16.")
	MOVL(U32(1), reg.EAX)
	XORL(reg.ECX, reg.ECX)
	CPUID()
	SHRL(Imm(29), reg.ECX)
	ANDL(Imm(1), reg.ECX)
	Store(reg.CL, ReturnIndex(0))
	RET()
}

// kernel begins a function of one pointer to its arguments and returns that pointer.
func kernel(name string, s isa, doc string) reg.Register {
	TEXT(name+s.name, NOSPLIT, "func(a *byte)")
	Doc(fmt.Sprintf("%s%s %s", name, s.name, doc))
	return Load(Param("a"), GP64())
}

// suffix names the arithmetic: fused where products are exact, else two roundings.
func suffix(fma bool) string {
	if fma {
		return "FMA"
	}
	return "Mul"
}

// field loads 8 bytes of the argument struct.
func field(a reg.Register, offset int) reg.GPVirtual {
	r := GP64()
	MOVQ(Mem{Base: a, Disp: offset}, r)
	return r
}

// vecs allocates n vector registers.
func (s isa) vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = s.reg()
	}
	return v
}

// bits is a 4-byte constant to broadcast from.
func (s isa) bits(u uint32) Mem {
	m, ok := s.data[u]
	if !ok {
		m = ConstData(fmt.Sprintf("c%08x", u), U32(u))
		s.data[u] = m
	}
	return m
}

// negZero is what sums start from: -0 + p is p for every p, +0 + p is not for p = -0.
func (s isa) negZero() Mem { return s.bits(0x80000000) }

// multiplyAdd emits acc += w*x; x may be memory.
func (s isa) multiplyAdd(fma bool, x Op, w, acc reg.VecVirtual) {
	if fma {
		VFMADD231PS(x, w, acc)
		return
	}
	p := s.reg()
	VMULPS(x, w, p)
	VADDPS(p, acc, acc)
}

func done() {
	VZEROUPPER()
	RET()
}
