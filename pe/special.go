package pe

import "math"

// The functions of special-function instructions, in float32 operations alone so that they
// have the same bits on every host. A conversion after each product keeps the compiler from
// fusing it with a sum.

// Exp is e^x, within 2 ulp where the result is normal; below that it is 0.
func Exp(x float32) float32 {
	const (
		log2e = 1.4426950408889634
		ln2hi = 0.693359375
		ln2lo = -2.12194440e-4
		top   = 88.72284  // e^top is the largest finite result
		low   = -87.33655 // e^low is the least normal one
	)
	switch {
	case x != x:
		return x
	case x > top:
		return float32(math.Inf(1))
	case x < low:
		return 0
	}
	n := roundEven(float32(x * log2e))
	r := x - float32(n*ln2hi)
	r -= float32(n * ln2lo)
	// Minimax polynomial of e^r on +-ln2/2, as in the Cephes library.
	p := float32(1.9875691500e-4)
	for _, c := range [5]float32{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		p = float32(p*r) + c
	}
	p = float32(p*float32(r*r)) + r
	p++
	k := int32(n)
	if k == 128 { // 2^128 is no float32
		return p * 2 * math.Float32frombits(uint32(127+127)<<23)
	}
	return p * math.Float32frombits(uint32(k+127)<<23)
}

// roundEven rounds |x| < 2^22 to the nearest integer, ties to even.
func roundEven(x float32) float32 {
	const magic = 3 << 22
	return float32(x+magic) - magic
}

// Tanh is (e^2x - 1) / (e^2x + 1); for small |x| an odd polynomial.
func Tanh(x float32) float32 {
	a := math.Float32frombits(math.Float32bits(x) &^ (1 << 31))
	if a < 0.625 {
		z := float32(x * x)
		p := float32(-5.70498872745e-3)
		for _, c := range [4]float32{2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1} {
			p = float32(p*z) + c
		}
		return float32(float32(p*z)*x) + x
	}
	t := float32(1)
	if a < 9.1 { // beyond, 1 to the last bit
		t = 1 - 2/(Exp(2*a)+1)
	}
	if x < 0 {
		return -t
	}
	if x != x {
		return x
	}
	return t
}

const (
	geluRoot  = 0.7978845608028654 // sqrt(2/pi)
	geluCubic = 0.044715
)

// GELU is GPT-2's form: x/2 (1 + tanh(sqrt(2/pi)(x + 0.044715 x^3))).
func GELU(x float32) float32 {
	return float32(float32(0.5*x) * (1 + Tanh(geluArgument(x))))
}

func geluArgument(x float32) float32 {
	cube := float32(float32(x*x) * x)
	return float32(geluRoot * (x + float32(geluCubic*cube)))
}

// GELUSlope is the derivative of GELU.
func GELUSlope(x float32) float32 {
	t := Tanh(geluArgument(x))
	inner := float32(geluRoot * (1 + float32(3*geluCubic*float32(x*x))))
	tail := float32(float32(float32(0.5*x)*(1-float32(t*t))) * inner)
	return float32(0.5*(1+t)) + tail
}

// RSqrt is 1/sqrt(x).
func RSqrt(x float32) float32 { return 1 / float32(math.Sqrt(float64(x))) }

// Log is the natural logarithm, within 2 ulp away from 1; of 0 it is -Inf.
func Log(x float32) float32 {
	switch {
	case x == 0:
		return float32(math.Inf(-1))
	case x < 0 || x != x:
		return float32(math.NaN())
	case x > math.MaxFloat32:
		return x
	}
	scale := float32(0)
	if x < 0x1p-126 {
		x, scale = x*0x1p32, -32
	}
	bits := math.Float32bits(x)
	e := float32(int32(bits>>23) - 126)
	m := math.Float32frombits(bits&(1<<23-1) | 126<<23) // in [1/2, 1)
	if m < math.Sqrt2/2 {
		m, e = m+m, e-1
	}
	m--
	e += scale
	z := float32(m * m)
	p := float32(7.0376836292e-2)
	for _, c := range [8]float32{-1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1} {
		p = float32(p*m) + c
	}
	y := float32(float32(p*m) * z)
	y += float32(e * -2.12194440e-4)
	y -= float32(0.5 * z)
	return float32(m+y) + float32(e*0.693359375)
}
