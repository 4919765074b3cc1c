package vec

import (
	"math"

	"cs2sim.dev/pe"
	"github.com/x448/float16"
)

// negZero is what sums start from.
var negZero = float32(math.Copysign(0, -1))

// Half rounds to the nearest fp16, ties to even.
func Half(x float32) float32 { return float16.Fromfloat32(x).Float32() }

// The functions of one element: what a PE's special-function instructions compute.

func Exp(x float32) float32         { return pe.Exp(x) }
func Tanh(x float32) float32        { return pe.Tanh(x) }
func Gelu(x float32) float32        { return pe.GELU(x) }
func GeluGrad(x float32) float32    { return pe.GELUSlope(x) }
func GeluErf(x float32) float32     { return pe.GELUErf(x) }
func GeluErfGrad(x float32) float32 { return pe.GELUErfSlope(x) }
func Rsqrt(x float32) float32       { return pe.RSqrt(x) }
func Log(x float32) float32         { return pe.Log(x) }
