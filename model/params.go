package model

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/x448/float16"
)

// Validate reports a precision that is not one of Precisions.
func (p Precision) Validate() error {
	switch p {
	case Mixed, FP16, FP32:
		return nil
	}
	return fmt.Errorf("precision is %q, must be %q, %q or %q", string(p), Mixed, FP16, FP32)
}

// Round returns x in the format p stores weights, activations and outputs in: the
// nearest fp16 number, ties to even, for Mixed and FP16; x itself for FP32.
func (p Precision) Round(x float32) float32 {
	switch p {
	case Mixed, FP16:
		return float16.Fromfloat32(x).Float32()
	case FP32:
		return x
	}
	panic(p.Validate())
}

// WeightValue is weight (j, k) of a layer of in input features, before rounding to
// a stored format: uniform over ±bound less the middle ±bound/64, with bound =
// sqrt(3/in), hence variance 1.016/in. The gap keeps a non-zero weight non-zero:
// rounded to fp16 it is a normal number up to in = 196,608 and above 0 up to
// MaxFeatures.
func WeightValue(seed uint64, j, k int, in int) float32 {
	const (
		least = 1 << 18 // 1/64 of 2^24
		span  = 1<<24 - least
	)
	bound := float32(math.Sqrt(3 / float64(in)))
	// A uniform integer below 2*span; the low bit is the sign.
	u, _ := bits.Mul64(hash(seed, uint64(j), uint64(k)), 2*span)
	w := float32(float32(least+u>>1) * 0x1p-24 * bound) // rounded: the caller's addition must not fuse
	if u&1 != 0 {
		return -w
	}
	return w
}

// ActivationValue is input feature k of a token, before rounding to a stored
// format: uniform over the odd multiples of 2^-24 between -1 and 1. All are exact
// in float32, and the least magnitude is the least fp16 subnormal, so no
// activation is or rounds to 0.
func ActivationValue(seed uint64, token, k int) float32 {
	u := hash(seed, uint64(token), uint64(k)) >> 40
	return float32(int32(2*u+1)-1<<24) * 0x1p-24
}

// Weight is the stored value of weight (j, k), the mask not applied: WeightValue
// under n.Seed, rounded.
func (n Node) Weight(j, k int) float32 {
	return n.Precision.Round(WeightValue(n.Seed, j, k, n.In))
}

// Activation is the stored value of input feature k of token: ActivationValue
// under n.Seed xor 0x9d5f3c1b7a2e6481, rounded.
func (n Node) Activation(token, k int) float32 {
	return n.Precision.Round(ActivationValue(n.Seed^domainActivation, token, k))
}
