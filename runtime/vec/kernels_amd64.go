package vec

import "golang.org/x/sys/cpu"

func detect() Impl {
	switch {
	case !cpu.X86.HasAVX2 || !cpu.X86.HasFMA || !f16c():
		return Generic
	case !cpu.X86.HasAVX512F:
		return AVX2
	}
	return AVX512
}

// f16c reports whether the processor converts fp16: a bit x/sys/cpu does not hold.
func f16c() bool

//go:noescape
func denseFMAAVX512(a *denseTile)

//go:noescape
func denseMulAVX512(a *denseTile)

//go:noescape
func denseFMAAVX2(a *denseTile)

//go:noescape
func denseMulAVX2(a *denseTile)

//go:noescape
func sparseFMAAVX512(a *sparseTile)

//go:noescape
func sparseMulAVX512(a *sparseTile)

//go:noescape
func sparseFMAAVX2(a *sparseTile)

//go:noescape
func sparseMulAVX2(a *sparseTile)

//go:noescape
func dotsFMAAVX512(a *dotTile)

//go:noescape
func dotsMulAVX512(a *dotTile)

//go:noescape
func dotsFMAAVX2(a *dotTile)

//go:noescape
func dotsMulAVX2(a *dotTile)

//go:noescape
func mixFMAAVX512(a *mixTile)

//go:noescape
func mixMulAVX512(a *mixTile)

//go:noescape
func mixFMAAVX2(a *mixTile)

//go:noescape
func mixMulAVX2(a *mixTile)

//go:noescape
func transposeAVX512(a *transposeTile)

//go:noescape
func transposeAVX2(a *transposeTile)

//go:noescape
func addAVX2(a *mapArgs)

//go:noescape
func subAVX2(a *mapArgs)

//go:noescape
func mulAVX2(a *mapArgs)

//go:noescape
func maxAVX2(a *mapArgs)

//go:noescape
func axpyAVX2(a *mapArgs)

//go:noescape
func addSquareAVX2(a *mapArgs)

//go:noescape
func expOfDifferenceAVX2(a *mapArgs)

//go:noescape
func expOfScaledAVX2(a *mapArgs)

//go:noescape
func scaleAVX2(a *mapArgs)

//go:noescape
func shiftAVX2(a *mapArgs)

//go:noescape
func round16AVX2(a *mapArgs)

//go:noescape
func rsqrtAVX2(a *mapArgs)

//go:noescape
func expAVX2(a *mapArgs)

//go:noescape
func geluAVX2(a *mapArgs)

//go:noescape
func geluGradAVX2(a *mapArgs)

func (i Impl) denseTile(m arithmetic, a *denseTile) {
	switch {
	case i == AVX512 && m == fused:
		denseFMAAVX512(a)
	case i == AVX512 && m == twice:
		denseMulAVX512(a)
	case i == AVX2 && m == fused:
		denseFMAAVX2(a)
	case i == AVX2 && m == twice:
		denseMulAVX2(a)
	default:
		a.generic(m, i.tile().rows)
	}
}

func (i Impl) sparseTile(m arithmetic, a *sparseTile) {
	switch {
	case i == AVX512 && m == fused:
		sparseFMAAVX512(a)
	case i == AVX512 && m == twice:
		sparseMulAVX512(a)
	case i == AVX2 && m == fused:
		sparseFMAAVX2(a)
	case i == AVX2 && m == twice:
		sparseMulAVX2(a)
	default:
		a.generic(m)
	}
}

func (i Impl) dotTile(m arithmetic, a *dotTile) {
	switch {
	case i == AVX512 && m == fused:
		dotsFMAAVX512(a)
	case i == AVX512:
		dotsMulAVX512(a)
	case i == AVX2 && m == fused:
		dotsFMAAVX2(a)
	case i == AVX2:
		dotsMulAVX2(a)
	default:
		a.generic(i.tile().lanes)
	}
}

func (i Impl) mixTile(m arithmetic, a *mixTile) {
	switch {
	case i == AVX512 && m == fused:
		mixFMAAVX512(a)
	case i == AVX512:
		mixMulAVX512(a)
	case i == AVX2 && m == fused:
		mixFMAAVX2(a)
	case i == AVX2:
		mixMulAVX2(a)
	default:
		a.generic(i.tile().mix)
	}
}

func (i Impl) transpose(a *transposeTile) {
	if i == AVX512 {
		transposeAVX512(a)
	} else {
		transposeAVX2(a)
	}
}

func (i Impl) mapVectors(op elementOp, a *mapArgs) {
	switch op {
	case opAdd:
		addAVX2(a)
	case opSub:
		subAVX2(a)
	case opMul:
		mulAVX2(a)
	case opMax:
		maxAVX2(a)
	case opAxpy:
		axpyAVX2(a)
	case opAddSquare:
		addSquareAVX2(a)
	case opExpOfDifference:
		expOfDifferenceAVX2(a)
	case opExpOfScaled:
		expOfScaledAVX2(a)
	case opScale:
		scaleAVX2(a)
	case opShift:
		shiftAVX2(a)
	case opRound16:
		round16AVX2(a)
	case opRsqrt:
		rsqrtAVX2(a)
	case opExp:
		expAVX2(a)
	case opGelu:
		geluAVX2(a)
	case opGeluGrad:
		geluGradAVX2(a)
	}
}
