package pe

import (
	"math"
	"testing"

	"github.com/x448/float16"
)

// halfValue decodes an fp16 pattern from its definition.
func halfValue(h uint16) float32 {
	sign, exponent, fraction := 1-2*float64(h>>15), int(h>>10&31), float64(h&1023)
	switch exponent {
	case 0:
		return float32(sign * math.Ldexp(fraction, -24))
	case 31:
		if fraction > 0 {
			return float32(math.NaN())
		}
		return float32(math.Inf(int(sign)))
	}
	return float32(sign * math.Ldexp(1024+fraction, exponent-25))
}

// halfBits rounds to nearest even on the bits: shift the significand to fp16's last place and
// decide by what falls off.
func halfBits(v float32) uint16 {
	bits := math.Float32bits(v)
	sign, exponent, fraction := uint16(bits>>16&0x8000), int(bits>>23&255)-127, bits&0x7fffff
	if exponent == 128 {
		if fraction != 0 {
			return sign | 0x7e00
		}
		return sign | 0x7c00
	}
	if exponent >= 16 {
		return sign | 0x7c00
	}
	significand, shift := fraction|1<<23, 13 // value = significand * 2^(exponent-23)
	result := uint32(exponent+14) << 10      // biased exponent, less the one the leading bit adds
	if exponent < -14 {                      // subnormal in fp16
		shift, result = 13+(-14-exponent), 0
	}
	if shift > 25 {
		return sign
	}
	kept, rest, half := significand>>shift, significand&(1<<shift-1), uint32(1)<<(shift-1)
	if rest > half || rest == half && kept&1 == 1 {
		kept++
	}
	return sign | uint16(result+kept)
}

// TestHalfAllPatterns: all 65,536 patterns decode as defined and encode back; the numbers
// between neighbours round to nearest even, as both the library and the bit-level oracle say.
func TestHalfAllPatterns(t *testing.T) {
	check := func(v float32) {
		got, want, library := uint16(Bits(F16, v)), halfBits(v), float16.Fromfloat32(v).Bits()
		if v != v {
			if g := Value(F16, uint32(got)); g == g {
				t.Fatalf("NaN %#x becomes %v", math.Float32bits(v), g)
			}
			return
		}
		if got != want || got != library {
			t.Fatalf("%v (%#x) rounds to %#x, oracle %#x, library %#x", v, math.Float32bits(v), got, want, library)
		}
		if r := Round(F16, v); math.Float32bits(r) != math.Float32bits(halfValue(want)) {
			t.Fatalf("Round(%v) = %v, want %v", v, r, halfValue(want))
		}
	}
	for h := range 1 << 16 {
		v := Value(F16, uint32(h))
		if want := halfValue(uint16(h)); v != want && (v == v || want == want) {
			t.Fatalf("pattern %#x is %v, want %v", h, v, want)
		}
		check(v)
		next := halfValue(uint16(h + 1))
		if v != v || next != next || math.IsInf(float64(v), 0) {
			continue
		}
		if math.IsInf(float64(next), 0) {
			next = float32(math.Copysign(65536, float64(v)))
		}
		middle := float32((float64(v) + float64(next)) / 2)
		for _, m := range []float32{middle, math.Nextafter32(middle, v), math.Nextafter32(middle, next)} {
			check(m)
		}
	}
	for _, v := range []float32{math.SmallestNonzeroFloat32, -1e-30, 1e30, math.MaxFloat32, 0x1p-25, 0x1.000002p-25, 65519.996, 65520} {
		check(v)
	}
}
