package pe

import "math"

// The functions of special-function instructions, in float32 operations alone so that they
// have the same bits on every host. A conversion after each product keeps the compiler from
// fusing it with a sum. Package runtime/vec has them for whole vectors.

// Exp is e^x within 1 ulp over the finite results, subnormal ones included; 0 below
// -104, +Inf above 88.73. Cody-Waite reduction and the polynomial of Cephes expf,
// every operation rounded to float32.
func Exp(x float32) float32 {
	const magic = 12582912 // 1.5 * 2^23: adding it rounds to an integer
	if 89 < x {
		x = 89
	}
	if -104 > x {
		x = -104
	}
	t := float32(x*1.44269504088896341) + magic
	n := t - magic
	r := x - float32(n*0.693359375) // exact: the constant has 10 bits
	r -= float32(n * -2.12194440e-4)
	p := float32(1.9875691500e-4)
	p = float32(p*r) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(p*float32(r*r)) + r
	p++
	// 2^n in two factors, for n of 128 and of subnormal results.
	ni := int32(math.Float32bits(t)) - int32(math.Float32bits(magic))
	half := ni >> 1
	p *= power(half)
	return p * power(ni-half)
}

// power is 2^n for n in -126..127.
func power(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// Tanh is within 2 ulp. Cephes tanhf: a polynomial below 0.625, else from Exp.
func Tanh(x float32) float32 {
	a := x
	if a < 0 {
		a = -a
	}
	if a >= 0.625 {
		r := 1 - 2/(Exp(float32(2*a))+1)
		if x < 0 {
			return -r
		}
		return r
	}
	if x == 0 {
		return x // of either sign
	}
	z := float32(x * x)
	p := float32(-5.70498872745e-3)
	p = float32(p*z) + 2.06390887954e-2
	p = float32(p*z) - 5.37397155531e-2
	p = float32(p*z) + 1.33314422036e-1
	p = float32(p*z) - 3.33332819422e-1
	return float32(float32(p*z)*x) + x
}

// The constants of GELU: z = -2 sqrt(2/pi) (x + 0.044715 x^3) and -dz/dx.
const (
	geluZ  = -1.5957691216057308
	geluZ3 = -0.07135481627159025
	geluC  = 1.5957691216057308
	geluC3 = 0.21406444881477076
)

func geluArg(x float32) float32 {
	return x * (geluZ + float32(geluZ3*float32(x*x)))
}

// GELU is GPT-2's x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), computed as the
// identical x / (1 + e^z), which does not cancel for negative x.
func GELU(x float32) float32 { return x / (1 + Exp(geluArg(x))) }

// GELUSlope is the derivative of GELU: with s = 1/(1+e^z), s + x (-dz/dx) s (1-s)
// where 1-s = e^z s. Beyond 16 it is exactly 1 or 0 in float32; the limits keep
// infinities out of the products.
func GELUSlope(x float32) float32 {
	if 16 < x {
		x = 16
	}
	if -16 > x {
		x = -16
	}
	z := geluArg(x)
	if 80 < z {
		z = 80
	}
	e := Exp(z)
	s := 1 / (1 + e)
	d := geluC + float32(geluC3*float32(x*x))
	return s + float32(float32(x*d)*float32(float32(e*s)*s))
}

// GELUErf is x/2 (1 + erf(x/sqrt 2)) = x P(x), P the normal distribution: x less what its
// upper tail takes, which does not cancel for negative x.
func GELUErf(x float32) float32 {
	c, tail, _ := normal(x)
	if x < 0 {
		return float32(c * tail)
	}
	return x - float32(c*tail)
}

// GELUErfSlope is the derivative of GELUErf: P(x) + x p(x), p the normal density.
func GELUErfSlope(x float32) float32 {
	c, tail, density := normal(x)
	if x < 0 {
		return tail + float32(c*density)
	}
	return 1 - tail + float32(c*density)
}

// normal is the normal distribution's tail beyond |x| and its density at x, within 1e-7:
// Abramowitz and Stegun 26.2.17. c is x within the limits beyond which both are exactly 0.
func normal(x float32) (c, tail, density float32) {
	c = x
	if 16 < c {
		c = 16
	}
	if -16 > c {
		c = -16
	}
	a := c
	if a < 0 {
		a = -a
	}
	density = float32(Exp(float32(-0.5*float32(c*c))) * 0.3989422804014327)
	t := 1 / (1 + float32(0.2316419*a))
	p := float32(1.330274429*t) - 1.821255978
	p = float32(p*t) + 1.781477937
	p = float32(p*t) - 0.356563782
	p = float32(p*t) + 0.319381530
	return c, float32(density * float32(p*t)), density
}

// RSqrt is 1/sqrt(x), root and quotient each rounded.
func RSqrt(x float32) float32 { return 1 / float32(math.Sqrt(float64(x))) }

// Log is the natural logarithm within 1 ulp; -Inf at 0, NaN below. Cephes logf.
func Log(x float32) float32 {
	switch {
	case x != x || x < 0:
		return float32(math.NaN())
	case x == 0:
		return float32(math.Inf(-1))
	case x > math.MaxFloat32:
		return x
	}
	e := float32(-126)
	if x < 0x1p-126 {
		x *= 0x1p23
		e -= 23
	}
	b := math.Float32bits(x)
	e += float32(int32(b >> 23))
	m := math.Float32frombits(b&0x7fffff | 0x3f000000) // in [1/2, 1)
	if m < 0.70710678118654752440 {
		e--
		m = m + m - 1
	} else {
		m--
	}
	z := float32(m * m)
	p := float32(7.0376836292e-2)
	for _, c := range [...]float32{-1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
		-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1} {
		p = float32(p*m) + c
	}
	p = float32(float32(p*m) * z)
	p += float32(e * -2.12194440e-4)
	p -= float32(0.5 * z)
	return m + p + float32(e*0.693359375)
}
