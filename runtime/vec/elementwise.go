package vec

import "fmt"

// Operations on slices of one length, element by element; dst may be an operand.
// Every product and every sum is rounded to float32.

// elementOp names an elementwise kernel.
type elementOp uint8

const (
	opAdd elementOp = iota
	opSub
	opMul
	opMax
	opAxpy
	opAddSquare
	opExpOfDifference
	opExpOfScaled
	opScale
	opShift
	opRound16
	opRsqrt
	opExp
	opGelu
	opGeluGrad
)

// Add sets dst = a + b.
func (i Impl) Add(dst, a, b []float32) { i.run(opAdd, dst, a, b, 0) }

// Sub sets dst = a - b.
func (i Impl) Sub(dst, a, b []float32) { i.run(opSub, dst, a, b, 0) }

// Mul sets dst = a * b.
func (i Impl) Mul(dst, a, b []float32) { i.run(opMul, dst, a, b, 0) }

// Max sets dst = max(a, b): +0 before -0, NaN if either is.
func (i Impl) Max(dst, a, b []float32) { i.run(opMax, dst, a, b, 0) }

// Axpy sets dst = dst + s*x.
func (i Impl) Axpy(dst []float32, s float32, x []float32) { i.run(opAxpy, dst, dst, x, s) }

// AddSquare sets dst = dst + x*x.
func (i Impl) AddSquare(dst, x []float32) { i.run(opAddSquare, dst, dst, x, 0) }

// ExpOfDifference sets dst = Exp((a-b)*s).
func (i Impl) ExpOfDifference(dst, a, b []float32, s float32) {
	i.run(opExpOfDifference, dst, a, b, s)
}

// ExpOfScaled sets dst = Exp(s*a - b).
func (i Impl) ExpOfScaled(dst []float32, s float32, a, b []float32) {
	i.run(opExpOfScaled, dst, a, b, s)
}

// Scale sets dst = s*x.
func (i Impl) Scale(dst []float32, s float32, x []float32) { i.run(opScale, dst, x, nil, s) }

// Shift sets dst = s + x.
func (i Impl) Shift(dst []float32, s float32, x []float32) { i.run(opShift, dst, x, nil, s) }

// Round16 sets dst to x rounded to the nearest fp16, ties to even.
func (i Impl) Round16(dst, x []float32) { i.run(opRound16, dst, x, nil, 0) }

// Rsqrt sets dst = Rsqrt(x).
func (i Impl) Rsqrt(dst, x []float32) { i.run(opRsqrt, dst, x, nil, 0) }

// Exp sets dst = Exp(x).
func (i Impl) Exp(dst, x []float32) { i.run(opExp, dst, x, nil, 0) }

// Gelu sets dst = Gelu(x).
func (i Impl) Gelu(dst, x []float32) { i.run(opGelu, dst, x, nil, 0) }

// GeluGrad sets dst = GeluGrad(x).
func (i Impl) GeluGrad(dst, x []float32) { i.run(opGeluGrad, dst, x, nil, 0) }

// GeluErf sets dst = GeluErf(x).
func (i Impl) GeluErf(dst, x []float32) { apply(dst, x, GeluErf) }

// GeluErfGrad sets dst = GeluErfGrad(x).
func (i Impl) GeluErfGrad(dst, x []float32) { apply(dst, x, GeluErfGrad) }

// Tanh sets dst = Tanh(x).
func (i Impl) Tanh(dst, x []float32) { apply(dst, x, Tanh) }

// Log sets dst = Log(x).
func (i Impl) Log(dst, x []float32) { apply(dst, x, Log) }

func apply(dst, x []float32, f func(float32) float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = f(v)
	}
}

// run does whole vectors in the kernel and the rest in plain Go.
func (i Impl) run(op elementOp, dst, a, b []float32, s float32) {
	if len(a) != len(dst) || b != nil && len(b) != len(dst) {
		panic(fmt.Sprintf("vec: elementwise over %d, %d and %d elements", len(dst), len(a), len(b)))
	}
	n := 0
	if i != Generic {
		const lanes = 8
		n = len(dst) / lanes * lanes
		i.mapVectors(op, &mapArgs{dst: dst[:n], a: a, b: b, s: s})
	}
	if n < len(dst) {
		dst, a = dst[n:], a[n:]
		if b != nil {
			b = b[n:]
		}
		op.generic(dst, a, b, s)
	}
}

func (op elementOp) generic(dst, a, b []float32, s float32) {
	switch op {
	case opAdd:
		for i := range dst {
			dst[i] = a[i] + b[i]
		}
	case opSub:
		for i := range dst {
			dst[i] = a[i] - b[i]
		}
	case opMul:
		for i := range dst {
			dst[i] = a[i] * b[i]
		}
	case opMax:
		for i := range dst {
			dst[i] = max(a[i], b[i])
		}
	case opAxpy:
		for i := range dst {
			dst[i] = a[i] + float32(s*b[i])
		}
	case opAddSquare:
		for i := range dst {
			dst[i] = a[i] + float32(b[i]*b[i])
		}
	case opExpOfDifference:
		for i := range dst {
			dst[i] = Exp(float32((a[i] - b[i]) * s))
		}
	case opExpOfScaled:
		for i := range dst {
			dst[i] = Exp(float32(s*a[i]) - b[i])
		}
	case opScale:
		for i := range dst {
			dst[i] = s * a[i]
		}
	case opShift:
		for i := range dst {
			dst[i] = s + a[i]
		}
	case opRound16:
		apply(dst, a, Half)
	case opRsqrt:
		apply(dst, a, Rsqrt)
	case opExp:
		apply(dst, a, Exp)
	case opGelu:
		apply(dst, a, Gelu)
	case opGeluGrad:
		apply(dst, a, GeluGrad)
	}
}
